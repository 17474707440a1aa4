"""The JSON schema of a scenario, made from its program's table of keys, and what is allowed at its other places in
words."""
import functools

from runner.keys import FIGURES

BOUNDS = ("above", "below", "within", "between")
_SENTENCE = {"type": "string", "minLength": 1, "pattern": r"\S"}


def _table(properties, **more):
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


def _list_of(schema):
    return {"type": "array", "minItems": 1, "items": schema}


def _value_or_list(schema):
    return {"if": {"type": "array"}, "then": _list_of(schema), "else": schema}


@functools.cache
def of(program, programs):
    """The schema of a scenario of PROGRAM (a programs.Program), one of the names in PROGRAMS."""
    keys = {name: key.schema for name, key in program.keys.items()}
    fixed = {name: schema for name, schema in keys.items() if name != "mechanism"}
    swept = {name: _list_of(schema) for name, schema in keys.items() if name != program.cap}
    return _table({
        "question": _SENTENCE,
        "prediction": _SENTENCE,
        "program": {"enum": list(programs)},
        "blocks": {"type": "integer", "minimum": 1},
        **program.sections,
        "fixed": _table(fixed),
        "sweep": _table(swept, required=["mechanism"]),
        "quick": _table({name: _value_or_list(schema) for name, schema in keys.items()}),
        "expect": {"type": "array", "minItems": 1, "items": _expect(program)},
    }, required=["question", "prediction", "sweep"])


def _expect(program):
    """One prediction: of one mechanism or of the ratio of two, with one bound."""
    number, above_0 = {"type": "number"}, {"type": "number", "exclusiveMinimum": 0}
    name = program.keys["mechanism"].schema
    where = _table({key: program.keys[key].schema for key in program.cell_keys}, minProperties=1)
    return _table({
        "claim": _SENTENCE, "metric": {"enum": list(program.metrics)}, "mechanism": name,
        "compare": {"type": "array", "minItems": 2, "maxItems": 2, "uniqueItems": True, "items": name},
        "where": where, "against": where, "peak": {"enum": list(program.cell_keys)}, "above": number, "below": number,
        "within": above_0, "between": {"type": "array", "minItems": 2, "maxItems": 2, "items": number},
    }, required=["claim", "metric"])


SERVER_SECTIONS = {
    "slices": {"type": "boolean"},
    "figures": _table({"show": {"type": "array", "minItems": 1, "items": {"enum": list(FIGURES)}}}),
}
# What is allowed at the places that are no key of a program's table, in words.
ALLOWED = {
    "question": "one sentence of text",
    "prediction": "one sentence of text",
    "blocks": "a whole number from 1 on",
    "slices": "true or false",
    "show": "a list of " + ", ".join(f'"{name}"' for name in FIGURES),
    "expect": "predictions, each in a section [[expect]]",
    "claim": "one sentence of text",
    "compare": "two mechanisms, such as [\"poll\", \"epoll-lt\"]: the first divided by the second",
    "above": "a number",
    "below": "a number",
    "within": "a share above 0: 0.2 stands for a ratio from 1/1.2 to 1.2",
    "between": "two numbers, the lower one first",
}


def allowed(program, programs, name):
    """What place NAME of a scenario takes, in words: no key of the program's table."""
    counted, samples = program.counted, program.samples
    words = ALLOWED | {
        "program": " or ".join(f'"{one}"' for one in programs),
        "metric": f"a column of {samples} that holds a number: {', '.join(program.metrics)}",
        "where": f"cells, such as {{ {counted} = \"max\" }}",
        "against": f"the cell that it is divided by, such as {{ {counted} = 100 }}",
        "peak": f"a key of [sweep], over whose values the greatest number counts: {', '.join(program.cell_keys)}",
    }
    return words.get(name, f"a section [{name}] with keys and values")
