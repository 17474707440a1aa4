"""A scenario file, read and checked: nothing starts unless every key of it is right.

Every message names the file, the line where the key stands, the key, and what is allowed.
"""
import math
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from runner import predictions, programs, schema
from runner.errors import UserError
from runner.paths import shown
from runner.programs import PROGRAMS, Program
from runner.words import meant, toml


@dataclass(frozen=True)
class Scenario:
    """A scenario as it was written, with the defaults filled in: FIXED has one value for a key, SWEEP a
    list; EXPECT has its predictions (plots/expect.py says what they mean)."""
    path: Path
    name: str
    program: Program
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
    known = [known_as(path, folder) for path in files(folder)]
    close = meant(name, known) or meant(Path(name).stem, known)
    raise UserError(f"{name}: there is no such scenario{close}; known: {', '.join(known)}")


def files(folder):
    """The paths of the scenarios in FOLDER: those of its own, then those in a folder of it."""
    return sorted(Path(folder).glob("*.toml")) + sorted(Path(folder).glob("*/*.toml"))


def known_as(path, folder):
    """The name by which find() finds the scenario PATH in FOLDER."""
    return path.relative_to(folder).with_suffix("").as_posix()


def load(path, quick=False, edit=None):
    """The Scenario in PATH, its [quick] section applied if QUICK; EDIT(text) is read in the place of its text.
    UserError with all that is wrong, one per line."""
    path = Path(path)
    stages = (_schema_problems, _range_problems, _section_problems)   # each supposes that the one before found nothing
    try:
        text, data = _parse(path, edit)
        program = programs.named(data)
        problems = next(filter(None, (list(stage(data, program)) for stage in stages)), [])
    except RecursionError:
        raise UserError(f"{shown(path)}: nested too deep; a scenario has sections of keys, and no more") from None
    if problems:
        raise UserError("\n".join(_message(path, text, *problem) for problem in problems))
    fixed, sweep = _sections(data, program, quick)
    return Scenario(path=path, name=path.stem, program=program, text=text,
                    question=data["question"], prediction=data["prediction"],
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


def _sections(data, program, quick):
    """The fixed values and the sweeps of DATA, defaults filled in; [quick] replaces either where it names a
    key."""
    defaults = {name: key.default for name, key in program.keys.items() if key.default is not None}
    sweep = dict(data["sweep"])
    fixed = {name: value for name, value in defaults.items() if name not in sweep} | data.get("fixed", {})
    for name, value in data.get("quick", {}).items() if quick else ():
        fixed.pop(name, None)
        sweep.pop(name, None)
        (sweep if isinstance(value, list) else fixed)[name] = value
    return fixed, sweep


# ---- what is wrong: (keys that lead to the place, message) -------------------------------------------------

def _schema_problems(data, program):
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    types = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    validator = extend(Draft202012Validator, type_checker=types)(schema.of(program, tuple(PROGRAMS)))
    errors = sorted(validator.iter_errors(data), key=lambda one: list(map(str, one.path)))
    whose = [error for error in errors if list(error.path) == ["program"]]
    for error in whose or errors:   # of an unknown program no key can be judged
        yield from _explain(error, program)
    others = {name for one in PROGRAMS.values() for name in one.keys} - set(program.keys)
    said = {key for section in ("fixed", "sweep") if isinstance(data.get(section), dict) for key in data[section]}
    if "program" not in data and others & said:
        yield ["program"], f'missing; these are keys of waitcost: give program = "{programs.WAITCOST.name}" at the top'


def _is_integer(_checker, value):
    """TOML's: 64 bits, and 1.0 is none."""
    return isinstance(value, int) and not isinstance(value, bool) and -2**63 <= value < 2**63


def _is_number(checker, value):
    return _is_integer(checker, value) or isinstance(value, float) and math.isfinite(value)


def _explain(error, program):
    """An error of jsonschema as our own problems, in words that name what is allowed."""
    where = _place(error.path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance:
            if name not in known:
                yield [*where, name], f"unknown key{meant(name, known)}; allowed: {', '.join(known)}"
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield [*where, name], f"missing; give {_allowed(program, name, where)}"
    elif error.validator == "minItems" and not error.instance:
        yield where, f"an empty list; give at least one of: {_allowed(program, where[-1], [])}"
    else:
        what = f"{toml(error.instance)} is not allowed{_choice(error)}"
        yield where, f"{what}; allowed: {_allowed(program, where[-1], where[:-1])}"


def _place(path):
    """jsonschema's path as the keys that lead there; the second [[expect]] is "expect[2]"."""
    keys = list(path)
    if keys[:1] == ["expect"] and len(keys) > 1:
        keys[:2] = [f"expect[{keys[1] + 1}]"]
    return [key for key in keys if isinstance(key, str)]


def _choice(error):
    choices = error.validator_value if error.validator == "enum" else []
    return meant(error.instance, choices) if isinstance(error.instance, str) else ""


def _allowed(program, name, where):
    """What key NAME takes, in words; in [sweep] it is a list of such."""
    if name in program.keys:
        return ("a list of: " if where == ["sweep"] else "") + program.keys[name].allowed
    return schema.allowed(program, tuple(PROGRAMS), name)


def _range_problems(data, program):
    """Numbers that are written well, and that no program takes."""
    tables = [([name], data.get(name, {})) for name in ("fixed", "sweep", "quick")]
    tables += [([f"expect[{number}]", name], expect.get(name, {})) for number, expect in
               enumerate(data.get("expect", []), 1) for name in ("where", "against")]
    for where, table in tables:
        for name, value in table.items():
            for one in value if isinstance(value, list) else [value]:
                if not _in_range(program.keys[name], one):
                    yield [*where, name], f"{toml(one)} is not allowed; allowed: {_allowed(program, name, where)}"


def _in_range(key, value):
    if key.range is None:
        return True
    least, most = key.range
    try:
        number = key.number(value)
    except ValueError:
        return False
    return isinstance(number, str) or least <= number <= most and (isinstance(least, float) or number == int(number))


def _section_problems(data, program):
    """What a schema cannot say: keys given twice or not at all, and values that do not go together."""
    fixed, sweep = data.get("fixed", {}), data["sweep"]
    for name in sweep:
        if name in fixed:
            yield ["sweep", name], "stands in [fixed] too; keep one of the two"
    for name in program.required:
        if name not in fixed and name not in sweep:
            yield ["fixed", name], f"missing; give it in [fixed] or [sweep]: {program.keys[name].allowed}"
    for quick in (False, True):
        fixed, sweep = _sections(data, program, quick)
        for name, what in program.clashes(fixed, sweep):
            yield ["quick" if quick else "sweep" if name in sweep else "fixed", name], what
    for number, expect in enumerate(data.get("expect", []), 1):
        for where, what in predictions.problems(expect, program, *_sections(data, program, False)):
            yield [f"expect[{number}]", *where], what
    if isinstance(data.get("quick", {}).get("mechanism"), str):
        yield ["quick", "mechanism"], "must be a list"
    if isinstance(data.get("quick", {}).get(program.cap), list):
        yield ["quick", program.cap], "must be one value"


# ---- words -------------------------------------------------------------------------------------------------

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
