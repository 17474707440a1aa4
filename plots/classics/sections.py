"""What the page says of one classic: the check as numbers, then and now, and the numbers of its figure."""
from collections import Counter
from dataclasses import dataclass, replace

from .. import expect, style, text
from ..data import USABLE
from ..files import RunError
from . import hyperfine, measures, published

ORDER = (expect.SUPPORTED, expect.REFUTED, expect.INCONCLUSIVE, expect.NOT_MEASURED)
LAST = 1000   # on the page: what has no file in plots/published/
# A scenario without a file in plots/published/ has no claim, and is drawn all the same.
PLAIN = {"waitcost": {"figure": "curves", "x": "descriptors", "y": ["wait_us"]},
         "servers": {"figure": "curves", "x": "connections", "y": ["server_cpu_us_per_request"]}}


@dataclass(frozen=True)
class ThenAndNow:
    """A number that was published and the same of today's run: `now` with its interval, or "–"; `note`: why blocks are
    missing ("" if nothing is to be said)."""
    name: str
    then: str
    now: str
    note: str
    samples: tuple


def classic_of(scenario):
    """The published Classic of a scenario, or one without a claim that draws what varies in it."""
    found = published.read(scenario.name)
    if found:
        return found
    draw = dict(PLAIN[scenario.program])
    settings = measures.SETTINGS[scenario.program]
    draw["panels"] = [name for name in settings if name != draw["x"] and scenario.samples[name].nunique() > 1]
    return published.Classic(scenario.name, "", LAST, scenario.name, "", "", "", "", [], draw, [])


def then_and_now(scenario, classic):
    """A ThenAndNow for each of the classic's ratios. RunError where one names several cells: it would be the number of
    an arbitrary one."""
    asked = [{key: value for key, value in one.items() if key not in ("name", "then", "source")}
             | {"claim": one["name"], "above": 0} for one in classic.ratios]
    found = expect.verdicts(replace(scenario, definition=scenario.definition | {"expect": asked})) if asked else []
    for place, (one, verdict) in enumerate(zip(classic.ratios, found), 1):
        matched = verdict.cells + verdict.without
        if matched > 1:
            raise RunError(f"{published.FOLDER / classic.name}.toml: ratio {place} ({one['name']}) is about {matched} "
                           "cells of this run: name one of them in its `where`")
    return [ThenAndNow(one["name"], _published(one.get("then", [])), _number(verdict),
                       verdict.why if expect.NOT_FULL in verdict.why else "",
                       verdict.finding.samples if verdict.finding else ())
            for one, verdict in zip(classic.ratios, found)]


def _published(values):
    return text.joined(f"{value:,}" for value in values) if values else text.NONE


def _number(verdict):
    """A Verdict's number with its interval; an exact count, the same in all blocks, stands alone."""
    finding = verdict.finding
    exact = finding and float(finding.value).is_integer() and set(finding.interval or ()) <= {finding.value}
    return f"{finding.value:,.0f}" if exact else verdict.number


def answer(classic, ratios):
    """The classic's sentences with the run's numbers in them; those that lack a number are left out."""
    words = {f"now{place}": one.now for place, one in enumerate(ratios, 1)}
    words |= {f"then{place}": one.then for place, one in enumerate(ratios, 1)}
    missing = [f"{{now{place}}}" for place, one in enumerate(ratios, 1) if one.now == text.NONE]
    whole = [sentence for sentence in classic.answer if not any(name in sentence for name in missing)]
    return [sentence.format(**words) for sentence in whole]


def tally(verdicts):
    """How many predictions came to which verdict: [(verdict, count)], the clear ones first."""
    counts = Counter(one.verdict for one in verdicts)
    return [(verdict, counts[verdict]) for verdict in ORDER if counts[verdict]]


def commands(scenario):
    """The whole commands that hyperfine timed: (descriptors, mechanism, elapsed, its range, CPU, runs) as texts."""
    return [(f"{one.descriptors:,}", one.mechanism, text.value(one.mean_s),
             f"{text.value(min(one.times_s))} … {text.value(max(one.times_s))}",
             text.value(one.user_s + one.system_s), len(one.times_s)) for one in hyperfine.read(scenario.folder)]


def polls(scenario, run):
    """The scan as an integer beside its time: [(when, descriptors, [(mechanism, polls per wait, µs per wait)])].

    The time is that of p01-wait's pipes in the same run, at the same descriptors, where it has them.
    """
    rows = measures.prepared(scenario)
    if "kernel_polls_per_wait" not in rows or rows["kernel_polls_per_wait"].dropna().empty:
        return []
    rows = rows[rows["kernel_polls_per_wait"].notna()]
    beside = next((measures.prepared(one) for one in run.scenarios if one.name == "p01-wait"), None)
    found = []
    for values, its in measures.split(rows, ["when", "descriptors"]):
        cells = [(name, f"{its[its['mechanism'] == name]['kernel_polls_per_wait'].mean():,.6g}",
                  _time(beside, name, values)) for name in style.order(its["mechanism"])]
        found.append((measures.words({"when": values["when"]}), f"{values['descriptors']:,.0f}", cells))
    return found


def _time(rows, mechanism, values):
    if rows is None:
        return text.NONE
    same = (rows["mechanism"] == mechanism) & rows["status"].isin(USABLE)
    for name, value in values.items():
        same &= rows[name] == value
    return _median(rows["wait_us"][same], "µs")


def _median(column, unit=""):
    column = column.dropna()
    return text.value(column.median(), unit) if len(column) else text.NONE


def setting(scenario):
    """Blocks, and how many samples do not count, in words."""
    blocks, rows = scenario.blocks, scenario.samples
    words = f"{blocks} block{'s' if blocks != 1 else ''}" + (", exploratory" if scenario.exploratory else "")
    without = Counter(rows["status"][~rows["status"].isin(USABLE)])
    others = ", ".join(f"{count:,} {status}" for status, count in sorted(without.items()))
    suspect = suspects(scenario)
    others += f"{'; ' if others else ''}{suspect:,} suspect: disturbed, but counted" if suspect else ""
    spoiled = 0 if scenario.spoiled is None else len(scenario.spoiled[["sample", "attempt"]].drop_duplicates())
    again = f"; {spoiled:,} more were measured again, as other programs disturbed them" if spoiled else ""
    return f"{words}; {len(rows):,} samples" + (f", of them {others}" if others else "") + again


def suspects(scenario):
    """How many samples were disturbed and count all the same."""
    return int((scenario.samples["status"] == "suspect").sum())


def refused(scenario):
    """Why samples do not count: [(reason, how many, their mechanisms)], the most frequent first."""
    rows = scenario.samples[~scenario.samples["status"].isin(USABLE)]
    found = []
    for reason, its in rows.groupby(rows["reason"].astype(str)):
        found.append((reason or "no reason given", len(its), text.joined(style.order(its["mechanism"]))))
    return sorted(found, key=lambda one: (-one[1], one[0]))
