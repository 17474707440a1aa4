"""What differs between the environments of two runs, and whether their blocks could be called paired."""
import re

NOT_RECORDED = "not recorded"

# In the order in which a reader should see them; what is not named here comes between the two.
FIRST = ("kernel", "kernel_build", "boot_options", "cpu", "cores", "architecture", "virtualisation", "mitigations",
         "topology", "governor", "clock", "congestion", "server_cpu", "loadgen_cpu", "same_core", "versions", "git",
         "binaries", "limits", "scenario")
LAST = ("boot_id", "date", "command")
MOMENT = ("steal_percent", "busy_percent", "limits.memory_available_bytes")   # never the same twice: left out
ASKED = ("quick", "slices")   # of plan.json: how the scenario was asked


def differences(a, b):
    """[(key, text in A, text in B)] of what differs between two runs (lists of data.Scenario, as many in each and in
    the same order), the important first. What only one of them recorded differs; what neither did, does not."""
    ours, theirs = flat(a), flat(b)
    keys = [key for key in dict.fromkeys([*ours, *theirs]) if ours.get(key) != theirs.get(key)]
    if not ours or not theirs:
        keys = []   # missing() says it: a list of all that the other one has would say less
    return [(key, ours.get(key, NOT_RECORDED), theirs.get(key, NOT_RECORDED)) for key in sorted(keys, key=_place)]


def missing(scenarios):
    """The names of the scenarios without an environment.json."""
    return [one.name for one in scenarios if not one.environment]


def flat(scenarios):
    """{key: text} of the environments of a run's scenarios, nested keys joined by dots, and of what their scenario
    files fix. Where scenarios differ, each one's text with its name."""
    each = {one.name: dict(_leaves(one.environment)) for one in scenarios}
    if not any(each.values()):
        return {}
    found = {}
    for key in dict.fromkeys(key for values in each.values() for key in values):
        texts = {name: values.get(key, NOT_RECORDED) for name, values in each.items()}
        same = len(set(texts.values())) == 1
        alone = next(iter(texts.values()))
        found[key] = alone if same else "; ".join(f"{name}: {text}" for name, text in texts.items())
    for one in scenarios:
        asked = one.definition.get("fixed", {}) | {key: one.plan[key] for key in ASKED if key in one.plan}
        found |= dict(_leaves(asked, f"scenario.{one.name}."))
    return {key: text for key, text in found.items() if key not in MOMENT and not key.startswith("resumed.")}


def _leaves(value, prefix=""):
    """(key, text) of whatever is nested in `value`; a list of plain values is one text."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        if isinstance(inner, dict) or (isinstance(inner, list) and any(isinstance(one, dict) for one in inner)):
            yield from _leaves(inner, f"{prefix}{key}.")
        elif isinstance(inner, list):
            yield f"{prefix}{key}", " ".join(map(str, inner)) or "none"
        else:
            yield f"{prefix}{key}", "not known" if inner is None else str(inner)


def _place(key):
    for group, names in ((2, LAST), (0, FIRST)):
        for place, name in enumerate(names):
            if key == name or key.startswith((f"{name}.", f"{name}_")):
                return group, place, key
    return 1, 0, key


def shortened(text):
    """A text for a table: hashes and identifiers by their first twelve digits."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b", r"\1…", text)


DRIFT = "B ÷ A includes what drifted between the two runs; --by-change cancels that"


def stamps(a, b):
    """Sentences on how far two runs may be compared: whether they are of one boot and one day. Even those that are
    were made one after the other, and no block of the one belongs to a block of the other."""
    found = []
    boots, days = [_all(run, "boot_id") for run in (a, b)], [_all(run, "date") for run in (a, b)]
    if not all(boots):
        found.append(f"not paired: the boot is not recorded in {_which(boots)}")
    elif boots[0] != boots[1]:
        found.append("not paired: different boots")
    if not all(days):
        found.append(f"not paired: the day is not recorded in {_which(days)}")
    elif days[0] != days[1]:
        found.append(f"not paired: different days ({', '.join(days[0])} and {', '.join(days[1])})")
    return [*(found or ["two runs, one after the other"]), DRIFT]


def _all(scenarios, key):
    """Every value of a key that a run has, also those of the days on which it was taken up again; dates as days. Empty
    when a scenario has none."""
    values = []
    for one in scenarios:
        its = [part.get(key) for part in (one.environment, *one.environment.get("resumed", []))]
        if not all(its):
            return []
        values += [value[:10] if key == "date" else value for value in its]
    return sorted(set(values))


def _which(sides):
    return " and ".join(name for name, values in zip("AB", sides) if not values)
