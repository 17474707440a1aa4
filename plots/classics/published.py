"""The published results: one TOML file for each classic, in plots/published/.

    number = "P1"          # of the classic
    place = 10             # on the page: in ascending order
    title, claim, then, now, why   # what was claimed, how it was measured then and is now, why today differs
    answer                 # sentences with {now1} and {then1} for the numbers of the first [[ratio]], and so on

    [draw]                 # how today's samples are drawn
    figure = "curves"      # or share, dispatch, delays: see figures.py
    x = "descriptors"      # the column from left to right
    y = ["wait_us"]        # a panel, or a row of panels, for each
    panels = ["when"]      # a panel for each value
    ratio = ["poll", "epoll-lt"]   # optional: a panel with their ratio

    [[source]]             # author, title, year, where it appeared, and what was read of it and where

    [[table]]              # as it was printed: label, source (1 is the first), unit, columns, rows
    [table.draw]           # optional: its points in the figure. x: a column; y: a measure; factor: to its unit;
                           # series: {a mechanism: a column}; only: in panels with these values;
                           # ratio_only = true: in the panel of ratios, and in no other

    [[ratio]]              # then and now: name, then (a list), and as in an [[expect]]: metric, mechanism or compare,
                           # where, against, peak; together they must name one cell
"""
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from ..files import RunError
from .measures import MEASURES

FOLDER = Path(__file__).parent.parent / "published"
FIGURES = ("curves", "share", "dispatch", "delays")

_TEXT, _COUNT = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}
_TEXTS = {"type": "array", "items": _TEXT}
_CELLS = {"type": "object"}


def _table(needed, optional=None):
    return {"type": "object", "properties": needed | (optional or {}), "required": list(needed),
            "additionalProperties": False}


_MEASURE = {"enum": list(MEASURES)}
_POINTS = _table({"x": _TEXT, "y": _MEASURE, "series": _CELLS | {"additionalProperties": _TEXT}},
                 {"factor": {"type": "number", "exclusiveMinimum": 0},
                  "only": _CELLS | {"additionalProperties": _TEXTS}, "ratio_only": {"type": "boolean"}})
SHAPE = _table({
    "number": {"type": "string", "pattern": "^P[0-9]+$"}, "place": _COUNT, "title": _TEXT, "claim": _TEXT,
    "then": _TEXT, "now": _TEXT, "why": _TEXT, "answer": _TEXTS | {"minItems": 1},
    "draw": _table({"figure": {"enum": list(FIGURES)}}, {
        "x": _MEASURE, "y": {"type": "array", "items": _MEASURE, "minItems": 1}, "panels": _TEXTS,
        "ratio": _TEXTS | {"minItems": 2, "maxItems": 2}, "x_scale": {"enum": ["log", "linear"]},
        "y_scale": {"enum": ["log", "linear", "percent"]}, "reading": _TEXT}),
    "source": {"type": "array", "minItems": 1, "items": _table(
        {"author": _TEXT, "title": _TEXT, "year": {"type": ["integer", "string"]}, "where": _TEXT, "read": _TEXT})},
}, {
    "table": {"type": "array", "items": _table(
        {"label": _TEXT, "source": _COUNT, "unit": _TEXT, "columns": _TEXTS,
         "rows": {"type": "array", "items": {"type": "array", "items": {"type": ["number", "string"]}}}},
        {"draw": _POINTS})},
    "ratio": {"type": "array", "items": _table(
        {"name": _TEXT, "metric": _TEXT},
        {"then": {"type": "array", "items": {"type": "number"}}, "mechanism": _TEXT, "compare": _TEXTS,
         "where": _CELLS, "against": _CELLS, "peak": _TEXT, "source": _COUNT})},
})


@dataclass(frozen=True)
class Classic:
    """One published result. tables and ratios: as in the file, with "source" replaced by the source itself."""
    name: str
    number: str
    place: int
    title: str
    claim: str
    then: str
    now: str
    why: str
    answer: list
    draw: dict
    sources: list
    tables: list = field(default_factory=list)
    ratios: list = field(default_factory=list)


def names():
    """The scenarios that have a published result, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read(name, folder=FOLDER):
    """The Classic of a scenario of this name; None without a file. RunError says what is wrong with it."""
    path = folder / f"{name}.toml"
    if not path.is_file():
        return None
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path}: {error}; mend the file") from error
    _check(path, found)
    sources = found.pop("source")
    tables, ratios = found.pop("table", []), found.pop("ratio", [])
    for one in tables + ratios:
        if "source" in one:
            one["source"] = sources[one["source"] - 1]
    return Classic(name, sources=sources, tables=tables, ratios=ratios, **found)


def _check(path, found):
    """RunError where the file has not the SHAPE, or names what is not there."""
    from jsonschema import Draft202012Validator
    for error in Draft202012Validator(SHAPE).iter_errors(found):
        place = ".".join(map(str, error.path)) or "all of it"
        raise RunError(f"{path}: {place}: {error.message[:200]}; mend the file")
    draw = found["draw"]
    if draw["figure"] == "curves" and not {"x", "y"} <= draw.keys():
        raise RunError(f"{path}: draw: curves need x and y")
    for part in ("table", "ratio"):
        for i, one in enumerate(found.get(part, [])):
            if one.get("source", 1) > len(found["source"]):
                raise RunError(f"{path}: {part}.{i}: there is no source {one['source']}")
    _check_answer(f"{path}: answer", found["answer"], len(found.get("ratio", [])))
    for i, table in enumerate(found.get("table", [])):
        _check_table(f"{path}: table.{i}", table)


def _check_answer(where, sentences, count):
    """RunError where a sentence asks for the number of a ratio that is not there."""
    asked = [name for sentence in sentences for _, name, _, _ in Formatter().parse(sentence) if name is not None]
    for name in asked:
        wanted = re.fullmatch("(now|then)([0-9]+)", name)
        if not wanted or not 1 <= int(wanted[2]) <= count:
            raise RunError(f"{where}: there is no {{{name}}}: write {{now1}} or {{then1}} up to the {count} ratios")


def _check_table(where, table):
    width = len(table["columns"])
    for row in table["rows"]:
        if len(row) != width:
            raise RunError(f"{where}: row {row} has {len(row)} cells, the columns are {width}")
    points = table.get("draw")
    named = [points["x"], *points["series"].values()] if points else []
    for name in named:
        if name not in table["columns"]:
            raise RunError(f"{where}: draw: there is no column {name!r}")
        column = table["columns"].index(name)
        if not all(isinstance(row[column], (int, float)) for row in table["rows"]):
            raise RunError(f"{where}: draw: column {name!r} holds words")


def points(table, mechanism):
    """([x], [y]) of a published table's points for a mechanism, in the figure's unit; None where it has none."""
    column = table.get("draw", {}).get("series", {}).get(mechanism)
    if column is None:
        return None
    at, of = table["columns"].index(table["draw"]["x"]), table["columns"].index(column)
    factor = table["draw"].get("factor", 1)
    return [row[at] for row in table["rows"]], [row[of] * factor for row in table["rows"]]


def shown_in(table, y, values):
    """Whether a table's points belong into the panel of this measure with these values of the settings."""
    draw = table.get("draw")
    if not draw or draw["y"] != y or draw.get("ratio_only"):
        return False
    return all(str(values.get(name, allowed[0])) in allowed for name, allowed in draw.get("only", {}).items())
