"""Names at the ends of the lines, moved apart where the lines end together."""
from . import style

GAP_POINTS = 13        # least distance between the middles of two names
SMALL_GAP_POINTS = 10  # the same beside the lines, where names are smaller


def at_edge(axes, ends):
    """Write each mechanism's name beside the right edge, at the height of its line's end.

    ends: {mechanism: (x, y)} in data units. Call it once the limits, scales and place of the axes are final.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    places = {name: to_axes.transform(point) for name, point in ends.items()}
    names = sorted(places, key=lambda name: (places[name][1], style.order(ends).index(name)))
    gap = GAP_POINTS / 72 * axes.figure.dpi / axes.get_window_extent().height
    heights = spread_apart([places[name][1] for name in names], gap, 0.02, 0.98)
    within = {"transform": axes.transAxes, "clip_on": False}
    for name, height in zip(names, heights):
        x, y = places[name]
        axes.plot([x, 1.035], [y, height], color=style.look(name).colour, linewidth=0.8,
                  linestyle=(0, (1, 1.5)), zorder=1, **within)
        axes.plot([1.045], [height], linestyle="none", **style.marker_style(name), **within)
        axes.text(1.072, height, name, va="center_baseline", fontsize=9.5, transform=axes.transAxes)


def beside(axes, ends):
    """Write the names of the lines that end on the way beside their last points, apart where those are close."""
    for place in sorted({end[0] for end in ends.values()}):
        its = {name: end for name, end in ends.items() if end[0] == place}
        heights = {name: axes.transData.transform(end)[1] * 72 / axes.figure.dpi for name, end in its.items()}
        names = sorted(its, key=heights.get)
        wanted = [heights[name] for name in names]
        for name, height, moved in zip(names, wanted, spread_apart(wanted, SMALL_GAP_POINTS, -1e6, 1e6)):
            axes.annotate(name, its[name], xytext=(7, moved - height - 9), textcoords="offset points", fontsize=8.5,
                          zorder=10)


def spread_apart(wanted, gap, low, high):
    """Heights at least `gap` apart, nearest to the wanted ones (ascending) in squares, then moved within
    low … high.

    With i · gap taken off, it is the least-squares fit that never falls: neighbours out of order are pooled.
    """
    pools = []  # [mean, how many]
    for i, value in enumerate(wanted):
        pools.append([value - i * gap, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + mean * count) / (before[1] + count)
            before[1] += count
    level = [mean for mean, count in pools for _ in range(count)]
    top = high - (len(level) - 1) * gap
    return [min(max(mean, low), max(top, low)) + i * gap for i, mean in enumerate(level)]
