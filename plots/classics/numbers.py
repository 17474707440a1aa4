"""The numbers of each figure as tables, and what else of a figure is said in words."""
from .. import cells, costs, share, style, text
from ..data import USABLE
from . import curves, delays, full, measures

COUNTED = {"waits_per_request": "waits", "ctl_per_request": "epoll_ctl", "reads_per_request": "reads",
           "writes_per_request": "writes", "wait_percent": "wait, % of CPU", "ctl_percent": "epoll_ctl, %",
           "read_percent": "read, %", "write_percent": "write, %", "profile_samples": "samples of the profile"}
INTERVAL = "geometric mean of the blocks, below it the 95 % interval"
RANGE = "median of the blocks, below it the lowest and the highest"


def tables(scenario, classic):
    """The numbers of the figure: [(heading, what stands over the columns, [(what the row is of, [the mean and its
    interval, as two texts])])]."""
    made = {"curves": _curves, "delays": _delays, "share": _share}.get(classic.draw["figure"])
    return made(scenario, classic) if made else []


def _curves(scenario, classic):
    draw, parts = classic.draw, curves.split(scenario, classic)
    found = [_by_mechanism(panel, draw["x"]) for panel in parts]
    pair = curves.ratio_pair(parts, draw)
    if pair:
        several = len(draw["y"]) > 1
        columns = {curves.ratio_words(panel, several): curves.ratios(panel, pair, draw["x"]) for panel in parts}
        found.append(_table(f"{' ÷ '.join(pair)}: {INTERVAL}", columns))
    return found


def _delays(scenario, classic):
    rows, parts = delays.parts(scenario, classic)
    words = {place: " ".join(way.split("\n")) for place, way in rows["way"].unique()}
    return [_by_mechanism(curves.Panel(panel.measure, panel.values, panel.rows.assign(
        place=[place for place, _ in panel.rows["way"]])), "place", words.get) for panel in parts]


def _share(scenario, _):
    """For each panel of share.figure() the costs, as it shows them, and how many times the base's the scanner's is."""
    usable, found = measures.trusted(scenario.usable, share.COLUMN), []
    pair, settings = cells.pair(usable), [name for name in cells.varying(usable) if name != "active_setting"]
    for values, rows in cells.groups(usable, settings):
        words = cells.name_of(values or {"connections": rows["connections"].iloc[0]})
        its = {name: cells.spread(rows[rows["mechanism"] == name], "active_percent", share.COLUMN).rename(
            columns={"median": "mean"}) for name in style.order(rows["mechanism"])}
        found.append(_table(f"{words}: {measures.MEASURES[share.COLUMN].words}: {RANGE}", its, _percent))
        if pair:
            ratios = curves.ratios(curves.Panel(share.COLUMN, values, rows), pair, "active_percent")
            found.append(_table(f"{words}: {' ÷ '.join(pair)}: {INTERVAL}", {"ratio": ratios}, _percent))
    return found


def _percent(place):
    return f"{place:,.3g} % active"


def _by_mechanism(panel, x, words="{:,.0f}".format):
    measure, usable = measures.MEASURES[panel.measure], panel.usable
    columns = {name: curves.means(usable[usable["mechanism"] == name], x, panel.measure)
               for name in style.order(usable["mechanism"])}
    heading = ": ".join(part for part in (measures.words(panel.values), measure.words) if part)
    return _table(f"{heading}: {INTERVAL}", columns, words, measure.factor)


def _table(heading, columns, words="{:,.0f}".format, factor=1):
    """columns: {what stands over it: a table like that of curves.means()}."""
    its = [table.set_index("x") for table in columns.values()]
    places = sorted(set().union(*(table.index for table in its)))
    return heading, list(columns), [(words(at), [_cell(table, at, factor) for table in its]) for at in places]


def _cell(table, at, factor=1):
    """("25.1", "24.8 … 25.3") of one point; the second is "" without an interval or where it is a point."""
    if at not in table.index:
        return text.NONE, ""
    mean, low, high = (text.value(value * factor) for value in table.loc[at, ["mean", "low", "high"]])
    return mean, f"{low} … {high}" if text.NONE not in (low, high) and low != high else ""


def counted(scenario, classic):
    """What a request takes: [(the variant in words, headings, [(mechanism, its means with their intervals)])]."""
    if classic.draw["figure"] != "dispatch":
        return []
    rows = measures.prepared(scenario)
    rows = rows[rows["status"].isin(USABLE)]
    columns = [name for name in COUNTED if name in rows]
    found = []
    for values, its in measures.split(rows, [name for name in ("churn",) if name in rows]):
        lines = [(name, [_cell(curves.means(its[its["mechanism"] == name].assign(x=0), "x", column).set_index("x"), 0)
                         for column in columns]) for name in style.order(its["mechanism"])]
        found.append((measures.words(values), [COUNTED[name] for name in columns], lines))
    return found


def sampled(scenario):
    """How the shares of the CPU were sampled; "" without a profile."""
    rows = scenario.usable
    if "profile_samples" not in rows or not (rows["profile_samples"] > 0).any():
        return ""
    counts = (scenario.environment or {}).get("hardware_counters")
    event = {None: "an event that was not recorded", "available": "cycles"}.get(counts, "cpu-clock")
    return (f"The shares are a profile's, no speed: perf took 997 samples a second of the server's CPU time (event: "
            f"{event}; fewer where the kernel allows fewer), and takes some 4 % of that time itself.")


def crossovers(scenario, classic):
    """Where the scanner's cost falls to the base's, as sentences: the dashed lines of the figure."""
    if classic.draw["figure"] != "share":
        return []
    return [f"Crossover, where {one.scanner} falls to {one.base}'s cost, with {connections:,.0f} connections: "
            f"{one.words}." for connections, one in costs.crossovers(scenario)]


def filled(scenario, classic):
    """Where the server was full, so that response times are missing: sentences."""
    if classic.draw["figure"] != "curves":
        return []
    rows, x, found = measures.prepared(scenario), classic.draw["x"], {}
    for measure in classic.draw["y"]:
        for values, its in measures.split(rows, classic.draw.get("panels", [])):
            for mechanism, place, count, blocks in full.places(its, measure, x):
                cell = ", ".join(filter(None, (measures.words(values), measures.words({x: place}), mechanism)))
                found[cell] = f"{cell}: {count} of {blocks} block{'s' if blocks != 1 else ''} full"
    return list(found.values())
