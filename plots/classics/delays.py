"""Ways to the same rate beside each other: idle connections, the client's delay, the network's (P13)."""
import numpy as np

from .. import caption, panels, style
from ..data import USABLE
from . import curves, measures

GAP = 0.16   # between the marks of two mechanisms in one row


def figure(scenario, classic):
    """A panel for each measure and number of connections, a row for each way; None where nothing was measured."""
    rows, drawn = parts(scenario, classic)
    if not drawn:
        return None
    fig, grid = panels.canvas(len(drawn))
    fig.subplots_adjust(left=1.75 / fig.get_figwidth(), wspace=0.62)
    measured = sorted(set().union(*(panel.usable["way"] for panel in drawn)))
    for axes, panel in zip(grid, drawn):
        dots(axes, panel, measured)
    fig.legend(*grid[0].get_legend_handles_labels(), loc="upper right", ncol=5, fontsize=8.5, frameon=False)
    marks = ["mark: geometric mean of the blocks, line: 95 % interval"] if scenario.blocks > 1 else \
        ["one block, exploratory: no interval"]
    for place, words in sorted(set(rows["way"]) - set(measured)):
        its = rows[[one == (place, words) for one in rows["way"]]]
        marks.append(f"{words.replace(chr(10), ' ')}: {_why_not(its)}")
    caption.around(fig, f"{classic.number} · {classic.title}", marks, scenario)
    return fig


def parts(scenario, classic):
    """The rows, each with its way, and the Panels of them that hold a number."""
    rows = measures.prepared(scenario)
    rows = rows.assign(way=[way(row) for row in rows.to_dict("records")])
    found = [curves.Panel(y, values, its) for y in classic.draw["y"] if y in rows
             for values, its in measures.split(rows, classic.draw.get("panels", []))]
    return rows, [panel for panel in found if len(panel.usable)]


def way(row):
    """How a row's requests came to be slow: (its place, its words)."""
    delayed = float(row.get("network_delay") or 0) > 0
    if row["active"] < row["connections"]:
        return (3, f"{row['active_setting']} speak,\nthe network delays") if delayed else \
            (0, f"{row['active_setting']} speak,\nthe rest idle")
    return (2, "all speak,\nthe network delays") if delayed else (1, "all speak,\nthe client waits")


def dots(axes, panel, ways):
    """The marks of one panel; words where a way could not be measured."""
    measure = measures.MEASURES[panel.measure]
    names = style.order(panel.usable["mechanism"])
    for row, one in enumerate(ways):
        its = panel.usable[panel.usable["way"] == one]
        if its.empty:
            refused = (panel.rows["way"] == one) & ~panel.rows["status"].isin(USABLE)
            axes.text(0.02, row, _why_not(panel.rows[refused]), transform=axes.get_yaxis_transform(), fontsize=8,
                      color=style.FAINT, va="center")
        for place, name in enumerate(names):
            _dot(axes, row + GAP * (place - (len(names) - 1) / 2), its[its["mechanism"] == name], name, panel.measure,
                 label=name if row == 0 else None)
    axes.set_title(measures.words(panel.values), color=style.FAINT)
    axes.set_yticks(range(len(ways)), [words for _, words in ways], fontsize=8.5)
    axes.set_ylim(len(ways) - 0.5, -0.5)
    axes.set_xlabel(measure.words)
    axes.set_xscale("log")
    low, high = axes.dataLim.intervalx
    axes.set_xlim(low / 1.4, high * 1.4)
    style.log_axis(axes.xaxis, low / 1.4, high * 1.4)


def _why_not(rows):
    if rows.empty:
        return "no such cell in this run"
    return "not measured: " + ", ".join(sorted(set(rows["status"])))


def _dot(axes, at, rows, name, column, label):
    table = curves.means(rows.assign(x=0), "x", column) if len(rows) else ()
    if not len(table):
        return
    mean, low, high = table[["mean", "low", "high"]].iloc[0] * measures.MEASURES[column].factor
    if np.isfinite(low):
        axes.hlines(at, low, high, color=style.look(name).colour, linewidth=1.2)
    axes.plot([mean], [at], linestyle="none", label=label, clip_on=False, **style.marker_style(name))
