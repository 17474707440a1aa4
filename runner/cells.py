"""From a scenario to its cells: every combination of the swept values, once, with the machine's limits
applied."""
import itertools
import math
from dataclasses import dataclass

from runner import units
from runner.errors import UserError
from runner.keys import BY_RATE

# Sweeping one of these gives it a place in the cell's name; all the others that are swept become part of the
# variant, because samples.csv has no column for them.
NAMED = ("mechanism", "connections", "active", "rate", "drain")
SHOWN = (*NAMED, "arrival", "depth", "message_bytes", "window")

SLICE_PER_ACTIVE_S = 100e-6   # a slice must give each active connection several turns
SLICES_PER_WINDOW = 2        # at the least, so that the mechanisms still take turns
MOST_CELLS = 10_000          # days, with one block of each


@dataclass(frozen=True)
class Cell:
    """One setting of the swept values. SETTINGS has every key but mechanism: counts as numbers, times in
    seconds, sizes in bytes, None for the load generator's own default; RATE is "max" or requests per
    second."""
    name: str
    variant: str
    mechanisms: list
    settings: dict


@dataclass(frozen=True)
class Limit:
    """The most connections that one server may have on this machine, or descriptors that one process may watch, and
    what sets the limit."""
    most: int
    why: str


def reach(scenario, limit):
    """The Limit that "max" stands for in SCENARIO on a machine with LIMIT."""
    key = scenario.program.cap
    cap = scenario.fixed.get(key)
    if cap is not None and units.count(cap) < limit.most:
        return Limit(units.count(cap), f"the scenario's {key}")
    return limit


def expand(scenario, limit):
    """The Cells of SCENARIO on a machine with LIMIT (a Limit), and notes for the user: what was left out, and
    why. UserError if no cell is left."""
    most, counted = reach(scenario, limit), scenario.program.counted
    keys = [key for key in scenario.sweep if key != "mechanism"]
    count = math.prod(len(scenario.sweep[key]) for key in keys)
    if count > MOST_CELLS:
        raise UserError(f"{scenario.name}: {count:,} cells in [sweep], more than {MOST_CELLS:,}; sweep fewer values")
    cells, notes = {}, []
    for values in itertools.product(*(scenario.sweep[key] for key in keys)):
        raw = scenario.fixed | dict(zip(keys, values))
        if raw[counted] == "max":
            raw[counted] = most.most
        settings = _read(scenario.program, raw)
        note = _above_limit(counted, settings[counted], limit) or scenario.program.resolve(settings, limit)
        if note:
            notes.append(note)
            continue
        swept = [key for key in keys if len(scenario.sweep[key]) > 1]
        name, variant = scenario.program.place(scenario, settings, swept)
        cells.setdefault(name, Cell(name, variant, list(dict.fromkeys(scenario.sweep["mechanism"])), settings))
    notes = _limit_note(scenario, most) + list(dict.fromkeys(notes))
    if not cells:
        notes.append("no cell is left to measure")
        raise UserError("\n".join(f"{scenario.name}: {note}" for note in notes))
    return list(cells.values()), notes


def _read(program, raw):
    """RAW values in the units of a Cell; None where the scenario says nothing."""
    return {key: program.keys[key].number(raw[key]) if key in raw else None for key in program.cell_keys}


def _above_limit(counted, count, limit):
    return f"{count:,} {counted} left out: more than {limit.most:,} ({limit.why})" if count > limit.most else None


def _limit_note(scenario, limit):
    """Where the sweep stops, if it asks for as much as the machine allows."""
    counted = scenario.program.counted
    asked = scenario.sweep.get(counted, [scenario.fixed.get(counted)])
    return [f"{counted} stop at {limit.most:,}: {limit.why}"] if "max" in asked else []


# ---- of the servers ----------------------------------------------------------------------------------------

def resolve(settings, _limit):
    """Make SETTINGS whole. Returns why there is no such cell, or None."""
    connections = settings["connections"]
    active = settings["active"] = active_count(settings["active"], connections)
    if active > connections:
        return f"{active:,} active of {connections:,} connections left out: active must not be more"
    if settings["rtt"] == BY_RATE:
        period = active * settings["depth"] / settings["rate"]
        taken = (settings["network_delay"] or 0) + (settings["think"] or 0)
        if taken > period:
            return (f"{active:,} active at {settings['rate']:,} requests per second left out: a round is "
                    f"{period:.3g} s, and network_delay (with think) alone {taken:.3g} s")
        settings["rtt"] = period - taken
    settings["slice"] = max(settings["slice"], round(active * SLICE_PER_ACTIVE_S, 2))
    settings["window"] = max(settings["window"], SLICES_PER_WINDOW * settings["slice"])
    return None


def clashes(fixed, sweep):
    """Rates that do not go with the arrivals: (key, message)."""
    arrivals, rates, rtts = (sweep.get(name, [fixed.get(name)]) for name in ("arrival", "rate", "rtt"))
    if BY_RATE in rtts:
        if set(arrivals) != {"closed"} or "max" in rates or rtts != [BY_RATE]:
            yield "rtt", f'"{BY_RATE}" needs a rate in a closed loop: set arrival = "closed" and give one, in all cells'
        return
    if "closed" in arrivals and any(rate != "max" for rate in rates):
        yield "rate", 'a rate needs open arrivals: set arrival = "poisson" or "uniform", or rate = "max"'
    if "max" in rates and any(arrival != "closed" for arrival in arrivals):
        yield "rate", 'open arrivals need a rate: give requests per second, or set arrival = "closed"'


def active_count(value, connections):
    """How many are active: VALUE is a count, "all", or a share such as "0.1%" (at least 1)."""
    if value == "all":
        return connections
    if isinstance(value, str):
        return max(1, round(float(value[:-1]) / 100 * connections))
    return value


def place(scenario, settings, swept):
    """(name, variant) of the cell with these SETTINGS. The name is unique: every SWEPT key has a part in it."""
    others = [f"{key}={plain(settings[key])}" for key in swept if key not in SHOWN]
    variant = "+".join([settings["drain"], *others])
    parts = [scenario.name, f"c{settings['connections']}", f"a{settings['active']}"]
    if settings["rate"] != "max":
        parts.append(f"r{plain(settings['rate'])}")
    parts += [f"{key}{plain(settings[key])}" for key in swept if key in SHOWN and key not in NAMED]
    return "-".join([*parts, variant]), variant


def plain(value):
    """VALUE as a part of a name."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)
