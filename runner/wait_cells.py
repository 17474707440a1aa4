"""The cells of a scenario of waitcost: which there are, and what they are called."""
from runner.cells import plain
from runner.limits import PERCENT_USED

LOWEST = 16    # descriptors below the watched ones, and as many free above (waitcost/descriptors.c)
TWO_ENDS = ("pipe", "socketpair", "tcp")
IN_COLUMNS = ("kind", "when", "descriptors", "ready", "placement", "position", "writes", "rebuild", "reregister",
              "rounds")


def clashes(fixed, sweep):
    """Values that do not go together: (key, message)."""
    if "position" in {**fixed, **sweep} and "placement" in {**fixed, **sweep}:
        yield "position", "is a placement of its own; keep one of the two"


def resolve(settings, limit):
    """Make SETTINGS whole. Returns why there is no such cell, or None."""
    count = settings["descriptors"]
    for key in ("ready", "writes"):
        settings[key] = count if settings[key] == "all" else settings[key]
    if settings["position"] is not None:
        settings["placement"] = "position"
    settings["placement"] = settings["placement"] or "random"
    return _impossible(settings) or _too_many(settings, limit)


def _impossible(settings):
    """Why waitcost would refuse SETTINGS on any machine (waitcost/options.c), or None."""
    count, ready, position = settings["descriptors"], settings["ready"], settings["position"]
    if ready > count:
        return f"{ready:,} ready of {count:,} descriptors left out: ready must not be more"
    if position is not None and position >= count:
        return f"position {position:,} of {count:,} descriptors left out: places go from 0 to {count - 1:,}"
    if position is not None and ready != 1:
        return f"position {position:,} with {ready:,} ready left out: it is the place of one"
    if settings["when"] == "sleeping" and ready != 1:
        return f"sleeping with {ready:,} ready left out: the first write ends the sleep"
    if settings["when"] == "sleeping" and settings["writes"]:
        return "sleeping with writes left out: the caller makes them itself"
    if not ready and (settings["when"] == "ready" or settings["writes"]):
        return "0 ready with writes, or with when = \"ready\", left out: the wait would not end"
    return None


def _too_many(settings, limit):
    """Why this machine has too few descriptors for SETTINGS, or None."""
    count, high = settings["descriptors"], settings["high"]
    if high is not None and high > limit.most:
        return f"high {high:,} left out: more than {limit.most:,} ({limit.why})"
    if high is not None and high < LOWEST - 1 + count:
        return f"high {high:,} left out: {count:,} descriptors need numbers up to {LOWEST - 1 + count:,}"
    needed = count + (count if settings["writes"] else settings["ready"]) + 2 * LOWEST
    if settings["kind"] in TWO_ENDS and needed > limit.most * 100 // PERCENT_USED:
        return (f"{count:,} descriptors of kind {settings['kind']} left out: {needed:,} with the other ends of those "
                f"that are made ready ({limit.why})")
    return None


def place(scenario, settings, swept):
    """(name, variant) of the cell with these SETTINGS. Every SWEPT key is in the name; the variant has those that have
    no column in waits.csv."""
    parts = [scenario.name, f"n{settings['descriptors']}", f"r{settings['ready']}"]
    parts += [f"{key}={plain(settings[key])}" for key in swept if key not in ("descriptors", "ready")]
    variant = "+".join(f"{key}={plain(settings[key])}" for key in swept if key not in IN_COLUMNS)
    return "-".join(parts), variant


def times(settings):
    """How long a cell is measured, in words."""
    turns = f"{settings['turns']:,} turns" if settings["turns"] else f"{settings['round']:g} s"
    runs = f", timed {settings['runs']} times by hyperfine" if settings["runs"] else ""
    return f"{settings['rounds']} rounds of {turns}{runs}"
