"""From a scenario to its cells: every combination of the swept values, once, with the machine's limits
applied."""
import itertools
import math
from dataclasses import dataclass

from runner import units
from runner.errors import UserError
from runner.keys import KEYS

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
    """How many connections one server may have on this machine, and what sets the limit."""
    connections: int
    why: str


def reach(scenario, limit):
    """The Limit that "max" stands for in SCENARIO on a machine with LIMIT."""
    cap = scenario.fixed.get("max_connections")
    if cap is not None and units.count(cap) < limit.connections:
        return Limit(units.count(cap), "the scenario's max_connections")
    return limit


def expand(scenario, limit):
    """The Cells of SCENARIO on a machine with LIMIT (a Limit), and notes for the user: what was left out, and
    why. UserError if no cell is left."""
    most = reach(scenario, limit)
    keys = [key for key in scenario.sweep if key != "mechanism"]
    count = math.prod(len(scenario.sweep[key]) for key in keys)
    if count > MOST_CELLS:
        raise UserError(f"{scenario.name}: {count:,} cells in [sweep], more than {MOST_CELLS:,}; sweep fewer values")
    cells, notes = {}, []
    for values in itertools.product(*(scenario.sweep[key] for key in keys)):
        raw = scenario.fixed | dict(zip(keys, values))
        if raw["connections"] == "max":
            raw["connections"] = most.connections
        settings, note = _resolve(raw, limit)
        if note:
            notes.append(note)
            continue
        cell = _cell(scenario, settings, [key for key in keys if len(scenario.sweep[key]) > 1])
        cells.setdefault(cell.name, cell)
    notes = _limit_note(scenario, most) + list(dict.fromkeys(notes))
    if not cells:
        notes.append("no cell is left to measure")
        raise UserError("\n".join(f"{scenario.name}: {note}" for note in notes))
    return list(cells.values()), notes


def _resolve(raw, limit):
    """RAW values as settings of a Cell, and None; or None and the reason why there is no such cell."""
    settings = {key: None for key in KEYS if key not in ("mechanism", "max_connections")}
    settings |= {key: number(key, value) for key, value in raw.items() if key in settings}
    connections, active = settings["connections"], settings["active"]
    if connections > limit.connections:
        return None, f"{connections:,} connections left out: more than {limit.connections:,} ({limit.why})"
    active = settings["active"] = active_count(active, connections)
    if active > connections:
        return None, f"{active:,} active of {connections:,} connections left out: active must not be more"
    settings["slice"] = max(settings["slice"], round(active * SLICE_PER_ACTIVE_S, 2))
    settings["window"] = max(settings["window"], SLICES_PER_WINDOW * settings["slice"])
    return settings, None


def number(key, value):
    """VALUE of KEY in the unit that a Cell keeps; words such as "max" stay. ValueError if it is no such number."""
    if not isinstance(value, str) or value in ("max", "all") or value.endswith("%"):
        return value
    if key in ("think", "rtt", "window", "warmup", "slice", "timeout"):
        return units.seconds(value)
    if key in ("message_bytes", "dribble"):
        return units.size(value)
    if key in ("connections", "active", "depth", "churn", "threads", "rate", "max_connections"):
        return units.count(value)
    return value


def active_count(value, connections):
    """How many are active: VALUE is a count, "all", or a share such as "0.1%" (at least 1)."""
    if value == "all":
        return connections
    if isinstance(value, str):
        return max(1, round(float(value[:-1]) / 100 * connections))
    return value


def _cell(scenario, settings, swept):
    """The Cell of these SETTINGS; its name is unique, as every key with several values has a part in it."""
    others = [f"{key}={_plain(settings[key])}" for key in swept if key not in SHOWN]
    variant = "+".join([settings["drain"], *others])
    parts = [scenario.name, f"c{settings['connections']}", f"a{settings['active']}"]
    if settings["rate"] != "max":
        parts.append(f"r{_plain(settings['rate'])}")
    parts += [f"{key}{_plain(settings[key])}" for key in swept if key in SHOWN and key not in NAMED]
    return Cell("-".join([*parts, variant]), variant, list(dict.fromkeys(scenario.sweep["mechanism"])),
                settings)


def _plain(value):
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _limit_note(scenario, limit):
    """Where the sweep stops, if it asks for as much as the machine allows."""
    asked = scenario.sweep.get("connections", [scenario.fixed.get("connections")])
    return [f"connections stop at {limit.connections:,}: {limit.why}"] if "max" in asked else []
