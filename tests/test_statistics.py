"""The statistics of comparisons: on made-up data whose truth is known, and against examples worked by hand."""
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from plots import statistics
from plots.statistics import Ratio, flag_outliers, holm, judge, ratio_of, welch_logs

TRUTH = 1.137
SETS = 2000


def blocks_of(random, n, spread=0.05):
    """Two mechanisms in n blocks, the first TRUTH times the second; the machine has two speeds 30 % apart."""
    speed = random.choice([1.0, 1.3], n)
    return TRUTH * speed * random.lognormal(0, spread, n), speed * random.lognormal(0, spread, n)


# ---- intervals ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_the_paired_interval_covers_the_truth_in_93_to_97_percent(n):
    random = np.random.default_rng(7)
    held = 0
    for _ in range(SETS):
        a, b = blocks_of(random, n)
        low, high = ratio_of(np.log(a / b)).interval95
        held += low <= TRUTH <= high
    assert 0.93 <= held / SETS <= 0.97


def test_an_interval_made_with_the_normal_distribution_would_not_cover_it():
    random = np.random.default_rng(7)
    held = 0
    for _ in range(SETS):
        logs = np.log(np.divide(*blocks_of(random, 3)))
        held += abs(logs.mean() - math.log(TRUTH)) <= 1.96 * logs.std(ddof=1) / math.sqrt(3)
    assert held / SETS < 0.93


@pytest.mark.parametrize("n, other, spread", [(10, 10, 0.05), (3, 10, 0.05), (10, 5, 0.2)])
def test_the_unpaired_interval_covers_the_truth_in_93_to_97_percent(n, other, spread):
    random = np.random.default_rng(8)
    held = 0
    for _ in range(SETS):
        a, b = random.normal(math.log(TRUTH), spread, n), random.normal(0, 0.05, other)
        low, high = welch_logs(a, b).interval95
        held += low <= TRUTH <= high
    assert 0.93 <= held / SETS <= 0.97


def test_the_paired_ratio_agrees_with_scipy_and_a_hand_calculation():
    a, b = pd.Series({1: 2.0, 2: 8.0, 3: 5.0}), pd.Series({1: 1.0, 2: 2.0, 4: 7.0})
    logs = statistics.paired_logs(a, b)
    ratio = ratio_of(logs)
    # ln 2 and ln 4: mean 1.5 ln 2, s = ln 2 / sqrt 2, so s / sqrt n = ln 2 / 2; t(0.975, 1) = 12.7062
    assert (ratio.n, ratio.value, ratio.s) == (2, pytest.approx(2 ** 1.5), pytest.approx(math.log(2) / 2 ** 0.5))
    half = 12.7062047 * math.log(2) / 2
    assert ratio.interval95 == pytest.approx((2 ** 1.5 * math.exp(-half), 2 ** 1.5 * math.exp(half)))
    assert ratio.p == pytest.approx(stats.ttest_1samp(logs, 0).pvalue)


def test_the_unpaired_ratio_agrees_with_scipy():
    random = np.random.default_rng(9)
    a, b = random.normal(0.1, 0.05, 7), random.normal(0, 0.2, 4)
    ratio = welch_logs(a, b)
    assert ratio.n == 11 and ratio.value == pytest.approx(math.exp(a.mean() - b.mean()))
    assert ratio.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


@pytest.mark.parametrize("n", [3, 10, 30])
def test_the_interval_excludes_1_exactly_when_p_is_below_5_percent(n):
    random = np.random.default_rng(10)
    ratios = [ratio_of(random.normal(0.03, 0.05, n)) for _ in range(200)]
    assert {ratio.differs for ratio in ratios} == {True, False}
    assert all(ratio.differs == (ratio.p < 0.05) for ratio in ratios)


def test_without_two_blocks_there_is_no_interval():
    assert ratio_of([]) is None and welch_logs([], [0.1, 0.2]) is None
    for one in (ratio_of([math.log(2)]), welch_logs([math.log(2)], [0.0])):
        assert one.value == pytest.approx(2)
        assert (one.interval95, one.p, one.s, one.detectable, one.verdict) == (None, None, None, None, "one block")
    assert welch_logs([0.1], [0.0, 0.2]).interval95 is None


def test_exact_counters_have_an_interval_that_is_a_point():
    equal, more = ratio_of([0.0, 0.0, 0.0]), ratio_of([math.log(2)] * 3)
    assert (equal.interval95, equal.p, equal.verdict) == ((1, 1), 1, "equivalent")
    assert more.interval95 == pytest.approx((2, 2)) and more.p < 1e-9 and more.verdict == "higher"
    assert welch_logs([0.0, 0.0], [0.0, 0.0]).verdict == "equivalent"
    assert welch_logs([0.5, 0.5], [0.0, 0.0]).verdict == "higher"


# ---- verdicts -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("logs, verdict", [
    ([0.10, 0.11, 0.12], "higher"), ([-0.10, -0.11, -0.12], "lower"),
    ([0.001, -0.002, 0.001], "equivalent"),
    ([0.1, -0.1, 0.02], "inconclusive"), ([0.3], "one block")])
def test_verdicts(logs, verdict):
    assert ratio_of(logs).verdict == verdict


def test_no_difference_found_is_not_equivalence():
    """The same mean, and p over 0.05 in both: only the tight one may be called equivalent."""
    wide, tight = (ratio_of(np.array([-1.0, 0.2, 1.0]) * width) for width in (0.05, 0.005))
    assert not wide.differs and not tight.differs
    assert (wide.verdict, tight.verdict) == ("inconclusive", "equivalent")


def test_a_difference_smaller_than_the_margin_is_equivalent_and_still_seen_to_differ():
    ratio = ratio_of([0.010, 0.011, 0.012])
    assert ratio.differs and ratio.p < 0.05
    assert judge(ratio) == "equivalent" and judge(ratio, margin=0.005) == "higher"


def test_the_margin_is_as_wide_downwards_as_upwards():
    assert judge(Ratio(1.0, 9, (0.9, 1.1), (1 / 1.0299, 1.0299), 1.0)) == "equivalent"
    assert judge(Ratio(1.0, 9, (0.9, 1.1), (1 / 1.0301, 1.0299), 1.0)) == "inconclusive"
    assert judge(Ratio(1.0, 9, (0.9, 1.1), (1 / 1.0299, 1.0301), 1.0)) == "inconclusive"


def test_equivalence_is_claimed_wrongly_in_5_percent_at_the_edge_of_the_margin():
    """The two one-sided tests' own error: the truth lies on the margin, so each such verdict is wrong."""
    random = np.random.default_rng(11)
    said = [ratio_of(random.normal(math.log(1.03), 0.01, 10)).verdict for _ in range(SETS)]
    assert 0.035 <= said.count("equivalent") / SETS <= 0.065


def test_a_corrected_p_decides_not_the_ratio_s_own():
    ratio = ratio_of([0.02, 0.10, 0.06, 0.09])
    assert ratio.p < 0.05 and judge(ratio) == "higher"
    assert judge(ratio, adjusted_p=0.2) == "inconclusive"


# ---- several at once ----------------------------------------------------------------------------------

def test_holm_agrees_with_a_hand_calculation():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stops_at_1_keeps_gaps_and_does_not_count_them():
    assert holm([0.9, None, 0.01, math.nan, 0.8]) == [1, None, pytest.approx(0.03), None, 1]
    assert holm([]) == [] and holm([None]) == [None] and holm([0.04]) == [0.04]


def test_holm_keeps_the_order_and_never_makes_a_p_smaller():
    random = np.random.default_rng(12)
    p = random.uniform(0, 0.2, 50)
    adjusted = np.array(holm(p))
    assert (adjusted >= p).all() and (np.diff(adjusted[np.argsort(p)]) >= 0).all() and adjusted.max() <= 1


def test_holm_keeps_false_findings_of_a_family_below_5_percent():
    random = np.random.default_rng(13)
    p = random.uniform(0, 1, (SETS, 20))
    assert 0.5 < (p.min(axis=1) < 0.05).mean()
    assert np.mean([min(holm(family)) < 0.05 for family in p]) <= 0.06


# ---- the smallest detectable effect -------------------------------------------------------------------

@pytest.mark.parametrize("n", [3, 10, 40])
def test_the_smallest_detectable_effect_is_found_four_times_out_of_five(n):
    random, s = np.random.default_rng(14), 0.05
    effect = statistics.detectable_effect(s / math.sqrt(n), n - 1)
    found = np.mean([ratio_of(random.normal(math.log1p(effect), s, n)).differs for _ in range(SETS)])
    assert 0.77 <= found <= 0.84


def test_the_smallest_detectable_effect_is_the_textbook_s_with_many_blocks_and_larger_with_few():
    many, few = (statistics.detectable_effect(0.01, n - 1) for n in (1000, 3))
    assert many == pytest.approx(math.expm1(2.8 * 0.01), rel=0.01) and few > 1.8 * many


def test_a_ratio_says_what_it_would_have_detected():
    logs = np.random.default_rng(15).normal(0, 0.02, 10)
    ratio = ratio_of(logs)
    assert ratio.detectable == pytest.approx(math.expm1((2.262 + 0.883) * logs.std(ddof=1) / math.sqrt(10)), rel=1e-3)


# ---- outliers -----------------------------------------------------------------------------------------

def test_only_what_lies_over_14_8_mad_from_the_median_is_flagged():
    values = [9.0, 10.0, 11.0, 10.0, 9.0, 11.0, 10.0, 10 + 14.7, 10 + 14.9]   # MAD 1
    assert list(flag_outliers(values)) == [False] * 8 + [True]
    assert list(flag_outliers([-value for value in values])) == [False] * 8 + [True]


def test_values_that_equal_the_median_are_not_flagged_and_neither_are_gaps():
    assert list(flag_outliers([5.0, 5.0, 5.0, 5.1])) == [False, False, False, True]
    assert not flag_outliers([5.0, 5.0, 5.0]).any()
    assert list(flag_outliers([1.0, np.nan, 1.1, 0.9, 90.0])) == [False, False, False, False, True]
    assert list(flag_outliers([np.nan])) == [False] and len(flag_outliers([])) == 0


def test_hardly_a_normal_value_is_flagged():
    assert not flag_outliers(np.random.default_rng(16).normal(0, 1, 5000)).any()


# ---- curves -------------------------------------------------------------------------------------------

def test_crossing():
    assert statistics.crossing([1, 100], [1, -1]) == pytest.approx(10)
    assert statistics.crossing([1, 10, 100], [2, 1, 0.5]) is None
