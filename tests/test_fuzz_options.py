"""Whatever stands on the command line: a result, or a message that says what to give; never a traceback."""
import contextlib
import io
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypotheses import bounded

from plots import advise, compare, data
from runner import cells, cli, cpu, limits, only, prepare, preview, probes, scenario, units
from runner.cells import Limit
from runner.errors import UserError
from runner.paths import Paths
from runner.programs import SERVERS

LIMIT = Limit(19_000, "the hard descriptor limit is 20,000")
SMOKE = scenario.load(Paths().scenarios / "smoke.toml")

# What people type, and what they never would: without NUL, which no argument can hold.
NUMBERS = st.from_regex(r"-?[0-9]{1,8}(\.[0-9]{1,4})?(k|M|%|ms|us|s|m|KiB|MiB|B)?\n?", fullmatch=True)
HUGE = st.sampled_from(["9" * 400, "9" * 5000, "9" * 400 + "k", "9" * 400 + "%", "9" * 400 + "s", "9" * 400 + "MiB",
                        "0." + "0" * 400 + "1s", "nan", "inf", "nan%", "-inf%", "1e999%", "%", "٣", "²", "x" * 5000])
TEXTS = st.one_of(NUMBERS, HUGE, st.text(st.characters(blacklist_categories=["Cs"], min_codepoint=1), max_size=12))


# ---- numbers with units ------------------------------------------------------------------------------------

@bounded(500)
@given(TEXTS)
def test_a_number_is_read_or_refused_with_a_value_error(text):
    for read in (units.count, units.size, units.seconds):
        try:
            value = read(text)
        except ValueError:
            continue
        assert math.isfinite(value) and value >= 0
        assert read is not units.size or isinstance(value, int)


@bounded(500)
@given(st.integers(0, 10**9), st.sampled_from(["", "k", "M"]))
def test_a_count_written_in_thousandths_is_exact(thousandths, unit):
    factor = units.FACTORS[unit]
    whole, rest = divmod(thousandths, 1000)
    text = f"{whole}.{rest:03}{unit}" if unit else str(whole)
    expected = thousandths * factor // 1000 if unit else whole
    assert units.count(text) == expected and isinstance(units.count(text), int)


@bounded(500)
@given(st.integers(0, 86_400_000_000))
def test_a_time_that_is_written_is_read_again(micros):
    assert round(units.seconds(units.time_option(micros / 1e6)) * 1e6) == micros


@bounded(500)
@given(st.sampled_from([59, 59.5, 60, 3599, 3600]) | st.floats(0, 8000) | st.floats(0, 1e9))
def test_a_duration_says_the_seconds_or_from_an_hour_on_the_minutes(seconds):
    said = units.duration(seconds).split()
    read = sum(int(number) * {"s": 1, "min": 60, "h": 3600}[unit] for number, unit in zip(said[::2], said[1::2]))
    assert 0 <= round(seconds) - read < (60 if "h" in said else 1)
    assert len(said) % 2 == 0 and all(int(number) < 60 for number, unit in zip(said[::2], said[1::2]) if unit != "h")


@bounded(500)
@given(st.integers(0, 10**15))
def test_two_digits_are_kept_and_none_added(number):
    rounded = units.two_digits(number)
    assert rounded <= number < rounded + 10 ** max(0, len(str(number)) - 2)
    assert rounded == 0 or len(str(rounded).rstrip("0")) <= 2


# ---- --only ------------------------------------------------------------------------------------------------

KEY_NAMES = st.sampled_from(["mechanism", *SERVERS.cell_keys])
SELECTIONS = st.lists(st.one_of(TEXTS, st.builds("{}={}".format, KEY_NAMES, TEXTS),
                                st.builds("{}={},{}".format, KEY_NAMES, TEXTS, TEXTS)), max_size=3)


@bounded(500)
@given(SELECTIONS)
def test_only_selects_cells_or_says_what_there_is(texts):
    found, _ = cells.expand(SMOKE, LIMIT)
    try:
        wanted = only.parse(texts, [SERVERS])
        only.check(wanted, found, [LIMIT] * len(found))
    except UserError as error:
        assert str(error).startswith("--only ") and ("there are: " in str(error) or "give KEY=" in str(error))
        return
    for cell in only.select(wanted, found, LIMIT):
        assert cell.mechanisms and cell.name in {one.name for one in found}


@bounded(500)
@given(st.integers(1, 19_000), st.data())
def test_only_finds_a_count_however_it_is_written(count, draw):
    found = [replace(one, settings=one.settings | {"connections": count}) for one in cells.expand(SMOKE, LIMIT)[0]]
    texts = [str(count), f"{count / 1000:.3f}k", f"{count / 1_000_000:.6f}M"]
    wanted = only.parse([f"connections={draw.draw(st.sampled_from(texts))}"], [SERVERS])
    assert only.select(wanted, found, LIMIT) == found


# ---- whole command lines -----------------------------------------------------------------------------------

OPTIONS = {
    "run": ["--out", "--blocks", "--seed", "--only", "--quick", "--cores", "--reruns", "--same-core", "--dry-run",
            "--resume", "--help", "--block"],
    "report": ["--help"],
    "compare": ["--metric", "--margin", "--fail-if", "--by-change", "--json", "--figure"],
    "aa": ["--server", "--blocks", "--out", "--run"],
    "precision": ["--blocks", "--out", "--run"],
    "advise": ["--connections", "--active", "--rate", "--run", "--json"],
    "list": ["--all"], "doctor": ["--json"], "": ["--help"], "rum": [],
}
GOOD = st.sampled_from([
    "smoke", "cpu", "idle", "aa", "3", "0,1", "1,1", "10", "slower=5%", "faster=0%", "slower=" + "9" * 400 + "%", "3%",
    "5k", "1k", "poll", "epoll-lt", "connections=10", "mechanism=poll", "active=all", "active=50%", "/", ".", "", "x/y",
    "server_cpu_percent", "scenarios/smoke.toml"])


@st.composite
def command_lines(draw):
    command = draw(st.sampled_from(list(OPTIONS)))
    words = st.one_of(st.sampled_from(OPTIONS[command] or ["--help"]), GOOD, TEXTS,
                      st.builds("{}={}".format, st.sampled_from(OPTIONS[command] or ["--help"]), GOOD | TEXTS))
    needed = ["--connections", draw(GOOD | TEXTS), "--active", draw(GOOD | TEXTS), "--rate", draw(GOOD | TEXTS)]
    return [command, *(needed if command == "advise" else []), *draw(st.lists(words, max_size=6))]


@pytest.fixture
def nothing_runs(monkeypatch, tmp_path):
    """The commands go as far as their options reach; what they would measure, read or draw is left out."""
    def refuse(*_arguments):
        raise data.RunError("no run here")
    rows = [{"cpu": number, "package": "0", "core": str(number), "cache": "0"} for number in (0, 1)]
    about = {"descriptors_hard": 20_000, "memory_available_bytes": 2**34}
    plain = limits.connection_limit
    monkeypatch.setattr(limits, "connection_limit", lambda mechanisms: plain(mechanisms, about))
    monkeypatch.setattr(cpu, "topology", lambda: rows)
    monkeypatch.setattr(probes, "cores", lambda *_arguments: {})
    monkeypatch.setattr("runner.run.run", _plan_alone)
    for module, name in ((compare, "compare"), (advise, "run_command"), (data, "read_run")):
        monkeypatch.setattr(module, name, refuse)
    for name in ("report", "listing", "doctor"):
        monkeypatch.setattr(f"runner.{name}.run", lambda *_arguments: 0)
    monkeypatch.chdir(tmp_path)
    return Paths(bin=tmp_path, results=tmp_path)


def _plan_alone(options, paths):
    return 0 if options.resume else preview.dry_run(prepare.plan_parts(options, paths))


@pytest.fixture
def muxbench(nothing_runs):
    """Calls the command line: (exit status, standard error)."""
    def call(words):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            try:
                status = cli.main(words, nothing_runs)
            except SystemExit as end:
                status = end.code
        return status, errors.getvalue()
    return SimpleNamespace(call=call)


@bounded(400)
@given(words=command_lines())
def test_a_command_line_is_obeyed_or_refused_in_words(muxbench, words):
    status, errors = muxbench.call(words)
    assert status in (0, 2)
    assert status == 0 or "muxbench" in errors and "Traceback" not in errors
    assert "invalid _" not in errors   # argparse's words for a check of ours that broke


@pytest.mark.parametrize("words, says", [
    (["run", "smoke", "--blocks", "9" * 5000], "give a whole number from 1 on, of 18 digits"),
    (["run", "smoke", "--blocks", "1" + "0" * 8], "more than 100,000 in all; take fewer blocks"),
    (["run", "smoke", "--seed", "9" * 5000], "give a whole number"),
    (["run", "smoke", "--cores", "9" * 5000 + ",0"], "give two cores"),
    (["run", "smoke", "--only", "active=x%"], "active=x%: no cell has it; there are: 10"),
    (["run", "smoke", "--only", "active=nan%"], "active=nan%: no cell has it"),
    (["run", "smoke", "--only", "connections=" + "9" * 400], "no cell has it"),
    (["run", "x" * 5000], "there is no such scenario"),
    (["report", "x" * 5000], "File name too long; give another path"),
    (["compare", "a", "b", "--fail-if", "slower=" + "9" * 400 + "%"], "--fail-if"),
    (["advise", "--connections", "9" * 400, "--active", "1", "--rate", "1"], "give a number above 0"),
])
def test_what_once_was_a_traceback(muxbench, words, says):
    status, errors = muxbench.call(words)
    assert status == 2 and says in errors
