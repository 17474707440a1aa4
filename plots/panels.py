"""What the panels of all figures are made of: the canvas, curves, marks and scales."""
import math

from matplotlib import pyplot, ticker

from . import cells, labels, style
from .data import USABLE


def canvas(count, most=2):
    """A figure with `count` panels, `most` side by side at most, with room for names at the right of each."""
    columns = min(count, most)
    lines = math.ceil(count / columns)
    width, height = (7.8 if columns == 1 else 2 + 5 * columns), 1.55 + 3.5 * lines
    fig, grid = pyplot.subplots(lines, columns, figsize=(width, height), squeeze=False)
    fig.subplots_adjust(left=0.95 / width, right=1 - 1.25 / width, top=1 - 0.95 / height,
                        bottom=0.95 / height, wspace=0.5, hspace=0.5)
    flat = list(grid.flat)
    for axes in flat[count:]:
        axes.remove()
    return fig, flat[:count]


def draw(axes, rows, x, column):
    """The lines of one panel, and a ring around the points that are saturated."""
    usable = rows[rows["status"].isin(USABLE)]
    for depth, mechanism in enumerate(style.order(usable["mechanism"])):
        its = usable[usable["mechanism"] == mechanism]
        curve(axes, its, x, column, mechanism, zorder=3 + depth)
        full = its[its[x].isin(its[x][its["saturated"]])].groupby(x)[column].median()
        axes.plot(full.index, full, linestyle="none", marker="o", markersize=15, markerfacecolor="none",
                  markeredgecolor=style.INK, markeredgewidth=1, zorder=9, clip_on=False)


def curve(axes, rows, x, column, mechanism, zorder):
    """One mechanism's median line, its band and its blocks."""
    table = cells.spread(rows, x, column)
    colour = style.look(mechanism).colour
    if rows["block"].nunique() > 1:
        axes.fill_between(table["x"], table["low"], table["high"], color=colour, alpha=0.12, linewidth=0)
        axes.plot(rows[x], rows[column], linestyle="none", marker=".", markersize=3, color=colour, alpha=0.35,
                  zorder=2)
    axes.plot(table["x"], table["median"], zorder=zorder, clip_on=False, **style.line_style(mechanism))


def scale_y(grid, scale, limits=None):
    """The same y axis in all panels, so that they can be compared. scale: "percent", "linear" or "log"."""
    for axes in grid:
        axes.set_yscale("log" if scale == "log" else "linear")
    drawn = [axes.dataLim for axes in grid if axes.lines]
    if limits is None and scale == "log" and drawn:
        limits = (min(box.minposy for box in drawn) / 1.6, max(box.y1 for box in drawn) * 1.6)
    elif limits is None:
        limits = (0, 108 if scale == "percent" or not drawn else max(box.y1 for box in drawn) * 1.08)
    for axes in grid:
        axes.set_ylim(limits)
        if scale == "log":
            style.log_axis(axes.yaxis, *limits)
        else:
            axes.yaxis.set_major_formatter(style.number)


def scale_x(axes, low, high, x, scale):
    """An x axis from low to high; x: "connections" or "active_percent"; scale: "linear" or "log"."""
    if scale == "linear":
        axes.set_xlim(0, high * 1.05)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
        axes.xaxis.set_major_formatter(style.number)
    else:
        axes.set_xscale("log")
        axes.set_xlim((low / 2, high * 2) if low == high else (low / 1.15, high * 1.05))
        style.log_axis(axes.xaxis, low, high)
    axes.set_xlabel("open connections" if x == "connections" else "active connections (% of the open ones)")


def finish(axes, rows, x, measure):
    """The x axis, the end of select, and the names at the ends of the lines."""
    scale_x(axes, rows[x].min(), rows[x].max(), x, measure.x_scale if x == "connections" else "log")
    mark_unsupported(axes, rows, x)
    usable = rows[rows["status"].isin(USABLE)]
    ends = {}
    for mechanism in style.order(usable["mechanism"]):
        table = cells.spread(usable[usable["mechanism"] == mechanism], x, measure.column)
        if len(table):
            ends[mechanism] = tuple(table[["x", "median"]].iloc[-1])
    last = rows[x].max()
    labels.at_edge(axes, {name: end for name, end in ends.items() if end[0] == last})
    named = {"select"} if mark_select_end(axes, rows, x) else set()
    labels.beside(axes, {name: end for name, end in ends.items() if end[0] < last and name not in named})


def mark_unsupported(axes, rows, x):
    """A cross at the top of the axes wherever a mechanism could not run."""
    unsupported = rows[rows["status"] == "unsupported"]
    for mechanism in style.order(unsupported["mechanism"]):
        places = sorted(unsupported[unsupported["mechanism"] == mechanism][x].unique())
        axes.plot(places, [0.975] * len(places), transform=axes.get_xaxis_transform(), linestyle="none",
                  marker="x", markersize=6, color=style.look(mechanism).colour, markeredgewidth=1.8, zorder=8,
                  clip_on=False)


def mark_select_end(axes, rows, x):
    """A line where select ends, with its name above the axes; True when it is drawn.

    It stands at FD_SETSIZE if that is on the axis and select ran below it.
    """
    its = rows[rows["mechanism"] == "select"]
    ran, refused = its[its["status"].isin(USABLE)], its[its["status"] == "unsupported"]
    if x != "connections" or refused.empty or ran.empty or refused[x].min() < ran[x].max():
        return False
    look = style.look("select")
    axes.axvline(style.FD_SETSIZE, color=look.colour, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(f"select ends: FD_SETSIZE = {style.FD_SETSIZE:,}", (style.FD_SETSIZE, 1),
                  xytext=(-6, 8), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                  va="center", fontsize=8.5)
    axes.plot([style.FD_SETSIZE], [1], transform=axes.get_xaxis_transform(), linestyle="none", clip_on=False,
              **style.marker_style("select"))
    return True
