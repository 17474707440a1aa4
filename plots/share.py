"""Cost against the active share: the cost, how many times epoll's, and where that falls through 1."""
import numpy as np
from matplotlib import pyplot

from . import caption, cells, costs, panels, style

COLUMN = "server_cpu_us_per_request"


def figure(scenario, measure):
    """Return the figure: a column of panels for each number of connections."""
    samples = scenario.samples
    settings = [name for name in cells.varying(samples) if name != "active_setting"]
    parts = list(cells.groups(samples, settings))
    pair = cells.pair(scenario.usable)
    fig, upper, lower = canvas(len(parts), pair is not None)
    for axes, (values, rows) in zip(upper, parts):
        values = values or {"connections": rows["connections"].iloc[0]}
        axes.set_title(cells.name_of(values), color=style.FAINT)
        panels.draw(axes, rows, "active_percent", COLUMN)
    panels.scale_y(upper, measure.y_scale)
    for axes, (_, rows) in zip(upper, parts):
        axes.set_ylabel(measure.y_label)
        panels.finish(axes, rows, "active_percent", measure)
    if pair:
        usable = [rows[rows["status"].isin(panels.USABLE)] for _, rows in parts]
        seen = [ratio for axes, rows in zip(lower, usable) for ratio in ratios(axes, rows, *pair)]
        panels.scale_y(lower, "log", (min([0.7, *seen]) / 1.2, max([1.4, *seen]) * 1.6))
        for above, axes, (_, rows), valid in zip(upper, lower, parts, usable):
            above.set_xlabel("")
            panels.scale_x(axes, rows["active_percent"].min(), rows["active_percent"].max(), "active_percent", "log")
            axes.set_ylabel(f"{pair[0]} ÷ {pair[1]}")
            mark_crossover(above, axes, valid, *pair)
    caption.head_and_foot(fig, measure.title, scenario, ringed=scenario.usable["saturated"].any(),
                          more=["below: mean ratio, bar: 95 % interval, dots: blocks"] if pair else [])
    return fig


def canvas(count, with_ratios):
    """The figure, its upper axes and its lower ones (none without ratios): a column for each part."""
    width, height = 2.4 + 5.4 * count, 7.4 if with_ratios else 4.95
    rows = {"nrows": 2, "height_ratios": (3, 2)} if with_ratios else {"nrows": 1}
    fig, grid = pyplot.subplots(ncols=count, figsize=(width, height), squeeze=False, **rows)
    fig.subplots_adjust(left=0.95 / width, right=1 - 1.25 / width, top=1 - 0.95 / height,
                        bottom=0.95 / height, wspace=0.5, hspace=0.2)
    return fig, list(grid[0]), list(grid[-1]) if with_ratios else []


def ratios(axes, rows, scanner, base):
    """The paired ratio for each share: blocks as dots, the mean with its 95 % interval as a bar.

    Returns the ratios of the blocks: the axis is made for them, since the interval can be absurdly wide.
    """
    means, seen = {}, []
    for share, cell in rows.groupby("active_percent"):
        logs = cells.paired_logs(cell, scanner, base, COLUMN)
        axes.plot([share] * len(logs), np.exp(logs), linestyle="none", marker=".", markersize=7,
                  color=style.look(scanner).colour, alpha=0.5, markeredgewidth=0)
        seen += list(np.exp(logs))
        ratio = cells.ratio(cell, scanner, base, COLUMN)
        if ratio is None:
            continue
        if ratio.interval95:
            axes.vlines(share, *ratio.interval95, color=style.INK, linewidth=1.4)
        means[share] = ratio.value
    axes.plot(list(means), list(means.values()), color=style.look(scanner).colour, linewidth=1, marker="_",
              markersize=12, markeredgewidth=1.2, markeredgecolor=style.INK, clip_on=False)
    axes.axhline(1, color=style.FAINT, linewidth=1.1)
    return seen


def mark_crossover(above, below, rows, scanner, base):
    """A line where the scanner's cost falls to the base's, on the strip of its interval, with its words; where it is
    inconclusive, the words alone."""
    found = costs.crossover(rows, scanner, base)
    if found.share:
        for axes in (above, below):
            if found.share.interval:
                axes.axvspan(*found.share.interval, color=style.FAINT, alpha=0.14, linewidth=0, zorder=0)
            axes.axvline(found.share.value, color=style.FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    below.text(0.985, 0.95, f"{scanner} falls to {base}'s cost\n{found.words}", transform=below.transAxes,
               fontsize=8.5, va="top", ha="right", zorder=9,
               bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 2})
