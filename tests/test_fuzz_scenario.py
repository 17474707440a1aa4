"""Whatever stands in a scenario file: it loads and can be planned, or each line of the refusal names the file, the
place and what is allowed."""
import contextlib
import copy
import datetime
import io
import math
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypotheses import bounded

from runner import block, cells, keys, plan, prepare, preview, scenario, schema, wait_block, wait_keys
from runner.cells import Limit
from runner.errors import UserError
from runner.paths import Paths
from runner.programs import PROGRAMS, SERVERS

SHIPPED = {path.stem: path for path in scenario.files(Paths().scenarios)}
SCHEMAS = [schema.of(program, tuple(PROGRAMS)) for program in PROGRAMS.values()]
KEYS = {"servers": keys.KEYS, "waitcost": wait_keys.KEYS}
NAMES = st.sampled_from(sorted(SHIPPED))
LIMITS = st.builds(Limit, st.sampled_from([1, 10, 970, 19_000, 990_000]), st.just("so"))
LINE = re.compile(r"\S*case\.toml(:\d+)?: \S")
ADVICE = re.compile(r"allowed: |give |keep one|set arrival = |must be |no cell has|sections of keys|comes first|"
                    r"never hold|\[sweep\] has: |quotes, lists in|save it as")
BENCH = SimpleNamespace(bin=Path("bin"), server_cpu=0, loadgen_cpu=1)


@pytest.fixture
def case(tmp_path):
    """Loads a text or bytes as a scenario: a Scenario, or None if it was refused as it should be."""
    def load(content, quick=False):
        path = tmp_path / "case.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        try:
            return scenario.load(path, quick)
        except UserError as error:
            for line in str(error).split("\n"):
                assert LINE.match(line) and ADVICE.search(line) and line.isprintable(), line
            return None
    return load


def check_plan(loaded, limit):
    """What has loaded can be planned, shown and handed to the generator; or a UserError says why not."""
    try:
        found, notes = cells.expand(loaded, limit)
        steps = plan.make(loaded.name, found, loaded.blocks, 1)
    except UserError as error:
        assert "case: " in str(error)
        return
    assert len({one.name for one in found}) == len(found) and 0 < len(steps) <= plan.MOST_BLOCKS
    program, part = loaded.program, "active" if loaded.program is SERVERS else "ready"
    assert all(one.settings[part] <= one.settings[program.counted] <= limit.most for one in found)
    for step in (steps[0], steps[-1]):
        words = block.loadgen_options(BENCH, step, {}) if program is SERVERS else \
            wait_block.command(BENCH, step, "poll")[1:]
        for word in map(str, words):
            assert re.fullmatch(r"--[a-z-]+|[a-z0-9_]+|[0-9]+(\.[0-9]+)?(us|ms|s)?", word), word
        seconds = program.planned(step)
        assert 0 < seconds < math.inf or all(program.unsupported(name, step.cell.settings) for name in step.order)
    about = {"program": program.name, "blocks": loaded.blocks, "seed": 1, "server_cpu": 0, "loadgen_cpu": 1,
             "cores_why": ""}
    with contextlib.redirect_stdout(io.StringIO()):
        preview.dry_run([prepare.Part(loaded.name, "", steps[:1000], about, notes)])


# ---- bytes -------------------------------------------------------------------------------------------------

@bounded(200)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_refused(case, content):
    assert case(content) is None


@bounded(200)
@given(NAMES, st.data())
def test_a_scenario_with_damaged_bytes_loads_or_is_refused(case, name, data):
    content = bytearray(SHIPPED[name].read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        end = place + data.draw(st.integers(0, 20))
        odd = st.sampled_from([b"\r", b"\0", b'"', b"[", b"]]", b"\xff"])
        content[place:end] = data.draw(odd | st.binary(max_size=4))
    loaded = case(bytes(content))
    if loaded:
        check_plan(loaded, Limit(19_000, "so"))


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"),
                                    lambda text: text.rstrip("\n")], ids=["BOM", "CRLF", "no last newline"])
def test_how_an_editor_writes_a_file_changes_nothing(case, name, change):
    text = SHIPPED[name].read_text(encoding="utf-8")
    assert same(case(change(text)), case(text))


def same(one, other):
    """Whether two Scenarios say the same, however they were written."""
    return vars(one) | {"text": ""} == vars(other) | {"text": ""}


# ---- TOML --------------------------------------------------------------------------------------------------

BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(value):
    """VALUE in TOML, inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        plain = "".join(f"\\U{ord(one):08x}" if one in '"\\' or not one.isprintable() else one for one in value)
        return f'"{plain}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_of(name)} = {written(one)}" for name, one in value.items()) + "}"
    return value.isoformat() if isinstance(value, datetime.date) else \
        str(value) if isinstance(value, float) or abs(value) < 2**64 else hex(value)


def key_of(name):
    return name if BARE.fullmatch(name) else written(name)


def document(data):
    """DATA as a TOML document with a section for each table."""
    plain = {name: value for name, value in data.items() if not isinstance(value, dict) and not _tables(value)}
    lines = [f"{key_of(name)} = {written(value)}" for name, value in plain.items()]
    for name, value in data.items():
        if name not in plain:
            for one in [value] if isinstance(value, dict) else value:
                brackets = "[{}]" if isinstance(value, dict) else "[[{}]]"
                lines += ["", brackets.format(key_of(name)),
                          *(f"{key_of(key)} = {written(inner)}" for key, inner in one.items())]
    return "\n".join(lines) + "\n"


def _tables(value):
    return isinstance(value, list) and value and all(isinstance(one, dict) for one in value)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("quick", [False, True])
def test_a_shipped_scenario_written_back_loads_the_same(case, name, quick):
    text = SHIPPED[name].read_text(encoding="utf-8")
    again = document(tomllib.loads(text))
    assert again != text and same(case(again, quick), case(text, quick))


# Values that have gone wrong somewhere, besides whatever hypothesis finds.
ODD = st.sampled_from([
    0, -1, 1.0, 2.0, 0.5, math.nan, math.inf, -math.inf, 1e308, 2**31, 2**63, 10**300, True, "", [],
    {}, [[]], "max", "all", "max\n", "1%\n", "10k\n", "0%", "100%", "9" * 400, "9" * 400 + "%", "9" * 400 + "s",
    "1.001k", "0.0001k", "0.1us", "0.5ms", "1440m", "0.1B", "1.5B", "closed", "poisson", "nan", "inf", "poll", "poll:x",
    "poll:\n", ["poll"], [1, 2], ["poll", "poll"], [1000.001, 1000.002], ["1us", "2us"], list(range(1, 3000)),
    {"connections": 10}, {"connections": "9" * 400}, "a\u2028b", "\x1b[31m", datetime.date(2026, 1, 1)])
PLAIN = st.one_of(ODD, st.integers(-2**70, 2**70), st.floats(), st.text(max_size=8), st.booleans(),
                  st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,4})?(k|M|%|us|ms|s|m|B|KiB|MiB)?", fullmatch=True))
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(sorted(keys.KEYS)) | st.text(max_size=4), inner, max_size=3), max_leaves=5)
KEY_NAMES = st.sampled_from([*keys.KEYS, *wait_keys.KEYS, *SCHEMAS[0]["properties"],
                             *SCHEMAS[0]["properties"]["expect"]["items"]["properties"], "conections", "a.b", "a\nb",
                             "é", ""])


def places(data):
    """All tables in DATA, and DATA itself."""
    found = [data]
    for value in data.values():
        for one in value if isinstance(value, list) else [value]:
            found += places(one) if isinstance(one, dict) else []
    return found


def mutate(data, draw):
    """One change to DATA: a key dropped, renamed, given another value, or added; or a list grown."""
    table = draw(st.sampled_from([one for one in places(data) if one] or [data]))
    known = draw(st.sampled_from(sorted(table))) if table else None
    change = draw(st.integers(0, 4))
    if change == 0 and known:
        del table[known]
    elif change == 1 and known:
        table[draw(KEY_NAMES)] = table.pop(known)
    elif change == 2 and known and isinstance(table[known], list):
        table[known] = [*table[known], draw(VALUES)]
    else:
        table[draw(KEY_NAMES) if change == 3 or not known else known] = draw(VALUES)


@bounded(200)
@given(NAMES, st.integers(1, 3), LIMITS, st.booleans(), st.data())
def test_a_changed_scenario_loads_and_can_be_planned_or_is_refused(case, name, changes, limit, quick, data):
    changed = copy.deepcopy(tomllib.loads(SHIPPED[name].read_text(encoding="utf-8")))
    for _ in range(changes):
        mutate(changed, data.draw)
    loaded = case(document(changed), quick)
    if loaded:
        check_plan(loaded, limit)


@bounded(300)
@given(st.sampled_from([(program, key) for program, its in KEYS.items() for key in sorted(its)]),
       st.sampled_from(["fixed", "sweep", "quick"]), VALUES, VALUES, LIMITS)
def test_a_key_with_any_value(case, which, section, value, other, limit):
    program, name = which
    fixed = {"connections": 10, "active": 1} if program == "servers" else {"descriptors": 10}
    data = {"question": "?", "prediction": "!", "program": program, "fixed": fixed, "sweep": {"mechanism": ["poll"]}}
    data.setdefault(section, {})[name] = [value, other] if section == "sweep" else value
    if section == "sweep":
        data["fixed"].pop(name, None)
    if name == "rate":   # a key of the servers'
        data["fixed"]["arrival"] = "poisson"
    loaded = case(document(data), quick=section == "quick")
    if loaded:
        check_plan(loaded, limit)


DEEP = {"lists": "a = " + "[" * 5000 + "]" * 5000, "tables": "a = " + "{a=" * 5000, "dots": "a" + ".a" * 5000 + " = 1",
        "a key": 'question = "?"\nprediction = "!"\n[sweep]\nmechanism = ["poll"]\n[fixed]\nconnections' + ".a" * 5000
        + " = 1"}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_refused(case, name):
    assert case(DEEP[name]) is None


GOOD = """question = "Is it?"
prediction = "It is."
[fixed]
connections = 100
active = 10
[sweep]
mechanism = ["poll", "epoll-lt"]
"""
ONCE_TRACEBACKS = {
    "digits": ("active = 10", "active = " + "9" * 5000, "case.toml:5: a number of thousands of digits; give one of"),
    "hex digits": ("connections = 100", "connections = 0x" + "f" * 5000, "case.toml:4: a number of thousands"),
    "digits in text": ("connections = 100", f'connections = "{"9" * 400}"', "up to 10M"),
    "a newline after it": ("active = 10", 'active = "1%\\n"', 'active: "1%\\n" is not allowed'),
    "blocks 2.0": ("[fixed]", "blocks = 2.0\n[fixed]", "blocks: 2.0 is not allowed"),
    "rate inf": ("active = 10", 'active = 10\narrival = "poisson"\nrate = inf', "fixed.rate: inf is not allowed"),
    "rate nan": ("active = 10", 'active = 10\narrival = "poisson"\nrate = nan', "fixed.rate: nan is not allowed"),
    "no whole count": ("connections = 100", 'connections = "0.0001k"', 'connections: "0.0001k" is not allowed'),
    "a time of 0": ("active = 10", 'active = 10\nwindow = "0.1us"', 'window: "0.1us" is not allowed'),
    "a short slice": ("active = 10", 'active = 10\nslice = "0.5ms"', 'not allowed; allowed: a time from "1ms"'),
    "depth": ("active = 10", "active = 10\ndepth = 1025", "is not allowed; allowed: a whole number from 1 to 1024"),
}


@pytest.mark.parametrize("name", ONCE_TRACEBACKS)
def test_what_once_was_a_traceback_or_failed_in_the_generator(tmp_path, name):
    before, after, says = ONCE_TRACEBACKS[name]
    path = tmp_path / "case.toml"
    path.write_text(GOOD.replace(before, after))
    with pytest.raises(UserError) as caught:
        scenario.load(path)
    assert says in str(caught.value)


def planned(loaded):
    found, _ = cells.expand(loaded, Limit(20_000, "so"))
    return plan.make("case", found, loaded.blocks, 1)


def test_plans_beyond_all_measure_are_refused(case):
    many = list(range(10, 10_011))
    assert len(planned(case(GOOD + f"depth = {many[:2]}"))) == 20
    with pytest.raises(UserError, match="10,001 cells in .sweep., more than 10,000; sweep fewer values"):
        planned(case(GOOD.replace("connections = 100\n", "") + f"connections = {many}"))
    with pytest.raises(UserError, match="of each of 1 cells, more than 100,000 in all; take fewer blocks"):
        planned(case(f"blocks = {2**62}\n{GOOD}"))


def test_rates_that_differ_in_the_seventh_digit_are_two_cells(case):
    loaded = case(GOOD.replace("active = 10", 'active = 10\narrival = "poisson"') + "rate = [1000.001, 1000.002]\n")
    assert [one.settings["rate"] for one in cells.expand(loaded, Limit(100, "so"))[0]] == [1000.001, 1000.002]


def test_every_range_is_said_in_words():
    ranges = {name: key for its in KEYS.values() for name, key in its.items() if key.range}
    assert all(re.search(r"up to|to 10+\b|to 1024|to 64\b|to 1000M|from 0\.1 to 100M|below descriptors", key.allowed)
               for key in ranges.values())
