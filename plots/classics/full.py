"""Where a server was full: requests were cut off there, so that a sample has no response times."""
from .. import style
from ..data import USABLE

MARK = {"linestyle": "none", "marker": "$full$", "markersize": 15, "markeredgewidth": 0.4, "zorder": 10,
        "clip_on": False}
TOP, STEP = 0.965, 0.05   # of the axes' height: the first mechanism's marks, and how far below them the next one's


def places(rows, measure, x):
    """[(mechanism, place on the x axis, in how many blocks it was full, of how many)] of one setting's rows, where
    there was one; [] for a measure that is no response time."""
    if not measure.startswith("response_"):
        return []
    usable, found = rows[rows["status"].isin(USABLE)], []
    for mechanism in style.order(usable["mechanism"]):
        for place, its in usable[usable["mechanism"] == mechanism].groupby(x):
            cut = its[its["saturated"] & (its["cut_off"] > 0)]
            if len(cut):
                found.append((mechanism, place, cut["block"].nunique(), its["block"].nunique()))
    return found


def mark(axes, rows, measure, x):
    """The word "full" at the top of the axes, in the mechanism's colour, at these places."""
    found = places(rows, measure, x)
    for line, mechanism in enumerate(dict.fromkeys(one[0] for one in found)):
        at = [place for name, place, _, _ in found if name == mechanism]
        axes.plot(at, [TOP - STEP * line] * len(at), transform=axes.get_xaxis_transform(),
                  color=style.look(mechanism).colour, **MARK)
