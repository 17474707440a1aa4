"""`--only KEY=VALUE,VALUE`: the part of a plan that is wanted."""
import difflib
import re
from dataclasses import replace

from runner import units
from runner.cells import active_count
from runner.errors import UserError
from runner.keys import SHARE


def parse(texts, programs):
    """["mechanism=poll,select", ...] as {key: [value, ...]} (values as text). UserError if a key is none that cells of
    PROGRAMS have."""
    known = list(dict.fromkeys(["mechanism", *(key for program in programs for key in program.cell_keys)]))
    wanted = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if key not in known or not equals or not values:
            close = difflib.get_close_matches(key, known, n=1)
            meant = f" (did you mean {close[0]}?)" if close and close[0] != key else ""
            raise UserError(
                f"--only {text}: give KEY=VALUE,VALUE with one of the keys {', '.join(known)}{meant}")
        wanted.setdefault(key, []).extend(values.split(","))
    return wanted


def check(wanted, cells, limits):
    """UserError if a WANTED value is in none of CELLS: such a value cannot be measured, so it is a mistake.
    LIMITS: the Limit that goes with each cell."""
    for key, values in wanted.items():
        for value in values:
            if not any(_has(cell, limit, key, value) for cell, limit in zip(cells, limits)):
                there = dict.fromkeys(str(one) for cell in cells for one in _values(cell, key))
                raise UserError(f"--only {key}={value}: no cell has it; there are: {', '.join(there)}")


def select(wanted, cells, limit):
    """The CELLS (of one scenario, on a machine with LIMIT) that have a wanted value for each key, with the
    wanted mechanisms only."""
    chosen = []
    for cell in cells:
        mechanisms = [name for name in cell.mechanisms if name in wanted.get("mechanism", cell.mechanisms)]
        if mechanisms and all(
                any(_has(cell, limit, key, value) for value in values) for key, values in wanted.items()):
            chosen.append(replace(cell, mechanisms=mechanisms))
    return chosen


def _values(cell, key):
    return cell.mechanisms if key == "mechanism" else [cell.settings[key]] if key in cell.settings else []


def _has(cell, limit, key, text):
    """Does CELL have the value TEXT for KEY? Numbers are equal however they are written."""
    counted = "connections" if "connections" in cell.settings else "descriptors"
    if key == counted and text == "max":
        text = str(limit.most)
    if text == "all":
        text = str(cell.settings[counted])
    if key == "active" and re.fullmatch(SHARE, text):
        text = str(active_count(text, cell.settings["connections"]))
    return any(str(value) == text or _same(value, text) for value in _values(cell, key))


def _same(value, text):
    """Is TEXT another way to write the number VALUE: 10k, 64KiB, 500ms, true?"""
    for read in (units.count, units.size, units.seconds, {"true": True, "false": False}.__getitem__):
        try:
            if value is not None and read(text) == value:
                return True
        except (ValueError, KeyError):
            pass
    return False
