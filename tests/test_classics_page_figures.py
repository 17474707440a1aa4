"""What was published, as plots/published/ has it, and the figures of the classics, from made-up runs."""
import math
import re
from dataclasses import replace

import classics_data
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from plots import classics, data, labels, style
from plots.classics import curves, delays, full, measures, numbers, published, sections
from plots.files import RunError


def made(tmp_path, name, blocks, quick=False):
    """The scenario out of a made-up run."""
    return data.read_run(classics_data.make(tmp_path / "run", [name], blocks, quick)).scenarios[0]


# ---- what was published -------------------------------------------------------------------------------

def test_every_classic_scenario_has_a_published_file():
    assert published.names() == classics_data.NAMES
    places = [published.read(name).place for name in published.names()]
    assert len(set(places)) == len(places)


def test_published_ratios_are_those_of_the_published_points():
    classic = published.read("p01-wait")
    tables = [{row[0]: dict(zip(table["columns"], row)) for row in table["rows"]} for table in classic.tables[:2]]
    first, poll, select, epoll, few, many = [one["then"] for one in classic.ratios]
    for i, points in enumerate(tables):
        assert first[i] == poll[i] == pytest.approx(points[10_000]["poll"] / points[100]["poll"], rel=0.01)
        assert select[i] == pytest.approx(points[10_000]["select"] / points[100]["select"], rel=0.01)
        assert epoll[i] == pytest.approx(points[10_000]["epoll"] / points[10]["epoll"], rel=0.01)
        assert few[i] == pytest.approx(points[10]["poll"] / points[10]["epoll"], rel=0.02)
        assert many[i] == pytest.approx(points[10_000]["poll"] / points[10_000]["epoll"], rel=0.01)


def test_published_quotients_are_those_of_their_columns():
    for before, after, ratio in [row[1:4] for row in published.read("p04-register").tables[0]["rows"]]:
        assert ratio == pytest.approx(after / before, abs=0.006)


def test_every_measure_is_asked_for():
    drawn = [published.read(name).draw for name in published.names()] + list(sections.PLAIN.values())
    points = [table["draw"] for name in published.names() for table in published.read(name).tables if "draw" in table]
    asked = {draw["x"] for draw in drawn if "x" in draw} | {y for draw in drawn for y in draw.get("y", [])}
    assert set(measures.MEASURES) == asked | {draw["y"] for draw in points} | {numbers.share.COLUMN}


def test_every_source_says_what_was_read():
    for name in published.names():
        for source in published.read(name).sources:
            assert re.match("primary|the ", source["read"]), (name, source["read"])


@pytest.mark.parametrize("change, words", [
    (("number = \"P2\"", "number = \"2\""), "number"),
    (("title =", "tilte ="), "title"),
    (("x = \"place\"", "x = \"palce\""), "palce"),
    (("x_scale = \"linear\"", "x_scale = \"cubic\""), "cubic"),
    (("{now1}", "{now9}"), "{now9}"),
    (("{now1}", "{later1}"), "{later1}"),
    (("source = 1", "source = 4"), "no source 4"),
    (("4.9]", "4.9, 5]"), "3 cells"),
    (("4.9]", "true]"), "True"),
    (("[draw]", "[draw"), "line"),
    (("x = \"place\"", ""), "x and y")])
def test_a_damaged_file_is_refused_with_its_place(tmp_path, change, words):
    text = (published.FOLDER / "p02-position.toml").read_text()
    assert change[0] in text
    (tmp_path / "p02-position.toml").write_text(text.replace(*change, 1))
    with pytest.raises(RunError) as error:
        published.read("p02-position", tmp_path)
    assert words in str(error.value) and "p02-position.toml" in str(error.value)


@pytest.mark.parametrize("change, words", [(("x = \"descriptors\"", "x = \"fds\""), "'fds'"),
                                           (("0.61", "\"a little\""), "holds words")])
def test_points_that_cannot_be_drawn_are_refused(tmp_path, change, words):
    text = (published.FOLDER / "p01-commands.toml").read_text()
    head, tail = text.split("[[table]]", 1)
    (tmp_path / "p01-commands.toml").write_text(head + "[[table]]" + tail.replace(*change, 1))
    with pytest.raises(RunError, match=words):
        published.read("p01-commands", tmp_path)


# ---- figures ------------------------------------------------------------------------------------------

def test_published_points_stand_in_today_s_units(tmp_path):
    scenario = made(tmp_path, "p01-wait", blocks=2, quick=True)
    with style.context():
        figure = curves.figure(scenario, published.read("p01-wait"))
    pale = curves.pale_colour(style.look("poll").colour)
    drawn = [[list(line.get_ydata()) for line in axes.lines if line.get_color() == pale] for axes in figure.axes]
    pyplot.close(figure)
    assert drawn == [[[6.1, 29, 350, 9900]], [[6.1, 29, 350, 9900]], [], []]
    assert any("line: geometric mean of the blocks" in text.get_text() for text in figure.texts)


def drawn_x(axes, **wanted):
    """The x of the lines of this look."""
    return [list(line.get_xdata()) for line in axes.lines
            if all(getattr(line, f"get_{name}")() == value for name, value in wanted.items())]


def test_what_is_for_ratios_only_stands_in_their_panel_alone(tmp_path):
    scenario, classic = made(tmp_path, "p01-wait", blocks=2, quick=True), published.read("p01-wait")
    only = [classic.tables[1] | {"rows": [[5, 4.0, 1, 2.0], [50_000, 8.0, 1, 2.0]],
                                 "draw": classic.tables[1]["draw"] | {"ratio_only": True}}]
    only[0]["draw"].pop("only", None)
    with style.context():
        figure = curves.figure(scenario, replace(classic, tables=only))
    pale = curves.pale_colour(style.look("poll").colour)
    assert not any(drawn_x(axes, color=pale) for axes in figure.axes)
    line = next(one for one in figure.axes[-1].lines if one.get_label() == only[0]["label"])
    assert list(line.get_ydata()) == [2, 4]
    low, high = figure.axes[-1].get_xlim()
    pyplot.close(figure)
    assert low < 5 and high > 50_000   # the axis holds them


def test_two_measures_have_a_panel_each_and_their_own_ratios(tmp_path):
    scenario, classic = made(tmp_path, "p01-commands", blocks=2, quick=True), published.read("p01-commands")
    draw = classic.draw | {"y": ["command_elapsed_s", "command_cpu_s"]}
    tables = [table | {"draw": table["draw"] | {"y": y}}
              for table, y in zip(classic.tables, ("command_cpu_s", "command_elapsed_s"))]
    with style.context():
        figure = curves.figure(scenario, replace(classic, draw=draw, tables=tables))
    elapsed, cpu, ratio = figure.axes
    pale = curves.pale_colour(style.look("poll").colour)
    published_y = [[list(line.get_ydata()) for line in axes.lines if line.get_color() == pale]
                   for axes in (elapsed, cpu)]
    labels_shown = [text.get_text() for text in ratio.get_legend().get_texts()]
    pyplot.close(figure)
    assert (elapsed.get_ylabel(), cpu.get_ylabel()) == ("elapsed seconds for 100,000 waits",
                                                        "CPU seconds for 100,000 waits")
    assert published_y == [[[1.12, 6.8, 157, 1750]], [[0.61, 2.9, 35, 990]]]
    assert labels_shown == ["today, elapsed seconds", "today, CPU seconds", "Kerrisk 2010, Linux 2.6.25, CPU seconds",
                            "Kerrisk 2006, elapsed seconds"]


def cut_off(folder, cut):
    """Requests cut off in P12's blocks CUT for poll with most connections; returns the row of one."""
    _, rows = classics_data.rows_in(folder, "p12-latency")
    most = max((row for row in rows), key=lambda row: (float(row["connections"]), float(row["offered_per_s"])))
    key = most["connections"], most["offered_per_s"], "poll"
    none = {"cut_off": 9, "limited_by": "server", "response_p50_us": "", "response_p99_us": "", "response_p999_us": ""}
    classics_data.change(folder, "p12-latency", lambda row: row | (none if row["block"] in cut and (
        row["connections"], row["offered_per_s"], row["mechanism"]) == key else {}))
    return most


@pytest.mark.parametrize("cut, lines", [("1", 1), ("12", 1), ("", 0)])
def test_where_requests_were_cut_off_full_stands(tmp_path, cut, lines):
    folder = classics_data.make(tmp_path / "run", ["p12-latency"], blocks=2, quick=True)
    row, classic = cut_off(folder, cut), published.read("p12-latency")
    scenario = data.read_run(folder).scenarios[0]
    with style.context():
        figure = curves.figure(scenario, classic)
    found = [drawn_x(axes, marker=full.MARK["marker"]) for axes in figure.axes]
    said = [text.get_text() for text in figure.texts if "“full”" in text.get_text()]
    pyplot.close(figure)
    assert sum(map(len, found)) == 3 * lines and bool(said) == bool(lines)   # the three percentiles
    assert all(x == [float(row["offered_per_s"])] for its in found for x in its)
    size, rate = float(row["connections"]), float(row["offered_per_s"])
    assert numbers.filled(scenario, classic) == [
        f"{size:,.0f} open connections, {rate:,.0f} requests/s, poll: {len(cut)} of 2 blocks full"] * lines


def test_the_page_says_in_how_many_blocks_a_server_was_full(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p12-latency"], blocks=2, quick=True)
    cut_off(folder, "2")
    page = classics.write(folder).read_text()
    assert "Where the server was full" in page and ", poll: 1 of 2 blocks full</li>" in page


def test_an_interrupted_generator_is_not_called_a_full_server(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p12-latency"], blocks=2, quick=True)
    cut_off(folder, "12")
    classics_data.change(folder, "p12-latency", lambda row: row | {"limited_by": "unclear", "server_cpu_percent": 20})
    assert numbers.filled(data.read_run(folder).scenarios[0], published.read("p12-latency")) == []


def test_a_ratio_is_paired_within_blocks(tmp_path):
    scenario = made(tmp_path, "p01-wait", blocks=2, quick=True)
    panel = next(one for one in curves.split(scenario, published.read("p01-wait"))
                 if one.values == {"when": "zero"})
    table = curves.ratios(panel, ["poll", "epoll-lt"], "descriptors").set_index("x")
    rows = panel.usable[panel.usable["descriptors"] == 1000].set_index(["block", "mechanism"])["wait_us"]
    logs = [math.log(rows[block, "poll"] / rows[block, "epoll-lt"]) for block in (1, 2)]
    assert table.loc[1000, "mean"] == pytest.approx(math.exp(sum(logs) / 2))


def test_an_interval_agrees_with_a_hand_calculation():
    rows = pd.DataFrame({"x": [5, 5, 5, 7], "block": [1, 2, 3, 1], "y": [1.0, 2.0, 32.0, 9.0]})
    table = curves.means(rows, "x", "y").set_index("x")
    # The logs are 0, 1 and 5 ln 2: mean 2 ln 2, s = √7 ln 2; t(0.975, 2) = 4.302653.
    half = 4.302653 * math.sqrt(7 / 3) * math.log(2)
    assert table.loc[5, ["mean", "low", "high"]].tolist() == pytest.approx(
        [4, 4 * math.exp(-half), 4 * math.exp(half)])
    assert np.isnan(table.loc[7, "low"]) and table.loc[7, "mean"] == pytest.approx(9)


def test_a_wait_that_sleeps_counts_by_its_cpu(tmp_path):
    rows = measures.prepared(made(tmp_path, "p01-wait", blocks=1, quick=True))
    asleep = rows[rows["when"] == "sleeping"].dropna(subset=["wait_ns"])
    assert (asleep["wait_us"] * 1000).tolist() == pytest.approx(asleep["wait_cpu_ns"].tolist())
    awake = rows[rows["when"] == "zero"].dropna(subset=["wait_ns"])
    assert (awake["wait_us"] * 1000).tolist() == pytest.approx(awake["wait_ns"].tolist())


def test_percentiles_that_the_generator_limited_are_not_drawn(tmp_path):
    folder = classics_data.make(tmp_path / "run", ["p12-latency"], blocks=1, quick=True)
    late = {"latency": "the generator was late"}
    classics_data.change(folder, "p12-latency", lambda row: row | (late if row["mechanism"] == "poll" else {}))
    drawn = {name for panel in curves.split(data.read_run(folder).scenarios[0], published.read("p12-latency"))
             for name in panel.usable["mechanism"]}
    assert drawn == {"epoll-lt"}


def test_numbers_on_an_axis_do_not_overlap(tmp_path):
    scenario = made(tmp_path, "p01-wait", blocks=1)
    with style.context():
        figure = curves.figure(scenario, published.read("p01-wait"))
        figure.canvas.draw()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert len(boxes) >= 7 and all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:]))
    pyplot.close(figure)


def test_names_beside_lines_that_end_together_stand_apart():
    figure, axes = pyplot.subplots()
    axes.set_ylim(0, 100)
    labels.beside(axes, {"poll": (0.5, 50), "ppoll": (0.5, 50), "epoll-lt": (0.5, 10), "select": (0.2, 50)})
    figure.canvas.draw()
    boxes = [text.get_window_extent().shrunk(0.98, 0.8) for text in axes.texts]
    pyplot.close(figure)
    assert len(boxes) == 4 and not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_ways_to_the_same_rate_are_told_apart(tmp_path):
    rows = measures.prepared(made(tmp_path, "p13-delay", blocks=1)).to_dict("records")
    ways = {delays.way(row) for row in rows}
    assert [words.replace("\n", " ") for _, words in sorted(ways)] == [
        "10 % speak, the rest idle", "all speak, the client waits", "all speak, the network delays",
        "10 % speak, the network delays"]
