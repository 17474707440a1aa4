"""classics.html and its figures: from made-up runs of the scenarios in scenarios/classics (classics_data.py)."""
import html
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import classics_data
import numpy as np
import pytest
from matplotlib import pyplot

from plots import classics, data, expect, report, style
from plots.classics import curves, delays, dispatch, figures, hyperfine, measures, numbers, published, sections
from plots.files import RunError
from plots.text import value

BENCH = Path(__file__).parent / "data" / "bench"
DRAWN = {"curves": curves.figure, "dispatch": dispatch.figure, "delays": delays.figure}


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A run of all classics, with its page."""
    folder = classics_data.make(tmp_path_factory.mktemp("classics") / "made-up", blocks=2, quick=True)
    classics.write(folder)
    return folder


@pytest.fixture(scope="session")
def page(whole):
    return (whole / "classics.html").read_text()


def section_of(page, name):
    """The part of the page about one scenario, as text."""
    body = page.split(f'<section id="{name}">')[1].split("</section>")[0]
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", body)))


def test_every_classic_is_drawn(whole):
    names = {path.name for path in (whole / "figures").iterdir()}
    assert names == {f"classic-{name}.{kind}" for name in classics_data.NAMES for kind in ("svg", "png")}


def test_no_word_is_cut_off(whole):
    for scenario in data.read_run(whole).scenarios:
        classic = published.read(scenario.name)
        if classic.draw["figure"] == "share":
            continue   # test_plots.py has it
        with style.context():
            figure = DRAWN[classic.draw["figure"]](scenario, classic)
            figure.canvas.draw()
        words = [text for axes in figure.axes
                 for text in (axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts)] + figure.texts
        for word in (word for word in words if word.get_text()):
            box = word.get_window_extent()
            assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 \
                and box.y1 <= figure.bbox.y1, (scenario.name, word.get_text())
        pyplot.close(figure)


# ---- the page -----------------------------------------------------------------------------------------

def test_the_page_opens_with_every_claim_and_what_was_found(page):
    table = page.split('<table class="prose">')[1].split("</table>")[0]
    for name in classics_data.NAMES:
        assert f'<a href="#{name}">{published.read(name).number}</a>' in table
        assert published.read(name).claim in html.unescape(table)
    assert "Not measured in this run" not in table
    order = [published.read(name).place for name in re.findall('<section id="([^"]*)">', page)]
    assert order == sorted(order)


def test_numbers_in_the_text_are_the_run_s(whole, page):
    _, rows = classics_data.rows_in(whole, "p01-wait")
    cost = {(row["block"], row["descriptors"]): float(row["wait_ns"]) for row in rows
            if (row["mechanism"], row["when"]) == ("poll", "zero")}
    logs = [math.log(cost[block, "10000"] / cost[block, "100"]) for block in ("1", "2")]
    assert f"a wait of poll grows {math.exp(sum(logs) / 2):.1f} (" in section_of(page, "p01-wait")
    assert "(published: 341 and 257)" in section_of(page, "p01-wait")


def test_the_scan_stands_as_an_integer_beside_its_time(whole, page):
    run = data.read_run(whole)
    table = sections.polls(next(one for one in run.scenarios if one.name == "p01-polls"), run)
    found = {(when, size): {name: (count, time) for name, count, time in cells} for when, size, cells in table}
    assert [found["time-out 0, one is ready", "100"][name][0] for name in ("poll", "epoll-lt", "epoll-et", "none")] == [
        "100", "2", "1", "0"]
    assert found["it really sleeps", "100"]["poll"][0] == "200"
    _, rows = classics_data.rows_in(whole, "p01-wait")
    times = [float(row["wait_ns"]) / 1000 for row in rows
             if (row["mechanism"], row["when"], row["descriptors"]) == ("poll", "zero", "100")]
    assert found["time-out 0, one is ready", "100"]["poll"][1] == f"{np.median(times):.2f} µs"
    assert "With 100 descriptors and a time-out of 0 the kernel asks 100 of them" in section_of(page, "p01-polls")


def test_commands_come_from_hyperfine_s_files(whole, page):
    one = json.loads((whole / "p01-commands/hyperfine/c10-b1.json").read_text())["results"][0]
    timed = [found for found in hyperfine.read(whole / "p01-commands")
             if (found.mechanism, found.descriptors) == (one["parameters"]["mechanism"], 10)]
    assert one["times"] == list(timed[0].times_s)
    assert "Whole commands, by hyperfine" in section_of(page, "p01-commands")


def test_a_damaged_file_of_hyperfine_is_named(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p01-commands"], blocks=1, quick=True)
    (folder / "p01-commands/hyperfine/c10-b1.json").write_text('{"results": [{"mean": "fast"}]}')
    with pytest.raises(RunError, match="c10-b1.json"):
        classics.write(folder)


def test_verdicts_are_counted_and_named(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p05-lan", "p02-position"])
    steep = {"ready": 1, "zero": 1e6}
    classics_data.change(folder, "p02-position",
                         lambda row: row | {"wait_ns": 1e5 + steep[row["when"]] * float(row["place"])})
    classics_data.change(folder, "p05-lan", lambda row: row if row["block"] == "1" else None)
    text = classics.write(folder).read_text()
    overview = text.split('<table class="prose">')[1].split("</table>")[0]
    assert '<b class="supported">2 supported</b>' in overview and '<b class="refuted">2 refuted</b>' in overview
    assert '<b class="inconclusive">4 inconclusive</b>' in overview
    classics_data.change(folder, "p05-lan", lambda row: row if row["mechanism"] == "poll" else None)
    text = classics.write(folder).read_text()
    assert '<b class="not-measured">4 not measured</b>' in text.split('<table class="prose">')[1].split("</table>")[0]
    assert sections.tally([]) == []


def test_what_was_not_measured_is_left_out_of_the_sentences(tmp_path):
    run = data.read_run(classics_data.make(tmp_path / "run", ["p13-delay"]))
    classic = published.read("p13-delay")
    ratios = sections.then_and_now(run.scenarios[0], classic)
    assert [one.now == "–" for one in ratios] == [False, False, False, True]
    assert len(sections.answer(classic, ratios)) == len(classic.answer) - 1


def test_every_published_ratio_is_about_one_cell(tmp_path):
    run = data.read_run(classics_data.make(tmp_path / "run", blocks=1))
    for scenario in run.scenarios:
        sections.then_and_now(scenario, published.read(scenario.name))   # RunError if not


def test_a_ratio_that_is_about_several_cells_is_refused(tmp_path):
    scenario = data.read_run(classics_data.make(tmp_path / "run", ["p05-lan"], blocks=1)).scenarios[0]
    classic = published.read("p05-lan")
    loose = [classic.ratios[0], {key: value for key, value in classic.ratios[1].items() if key != "where"}]
    with pytest.raises(RunError, match=r"p05-lan.toml: ratio 2 .* is about 2 cells"):
        sections.then_and_now(scenario, replace(classic, ratios=loose))


def test_a_peak_of_a_server_that_was_not_full_is_no_number(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p05-lan"], blocks=2, quick=True)
    classics_data.change(folder, "p05-lan", lambda row: row | {"limited_by": "offered rate"})
    text = section_of(classics.write(folder).read_text(), "p05-lan")
    assert text.count(expect.NOT_FULL) == len(published.read("p05-lan").ratios) + 4   # and the four predictions


# ---- the figures' numbers -------------------------------------------------------------------------------

def test_every_figure_has_its_numbers_below(whole, page):
    parts = page.split('<section id="')[1:]
    assert len(parts) == len(classics_data.NAMES)
    for part in parts:
        name = part.split('"')[0]
        assert "its numbers are in the tables below" in part, name
        assert "The numbers of the figure" in part or "What a request takes" in part, name


def test_the_share_s_numbers_are_those_of_the_figure(whole, page):
    scenario = next(one for one in data.read_run(whole).scenarios if one.name == "p08-share")
    _, rows = classics_data.rows_in(whole, "p08-share")
    size = rows[0]["connections"]
    cost = {(row["block"], row["mechanism"]): float(row["server_cpu_us_per_request"]) for row in rows
            if (row["connections"], row["active"]) == (size, size)}
    costs, ratio = [table for table in numbers.tables(scenario, published.read("p08-share"))
                    if table[0].startswith(f"{int(size):,} connections")]
    words, cells = costs[2][-1]
    its = [cost[block, "poll"] for block in ("1", "2")]
    assert words == "100 % active" and "median of the blocks" in costs[0]
    assert cells[costs[1].index("poll")] == (
        value(np.median(its)), f"{value(min(its))} … {value(max(its))}")
    logs = [math.log(cost[block, "poll"] / cost[block, "epoll-lt"]) for block in ("1", "2")]
    assert ratio[2][-1][1][0][0] == value(math.exp(sum(logs) / 2)) and "poll ÷ epoll-lt" in ratio[0]


def test_the_crossover_stands_in_words(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p08-share"], blocks=2)
    dear = {"poll": 20.0, "epoll-lt": 10.0}
    classics_data.change(folder, "p08-share", lambda row: row | {"server_cpu_us_per_request": dear.get(
        row["mechanism"], 9.0) * (0.2 if row["mechanism"] == "poll" and row["active"] == row["connections"] else 1)})
    text = section_of(classics.write(folder).read_text(), "p08-share")
    found = re.search(r"Crossover, where poll falls to epoll-lt's cost, with 1,000 connections: "
                      r"at ([0-9.]+) % active \(95 % interval [0-9.]+ to [0-9.]+ %, 2 blocks\)\.", text)
    assert 30 < float(found[1]) < 100


def test_delays_have_a_row_for_each_way_that_was_measured(whole):
    scenario = next(one for one in data.read_run(whole).scenarios if one.name == "p13-delay")
    tables = numbers.tables(scenario, published.read("p13-delay"))
    assert {words for _, _, rows in tables for words, _ in rows} == {
        "10 % speak, the rest idle", "all speak, the client waits"}
    rows = measures.prepared(scenario)
    heading, names, lines = tables[0]
    its = rows[(rows["connections"] == rows["connections"].min()) & (rows["mechanism"] == "poll")
               & (rows["status"] == "valid") & (rows["active"] == rows["connections"])]
    mean = math.exp(np.log(its["server_cpu_us_per_request"]).mean())
    assert "geometric mean" in heading
    assert dict(lines)["all speak, the client waits"][names.index("poll")][0] == value(mean)


def test_the_ratios_of_a_figure_are_in_a_table(whole):
    scenario = next(one for one in data.read_run(whole).scenarios if one.name == "p01-wait")
    heading, settings, _ = numbers.tables(scenario, published.read("p01-wait"))[-1]
    assert heading.startswith("poll ÷ epoll-lt") and settings[0] == "time-out 0, one is ready"


@pytest.mark.parametrize("counters, event", [("available", "cycles"), ("not there", "cpu-clock"), (None, "an event")])
def test_shares_say_how_they_were_sampled(tmp_path, counters, event):
    folder = classics_data.make(tmp_path / "run", ["p11-counts"], blocks=1, quick=True)
    around = classics_data.ENVIRONMENT | ({"hardware_counters": counters} if counters else {})
    (folder / "p11-counts" / "environment.json").write_text(json.dumps(around))
    text = section_of(classics.write(folder).read_text(), "p11-counts")
    assert re.search(rf"a profile's, no speed: perf .*997 samples a second .*event: {event}.*some 4 %", text)
    assert "samples of the profile" in text and "1,000" in text.split("samples of the profile")[1]


def test_without_a_profile_nothing_is_said_of_one(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p11-counts"], blocks=1, quick=True)
    classics_data.change(folder, "p11-counts", lambda row: row | {"profile_samples": ""})
    assert "no speed" not in section_of(classics.write(folder).read_text(), "p11-counts")


def test_a_run_without_classics_has_no_page(tmp_path):
    shutil.copytree(BENCH, tmp_path / "bench")
    assert classics.write(tmp_path / "bench") is None
    assert not (tmp_path / "bench" / "classics.html").exists()


@pytest.mark.parametrize("names", [["p02-position"], ["p08-share", "p11-counts"]])
def test_scenarios_that_are_missing_are_named(tmp_path, names):
    text = classics.write(classics_data.make(tmp_path / "run", names, blocks=2, quick=True)).read_text()
    assert re.findall('<section id="([^"]*)">', text) == names
    absent = re.search(r"Not in this run: ([^.]*)\.", text).group(1)
    assert absent.split(", ") == [name for name in classics_data.NAMES if name not in names]


def test_one_block_is_called_exploratory_and_has_no_interval(tmp_path):
    text = classics.write(classics_data.make(tmp_path / "run", ["p03-libevent"], blocks=1, quick=True)).read_text()
    assert '<span class="badge">exploratory</span>' in text and "1 block, exploratory" in text
    assert not re.search(r"[0-9] … [0-9]", section_of(text, "p03-libevent"))


def test_a_scenario_without_a_number_says_so(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p11-counts", "p02-position"], blocks=1, quick=True)
    classics_data.change(folder, "p11-counts", lambda row: row | {"wait_percent": "", "ctl_percent": ""})
    text = section_of(classics.write(folder).read_text(), "p11-counts")
    assert "No figure: no sample of this run has a number for it." in text and "epoll_ctl" in text


def test_a_waitcost_scenario_of_one_s_own_is_drawn(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p02-position"], blocks=2, quick=True)
    (folder / "p02-position").rename(folder / "mine")
    classics_data.change(folder, "mine", lambda row: row | {"scenario": "mine"})
    text = classics.write(folder).read_text()
    assert '<section id="mine">' in text and (folder / "figures" / "classic-mine.svg").is_file()
    assert "mine" not in text.split('<table class="prose">')[1].split("</table>")[0]


def test_names_and_reasons_are_escaped(page, tmp_path):
    assert "&lt;1,024&gt; descriptors &amp; more" in page and "<1,024>" not in page
    folder = classics_data.make(tmp_path / "run", ["p02-position"], blocks=1, quick=True)
    around = classics_data.ENVIRONMENT | {"kernel": "6<script>", "mitigations": {"<b>": "x"}}
    (folder / "p02-position" / "environment.json").write_text(json.dumps(around))
    text = classics.write(folder).read_text()
    assert "<script>" not in text and "6&lt;script&gt;" in text and "&lt;b&gt;: x" in text


def test_what_stands_around_the_numbers(page):
    around = html.unescape(page.split('<h2 id="around">')[1].split("</section>")[0])
    for words in ("6.18.0-made-up", "Made-up CPU, 2 cores", "spectre_v2: Mitigation: made up", "quiet", "loopback",
                  "no network"):
        assert words in around


def test_the_page_is_self_contained(page):
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert not re.search(r"url\(|@import|<script|<link", page)
    names = re.findall(r'\bid="([^"]*)"', page)
    assert len(names) == len(set(names)) and set(re.findall(r'href="#([^"]*)"', page)) <= set(names)


def test_same_bytes_twice(whole, tmp_path):
    for path in (tmp_path / "first" / "run", tmp_path / "second" / "run"):
        classics_data.make(path, ["p01-wait", "p13-delay"], blocks=2, quick=True)
        classics.write(path)
    first, second = sorted((tmp_path / "first").rglob("*.*")), sorted((tmp_path / "second").rglob("*.*"))
    assert len(first) == len(second) > 8
    for a, b in zip(first, second):
        assert a.read_bytes() == b.read_bytes(), a.name


def test_every_verdict_has_a_class_in_the_style_sheet():
    css = (Path(report.__file__).parent / "page.css").read_text()
    for verdict in sections.ORDER:
        assert f"b.{verdict.replace(' ', '-')}" in css
    assert set(sections.ORDER) == {expect.SUPPORTED, expect.REFUTED, expect.INCONCLUSIVE, expect.NOT_MEASURED}


def test_every_kind_of_figure_can_be_asked_for():
    assert set(published.FIGURES) == {*figures.DRAWN, "share"}
