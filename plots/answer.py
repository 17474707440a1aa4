"""The answer in three sentences, made from the data alone.

Each finder looks for one finding and returns a Sentence, or None where the data do not hold it. The first
three that are there are the answer; the last ones hold for every run.
"""
from dataclasses import dataclass

from . import cells, costs, tables, text
from .data import STANDARD_BLOCKS

COST, PERCENT = "server_cpu_us_per_request", "server_cpu_percent"


@dataclass(frozen=True)
class Sentence:
    """A finding, and the anchor in the report where its rows are."""
    text: str
    anchor: str


def sentences(run):
    """Three Sentences on the run."""
    finders = (fixed_rate, few_active, all_active, crossover, per_connection, level_or_edge, end_of_select,
               counted, replicated, alone)
    found = (finder(run) for finder in finders)
    return [sentence for sentence in found if sentence][:3]


def fixed_rate(run):
    """The CPU share at the lowest rate, at the most connections that both carry; where one saturates."""
    for scenario, pair in compared(run, lambda samples: samples["offered_per_s"].notna()):
        scanner, base = pair
        settings = cells.split(scenario)
        lowest = min(cell.values.get("offered_per_s", 0) for cell in settings)
        carried = [cell for cell in settings if cell.values.get("offered_per_s", 0) == lowest
                   and not cell.saturated & set(pair) and cells.ratio(cell.usable, *pair)]
        if not carried:
            continue
        cell = carried[-1]
        row = tables.ratios(scenario)[cell.anchor, scanner]
        rate = cell.rows["offered_per_s"].iloc[0]
        return Sentence(
            f"At {rate:,.0f} requests/s and {situation(cell)}, {scanner} needs "
            f"{text.value(median(cell, scanner, PERCENT))} % of a core and {base} "
            f"{text.value(median(cell, base, PERCENT))} %: per request "
            f"{text.times(row.ratio, row.verdict)}{saturation(settings, scanner)}.", cell.anchor)
    return None


def saturation(settings, mechanism):
    """From where on the mechanism saturates, at the highest rate; "" if it never does."""
    full = [cell for cell in settings if mechanism in cell.saturated]
    if not full:
        return ""
    rate = max(cell.rows["offered_per_s"].iloc[0] for cell in full)
    first = min(cell.values["connections"] for cell in full if cell.rows["offered_per_s"].iloc[0] == rate)
    return f"; at {rate:,.0f} requests/s {mechanism} cannot keep up at {first:,.0f} connections"


def few_active(run):
    """A closed loop in which most connections are silent: the most connections, and the fewest."""
    for scenario, pair in compared(run, lambda samples: (samples["arrival"] == "closed")
                                   & (samples["active_setting"] != "all")):
        held = [cell for cell in cells.split(scenario) if cells.ratio(cell.usable, *pair)]
        if not held:
            continue
        first, last = held[0], [cell for cell in held if alike(cell, held[0])][-1]
        ratios = tables.ratios(scenario)
        words = f"In a closed loop with {situation(last)}, {cost(ratios, last, *pair)}"
        if first.values["connections"] < last.values["connections"]:
            words += f"; with {first.values['connections']:,.0f} open it is {cost(ratios, first, *pair, short=True)}"
        return Sentence(words + ".", last.anchor)
    return None


def all_active(run):
    """Every connection busy: the most connections."""
    for scenario, pair in compared(run, lambda samples: samples["active_setting"] == "all"):
        held = [cell for cell in cells.split(scenario) if cells.ratio(cell.usable, *pair)]
        if held:
            words = cost(tables.ratios(scenario), held[-1], *pair)
            return Sentence(f"With {situation(held[-1])}, {words}.", held[-1].anchor)
    return None


def crossover(run):
    """The active share at which the scanner falls to epoll's cost, for each number of connections."""
    for scenario in run.scenarios:
        found = costs.crossovers(scenario)
        words = [f"{one.words} with {connections:,.0f} connections{_at_the_highest(scenario, connections, one)}"
                 for connections, one in found]
        if words:
            one = found[0][1]
            return Sentence(f"{one.scanner} falls to {one.base}'s cost per request {text.joined(words)}.",
                            f"{scenario.name}-costs")
    return None


def _at_the_highest(scenario, connections, one):
    """Without a crossover: the ratio at the highest share."""
    if one.places:
        return ""
    rows = scenario.usable[scenario.usable["connections"] == connections]
    last = cells.ratio(rows[rows["active"] == rows["active"].max()], one.scanner, one.base)
    return f" (at the highest share it is {text.value(last.value)} times as much)" if last else ""


def per_connection(run):
    """What one more idle descriptor costs a wait of the scanner, and epoll's request."""
    what = {"examined": "a wait of {}", "connections": "a request with {}"}
    for scenario in run.scenarios:
        pair = cells.pair(scenario.usable)
        for _, lines, _ in costs.fits(scenario) if pair else ():
            its = {line.mechanism: line for line in lines if line.each.interval}
            if set(pair) <= set(its):
                parts = [f"{its[name].each.words} ns to {what[its[name].on].format(name)}" for name in pair]
                return Sentence(f"One more idle connection adds {text.joined(parts)} (95 % intervals).",
                                f"{scenario.name}-costs")
    return None


def level_or_edge(run):
    """Edge-triggered against level-triggered epoll, in the last cell that has both."""
    for scenario in run.scenarios:
        for cell in reversed(cells.split(scenario)):
            if cells.ratio(cell.usable, "epoll-et", "epoll-lt"):
                row = tables.ratios(scenario)[cell.anchor, "epoll-et"]
                said = text.times(row.ratio, row.verdict, "as much per request as epoll-lt")
                return Sentence(f"With {situation(cell)}, epoll-et costs the server {said}.", cell.anchor)
    return None


def end_of_select(run):
    """That select could not run, and where."""
    for scenario in run.scenarios:
        rows = scenario.samples[(scenario.samples["mechanism"] == "select")
                                & (scenario.samples["status"] == "unsupported")]
        if len(rows):
            first = rows["connections"].min()
            return Sentence(f"select could not run with {first:,.0f} connections or more: its set of "
                            "descriptors ends at FD_SETSIZE.", "excluded")
    return None


def alone(run):
    """Without two mechanisms to compare: what the first one costs in the last cell."""
    for scenario in run.scenarios:
        for cell in reversed(cells.split(scenario)):
            rows = cell.usable.dropna(subset=[COST])
            if len(rows):
                mechanism = rows["mechanism"].iloc[0]
                price = text.value(median(cell, mechanism, COST), "µs")
                return Sentence(f"With {situation(cell)}, a request costs the server {price} with "
                                f"{mechanism}.", cell.anchor)
    return None


def counted(run):
    """How many samples there are, and how many of them count."""
    total = sum(len(scenario.samples) for scenario in run.scenarios)
    usable = sum(len(scenario.usable) for scenario in run.scenarios)
    others = "; the others are listed with their reasons" if usable < total else ""
    return Sentence(f"{usable:,} of {total:,} samples count{others}.", "excluded")


def replicated(run):
    """From how many blocks the numbers come."""
    fewest = min(scenario.blocks for scenario in run.scenarios)
    word = "exploratory: a standard run has" if fewest < STANDARD_BLOCKS else "a standard run, which needs"
    return Sentence(f"The numbers come from {fewest} block{'s' if fewest != 1 else ''}; this is {word} "
                    f"{STANDARD_BLOCKS}.", "environment")


def compared(run, condition):
    """The scenarios whose usable samples all meet the condition and hold a pair, with that pair."""
    for scenario in run.scenarios:
        pair = cells.pair(scenario.usable)
        if pair and condition(scenario.usable).all():
            yield scenario, pair


def alike(cell, other):
    """Whether two cells differ in nothing but their connections."""
    return {**cell.values, "connections": 0} == {**other.values, "connections": 0}


def situation(cell):
    """The cell's connections and how many of them are active, in a sentence."""
    connections, setting = cell.rows["connections"].iloc[0], cell.rows["active_setting"].iloc[0]
    active = cell.rows["active"].iloc[0]
    if setting == "all":
        return f"all of {connections:,.0f} connections active"
    return f"{connections:,.0f} connections open, {active:,.0f} of them active"


def median(cell, mechanism, column):
    """The median over the blocks."""
    return cell.usable[cell.usable["mechanism"] == mechanism][column].median()


def cost(ratios, cell, scanner, base, short=False):
    """The two costs per request in one cell, and their ratio with the verdict of its row in the table (ratios: the
    scenario's tables.ratios()); and when that does not hold for the total."""
    row = ratios[cell.anchor, scanner]
    end, said = "", text.times(row.ratio, row.verdict)
    if row.total_ratio and row.total_verdict != row.verdict and row.verdict in ("higher", "lower"):
        end = f"; with the generator's CPU added, {text.times(row.total_ratio, row.total_verdict)}"
    above, below = (text.value(median(cell, name, COST)) for name in (scanner, base))
    if short:
        return f"{above} against {below} µs, {said}{end}"
    return (f"a request costs the server {above} µs with {scanner} and {below} µs with {base}, "
            f"{said}{end}")
