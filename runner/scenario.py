"""A scenario file, read and checked: nothing starts unless every key of it is right.

Every message names the file, the line where the key stands, the key, and what is allowed.
"""
import difflib
import math
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from runner import cells, units
from runner.errors import UserError
from runner.keys import ALLOWED, BOUNDS, KEYS, REQUIRED, SCHEMA
from runner.paths import shown


@dataclass(frozen=True)
class Scenario:
    """A scenario as it was written, with the defaults filled in: FIXED has one value for a key, SWEEP a
    list; EXPECT has its predictions (plots/expect.py says what they mean)."""
    name: str
    text: str
    question: str
    prediction: str
    blocks: int
    slices: bool
    fixed: dict
    sweep: dict
    quick: bool = False
    figures: tuple = field(default=())
    expect: tuple = field(default=())


def find(name, folder):
    """The path of scenario NAME: a file, or the name of one in FOLDER. UserError if there is none."""
    for path in (Path(name), Path(folder) / f"{name}.toml", Path(folder) / name):
        if os.path.isfile(path):   # False for a name that is too long, too: Path.is_file() raises
            return path
    known = sorted(path.stem for path in Path(folder).glob("*.toml"))
    raise UserError(
        f"{name}: there is no such scenario{_meant(Path(name).stem, known)}; known: {', '.join(known)}")


def load(path, quick=False, edit=None):
    """The Scenario in PATH, its [quick] section applied if QUICK; EDIT(text) is read in the place of its text.
    UserError with all that is wrong, one per line."""
    path = Path(path)
    stages = (_schema_problems, _range_problems, _section_problems)   # each supposes that the one before found nothing
    try:
        text, data = _parse(path, edit)
        problems = next(filter(None, (list(stage(data)) for stage in stages)), [])
    except RecursionError:
        raise UserError(f"{shown(path)}: nested too deep; a scenario has sections of keys, and no more") from None
    if problems:
        raise UserError("\n".join(_message(path, text, *problem) for problem in problems))
    fixed, sweep = _sections(data, quick)
    return Scenario(name=path.stem, text=text, question=data["question"], prediction=data["prediction"],
                    blocks=data.get("blocks", 10), slices=data.get("slices", True), fixed=fixed, sweep=sweep,
                    quick=quick, figures=tuple(data.get("figures", {}).get("show", ())),
                    expect=tuple(data.get("expect", ())))


def _parse(path, edit):
    try:
        text = path.read_text(encoding="utf-8-sig")
        text = edit(text) if edit else text
        data = tomllib.loads(text)
        repr(data)   # ValueError of hexadecimal numbers that could not be shown, either
        return text, data
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; `./muxbench list` shows the scenarios") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{shown(path)}:{line}: not a text in UTF-8: {error.reason}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(
            f"{shown(path)}: not valid TOML: {error}; text stands in quotes, lists in [ ]") from None
    except ValueError:   # Python's limit of 4,300 digits
        line = text.count("\n", 0, re.search(r"[0-9A-Fa-f_]{1000}|\Z", text).start()) + 1
        raise UserError(f"{shown(path)}:{line}: a number of thousands of digits; give one of 64 bits at most") from None


def _sections(data, quick):
    """The fixed values and the sweeps of DATA, defaults filled in; [quick] replaces either where it names a
    key."""
    defaults = {name: key.default for name, key in KEYS.items() if key.default is not None}
    sweep = dict(data["sweep"])
    fixed = {name: value for name, value in defaults.items() if name not in sweep} | data.get("fixed", {})
    for name, value in data.get("quick", {}).items() if quick else ():
        fixed.pop(name, None)
        sweep.pop(name, None)
        (sweep if isinstance(value, list) else fixed)[name] = value
    return fixed, sweep


# ---- what is wrong: (keys that lead to the place, message) -------------------------------------------------

def _schema_problems(data):
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    types = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    validator = extend(Draft202012Validator, type_checker=types)(SCHEMA)
    for error in sorted(validator.iter_errors(data), key=lambda one: list(map(str, one.path))):
        yield from _explain(error)


def _is_integer(_checker, value):
    """TOML's: 64 bits, and 1.0 is none."""
    return isinstance(value, int) and not isinstance(value, bool) and -2**63 <= value < 2**63


def _is_number(checker, value):
    return _is_integer(checker, value) or isinstance(value, float) and math.isfinite(value)


def _explain(error):
    """An error of jsonschema as our own problems, in words that name what is allowed."""
    where = _place(error.path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance:
            if name not in known:
                yield [*where, name], f"unknown key{_meant(name, known)}; allowed: {', '.join(known)}"
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield [*where, name], f"missing; give {_allowed(name, where)}"
    elif error.validator == "minItems" and not error.instance:
        yield where, f"an empty list; give at least one of: {_allowed(where[-1], [])}"
    else:
        what = f"{_toml(error.instance)} is not allowed{_choice(error)}"
        yield where, f"{what}; allowed: {_allowed(where[-1], where[:-1])}"


def _place(path):
    """jsonschema's path as the keys that lead there; the second [[expect]] is "expect[2]"."""
    keys = list(path)
    if keys[:1] == ["expect"] and len(keys) > 1:
        keys[:2] = [f"expect[{keys[1] + 1}]"]
    return [key for key in keys if isinstance(key, str)]


def _choice(error):
    choices = error.validator_value if error.validator == "enum" else []
    return _meant(error.instance, choices) if isinstance(error.instance, str) else ""


def _allowed(name, where):
    """What key NAME takes, in words; in [sweep] it is a list of such."""
    if name in KEYS:
        return ("a list of: " if where == ["sweep"] else "") + KEYS[name].allowed
    return ALLOWED.get(name, f"a section [{name}] with keys and values")


def _range_problems(data):
    """Numbers that are written well, and that no program takes."""
    tables = [([name], data.get(name, {})) for name in ("fixed", "sweep", "quick")]
    tables += [([f"expect[{number}]", name], expect.get(name, {})) for number, expect in
               enumerate(data.get("expect", []), 1) for name in ("where", "against")]
    for where, table in tables:
        for name, value in table.items():
            for one in value if isinstance(value, list) else [value]:
                if KEYS[name].range and not _in_range(name, one, *KEYS[name].range):
                    yield [*where, name], f"{_toml(one)} is not allowed; allowed: {_allowed(name, where)}"


def _in_range(name, value, least, most):
    try:
        number = cells.number(name, value)
    except ValueError:
        return False
    return isinstance(number, str) or least <= number <= most and (isinstance(least, float) or number == int(number))


def _section_problems(data):
    """What a schema cannot say: keys given twice or not at all, and rates that do not go with the
    arrivals."""
    fixed, sweep = data.get("fixed", {}), data["sweep"]
    for name in sweep:
        if name in fixed:
            yield ["sweep", name], "stands in [fixed] too; keep one of the two"
    for name in REQUIRED:
        if name not in fixed and name not in sweep:
            yield ["fixed", name], f"missing; give it in [fixed] or [sweep]: {KEYS[name].allowed}"
    for quick in (False, True):
        yield from _rate_problems(*_sections(data, quick), "quick" if quick else "")
    for number, expect in enumerate(data.get("expect", []), 1):
        for where, what in _expect_problems(expect, *_sections(data, False)):
            yield [f"expect[{number}]", *where], what
    if isinstance(data.get("quick", {}).get("mechanism"), str):
        yield ["quick", "mechanism"], "must be a list"
    if isinstance(data.get("quick", {}).get("max_connections"), list):
        yield ["quick", "max_connections"], "must be one value"


def _rate_problems(fixed, sweep, section):
    arrivals = sweep.get("arrival", [fixed.get("arrival")])
    rates = sweep.get("rate", [fixed.get("rate")])
    where = [section or ("sweep" if "rate" in sweep else "fixed"), "rate"]
    if "closed" in arrivals and any(rate != "max" for rate in rates):
        yield where, 'a rate needs open arrivals: set arrival = "poisson" or "uniform", or rate = "max"'
    if "max" in rates and any(arrival != "closed" for arrival in arrivals):
        yield where, 'open arrivals need a rate: give requests per second, or set arrival = "closed"'


def _expect_problems(expect, fixed, sweep):
    """What is wrong in one prediction: (keys below its section, message)."""
    subject = [name for name in ("mechanism", "compare") if name in expect]
    if len(subject) != 1:
        yield subject[1:], "give one of mechanism (a figure of one) and compare (the ratio of two)"
    for name in subject:
        for mechanism in [expect[name]] if name == "mechanism" else expect[name]:
            if mechanism not in sweep["mechanism"]:
                yield [name], (f'"{mechanism}" is not measured{_meant(mechanism, sweep["mechanism"])}; '
                               f'[sweep] has: {", ".join(sweep["mechanism"])}')
    yield from _bound_problems(expect)
    for name in ("where", "against"):
        for key, value in expect.get(name, {}).items():
            values = sweep.get(key, [fixed[key]] if key in fixed else [])
            if value not in values:
                yield [name, key], f"no cell has {_toml(value)}; there are: {', '.join(map(_toml, values)) or 'none'}"
    where, against = expect.get("where", {}), expect.get("against")
    for name, chosen in (("where", where), ("against", where | (against or {}))):
        if name in expect and not _some_cell(chosen, fixed, sweep):
            yield [name], "no cell has this: active would be more than connections"
    if against and all(where.get(key, fixed.get(key)) == value for key, value in against.items()):
        yield ["against"], "is the same cell as where; give another value for one of its keys"


def _bound_problems(expect):
    """What is wrong in the bounds of one prediction."""
    bounds = [name for name in BOUNDS if name in expect]
    ratio = "compare" in expect or "against" in expect
    if len(bounds) != 1:
        yield bounds[1:], f"give one of {', '.join(BOUNDS)}"
    if "within" in bounds and not ratio:
        yield ["within"], "is for ratios: give compare or against, or say between = [low, high]"
    low, *high = expect.get("between", [expect.get("above", expect.get("below", 1))])
    if high and low > high[0]:
        yield ["between"], "the lower number comes first"
    if ratio and low <= 0:
        yield bounds[:1], "a ratio is above 0, so this can never fail or never hold"


def _some_cell(chosen, fixed, sweep):
    """Whether a cell with the CHOSEN values can have as many connections as active ones."""
    counts, active = ([chosen[key]] if key in chosen else sweep.get(key) or [fixed.get(key, 1)]
                      for key in ("connections", "active"))
    plain = [value for value in active if isinstance(value, int) or str(value).rstrip("kM.0123456789") == ""]
    return "max" in counts or len(plain) < len(active) or \
        min(map(units.count, plain)) <= max(map(units.count, counts))


# ---- words -------------------------------------------------------------------------------------------------

def _meant(word, known):
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""


def _toml(value):
    """VALUE as TOML writes it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _message(path, text, where, what):
    line = _line_of(text, where)
    if line is None and where[0].startswith("expect["):   # a key within { } stands where that begins
        line = _line_of(text, where[:2]) or _line_of(text, where[:1])
    return _printable(f"{shown(path)}{f':{line}' if line else ''}: {'.'.join(where)}: {what}")


def _printable(text):
    """TEXT in one line, whatever is in its quotes."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _line_of(text, where):
    """The number of the line on which the key stands, or None (a key that is missing stands nowhere)."""
    section, predictions = "", 0
    for number, line in enumerate(text.split("\n"), 1):   # as TOML counts lines: not at U+2028
        header = re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", line)
        if header:
            predictions += header[1] == "[["
            section = header[2] if header[1] == "[" else f"{header[2]}[{predictions}]"
        key = [] if header else re.findall(r"^\s*([\w-]+)\s*=", line)
        if [*([section] if section else []), *key] == list(where):
            return number
    return None
