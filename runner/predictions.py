"""What may be wrong in a prediction (a section [[expect]] of a scenario), beyond what its schema says."""
from runner.schema import BOUNDS
from runner.words import meant, toml


def problems(expect, program, fixed, sweep):
    """What is wrong in one prediction: (keys below its section, message)."""
    subject = [name for name in ("mechanism", "compare") if name in expect]
    if len(subject) != 1:
        yield subject[1:], "give one of mechanism (a figure of one) and compare (the ratio of two)"
    for name in subject:
        for mechanism in [expect[name]] if name == "mechanism" else expect[name]:
            if mechanism not in sweep["mechanism"]:
                yield [name], (f'"{mechanism}" is not measured{meant(mechanism, sweep["mechanism"])}; '
                               f'[sweep] has: {", ".join(sweep["mechanism"])}')
    yield from _bound_problems(expect)
    for name in ("where", "against"):
        for key, value in expect.get(name, {}).items():
            values = sweep.get(key, [fixed[key]] if key in fixed else [])
            if value not in values:
                yield [name, key], f"no cell has {toml(value)}; there are: {', '.join(map(toml, values)) or 'none'}"
    where, against = expect.get("where", {}), expect.get("against")
    for name, chosen in (("where", where), ("against", where | (against or {}))):
        for key, room in program.parts.items():
            if name in expect and room is not None and not _some_cell(chosen, fixed, sweep, program, key, room):
                yield [name], f"no cell has this: {key} would be {'beyond' if room else 'more than'} {program.counted}"
    yield from _peak_problems(expect, sweep)
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


def _peak_problems(expect, sweep):
    """A peak is looked for among cells, so it is of a key that several of them differ in."""
    key = expect.get("peak")
    if key and len(sweep.get(key, [])) < 2:
        yield ["peak"], f"[sweep] has not several values of {key}, among which one could be the greatest"
    for name in ("where", "against"):
        if key in expect.get(name, {}):
            yield [name, key], "is one value, and peak is the greatest over all of them: keep one of the two"


def _some_cell(chosen, fixed, sweep, program, part, room):
    """Whether a cell with the CHOSEN values can have as many connections as active ones: as many of what is counted as
    of its PART, and so much ROOM."""
    counts, parts = ([program.keys[key].number(value) for value in
                      ([chosen[key]] if key in chosen else sweep.get(key) or [fixed.get(key, 0)])]
                     for key in (program.counted, part))
    numbers = [value for value in parts if not isinstance(value, str)]
    return "max" in counts or len(numbers) < len(parts) or min(numbers) + room <= max(counts)
