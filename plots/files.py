"""Reading the files of a run, which may be torn, damaged or changed by hand: what is wrong is said with the file, the
row and the column, and with what to do."""
import csv
import io
import json
import math
import tomllib

import pandas as pd

MEND = "delete the row, or finish a run that was cut short with `./muxbench run --resume`"


class RunError(Exception):
    """A run that cannot be drawn; the message says what to do next."""


def read_csv(path):
    """The file's cells as text, "" where empty."""
    try:
        rows = list(csv.reader(io.StringIO(_text(path), newline="")))
    except csv.Error as error:
        raise RunError(f"{path}: {error}; {MEND}") from error
    header = rows[0] if rows else []
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise RunError(f"{path}: column {', '.join(twice)} stands there twice; delete one of the two")
    for number, row in enumerate(rows[1:], 2):
        if row and len(row) != len(header):
            raise RunError(f"{path}: row {number} has {len(row)} cells, the header {len(header)}; {MEND}")
    return pd.DataFrame([row for row in rows[1:] if row], columns=header, dtype=str)


def _text(path):
    """The text of a table. RunError if it is none, or its last row has no end, so that a number may be cut."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}; put it back, or run the scenario again") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RunError(f"{path}: row {line}: not a text in UTF-8; {MEND}") from error
    if text and not text.endswith("\n"):
        count = text.count("\n") + 1
        raise RunError(f"{path}: row {count} is cut short, it has no newline at its end; {MEND}")
    return text


def read_table(path, texts, whole, others=()):
    """The columns TEXTS (as categories), WHOLE (a number in each row) and OTHERS (a number or NaN) of a CSV file.
    RunError says what is wrong with it."""
    table = read_csv(path)
    missing = [name for name in (*texts, *whole, *others) if name not in table.columns]
    if missing:
        raise RunError(f"{path}: missing columns {', '.join(missing)}; it was written by another version of "
                       "muxbench: run the scenario again")
    table = table[[*texts, *whole, *others]].astype(dict.fromkeys(texts, "category"))
    for name in (*whole, *others):
        table[name] = numbers(table[name], name, path)
        if name in whole and table[name].isna().any():
            raise RunError(f"{path}: row {table[name].isna().idxmax() + 2}: {name} is empty; mend or delete that row")
    return table


def numbers(column, name, path):
    """Text to numbers; an empty cell, and the rate "max" of closed arrivals, is not a number (NaN)."""
    text = column.mask(column == "")
    if name == "offered_per_s":
        text = text.mask(text == "max")
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = text.notna() & ~(numbers.abs() < math.inf)
    if wrong.any():
        row = wrong.idxmax()
        raise RunError(
            f"{path}: row {row + 2}, column {name}: {column[row]!r} is no number; mend or delete that row")
    return numbers.astype(float)


def read_json(path, shape):
    """What is in a JSON file of this SHAPE (a JSON schema); {} if there is no file."""
    advice = "mend the file, or move it away: the report is then without what it says"
    return _read(path, json.loads, shape, advice)


def read_toml(path, shape):
    """As read_json(), of a scenario."""
    return _read(path, tomllib.loads, shape, "mend the file, or copy it again from scenarios/")


def _read(path, loads, shape, advice):
    if not path.is_file():
        return {}
    try:
        found = loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:   # no UTF-8, no JSON, numbers or nesting beyond all measure
        raise RunError(f"{path}: {error}; {advice}") from error
    _check_shape(path, found, shape, advice)
    return found


def _check_shape(path, found, shape, advice):
    """RunError if FOUND in the file PATH has not the SHAPE, a JSON schema."""
    from jsonschema import Draft202012Validator
    for error in Draft202012Validator(shape).iter_errors(found):
        place = ".".join(map(str, error.path)) or "all of it"
        raise RunError(f"{path}: {place}: {error.message[:100]}; {advice}")
