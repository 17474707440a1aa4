"""A comparison of two runs as a figure: B ÷ A of every cell with its interval, grouped by mechanism."""
import matplotlib.ticker
from matplotlib import pyplot

from . import compare_table, style

ROW, HEAD, LINE = 0.26, 0.85, 0.17  # inches: a row, what stands above the axes, a line of the foot
GAP = 1.8  # rows between two groups: the heading stands in it


def draw(comparison, path):
    """Write path.svg and path.png (a path without an ending)."""
    with style.context():
        style.save(figure(comparison), path)


def figure(comparison):
    """Return the figure: one row a cell, the cells of a mechanism below its name, all on one log axis."""
    places = _places(comparison.rows)
    labels, foot = [_label(row, comparison) for row, _ in places], _foot(comparison)
    left, bottom = 0.35 + 0.075 * max(map(len, labels)), 0.7 + LINE * len(foot)
    tall = ROW * (places[-1][1] + GAP)
    width, height = left + 6.2, HEAD + tall + bottom
    fig, axes = pyplot.subplots(figsize=(width, height))
    fig.subplots_adjust(left=left / width, right=1 - 1.2 / width, top=1 - HEAD / height, bottom=bottom / height)
    _rows(axes, places, comparison.margin)
    _axes(axes, places, labels, _limits(comparison))
    axes.set_xlabel(f"B ÷ A: {compare_table.name(comparison.metric)}")
    fig.text(0.12 / width, 1 - 0.3 / height, "Two runs compared", fontsize=13, fontweight="bold", va="center")
    fig.text(0.12 / width, 1 - 0.56 / height, f"A {comparison.a.folder.name} · B {comparison.b.folder.name}",
             fontsize=9, color=style.FAINT, va="center")
    for place, line in enumerate(reversed(foot)):
        fig.text(0.12 / width, (0.14 + LINE * place) / height, line, fontsize=8, color=style.FAINT, va="center")
    return fig


def _places(rows):
    """[(Row, its height on the y axis)], mechanism by mechanism, from 0 downwards."""
    found, height = [], 0.0
    for name in style.order({row.mechanism for row in rows}):
        for row in (row for row in rows if row.mechanism == name):
            found.append((row, height))
            height += 1
        height += GAP - 1
    return found


def _label(row, comparison):
    several = len({one.scenario for one in comparison.rows}) > 1
    return f"{row.scenario}: {row.cell}" if several else row.cell


def _limits(comparison):
    """The axis from the lowest to the highest interval: at least ±10 %, at most ten times beyond the ratios."""
    ratios = [row.ratio for row in comparison.rows]
    low, high = min(one.value for one in ratios), max(one.value for one in ratios)
    bounds = [one.interval95 or (one.value, one.value) for one in ratios]
    return (min(1 / 1.1, max(min(bound[0] for bound in bounds), low / 10)) / 1.03,
            max(1.1, min(max(bound[1] for bound in bounds), high * 10)) * 1.03)


def _rows(axes, places, margin):
    """Marks and intervals. The verdict stands beside each in words, and in its mark: filled is slower or faster, hollow
    is neither; a thin bar is an interval that decides nothing. So it is read without colours, too."""
    axes.axvspan(1 / (1 + margin), 1 + margin, color=style.FAINT, alpha=0.15, linewidth=0)
    axes.axvline(1, color=style.FAINT, linewidth=1.1)
    beside = {"transform": axes.get_yaxis_transform(), "va": "center"}
    named = set()
    for row, place in places:
        its, decided = style.look(row.mechanism), row.verdict in ("slower", "faster")
        if row.mechanism not in named:
            named.add(row.mechanism)
            axes.text(0.0, place - 0.85, row.mechanism, fontweight="bold", fontsize=9.5, **beside)
        if row.ratio.interval95:
            axes.hlines(place, *row.ratio.interval95, color=its.colour, zorder=3,
                        linewidth=1.2 if row.verdict == "inconclusive" else 2.6)
        axes.plot([row.ratio.value], [place], marker=its.marker, markersize=7, markeredgecolor=its.colour, zorder=4,
                  markeredgewidth=1.4, markerfacecolor=its.colour if decided else "white", linestyle="none")
        axes.text(1.015, place, row.verdict, fontsize=8.5, fontweight="bold" if decided else "normal", **beside)


def _axes(axes, places, labels, limits):
    axes.set_xscale("log")
    axes.set_xlim(limits)
    style.log_axis(axes.xaxis, *limits)
    if limits[1] / limits[0] < 3:   # a log axis has no more than one decade's marks here
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(7, steps=[1, 2, 5, 10]))
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.set_ylim(places[-1][1] + 0.6, -(GAP - 0.6))
    axes.set_yticks([place for _, place in places], labels, fontsize=8.5)
    axes.tick_params(axis="y", length=0)


def _foot(comparison):
    """How to read it, and how far the two may be compared, one line each."""
    better = "right: more, better" if comparison.more_is_better else "right: more, worse"
    return [f"mark: B ÷ A (geometric means of the blocks), bar: 95 % interval · {better}",
            f"strip: ±{100 * comparison.margin:g} % · filled: slower or faster (Holm, {comparison.families[0]} rows) · "
            "hollow: neither", *comparison.stamps]
