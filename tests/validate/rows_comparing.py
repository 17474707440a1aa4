"""Rows 16 to 25: comparing."""
import dataclasses

import numpy as np
import pandas as pd

from tests.validate.bench import BUILD, burning, burning_after, scenario
from tests.validate.oracle import check
from tests.validate.rows_integrity import page, reported
from tests.validate.rows_servers import BUSIER, BUSY, SPIN_US, known_difference

COST = "server_cpu_us_per_request"


def _words(ratio):
    return f"{ratio.value:.3f} ({ratio.interval95[0]:.3f} to {ratio.interval95[1]:.3f})"


# ---- blocks ------------------------------------------------------------------------------------------------

def _ten_blocks(three):
    """A data.Scenario of three blocks with its blocks repeated up to ten."""
    many = pd.concat([three.samples.assign(block=three.samples["block"] + 3 * times) for times in range(4)])
    return dataclasses.replace(three, samples=many[many["block"] <= 10].reset_index(drop=True))


def row_16_few_blocks_are_exploratory(bench):
    """Three are stamped; the same ten times are not."""
    from plots import data
    run = bench.once(reported)
    (few,) = data.read_run(run.folder).scenarios
    ten = _ten_blocks(few)
    stamp = '<span class="badge">exploratory</span>'
    return check(few.exploratory and stamp in page(run) and ten.blocks == 10 and not ten.exploratory,
                 f"{few.blocks} blocks: {'exploratory' if stamp in page(run) else 'no stamp'}; {ten.blocks} blocks: "
                 f"{'exploratory' if ten.exploratory else 'no stamp'}")


# CPU time per request hardly notices a burner (1.03 came), throughput does.
BLOCKS, DRIFTS = 6, "throughput_per_s"
PAIR = ["epoll-lt", "epoll-lt:again"]


def _drift_scenario(mechanisms):
    return scenario(mechanisms, connections=100, active=20, blocks=BLOCKS, window="400ms", slice="50ms", warmup="50ms")


def in_sequence(bench):
    """All blocks of one name, then all of the other, with the burner beside the server meanwhile: their ratio."""
    from plots import statistics
    first = bench.measure("sequence-first", _drift_scenario(PAIR[:1]))
    second = bench.measure("sequence-second", _drift_scenario(PAIR[1:]), beside=lambda run: burning(bench.server_cpu))
    return statistics.ratio_of(statistics.paired_logs(second.series(PAIR[1], DRIFTS), first.series(PAIR[0], DRIFTS)))


def in_blocks(bench):
    """The same server, burner and number of blocks, both names in each block: their ratio."""
    from plots import statistics

    def half(run):
        return len(run.samples()) >= BLOCKS   # two samples a block

    run = bench.measure("drift-in-blocks", _drift_scenario(PAIR),
                        beside=lambda run: burning_after(bench.server_cpu, lambda: half(run)))
    return statistics.ratio_of(statistics.paired_logs(run.series(PAIR[1], DRIFTS), run.series(PAIR[0], DRIFTS)))


def row_17_blocks_survive_a_burner(bench):
    sequence, blocks = bench.once(in_sequence), bench.once(in_blocks)
    false = sequence.differs and abs(np.log(sequence.value)) > 0.1
    none = not blocks.differs or abs(np.log(blocks.value)) < 0.03
    return check(false and none, f"throughput, in sequence {_words(sequence)}, in blocks {_words(blocks)}")


# ---- intervals and verdicts, on made-up data ---------------------------------------------------------------

def _coverage(chance, blocks, interval, sets=2000, truth=1.1):
    """The share, in percent, of made-up data sets whose interval holds the true ratio. A block's speed varies by 30 %,
    a sample by 2 %."""
    from plots import statistics
    held = 0
    for _ in range(sets):
        speed = np.exp(chance.normal(0, 0.3, blocks))
        one, other = (pd.Series(speed * factor * np.exp(chance.normal(0, 0.02, blocks))) for factor in (truth, 1))
        low, high = interval(statistics.paired_logs(one, other))
        held += low <= truth <= high
    return 100 * held / sets


def _normal_interval(logs):
    """What should not be used: the normal's quantile in place of Student's."""
    half = 1.96 * logs.std(ddof=1) / np.sqrt(len(logs))
    return np.exp(logs.mean() - half), np.exp(logs.mean() + half)


def row_18_coverage(_):
    from plots import statistics
    chance = np.random.default_rng(18)
    shares = [_coverage(chance, blocks, lambda logs: statistics.ratio_of(logs).interval95) for blocks in (3, 10)]
    wrong = _coverage(chance, 3, _normal_interval)
    return check(all(93 <= share <= 97 for share in shares) and wrong < 93,
                 f"{shares[0]:.1f} % with 3 blocks, {shares[1]:.1f} % with 10; the normal's quantile in place of "
                 f"Student's: {wrong:.1f} %")


def _pairs(chance, difference=0.0, copies=1):
    """40 made-up cells of one server under two names, ten blocks each with 2 % noise. DIFFERENCE: of the second name;
    COPIES: how often each block is counted, as if slices were blocks."""
    from plots import aa, statistics
    return [aa.Pair("made-up", str(cell), ("a", "b"), statistics.ratio_of(
        np.repeat(chance.normal(difference, 0.02, 10), copies))) for cell in range(40)]


def row_19_aa_verdict(_, tables=40):
    """Of calibrated tables hardly one fails; of those whose names are not treated alike, or whose intervals are too
    narrow, hardly one passes."""
    from plots import aa
    chance = np.random.default_rng(19)
    kinds = {"calibrated": {}, "2 % apart": {"difference": 0.02}, "blocks counted four times": {"copies": 4}}
    passed = {kind: sum(aa.verdict(_pairs(chance, **how)).passed for _ in range(tables))
              for kind, how in kinds.items()}
    verdict = aa.verdict(_pairs(chance))
    return check(passed["calibrated"] >= 0.95 * tables and verdict.allowed == 6
                 and max(passed["2 % apart"], passed["blocks counted four times"]) <= 0.05 * tables,
                 ", ".join(f"{kind}: {count} of {tables} pass" for kind, count in passed.items())
                 + f"; {verdict.allowed} of {verdict.cells} allowed")


def row_20_a_known_difference(bench):
    from plots import statistics
    run = bench.once(known_difference)
    ratio = statistics.ratio_of(statistics.paired_logs(run.series(BUSIER, COST), run.series(BUSY, COST)))
    there = SPIN_US / run.series(BUSY, COST).mean()
    return check(there > ratio.detectable and ratio.differs and ratio.verdict == "higher",
                 f"+{100 * there:.0f} % is there, +{100 * ratio.detectable:.1f} % detectable: {ratio.verdict}, "
                 f"{_words(ratio)}")


def _ratio(mean, spread, blocks=10):
    """The Ratio of made-up log ratios with exactly this mean and standard deviation."""
    from plots import statistics
    logs = np.linspace(-1, 1, blocks)
    return statistics.ratio_of(pd.Series(mean + spread * logs / logs.std(ddof=1)))


def row_21_equivalence(_):
    from plots import statistics
    cases = {"tight, no difference": (_ratio(0, 0.01), "equivalent"), "wide": (_ratio(0, 0.1), "inconclusive"),
             "tight, at the margin": (_ratio(0.028, 0.01), "higher"), "10 % less": (_ratio(-0.1, 0.02), "lower")}
    came = {name: statistics.judge(ratio) for name, (ratio, _) in cases.items()}
    return check(all(came[name] == expected for name, (_, expected) in cases.items()),
                 ", ".join(f"{name}: {verdict}" for name, verdict in came.items()))


def row_22_holm(_):
    """Holm's own procedure by hand: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02; and of many claims about
    nothing hardly one is found."""
    from plots import statistics
    by_hand = statistics.holm([0.01, 0.04, 0.03, 0.005])
    chance, families = np.random.default_rng(22), 400
    alone = together = 0
    for _ in range(families):
        ratios = [statistics.ratio_of(pd.Series(chance.normal(0, 0.1, 5))) for _ in range(10)]
        corrected = statistics.holm([ratio.p for ratio in ratios])
        alone += any(statistics.judge(ratio) in ("higher", "lower") for ratio in ratios)
        together += any(statistics.judge(ratio, p) in ("higher", "lower") for ratio, p in zip(ratios, corrected))
    held = together <= 0.08 * families and alone >= 0.3 * families
    return check(np.allclose(by_hand, [0.03, 0.06, 0.06, 0.02]) and held,
                 f"{', '.join(f'{p:.2f}' for p in by_hand)}; ten claims about nothing: at least one found in "
                 f"{100 * alone / families:.0f} % of families, corrected {100 * together / families:.0f} %")


def row_23_outliers(bench):
    """The ten blocks of one line are made to cost 0.99 to 1.01 us, then the last 10: the report's line says so, and
    counts it."""
    from plots import data, tables
    (found,) = data.read_run(bench.once(reported).folder).scenarios
    ten, notes = _ten_blocks(found), {}
    (line, *_) = [line for _, lines in tables.lines(ten) for line in lines]
    for name, last in (("before", 1.01), ("after", 10.0)):
        made = ten.samples.copy()
        made.loc[made["sample"].isin(line.samples), COST] = [*np.linspace(0.99, 1.0, 9), last]
        scene = dataclasses.replace(ten, samples=made)
        (line, *_) = [line for _, lines in tables.lines(scene) for line in lines]
        notes[name] = (line.notes, line.blocks, len(line.samples))
    return check("outlier" in notes["after"][0] and "outlier" not in notes["before"][0]
                 and notes["after"][1:] == notes["before"][1:],
                 f"\"{notes['after'][0]}\"; {notes['after'][1]} of {notes['before'][1]} blocks count")


# ---- the environment ---------------------------------------------------------------------------------------

def row_24_spoiled_blocks_run_again(bench):
    """A burner on the server's core all the time. The reason must be the burner: a virtual machine spoils blocks
    without one, too."""
    text = scenario(["epoll-lt"], connections=100, active=10, blocks=12, window="300ms", slice="50ms", warmup="50ms")
    run = bench.measure("spoiled", text, options=(), beside=lambda run: burning(bench.server_cpu))
    spoiled, rows = run.table("spoiled.csv"), run.samples()
    attempts = [int(row["attempt"]) for row in rows]
    logged = run.said.count("run again, because")
    named = sum("other programs used" in row["reason"] for row in spoiled)
    return check(named == logged == len(spoiled) == sum(attempts) - len(rows) and 1 < max(attempts) <= 4
                 and len(rows) == 12,
                 f"{len(spoiled)} runs of blocks spoiled and kept, {logged} logged, {named} for other programs; "
                 f"{len(rows)} blocks, most attempts at one: {max(attempts)}")


FORGETFUL = f"""#!/bin/sh
'{BUILD}/bin/loadgen' "$@"; status=$?
for record; do :; done
text=$(sed 's/^"environment": .*/"environment": {{}},/' "$record") && printf '%s\\n' "$text" > "$record"
exit $status
"""


def row_24_missing_metadata_fails(bench):
    text = scenario(["epoll-lt"], connections=10, active=2, window="100ms", slice="50ms")
    row = bench.measure("forgetful", text, scripts={"loadgen": FORGETFUL}, status=(0, 1)).sample("epoll-lt")
    whole = bench.measure("not-forgetful", text).sample("epoll-lt")
    return check(row["status"] == "invalid" and "not recorded" in row["reason"]
                 and whole["status"] in ("valid", "suspect"),
                 f"{row['status']}: {row['reason']}; with it {whole['status']}")


def row_25_steady_state(bench):
    """Three names of the plain server beside the slow one: what the machine does to all is taken out."""
    plain = ["epoll-lt", "epoll-lt:b", "epoll-lt:c"]
    text = scenario([*plain, "epoll-lt:slow"], connections=10, active=10, window="2s", slice="100ms", warmup="100ms")
    run = bench.measure("slow", text, {"epoll-lt:slow": "slow=20%@4500ms"})
    slow = run.sample("epoll-lt:slow")["steady"]
    steady = [run.sample(name)["steady"] == "yes" for name in plain]
    return check(slow.startswith("not stationary") and sum(steady) >= 2,
                 f"slow: {slow}; plain: {sum(steady)} of 3 stationary")
