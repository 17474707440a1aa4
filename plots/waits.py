"""Scenarios of waitcost: their cells, what these are called, and their table for a terminal."""
import pandas as pd

from . import cells, style, text
from .data import USABLE

BASE = "epoll-lt"   # what ratios are taken to
# What makes a cell, besides the mechanism. The variant holds what was swept and has no column.
SETTINGS = ("kind", "when", "descriptors", "ready", "placement", "place", "writes", "rebuild", "reregister", "rounds",
            "variant")
COUNTED = ("descriptors", "ready", "writes", "place")
WORDS = {"when": {"zero": "time-out 0", "ready": "blocking, one ready", "sleeping": "sleeping"},
         "rebuild": {"true": "set made anew", "false": "set kept"},
         "reregister": {"none": "registered once", "add": "DEL and ADD of all", "mod": "MOD of all"}}
# What is looked at first: column, unit, divisor.
WAIT, CPU, COMMAND = ("wait_ns", "µs/wait", 1000), ("wait_cpu_ns", "µs of CPU/wait", 1000), \
    ("command_elapsed_s", "s/command", 1)


def split(samples):
    """[(values by setting, rows)] of the cells, ascending; what is not set is None."""
    by = list(SETTINGS)
    found = []
    for values, rows in samples.groupby(by, dropna=False, sort=True):
        found.append(({name: None if pd.isna(value) else value for name, value in zip(by, values)}, rows))
    return sorted(found, key=lambda one: [_rank(one[0][name]) for name in ("when", *by)])


def _rank(value):
    """None first, then numbers, then words; the time-outs in the order of what they ask of the kernel."""
    words = list(WORDS["when"])
    if value in words:
        return 1, words.index(value), ""
    return (0, 0, "") if value is None else (2, 0, value) if isinstance(value, str) else (1, value, "")


def settings(values, definition):
    """A cell's values by the keys of a scenario, and as its DEFINITION asked for them where that was "all"."""
    found = {name: value for name, value in values.items() if name not in ("place", "variant")}
    found["position"] = values["place"]
    found |= {key: value for key, _, value in (part.partition("=") for part in values["variant"].split("+")) if key}
    for key in ("ready", "writes"):
        every = "all" in _asked(definition, key) and values[key] == values["descriptors"]
        found[f"{key} asked"] = "all" if every else values[key]
    return found


def _asked(definition, key):
    """All that a scenario says of a key."""
    its = [definition.get(section, {}).get(key) for section in ("fixed", "sweep", "quick")]
    return [one for value in its for one in (value if isinstance(value, list) else [value])]


def spoken(name, value):
    """A setting in words: ("descriptors", 1000.0) is "1,000 descriptors"."""
    if value is None:
        return ""
    if name in COUNTED:
        return {"place": "place {}", "writes": "{} writes"}.get(name, "{} " + name).format(f"{value:,.0f}")
    if name == "rounds":
        return f"{value:,.0f} rounds"
    return WORDS.get(name, {}).get(value, value)


def name_of(values):
    """A cell's name from its values by setting (or by key), such as "1,000 descriptors, 1 ready, time-out 0"."""
    order = ("descriptors", "ready", *(name for name in SETTINGS if name not in ("descriptors", "ready")))
    known = values | {"place": values.get("place", values.get("position"))}
    return ", ".join(filter(None, (spoken(name, known.get(name)) for name in order)))


# ---- for a terminal ----------------------------------------------------------------------------------------

def summary_table(scenario):
    """A rich table of 80 columns: two lines per cell, with the median by mechanism and its ratio to epoll-lt."""
    from rich import box
    from rich.table import Table
    varying = [name for name in SETTINGS if scenario.samples[name].nunique(dropna=False) > 1] or ["descriptors"]
    mechanisms = style.order(scenario.samples["mechanism"])
    found = split(scenario.samples)
    shared = name_of({name: value for name, value in found[0][0].items() if name not in varying + ["rounds"]})
    units = " or ".join(dict.fromkeys(_measure(rows)[1] for _, rows in found))
    stamp = ", exploratory" if scenario.exploratory else ""
    marked = "; * suspect: disturbed" if (scenario.samples["status"] == "suspect").any() else ""
    table = Table(title=f"[bold]{scenario.name}[/bold]: {units}, then the mean paired ratio to {BASE}; medians, "
                        f"{scenario.blocks} block{'s' if scenario.blocks != 1 else ''}{stamp}",
                  caption=shared + marked, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD,
                  padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("cell")
    for name in mechanisms:
        table.add_column(name.replace("-", "-\n"), justify="right", no_wrap=True)
    for values, rows in found:
        table.add_row(name_of({name: values[name] for name in varying}),
                      *(_summary_cell(rows, mechanism) for mechanism in mechanisms))
    return table


def _measure(rows):
    """What tells most of these samples. Asleep, only the CPU is the call's own."""
    if rows["command_elapsed_s"].notna().any():
        return COMMAND
    return CPU if (rows["when"] == "sleeping").all() else WAIT


def _summary_cell(rows, mechanism):
    column, _, divisor = _measure(rows)
    its = rows[rows["mechanism"] == mechanism]
    usable = rows[rows["status"].isin(USABLE)]
    value = usable[column][usable["mechanism"] == mechanism].median()
    if pd.isna(value):
        return f"[dim]{' '.join(sorted(set(its['status']))) or text.NONE}[/dim]".replace("unsupported", "–")
    ratio = cells.ratio(usable, mechanism, BASE, column) if mechanism != BASE else None
    mark = "*" if (its["status"] == "suspect").any() else ""
    below = f"\n[dim]{text.value(ratio.value)}×[/dim]" if ratio else ""
    return f"[bold]{text.value(value / divisor)}{mark}[/bold]{below}"
