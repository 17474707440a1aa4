"""The share of the server's CPU that finding work takes: today's beside the published one (OLS 2004)."""
import numpy as np

from .. import caption, panels, style
from ..data import USABLE
from . import curves, measures

PARTS = (("wait_percent", "the wait call"), ("ctl_percent", "epoll_ctl"))
TOTAL, REGISTERING = 1, 2    # the columns of the published table


def figure(scenario, classic):
    """A panel for each variant, a bar for each mechanism; None where there was no profile."""
    rows = measures.prepared(scenario)
    rows = rows[rows["status"].isin(USABLE)]
    if "wait_percent" not in rows or rows["wait_percent"].dropna().empty:
        return None
    parts = measures.split(rows, [name for name in ("churn",) if name in rows])
    fig, grid = panels.canvas(len(parts))
    for axes, (values, its) in zip(grid, parts):
        axes.set_title(measures.words(values), color=style.FAINT)
        bars(axes, its, _published(classic) if values.get("churn", 1) == 1 else {})
    panels.scale_y(grid, "linear", (0, max(axes.get_ylim()[1] for axes in grid)))
    marks = ["bar: geometric mean of the blocks, line on it: 95 % interval"] if scenario.blocks > 1 else \
        ["one block, exploratory: no interval"]
    marks += ["hatched: epoll_ctl", "pale: published (" + "; ".join(table["label"] for table in classic.tables) + ")"]
    caption.around(fig, f"{classic.number} · {classic.title}", marks, scenario)
    return fig


def _published(classic):
    """{mechanism: (the wait call, epoll_ctl)} in %."""
    found = {}
    for table in classic.tables:
        for row in table["rows"]:
            ctl = row[REGISTERING] if isinstance(row[REGISTERING], (int, float)) else 0
            found[row[0]] = (row[TOTAL] - ctl, ctl)
    return found


def bars(axes, rows, published):
    """Today's bars, and on their right the published ones, pale."""
    names = style.order(rows["mechanism"])
    for place, name in enumerate(names):
        colour = style.look(name).colour
        today = [curves.means(rows[rows["mechanism"] == name].assign(x=0), "x", column) for column, _ in PARTS]
        _bar(axes, place - 0.2, [table["mean"].iloc[0] if len(table) else 0 for table in today], colour)
        _interval(axes, place - 0.2, today)
        if name in published:
            _bar(axes, place + 0.2, published[name], curves.pale_colour(colour))
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("% of the server's CPU")
    axes.grid(axis="x", visible=False)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)


def _bar(axes, at, heights, colour):
    wait, ctl = np.nan_to_num(np.asarray(heights, dtype=float))
    axes.bar(at, wait, 0.36, color=colour, edgecolor="white", linewidth=0.8)
    axes.bar(at, ctl, 0.36, bottom=wait, color=colour, edgecolor="white", linewidth=0.8, hatch="////")


def _interval(axes, at, tables):
    """The interval of each part, at the top of its bar."""
    bottom = 0
    for table in tables:
        if len(table) and np.isfinite(table["low"].iloc[0]):
            low, high = (max(bottom + table[side].iloc[0], 0) for side in ("low", "high"))
            axes.vlines(at, low, high, color=style.INK, linewidth=1.2)
        bottom += table["mean"].iloc[0] if len(table) else 0
