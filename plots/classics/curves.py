"""Curves of a classic: today's with their intervals, the published points pale beside them, and a panel of ratios."""
import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import colors, ticker

from .. import caption, cells, labels, panels, statistics, style
from ..data import USABLE
from . import full, hyperfine, measures, published

ROOM = 3            # an interval may stretch a log axis by this factor, no further
TICK_INCHES = 0.085  # the width of a digit of a tick's number
RATIO_DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 2)))


@dataclass(frozen=True)
class Panel:
    """What one panel shows: the rows of one setting, and of them one measure."""
    measure: str
    values: dict
    rows: pd.DataFrame

    @property
    def usable(self):
        return measures.trusted(self.rows[self.rows["status"].isin(USABLE)], self.measure)


def means(rows, x, column):
    """One mechanism's mean over the blocks for each x, and its 95 % interval: columns x, mean, low, high, blocks.

    Student's t on the logarithms, as for ratios (statistics.py), so the mean is the geometric one; on the numbers
    themselves where one is 0. With one
    block low and high are not numbers.
    """
    by_block = rows.groupby([x, "block"], observed=True)[column].mean().dropna()
    found = []
    for at, values in by_block.groupby(level=0):
        forth, back = (np.log, np.exp) if (values > 0).all() else (np.asarray, np.asarray)
        numbers = forth(values.to_numpy(dtype=float))
        low, high = statistics.mean_interval(numbers, 0.95) if len(numbers) > 1 else (np.nan, np.nan)
        found.append((at, float(back(numbers.mean())), float(back(low)), float(back(high)), len(numbers)))
    return pd.DataFrame(found, columns=["x", "mean", "low", "high", "blocks"])


def split(scenario, classic):
    """The Panels of a scenario, by measure, then by setting; those without a number are left out."""
    rows, draw = measures.prepared(scenario), classic.draw
    rows = rows[rows[draw["x"]].notna()]
    found = []
    for y in draw["y"]:
        if y in rows:
            found += [Panel(y, values, part) for values, part in measures.split(rows, draw.get("panels", []))]
    return [panel for panel in found if len(panel.usable)]


def figure(scenario, classic):
    """The matplotlib figure of a scenario as its Classic says; None where no sample has a number for it."""
    parts, draw = split(scenario, classic), classic.draw
    if not parts:
        return None
    pair = ratio_pair(parts, draw)
    fig, grid = panels.canvas(len(parts) + bool(pair), 3 if side_by_side(parts, draw) == 3 else 2)
    for axes, panel in zip(grid, parts):
        draw_panel(axes, panel, draw, classic)
        if panel.measure == hyperfine.COLUMN:
            runs(axes, hyperfine.read(scenario.folder))
    for y in draw["y"]:
        scale_y([axes for axes, panel in zip(grid, parts) if panel.measure == y], draw.get("y_scale", "log"))
    for axes, panel in zip(grid, parts):
        finish(axes, panel, draw, classic)
    if pair:
        draw_ratios(grid[-1], parts, pair, draw, classic)
    caption.around(fig, f"{classic.number} · {classic.title}", marks(scenario, parts, classic), scenario)
    return fig


def side_by_side(parts, draw):
    """How many panels belong into one row: those of one measure, where there are several."""
    return sum(panel.measure == draw["y"][0] for panel in parts) if len(draw["y"]) > 1 else 0


# ---- one panel ---------------------------------------------------------------------------------------------

def draw_panel(axes, panel, draw, classic):
    """Today's curves with their bands, rings where a server was full, and what was published."""
    measure = measures.MEASURES[panel.measure]
    axes.set_title(measures.words(panel.values), color=style.FAINT)
    asleep = panel.measure == "wait_us" and panel.values.get("when") == "sleeping"
    axes.set_ylabel(("CPU " if asleep else "") + measure.words)
    usable = panel.usable
    for depth, mechanism in enumerate(style.order(usable["mechanism"])):
        its = usable[usable["mechanism"] == mechanism]
        table = on_axis(means(its, draw["x"], panel.measure), draw)
        table[["mean", "low", "high"]] *= measure.factor
        colour = style.look(mechanism).colour
        axes.fill_between(table["x"], table["low"], table["high"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(table["x"], table["mean"], zorder=3 + depth, clip_on=False, **style.line_style(mechanism))
        ring(axes, its, table, draw["x"])
        for published_table in shown(panel, classic):
            muted(axes, published.points(published_table, mechanism), mechanism)
    full.mark(axes, panel.rows, panel.measure, draw["x"])


def on_axis(table, draw):
    """The rows of means() that have a place on the figure's y axis: 0 has none on a log axis."""
    return table[table["mean"] > 0] if draw.get("y_scale", "log") == "log" else table


def runs(axes, commands):
    """A dot for each run of a command."""
    for one in commands:
        axes.plot([one.descriptors] * len(one.times_s), one.times_s, linestyle="none", marker=".", markersize=3,
                  color=style.look(one.mechanism).colour, alpha=0.6, zorder=8)


def shown(panel, classic):
    """The published tables whose points belong into this panel."""
    return [table for table in classic.tables if published.shown_in(table, panel.measure, panel.values)]


def published_places(panel, classic):
    """Where on the x axis the published points of this panel stand."""
    tables = shown(panel, classic)
    found = [published.points(table, name) for table in tables for name in panel.usable["mechanism"].unique()]
    return [place for points in found if points for place in points[0]]


def ring(axes, rows, table, x):
    """A ring around the points at which the server was saturated in some block."""
    if "saturated" in rows:
        full = table[table["x"].isin(rows[x][rows["saturated"].astype(bool)])]
        axes.plot(full["x"], full["mean"], linestyle="none", marker="o", markersize=15, markerfacecolor="none",
                  markeredgecolor=style.INK, markeredgewidth=1, zorder=9, clip_on=False)


def muted(axes, points, mechanism):
    """A published series: the mechanism's colour and marker, pale and dotted."""
    if points is None:
        return
    pale = pale_colour(style.look(mechanism).colour)
    axes.plot(*points, color=pale, linestyle=(0, (1, 1.6)), linewidth=1.4, marker=style.look(mechanism).marker,
              markersize=5, markerfacecolor="white", markeredgecolor=pale, zorder=2, clip_on=False)


def pale_colour(colour):
    """The colour, half of it white."""
    return tuple((1 + part) / 2 for part in colors.to_rgb(colour))


# ---- axes --------------------------------------------------------------------------------------------------

def scale_y(grid, scale):
    """One y axis for these panels, made for their lines; an interval that is absurdly wide does not stretch it."""
    drawn = [np.asarray(line.get_ydata(), dtype=float) for axes in grid for line in axes.lines]
    values = np.concatenate(drawn) if drawn else np.array([1.0])
    bands = [path.vertices[:, 1] for axes in grid for band in axes.collections for path in band.get_paths()]
    values, bands = values[np.isfinite(values)], np.concatenate(bands) if bands else np.array([])
    if scale == "log" and (values > 0).any():
        values, bands = values[values > 0], bands[bands > 0]
        low, high = values.min(), values.max()
        wide = np.clip(bands[np.isfinite(bands)], low / ROOM, high * ROOM)
        panels.scale_y(grid, "log", (min([low, *wide]) / 1.6, max([high, *wide]) * 1.6))
    elif scale == "percent":
        panels.scale_y(grid, "percent")
    else:
        panels.scale_y(grid, "linear", (0, max([1e-9, *values]) * 1.12))


def scale_x(axes, places, scale):
    """The x axis for these places; on a log axis ticks stand at them, where there is room for their numbers."""
    low, high = min(places), max(places)
    axes.xaxis.set_major_formatter(style.number)
    if scale == "linear":
        margin = 0.03 * (high - low) or 1
        axes.set_xlim(low - margin, high + margin)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
    else:
        axes.set_xscale("log")
        axes.set_xlim((low / 2, high * 2) if low == high else (low / 1.15, high * 1.05))
        style.log_axis(axes.xaxis, low, high)
        axes.xaxis.set_major_locator(ticker.FixedLocator(apart(axes, sorted(set(places)))))


def apart(axes, places):
    """Those of the ascending places whose numbers do not overlap on a log axis."""
    low, high = axes.get_xlim()
    inches = axes.get_window_extent().width / axes.figure.dpi / np.log10(high / low)
    kept = []
    for place in places:
        needed = TICK_INCHES * (len(style.number(place)) + 0.5)
        if not kept or inches * np.log10(place / kept[-1]) >= needed:
            kept.append(place)
    return kept


def finish(axes, panel, draw, classic):
    """The x axis, crosses where a mechanism cannot run, and the names at the ends of the lines."""
    x, usable, factor = draw["x"], panel.usable, measures.MEASURES[panel.measure].factor
    places = [*panel.rows[x], *published_places(panel, classic)]
    scale_x(axes, places, draw.get("x_scale", "log"))
    axes.set_xlabel(measures.MEASURES[x].words)
    panels.mark_unsupported(axes, panel.rows, x)
    ends = {}
    for mechanism in style.order(usable["mechanism"]):
        table = on_axis(means(usable[usable["mechanism"] == mechanism], x, panel.measure), draw)
        if table.empty:
            continue
        ends[mechanism] = table["x"].iloc[-1], table["mean"].iloc[-1] * factor
    labels.at_edge(axes, {name: end for name, end in ends.items() if end[0] == max(places)})
    labels.beside(axes, {name: end for name, end in ends.items() if end[0] < max(places)})


# ---- ratios ------------------------------------------------------------------------------------------------

def ratio_pair(parts, draw):
    """The two mechanisms of the panel of ratios, if both are there."""
    pair = draw.get("ratio")
    there = {name for panel in parts for name in panel.usable["mechanism"]}
    return pair if pair and set(pair) <= there else None


def ratios(panel, pair, x):
    """The paired ratio at each x: columns x, mean, low, high, blocks, as means()."""
    found = []
    for at, rows in panel.usable.groupby(x, observed=True):
        ratio = cells.ratio(rows, *pair, panel.measure)
        if ratio:
            found.append((at, ratio.value, *(ratio.interval95 or (np.nan, np.nan)), ratio.n))
    return pd.DataFrame(found, columns=["x", "mean", "low", "high", "blocks"])


def ratio_words(panel, several):
    """What a line of the panel of ratios is called; with its measure, where there are several."""
    words = measures.words(panel.values) or "today"
    return f"{words}, {measures.MEASURES[panel.measure].short}" if several else words


def draw_ratios(axes, parts, pair, draw, classic):
    """How many times the one costs what the other does: today's, a line for each setting, and the published ones."""
    several, every = len(draw["y"]) > 1, []
    for place, panel in enumerate(parts):
        table = ratios(panel, pair, draw["x"])
        every += [*panel.rows[draw["x"]], *published_places(panel, classic)]
        axes.fill_between(table["x"], table["low"], table["high"], color=style.INK, alpha=0.07, linewidth=0)
        axes.plot(table["x"], table["mean"], color=style.INK, linewidth=1.6, marker=".", zorder=5,
                  linestyle=RATIO_DASHES[place % len(RATIO_DASHES)], label=ratio_words(panel, several))
    markers = itertools.cycle("osD^")
    for table in classic.tables:
        above, below = (published.points(table, name) for name in pair)
        if above and below and table["draw"]["y"] in draw["y"]:
            every += above[0]
            words = f", {measures.MEASURES[table['draw']['y']].short}" if several else ""
            axes.plot(above[0], np.divide(above[1], below[1]), color=style.FAINT, linewidth=1.2, alpha=0.8,
                      linestyle=(0, (1, 1.6)), marker=next(markers), markersize=5, markerfacecolor="white",
                      markeredgecolor=style.FAINT, label=table["label"] + words, zorder=2, clip_on=False)
    axes.axhline(1, color=style.FAINT, linewidth=1.1)
    scale_y([axes], "log")
    scale_x(axes, every, draw.get("x_scale", "log"))
    axes.set_xlabel(measures.MEASURES[draw["x"]].words)
    axes.set_ylabel(f"{pair[0]} ÷ {pair[1]}")
    axes.set_title("ratio, paired within blocks", color=style.FAINT)
    axes.legend(fontsize=8, frameon=False, loc="best", handlelength=3)


def marks(scenario, parts, classic):
    """How to read the figure."""
    found = ["line: geometric mean of the blocks, band: 95 % interval"] if scenario.blocks > 1 else \
        ["one block, exploratory: no interval"]
    if any(panel.measure == hyperfine.COLUMN for panel in parts) and hyperfine.read(scenario.folder):
        found.append("dot: one run of the command")
    if any(panel.usable["saturated"].any() for panel in parts if "saturated" in panel.rows):
        found.append("ring: the server was saturated")
    if any(full.places(panel.rows, panel.measure, classic.draw["x"]) for panel in parts):
        found.append("“full” at the top: requests were cut off, no response times")
    if any((panel.rows["status"] == "unsupported").any() for panel in parts):
        found.append("× at the top: cannot run there")
    labels_shown = dict.fromkeys(table["label"] for panel in parts for table in shown(panel, classic))
    if labels_shown:
        found.append("pale, dotted: published (" + "; ".join(labels_shown) + ")")
    return found
