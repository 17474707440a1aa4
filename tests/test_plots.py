"""Figures and reports, made from a small run that stays the same: tests/data/bench (made up, 3 blocks)."""
import base64
import csv
import io
import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plots import answer, cells, data, figures, histograms, labels, report, share, statistics, style, tables
from runner import machine, store

BENCH = Path(__file__).parent / "data" / "bench"
SCRIPT = Path(__file__).parent.parent / "plots" / "scaling.gp"


def copied(folder, part="", keep=lambda row: True, change=lambda row: row):
    """A copy of the fixed run, or one scenario of it, in `folder`: the rows that `keep` says, changed."""
    shutil.copytree(BENCH / part, folder)
    for path in folder.rglob("samples.csv"):
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        columns, rows = list(rows[0]), [change(row) for row in rows if keep(row)]
        with open(path, "w", newline="") as file:
            table = csv.DictWriter(file, columns, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    return folder


def later_columns(folder, values=lambda row: {}):
    """The run of one scenario in `folder` with the columns that came later, filled as `values` says."""
    table = pd.read_csv(folder / "samples.csv", dtype=str, keep_default_na=False)
    for name in data.LATER_TEXT + data.LATER_NUMBERS:
        table[name] = [values(row).get(name, "") for row in table.to_dict("records")]
    table.to_csv(folder / "samples.csv", index=False)
    return folder


def more_blocks(folder, count, column, value):
    """The run of one scenario in `folder` with `count` blocks, copies of its first but for one column."""
    table = pd.read_csv(folder / "samples.csv", dtype=str, keep_default_na=False)
    first = table[table["block"] == "1"]
    blocks = [first.assign(block=str(block), sample=first["sample"] + f"-{block}",
                           **{column: np.where(first["status"] == "unsupported", "", str(value(block)))})
              for block in range(1, count + 1)]
    pd.concat(blocks).to_csv(folder / "samples.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """The fixed run with its figures and report."""
    folder = copied(tmp_path_factory.mktemp("drawn") / "bench")
    report.write(folder)
    return folder


@pytest.fixture(scope="session")
def html(drawn):
    return (drawn / "report.html").read_text()


def scenario(part):
    return data.read_run(BENCH / part).scenarios[0]


# ---- what is drawn ------------------------------------------------------------------------------------

def test_figures_are_those_that_the_scenarios_ask_for(drawn):
    names = ["cpu-cpu-per-request", "cpu-cpu-percent", "idle-cpu-per-request", "idle-examined",
             "idle-throughput", "share-share"]
    assert {path.name for path in (drawn / "figures").iterdir() if not path.name.startswith("gnuplot-")} == {
        f"{name}.{kind}" for name in names for kind in ("png", "svg")}


def test_same_bytes_twice(drawn, tmp_path):
    again = copied(tmp_path / "bench")
    report.write(again)
    for path in sorted(drawn.rglob("*.*")):
        assert path.read_bytes() == (again / path.relative_to(drawn)).read_bytes(), path.name


def test_unsupported_rows_are_marked_and_the_end_of_select_named():
    one = scenario("idle")
    with style.context():
        axes = figures.figure(one, figures.MEASURES["throughput"]).axes[0]
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[10000]]
    assert crosses[0].get_color() == style.look("select").colour
    assert "select ends: FD_SETSIZE = 1,024" in [text.get_text() for text in axes.texts]


def test_saturated_points_are_ringed():
    with style.context():
        slow, fast = figures.figure(scenario("cpu"), figures.MEASURES["cpu_percent"]).axes
    rings = [[x for line in axes.lines if line.get_markersize() == 15 for x in line.get_xdata()]
             for axes in (slow, fast)]
    assert rings == [[], [19000, 19000]]   # select-wide and poll at 1,000 requests/s


def all_figures():
    for part, name in [("cpu", "cpu_percent"), ("cpu", "cpu_per_request"), ("idle", "throughput"),
                       ("idle", "examined"), ("share", "share")]:
        with style.context():
            draw = share.figure if name == "share" else figures.figure
            yield draw(scenario(part), figures.MEASURES[name])


def test_no_word_is_cut_off_or_written_over_another():
    for figure in all_figures():
        figure.canvas.draw()
        words = [text for axes in figure.axes for text in [axes.title, axes.xaxis.label, axes.yaxis.label,
                                                           axes._left_title, *axes.texts]] + figure.texts
        words = [(text.get_text(), text.get_window_extent()) for text in words if text.get_text()]
        for i, (word, box) in enumerate(words):
            inside = figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 \
                and box.y1 <= figure.bbox.y1
            assert inside, word
            for other, its in words[:i]:
                assert not box.shrunk(0.98, 0.8).overlaps(its.shrunk(0.98, 0.8)), (word, other)


def test_each_mechanism_has_a_colour_and_a_marker_of_its_own():
    looks = list(style.LOOKS.values())
    assert len({its.colour for its in looks}) == len({its.marker for its in looks}) == len(looks) == 7


@pytest.mark.parametrize("wanted", [[0.5] * 5, [0, 0, 1, 1, 1], [0.1, 0.5, 0.9], [0.98], []])
def test_names_keep_their_distance(wanted):
    heights = labels.spread_apart(wanted, 0.05, 0.02, 0.98)
    assert all(b - a >= 0.05 - 1e-9 for a, b in zip(heights, heights[1:]))
    assert all(0.02 <= height <= 0.98 + 1e-9 for height in heights)


@pytest.mark.parametrize("keep", [
    lambda row: row["block"] == "1", lambda row: row["mechanism"] == "epoll-et",
    lambda row: row["mechanism"] == "select", lambda row: row["connections"] == "1000",
    lambda row: row["mechanism"] in ("select", "epoll-et"),
    lambda row: row["sample"] == "idle-c1000-a10-eagain-b1-poll"],
    ids=["one block", "one mechanism", "select alone", "one x", "two mechanisms", "one sample"])
def test_small_runs_are_drawn(tmp_path, keep):
    folder = copied(tmp_path / "small", "idle", keep)
    (folder / "scenario.toml").write_text('[figures]\nshow = ["cpu_per_request"]\n')
    text = report.write(folder).read_text()
    assert [path.name for path in (folder / "figures").glob("idle*.svg")] == ["idle-cpu-per-request.svg"]
    assert len(re.findall(r'<a href="[^"]*" aria-label="the rows of this finding">', text)) == 3


# ---- what is averaged ---------------------------------------------------------------------------------

def test_an_invalid_sample_is_shown_and_never_averaged(html):
    with open(BENCH / "idle" / "samples.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file)
                if (row["mechanism"], row["connections"]) == ("poll", "100")]
    costs = {row["status"]: [] for row in rows}
    for row in rows:
        costs[row["status"]].append(float(row["server_cpu_us_per_request"]))
    assert len(costs["valid"]) == 2 and min(costs["invalid"]) > 10 * max(costs["valid"])
    cell, lines = tables.lines(scenario("idle"))[1]
    line = next(line for line in lines if line.mechanism == "poll")
    assert line.blocks == 2 and "invalid (left out)" in line.notes
    assert line.figures["server_cpu_us_per_request"][0] == f"{np.median(costs['valid']):.2f}"
    assert line.ratio.n == 2
    assert 'id="idle-c100-a10-eagain-b2-poll"' in html
    assert "the generator used 93 % of its core" in html


def test_a_suspect_sample_is_averaged_and_named():
    cell, lines = tables.lines(scenario("idle"))[2]
    line = next(line for line in lines if line.mechanism == "epoll-et")
    assert line.blocks == 3 and line.notes == "1 suspect"


def test_ratio_agrees_with_a_hand_calculation():
    a, b = pd.Series({1: 2.0, 2: 8.0, 3: 5.0}), pd.Series({1: 1.0, 2: 2.0, 4: 7.0})
    ratio = statistics.ratio_of(statistics.paired_logs(a, b))
    # ln 2 and ln 4: mean 1.5 ln 2, s = ln 2 / sqrt 2, so s / sqrt n = ln 2 / 2; t(0.975, 1) = 12.7062
    assert ratio.n == 2 and ratio.value == pytest.approx(2 ** 1.5)
    half = 12.7062047 * math.log(2) / 2
    assert ratio.interval95 == pytest.approx((2 ** 1.5 * math.exp(-half), 2 ** 1.5 * math.exp(half)))


@pytest.mark.parametrize("blocks", [3, 10])
def test_interval_covers_the_truth_in_93_to_97_percent(blocks):
    random = np.random.default_rng(7)
    held = 0
    for _ in range(2000):
        speed = random.choice([1.0, 1.3], blocks)      # the machine's two regimes: they must cancel
        a = 1.137 * speed * random.lognormal(0, 0.05, blocks)
        b = speed * random.lognormal(0, 0.05, blocks)
        low, high = statistics.ratio_of(np.log(a / b)).interval95
        held += low <= 1.137 <= high
    assert 0.93 <= held / 2000 <= 0.97


@pytest.mark.parametrize("logs, verdict", [
    ([0.10, 0.11, 0.12], "higher"), ([-0.10, -0.11, -0.12], "lower"),
    ([0.001, -0.002, 0.001], "equivalent"),
    ([0.1, -0.1, 0.02], "inconclusive"), ([0.3], "one block")])
def test_verdicts(logs, verdict):
    assert statistics.ratio_of(np.array(logs)).verdict == verdict


def test_crossing():
    assert statistics.crossing([1, 100], [1, -1]) == pytest.approx(10)
    assert statistics.crossing([1, 10, 100], [2, 1, 0.5]) is None
    assert statistics.crossing([1, 10], [-1, 1]) is None


def test_percentiles_merge_counts_and_need_ten_requests_beyond():
    table = {"a": pd.Series({1000.0: 500, 2000.0: 400}), "b": pd.Series({1000.0: 0, 3000.0: 100})}
    assert histograms.percentile_us(table, ["a", "b"], 0.5) == 1.0
    assert histograms.percentile_us(table, ["a", "b"], 0.99) == 3.0
    assert histograms.percentile_us(table, ["a", "b"], 0.999) is None
    assert histograms.percentile_us(table, ["c"], 0.5) is None


def test_a_percentile_is_the_middle_of_its_bucket_as_in_the_generator(tmp_path):
    """loadgen/histogram.c: the whole numbers from lower to upper - 1 fell into it; tests/unit has the same case."""
    (tmp_path / "histograms.csv").write_text("sample,kind,lower_ns,upper_ns,count\n"
                                             "a,response,1000,1001,40\na,response,4096,4100,40\n"
                                             "a,service,1,2,100\n")
    table = histograms.read(tmp_path)
    assert histograms.percentile_us(table, ["a"], 0.5) == 1.0        # rank 40 of 80 is the last in the first bucket
    assert histograms.percentile_us(table, ["a"], 0.51) == 4.0975    # (4096 + 4099) / 2 ns
    assert histograms.percentile_us(table, ["a"], 0.875) == 4.0975   # ten lie beyond
    assert histograms.percentile_us(table, ["a"], 0.88) is None


def test_a_sample_that_the_generator_limited_gives_no_percentile_but_its_cpu(tmp_path):
    busy = {"latency": "the generator used 93 % of its core"}
    folder = later_columns(copied(tmp_path / "late", "idle"), lambda row: busy
                           if row["mechanism"] == "poll" and row["connections"] == "1000" else {})
    lines = [line for cell, its in tables.lines(data.read_run(folder).scenarios[0]) for line in its
             if cell.values["connections"] == 1000]
    late = {line.mechanism: line for line in lines}
    assert late["poll"].figures["p50"][0] == "–" != late["select"].figures["p50"][0]
    assert late["poll"].blocks == 3 and "percentiles without 3 of 3" in late["poll"].notes
    assert "the generator used 93 % of its core" in report.write(folder).read_text().split("<h3>Percentiles</h3>")[1]


def test_a_sample_that_lacks_requests_gives_no_percentile(tmp_path):
    """Those that were due and never sent are the slowest ones."""
    folder = copied(tmp_path / "cut", "idle", change=lambda row: row | (
        {"cut_off": "5"} if (row["mechanism"], row["connections"]) == ("poll", "1000") else {}))
    lines = {line.mechanism: line for cell, its in tables.lines(data.read_run(folder).scenarios[0]) for line in its
             if cell.values["connections"] == 1000}
    assert lines["poll"].figures["p50"][0] == "–" != lines["select"].figures["p50"][0]
    assert "percentiles without 3 of 3" in lines["poll"].notes


def test_verdicts_of_a_table_are_corrected_for_all_its_ratios():
    lines = [line for _, its in tables.lines(scenario("idle")) for line in its if line.ratio]
    expected = [statistics.judge(line.ratio, p) for line, p in
                zip(lines, statistics.holm([line.ratio.p for line in lines]))]
    assert [line.verdict for line in lines] == expected
    assert any(line.verdict == "inconclusive" and line.ratio.verdict == "higher" for line in lines)


def test_outliers_are_flagged_and_averaged(tmp_path):
    folder = more_blocks(copied(tmp_path / "far", "idle"), 7, "server_cpu_us_per_request",
                         lambda block: 50 if block == 7 else 6 + block / 100)
    lines = [line for _, its in tables.lines(data.read_run(folder).scenarios[0]) for line in its]
    assert all("outlier: block 7" in line.notes and line.blocks == 7 for line in lines if line.blocks)


# ---- the report ---------------------------------------------------------------------------------------

def test_report_has_no_external_address(html):
    assert not re.search(r'(?:src|href)="(?!data:|#|../../docs/method.md#row-[0-9]+")', html)
    assert not re.search(r"url\(|@import|<script|<link", html)
    pictures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    assert len(pictures) == 6
    for text in [re.sub(r"data:[^\"]*", "", html), *(base64.b64decode(one).decode() for one in pictures)]:
        text = re.sub(r'<!DOCTYPE[^>]*>|xmlns(:\w+)?="[^"]*"', "", text)
        assert not re.search(r"https?://", text)


def test_every_link_leads_somewhere_and_no_name_stands_twice(html):
    names = re.findall(r'\bid="([^"]*)"', html)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]*)"', html)) <= set(names)


def test_every_number_leads_to_its_samples(html):
    ratio = re.search(r'<a href="#(idle-c10000-a10-eagain-b1-poll)" title="([^"]*)">', html)
    assert ratio.group(2) == ", ".join(f"idle-c10000-a10-eagain-b{block}-poll" for block in (1, 2, 3))


def test_every_number_of_a_table_is_a_link(html):
    body = html[html.index('id="idle-table"'):]
    for cell in re.findall(r"<td>(.*?)</td>", body[:body.index("</table>")], re.DOTALL):
        figure = re.sub(r'<span class="sp.*?</span>', "", cell, flags=re.DOTALL)
        assert "<a href=" in figure or not re.search("[0-9]", figure), cell


def test_a_closed_loop_is_called_that_in_every_table(html):
    section = html[html.index('<section id="idle">'):html.index('<section id="share">')]
    captions = re.findall("<caption>(.*?)</caption>", section)
    assert len(captions) == section.count("<table>") and all("closed loop" in words for words in captions)


def test_the_gates_are_listed_with_their_rows_of_the_method(html):
    from runner.gates import GATES
    method = (Path(__file__).parent.parent / "docs" / "method.md").read_text()
    for gate in GATES:
        assert f'<th scope="row">{gate.name}</th>' in html
    rows = set(re.findall(r'method\.md#(row-[0-9]+)"', html))
    assert rows and all(f'id="{row}"' in method for row in rows)


def test_blocks_that_ran_again_are_counted_with_their_reason(tmp_path):
    folder = copied(tmp_path / "again", "idle")
    later_columns(folder)
    with open(folder / "samples.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["connections"] == "10000" and row["block"] in "12"]
    with open(folder / "spoiled.csv", "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        for attempt in (1, 2):
            why = f"the cores' speed changed by {attempt + 3} %"
            table.writerows(row | {"attempt": attempt, "again": "" if row["reason"] else why,   # select cannot
                                   "reason": row["reason"] or f"{why}; not stationary: the second half costs more"}
                            for row in rows if attempt == 1 or row["block"] == "1")
    assert tables.reruns(data.read_run(folder)) == [
        ("idle", "2 blocks were run again, 3 times in all (the cores' speed changed by 4 % … the cores' speed changed "
         "by 5 %)")]
    html = report.write(folder).read_text()
    assert "2 blocks were run again" in html and 'id="idle-spoiled"' in html
    table = pd.read_csv(folder / "spoiled.csv", dtype=str, keep_default_na=False).drop(columns="again")
    table.to_csv(folder / "spoiled.csv", index=False)   # as it was before the column
    assert "not stationary: the second half costs more" in tables.reruns(data.read_run(folder))[0][1]


def disturbed_blocks(folder, reruns=None, columns=True):
    """idle with poll disturbed in blocks 1 and 2 at 1,000 connections; the second was tried four times."""
    said = "other programs used 31 % of the two cores"

    def values(row):
        if (row["mechanism"], row["connections"]) != ("poll", "1000") or row["block"] == "3":
            return {}
        return {"again": said, "attempt": "4" if row["block"] == "2" else "1"}

    def change(row):
        return row | ({"status": "suspect", "reason": said} if values(row) else {})
    copied(folder, "idle", change=change)
    if columns:
        later_columns(folder, values)
    if reruns is not None:
        plan = json.loads((folder / "plan.json").read_text())
        (folder / "plan.json").write_text(json.dumps(plan | {"reruns": reruns}))
    return data.read_run(folder)


def test_blocks_that_stayed_spoiled_are_counted_with_why(tmp_path):
    found = tables.remarks(disturbed_blocks(tmp_path / "new", reruns=3))
    assert ("idle", "1 block was spoiled and not run again (the time for reruns was used up)") in found
    assert ("idle", "1 block was spoiled, and not run again (the limit is 3 reruns of a block)") in found
    old = disturbed_blocks(tmp_path / "old", columns=False)
    assert tables.remarks(old) == [("idle", "2 blocks were spoiled and not run again")]
    assert "idle: 2 blocks were spoiled and not run again." in report.write(old.folder).read_text()


def test_suspect_for_another_reason_is_no_spoiled_block():
    assert tables.remarks(data.read_run(BENCH / "idle")) == []


def test_steadiness_that_was_not_judged_is_said(tmp_path):
    words = [("idle", "steadiness was not judged: fewer than ten slices")]
    assert tables.remarks(data.read_run(later_columns(copied(tmp_path / "few", "idle")))) == words
    judged = later_columns(copied(tmp_path / "many", "idle"), lambda row: {"steady": "yes"})
    assert tables.remarks(data.read_run(judged)) == []


def test_the_limit_of_reruns_is_among_the_gates():
    follows = {name: words for name, _, _, _, words, _ in tables.gates()}
    assert "until the reruns took a tenth of the run's time" in follows["steal"]


def test_columns_that_came_later_may_be_missing_and_that_is_said_once(html, tmp_path):
    assert html.count("the run lacks the columns latency, steady, again, attempt") == 1
    text = report.write(later_columns(copied(tmp_path / "new", "idle"))).read_text()
    assert "the run lacks the columns" not in text


def test_what_is_not_stationary_is_noted(tmp_path):
    folder = later_columns(copied(tmp_path / "drift", "idle"), lambda row: {
        "steady": "not stationary: the second half is 9 % slower" if row["block"] == "1" else "yes"})
    cell, lines = tables.lines(data.read_run(folder).scenarios[0])[0]
    assert all("not stationary in 1 of 3" in line.notes for line in lines)


def test_answer_is_three_sentences_with_intervals(html):
    sentences = answer.sentences(data.read_run(BENCH))
    assert len(sentences) == 3
    assert "At 100 requests/s and 19,000 connections open" in sentences[0].text
    assert "times as much (95 % interval" in sentences[0].text
    assert "at 1,000 requests/s poll cannot keep up at 19,000 connections" in sentences[0].text
    assert "poll falls to epoll-lt's cost per request at" in sentences[2].text


def test_answer_does_not_claim_what_the_interval_does_not_hold(tmp_path):
    noise = iter([0.7, 1.3, 1.1] * 100)

    def alike(row):
        return row | {"server_cpu_us_per_request": 8 * next(noise)} if row["status"] == "valid" else row
    folder = copied(tmp_path / "same", "idle", lambda row: row["mechanism"] in ("poll", "epoll-lt"), alike)
    first = answer.sentences(data.read_run(folder))[0].text
    assert "the interval includes 1, so these data do not tell the two apart" in first


def test_a_sentence_claims_no_more_than_its_row(tmp_path):
    """poll ÷ epoll-lt has p = 0.04 in each cell: alone each differs, corrected for all of them none does."""
    noise = {"1": 1.10, "2": 1.16, "3": 1.22}

    def change(row):
        cost = 8 * (noise[row["block"]] if row["mechanism"] == "poll" else 1)
        return row | {"server_cpu_us_per_request": cost, "status": "valid"}
    run = data.read_run(copied(tmp_path / "close", "idle", lambda row: row["mechanism"] in ("poll", "epoll-lt"),
                               change))
    rows = [line for _, its in tables.lines(run.scenarios[0]) for line in its if line.ratio]
    assert rows and all(line.ratio.verdict == "higher" and line.verdict == "inconclusive" for line in rows)
    assert "corrected for all ratios of the table, the difference may be chance" in answer.few_active(run).text


def test_fewer_than_ten_blocks_are_stamped_exploratory(html, tmp_path):
    assert 'class="badge">exploratory<' in html
    folder = copied(tmp_path / "ten", "share")
    with open(folder / "samples.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["block"] == "1"]
    with open(folder / "samples.csv", "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        for block in range(1, 11):
            table.writerows(row | {"block": block, "sample": f"{row['sample']}-{block}"} for row in rows)
    assert not data.read_run(folder).scenarios[0].exploratory


def test_questions_predictions_limits_reasons_and_commands_are_quoted(html):
    for words in ["What does a request cost when most connections are silent?", "epoll&#39;s does not.",
                  "connections stop at 19,000: 95 % of the hard descriptor limit of 20,000",
                  "select cannot watch descriptors from FD_SETSIZE (1,024) on",
                  "server closed 3 connections early",
                  "./muxbench run cpu idle share --blocks 3 --seed 1", "./muxbench report results/bench",
                  "Mitigation: Enhanced IBRS"]:
        assert words in html, words


def test_text_from_the_data_is_escaped_and_a_missing_environment_named(tmp_path):
    bad = {"limited_by": "<script>alert(1)</script>"}
    folder = copied(tmp_path / "bad", "share", change=lambda row: row | bad)
    (folder / "environment.json").unlink()
    text = report.write(folder).read_text()
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert "environment.json is missing for share" in text


def test_summary_fits_a_terminal():
    from rich.console import Console
    out = io.StringIO()
    report.summary(BENCH, Console(file=out, width=80))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "unsupported" in text and "poll ÷" in text and "exploratory" in text
    assert "…" not in text      # nothing was cut to fit


# ---- errors say what to do ----------------------------------------------------------------------------

def error(folder):
    with pytest.raises(data.RunError) as caught:
        data.read_run(folder)
    return str(caught.value)


def test_wrong_folders_are_refused(tmp_path):
    assert "no such folder; `ls results`" in error(tmp_path / "nothing")
    assert "no samples.csv or waits.csv here or one folder down; give the folder of a run" in error(tmp_path)


def test_missing_columns_are_named(tmp_path):
    folder = copied(tmp_path / "run", "idle")
    table = pd.read_csv(folder / "samples.csv", dtype=str)
    table.drop(columns=["cut_off", "status"]).to_csv(folder / "samples.csv", index=False)
    assert "missing columns status, cut_off; it was written by another version" in error(folder)


def test_a_run_without_a_valid_sample_gives_the_first_reason(tmp_path):
    folder = copied(tmp_path / "run", "idle", lambda row: row["status"] == "invalid")
    assert "not one valid sample; the first reason given: the generator used 93 %" in error(folder)


def test_a_run_without_rows_is_to_be_resumed(tmp_path):
    folder = copied(tmp_path / "run", "idle", lambda row: False)
    assert "no rows yet; finish the run: `./muxbench run --resume" in error(folder)


@pytest.mark.parametrize("column, value, words", [
    ("connections", "many", "column connections: 'many' is no number"), ("block", "", "block is empty"),
    ("status", "fine", "unknown status 'fine'; allowed: valid"),
    ("sample", "x", "sample x stands there twice")])
def test_wrong_cells_are_named(tmp_path, column, value, words):
    assert words in error(copied(tmp_path / "run", "idle", change=lambda row: row | {column: value}))


def test_a_torn_row_is_named(tmp_path):
    folder = copied(tmp_path / "run", "idle")
    with open(folder / "samples.csv", "a") as file:
        file.write("idle-c10,1,2\n")
    assert "row 62 has 3 cells, the header 42" in error(folder)


def test_an_unknown_figure_is_refused(tmp_path):
    folder = copied(tmp_path / "run", "idle")
    path = folder / "scenario.toml"
    path.write_text(path.read_text().replace('"throughput"', '"pie"'))
    assert "unknown figure 'pie'; allowed: cpu_percent, throughput" in error(folder)


# ---- the seam to the runner ---------------------------------------------------------------------------

def test_the_runner_writes_what_is_read_here():
    needed = set(data.TEXT_COLUMNS + data.NUMBER_COLUMNS)
    assert needed | set(data.LATER_TEXT + data.LATER_NUMBERS) <= set(store.SAMPLE_COLUMNS)
    with open(BENCH / "idle" / "samples.csv") as file:
        columns = tuple(next(csv.reader(file)))
    assert needed <= set(columns) and columns == store.SAMPLE_COLUMNS[:len(columns)]
    assert {"date", "kernel", "cpu", "cores", "command"} <= set(machine.describe())


# ---- the settings -------------------------------------------------------------------------------------

def test_active_is_named_as_the_scenario_asked():
    assert set(scenario("idle").samples["active_setting"]) == {"10"}
    assert set(scenario("share").samples["active_setting"]) == {"0.1 %", "1 %", "10 %", "50 %", "all"}


def test_cells_are_ascending_along_the_x_axis():
    names = [cell.name for cell in cells.split(scenario("cpu"))]
    assert names == ["1,000 connections, 100 requests/s", "19,000 connections, 100 requests/s",
                     "1,000 connections, 1,000 requests/s", "19,000 connections, 1,000 requests/s"]
    assert [cell.values["active_setting"] for cell in cells.split(scenario("share"))][-1] == "all"


# ---- gnuplot ------------------------------------------------------------------------------------------

def gnuplot(folder, more=""):
    return subprocess.run(["gnuplot", "-e", f"run='{folder}'{more}", SCRIPT], capture_output=True, text=True)


def test_gnuplot_draws_a_bench_without_a_warning(tmp_path):
    folder = copied(tmp_path / "a bench")
    done = gnuplot(folder)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if not line.endswith((".svg", "see report.html"))]
    made = {path.stem for path in (folder / "figures").glob("gnuplot-*.svg")}
    assert made == {"gnuplot-cpu-r100-cpu-percent", "gnuplot-cpu-r100-cpu-per-request",
                    "gnuplot-cpu-r1000-cpu-percent", "gnuplot-cpu-r1000-cpu-per-request",
                    "gnuplot-idle-cpu-per-request", "gnuplot-idle-throughput"}
    assert made == {path.stem for path in (folder / "figures").glob("gnuplot-*.png")}
    assert ">poll<" in (folder / "figures" / "gnuplot-idle-throughput.svg").read_text()


@pytest.mark.parametrize("keep", [lambda row: row["block"] == "1", lambda row: row["mechanism"] == "poll",
                                  lambda row: row["sample"] == "idle-c1000-a10-eagain-b1-poll"])
def test_gnuplot_draws_one_scenario_in_part(tmp_path, keep):
    done = gnuplot(copied(tmp_path / "run", "idle", keep))
    assert done.returncode == 0 and "arning" not in done.stderr, done.stderr


def test_gnuplot_draws_text_that_fits_a_terminal(tmp_path):
    done = gnuplot(copied(tmp_path / "run"), "; terminal='dumb'")
    assert done.returncode == 0 and "arning" not in done.stderr, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "Server CPU at a fixed rate" in done.stdout and "P  poll" in done.stdout
    assert not (tmp_path / "run" / "figures").exists()


def test_gnuplot_says_what_is_wrong(tmp_path):
    done = gnuplot(tmp_path)
    assert done.returncode == 1 and "no samples.csv" in done.stderr
    done = gnuplot(copied(tmp_path / "run", "idle", lambda row: row["status"] == "invalid"))
    assert done.returncode == 1 and "nothing to draw" in done.stderr


def test_gnuplot_does_not_draw_invalid_rows(tmp_path):
    folder = copied(tmp_path / "all", "idle")
    without = copied(tmp_path / "valid", "idle", lambda row: row["status"] != "invalid")
    for run in (folder, without):
        assert gnuplot(run).returncode == 0
    name = Path("figures", "gnuplot-idle-cpu-per-request.svg")
    assert (folder / name).read_bytes() == (without / name).read_bytes()
