"""Whatever became of a run's files: they are read, or the message names the file and what to do; and a run that is
taken up again loses no whole block and invents none."""
import csv
import dataclasses
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypotheses import bounded

from plots import answer, caption, data, environments, expect, histograms, precision, report, tables
from runner import cells, plan, prepare, scenario, store
from runner.cells import Limit
from runner.errors import UserError
from runner.paths import Paths

IDLE = Path(__file__).parent / "data" / "bench" / "idle"
NAMES = ("samples.csv", "slices.csv", "histograms.csv", "environment.json", "plan.json", "scenario.toml")


def some_rows(content):
    """A table's header and its rows of two blocks, three mechanisms and two cells: so that it is read quickly."""
    header, *rows = content.splitlines(keepends=True)
    wanted = re.compile(rb"idle-c(10|10000)-.*-b[12]-(select|poll|epoll-lt),|idle-c1000-a10-eagain-b1-select,")
    return b"".join([header, *filter(wanted.match, rows)])


FILES = {name: (IDLE / name).read_bytes() for name in NAMES}
FILES |= {name: some_rows(content) for name, content in FILES.items() if name.endswith(".csv")}
FILES["spoiled.csv"] = re.sub(rb"\n", b",1\n", FILES["samples.csv"]).replace(b"slices,1", b"slices,attempt", 1)
ADVICE = re.compile(r"mend |delete |finish |run (it|the scenario) again|move it away|another version|allowed: |"
                    r"give all rows|put it back|not one valid sample|--resume")


@pytest.fixture
def run(tmp_path):
    """Writes a run with the given files in the place of the good ones and reads all of it: a data.Scenario, or None if
    it was refused as it should be."""
    folder = tmp_path / "idle"
    folder.mkdir()

    def read(files):
        for name, content in (FILES | files).items():
            (folder / name).write_bytes(content)
        try:
            return use(data.read_run(folder), any(name.endswith(".csv") for name in files))
        except data.RunError as error:
            message = str(error)
            assert str(folder) in message and ADVICE.search(message), message
            return None
    return read


def use(found, numbers=True):
    """Whatever the report takes from a run's files, but for the drawing, and unless NUMBERS without the tables of
    numbers, which take long. Returns its Scenario."""
    one, = found.scenarios
    of_one = (tables.lines, tables.constants, tables.raw, histograms_of, precision.read_rounds) if numbers else ()
    of_run = (answer.sentences, tables.excluded, tables.untimed, tables.counts) if numbers else ()
    for words in (*of_one, expect.verdicts):
        words(one)
    for words in (*of_run, tables.environment, tables.limits, tables.remarks, tables.reruns, caption.machine_line,
                  report.commands):
        words(found)
    assert all(isinstance(text, str) for text in environments.flat(found.scenarios).values())
    environments.stamps(found.scenarios, found.scenarios)
    return one


def histograms_of(one):
    found = histograms.read(one.folder)
    for name in found:
        histograms.percentile_us(found, [name], 0.5)


# ---- damage ------------------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.sampled_from(["", "0", "1", "-1", "1.5", "nan", "inf", "-inf", "1e999", "9" * 400, "max", "all", "x", "valid",
                     "poll", "failed", '"', "a\rb", "\0", "é", "..", "../x", "[bold]", "0x10", "1_000", " 5", "True"]),
    st.integers(-10**12, 10**12).map(str), st.floats().map(str), st.text(max_size=5))


def damaged(content, draw):
    """The bytes CONTENT after one accident."""
    lines = content.split(b"\n")
    change = draw(st.integers(0, 6))
    line = draw(st.integers(0, len(lines) - 2))
    if change == 0:
        return content[:draw(st.integers(0, len(content)))]
    if change == 1:
        del lines[line]
    elif change == 2:
        lines.insert(draw(st.integers(0, len(lines) - 1)), lines[line])
    elif change == 3:
        place = draw(st.integers(0, len(content)))
        return content[:place] + draw(st.binary(max_size=4)) + content[place + draw(st.integers(0, 9)):]
    else:
        return table_damaged(content, draw, line, change)
    return b"\n".join(lines)


def table_damaged(content, draw, line, change):
    """The table CONTENT with a cell replaced, or a column dropped, moved, doubled or renamed."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    column = draw(st.integers(0, len(rows[0]) - 1))
    if change == 4:
        rows[line][column % len(rows[line])] = draw(CELLS)
        for row in rows[1:] if draw(st.booleans()) else ():
            row[column % len(row)] = rows[line][column % len(rows[line])]
    else:
        to, times = draw(st.integers(0, len(rows[0]))), draw(st.integers(0, 2))
        for row in rows:
            cell = row.pop(column % len(row)) if change == 5 else "new"
            row[to:to] = [cell] * times
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="replace")


TABLES = st.sampled_from([name for name in FILES if name.endswith(".csv")])


@bounded(25)
@given(TABLES, st.data())
def test_a_damaged_table_is_read_or_refused(run, name, draw):
    run({name: damaged(FILES[name], draw.draw)})


@bounded(25)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_file_cut_off_anywhere_is_read_or_refused(run, name, draw):
    content = FILES[name][:draw.draw(st.integers(0, len(FILES[name])))]
    one = run({name: content})
    if one and name == "samples.csv":   # never a row of which a part is missing
        assert content.endswith(b"\n") and len(one.raw) == content.count(b"\n") - 1


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".csv")])
def test_a_number_cut_off_is_not_read(run, name):
    """Two digits less are a number, too."""
    assert run({}) is not None and run({name: FILES[name][:-2]}) is None


# ---- JSON and TOML of other types --------------------------------------------------------------------------

KEYS = st.sampled_from(["date", "kernel", "cpu", "cores", "command", "boot_id", "resumed", "limits", "mitigations",
                        "model", "place", "notes", "reruns", "connection_limit", "quick", "slices", "a.b", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(["run"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8)


@bounded(40)
@given(st.sampled_from(["environment.json", "plan.json"]), JSON, KEYS, JSON, st.booleans())
def test_json_of_other_types_is_read_or_refused(run, name, whole, key, value, one_key):
    content = json.loads(FILES[name]) | {key: value} if one_key else whole
    run({name: json.dumps(content).encode()})


@pytest.mark.parametrize("name", ["environment.json", "plan.json", "scenario.toml"])
@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b"\0", b'{"a": ' * 50_000, b"a = " + b"9" * 5000,
                                     b"a = " + b"[" * 5000], ids=lambda content: repr(content[:5]))
def test_what_is_no_json_and_no_toml_is_refused(run, name, content):
    assert run({name: content}) is None


@bounded(40)
@given(st.sampled_from(["fixed", "sweep", "figures", "quick", "expect", "fixed.active", "sweep.active",
                        "sweep.connections", "figures.show", "question"]),
       st.sampled_from(['1', '"x"', '[]', '["x"]', '[1]', '{}', '{active = 1}', '[{}]', 'true', 'nan', '["share"]',
                        '[{claim = "?"}]', '{show = 1}', '{active = {}}', '["1%"]', '2026-01-01']))
def test_a_scenario_of_other_types_is_read_or_refused(run, key, value):
    section = key.partition(".")[0]
    text = re.sub(rf"(?ms)^\[{section}\]\n.*?(?=^\[|\Z)", "", FILES["scenario.toml"].decode())
    text = re.sub(rf"(?m)^{section} = .*\n", "", text)
    run({"scenario.toml": f"{key} = {value}\n{text}".encode()})


ONCE_WRONG = {
    "two scenarios": ("samples.csv", b",idle,select,", b",../../x,select,", "give all rows one scenario's name"),
    "infinite": ("samples.csv", b",128477,0,128477,", b",128477,0,inf,", "column throughput_per_s: 'inf' is no number"),
    "negative": ("samples.csv", b",128477,0,128477,", b",128477,0,-1,", "throughput_per_s is below 0; mend or delete"),
    "no connection": ("samples.csv", b",eagain,10,10,", b",eagain,0,0,", "row 2: connections is below 1"),
    "twice a column": ("samples.csv", b"sample,block", b"sample,sample", "column sample stands there twice"),
    "text as a count": ("histograms.csv", b",32063\n", b",x\n", "row 2, column count: 'x' is no number"),
    "no count": ("histograms.csv", b",32063\n", b",\n", "row 2: count is empty"),
    "a list": ("environment.json", FILES["environment.json"], b"[]", "all of it: [] is not of type 'object'"),
    "notes": ("plan.json", b'"notes": [', b'"notes": [1, ', "notes.0: 1 is not of type 'string'"),
    "spoiled": ("spoiled.csv", b",attempt\n", b",attempts\n", "missing columns attempt; move it away"),
    "a number for a day": ("environment.json", b'"2026-11-21T10:00:00Z"', b"3", "date: 3 is not of type"),
    "a text as sweep": ("scenario.toml", b"[10, 100, 1000, 10000]", b'"10"', "sweep.connections: '10' is not of type"),
}


@pytest.mark.parametrize("case", ONCE_WRONG)
def test_what_once_was_a_traceback_or_a_wrong_number(tmp_path, case):
    name, before, after, says = ONCE_WRONG[case]
    folder = tmp_path / "idle"
    shutil.copytree(IDLE, folder)
    assert before in FILES[name]
    (folder / name).write_bytes(FILES[name].replace(before, after, 1))
    with pytest.raises(data.RunError) as caught:
        use(data.read_run(folder))
    assert says in str(caught.value) and str(folder / name) in str(caught.value)


# ---- a run that is taken up again --------------------------------------------------------------------------

SMOKE = scenario.load(Paths().scenarios / "smoke.toml")
STEPS = plan.make("smoke", cells.expand(SMOKE, Limit(19_000, "so"))[0][:2], 2, 1)
REASONS = ["", "it said \"no\", twice", "a\nb", "a\rb", "é", '"']


def stored(folder, blocks):
    """A run in FOLDER with the first BLOCKS of STEPS in it."""
    store.create(folder, "", {}, plan.to_json(STEPS), store.COLUMNS)
    for step in STEPS[:blocks]:
        rows = [{"sample": step.sample(name), "reason": REASONS[place], "status": "valid",
                 store.SAMPLE_COLUMNS[-1]: REASONS[-place - 1]} for place, name in enumerate(step.order)]
        details = [{"sample": row["sample"], "round": 0} for row in rows]
        buckets = [row | {"kind": "response", "count": 1234} for row in details]
        store.commit(folder, store.COLUMNS, {store.SAMPLES: rows, store.SLICES: details, store.HISTOGRAMS: buckets})
    return {name: (folder / name).read_bytes() for name in store.COLUMNS}


def whole_blocks(content):
    """The STEPS of which the table CONTENT has each row, unharmed, as {(cell, block)}."""
    header, *rows = content.split(b"\n")[:-1]
    names = {row.split(b",")[0].decode(errors="replace") for row in rows}
    return {(step.cell.name, step.block) for step in STEPS if {step.sample(name) for name in step.order} <= names}


@pytest.fixture(scope="module")
def run_of_four(tmp_path_factory):
    folder = tmp_path_factory.mktemp("four") / "run"
    return folder, stored(folder, 4)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in store.COLUMNS}


@bounded(150)
@given(st.sampled_from(sorted(store.COLUMNS)), st.data())
def test_a_torn_table_loses_the_torn_block_alone(run_of_four, name, draw):
    """What a full disk or a power cut leaves: the tables as they grew, in the order in which they are written."""
    folder, full = run_of_four
    ends = [place.end() for place in re.finditer(b"\n", full[name])]
    near_an_end = st.builds(int.__sub__, st.sampled_from(ends[1:]), st.integers(0, 4))
    cut = draw.draw(near_an_end | st.integers(ends[0], len(full[name])))
    order = list(store.COLUMNS)
    torn = {other: full[other] for other in order} | {name: full[name][:cut]}
    done = whole_blocks(torn[name])
    for later in order[order.index(name) + 1:]:   # what is written after the torn one has the whole blocks only
        torn[later] = b"".join(line for line in full[later].splitlines(keepends=True)
                               if line == full[later].splitlines(keepends=True)[0] or belongs(line, done))
    for other, content in torn.items():
        (folder / other).write_bytes(content)
    assert store.recover(folder, STEPS, store.COLUMNS) == done
    after = contents(folder)
    for other in order:
        kept = [line for line in full[other].splitlines(keepends=True)[1:] if belongs(line, done)]
        assert after[other].splitlines(keepends=True)[1:] == kept
    assert store.recover(folder, STEPS, store.COLUMNS) == done and contents(folder) == after


def belongs(line, done):
    sample = line.split(b",")[0].decode()
    return any(sample == step.sample(name) for step in STEPS for name in step.order
               if (step.cell.name, step.block) in done)


@bounded(300)
@given(st.sampled_from(sorted(store.COLUMNS)), st.data())
def test_damage_costs_no_block_that_is_whole(run_of_four, name, draw):
    folder, full = run_of_four
    content = damaged(full[name], draw.draw)
    for other, good in (full | {name: content}).items():
        (folder / other).write_bytes(good)
    before = contents(folder)
    try:
        done = store.recover(folder, STEPS, store.COLUMNS)
    except UserError as error:
        assert str(folder / name) in str(error) and "start a new run" in str(error) and contents(folder) == before
        return
    rows = set(full["samples.csv"].split(b"\n")[1:-1])
    intact = [line for line in before["samples.csv"].split(b"\n")[1:-1] if line in rows]
    assert whole_blocks(b"\n".join([b"", *intact, b""])) <= done   # a whole block is kept,
    assert done <= whole_blocks(before["samples.csv"]) | whole_blocks(full["samples.csv"])   # and none invented
    after = contents(folder)
    assert {line for line in intact if belongs(line, done)} <= set(after["samples.csv"].split(b"\n"))
    assert store.recover(folder, STEPS, store.COLUMNS) == done and contents(folder) == after
    assert len(store.statuses(folder, store.COLUMNS)) >= len(done)


@pytest.mark.parametrize("harm", [lambda line: line[:-1], lambda line: line + b",", lambda line: b'"' + line,
                                  lambda line: line.replace(b",", b"\n", 1), lambda line: b""])
def test_a_harmed_row_costs_its_block_alone(run_of_four, harm):
    folder, full = run_of_four
    lines = full["samples.csv"].split(b"\n")
    place = next(number for number, line in enumerate(lines[1:], 1) if line.endswith(b'"'))
    lines[place] = harm(lines[place])
    for name, content in (full | {"samples.csv": b"\n".join(lines)}).items():
        (folder / name).write_bytes(content)
    done = store.recover(folder, STEPS, store.COLUMNS)
    assert len(done) == 3 and done == whole_blocks((folder / "samples.csv").read_bytes())


@bounded(100)
@given(st.data())
def test_spoiled_rows_are_counted_whatever_became_of_them(run_of_four, draw):
    folder, _ = run_of_four
    rows = [{"sample": STEPS[0].sample(name), "attempt": draw.draw(st.just("2") | CELLS)} for name in STEPS[0].order]
    (folder / store.SPOILED).unlink(missing_ok=True)
    store.keep_spoiled(folder, store.COLUMNS, rows)
    (folder / store.SPOILED).write_bytes(damaged((folder / store.SPOILED).read_bytes(), draw.draw))
    try:
        assert 0 <= store.spoiled_attempts(folder, STEPS[0], store.COLUMNS) < 10**9
    except UserError as error:
        assert str(folder / store.SPOILED) in str(error)
    finally:
        (folder / store.SPOILED).unlink()


@pytest.mark.parametrize("key", sorted(prepare.ABOUT))
def test_a_plan_without_a_key_is_not_taken_up(tmp_path, key):
    about = dict.fromkeys(prepare.ABOUT - {key}, 0) | {"version": prepare.PLAN_VERSION} | plan.to_json(STEPS)
    (tmp_path / "plan.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match="plan.json: written by another version of muxbench; start a new run"):
        prepare._reopen(tmp_path, {})


@bounded(200)
@given(JSON, KEYS, st.sampled_from(["plan.json", "environment.json"]), st.booleans())
def test_a_run_with_other_json_is_not_taken_up(tmp_path, value, key, name, one_key):
    about = dict.fromkeys(prepare.ABOUT, 0) | {"version": prepare.PLAN_VERSION} | plan.to_json(STEPS)
    files = {"plan.json": about, "environment.json": {"binaries": "x"}}
    files[name] = files[name] | {key: value} if one_key and key != "place" else value
    for other, content in files.items():
        (tmp_path / other).write_text(json.dumps(content))
    try:
        part = prepare._reopen(tmp_path, {"binaries": "x", "topology": [{"cpu": 0}]})
    except UserError as error:
        assert str(tmp_path / name) in str(error) or "start a new run" in str(error)
    else:
        assert part.steps == STEPS and dataclasses.is_dataclass(part)
