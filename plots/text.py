"""Numbers and ratios as people read them."""
import math


NONE = "–"  # where there is no number


def value(number, unit=""):
    """Three significant digits with thousands marked: 1,150 µs; 8.12 µs; "–" where there is none."""
    if number is None or math.isnan(number):
        return NONE
    if number == 0:
        shown = "0"
    elif abs(number) >= 99.95:
        shown = f"{number:,.0f}"
    else:
        shown = f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"
    return f"{shown} {unit}".rstrip()


def interval(ratio):
    """A ratio's 95 % interval and its blocks: "95 % interval 21.0 to 23.1, 10 blocks"."""
    if ratio.interval95 is None:
        return "one block, so no interval"
    low, high = ratio.interval95
    return f"95 % interval {value(low)} to {value(high)}, {ratio.n} blocks"


def caution(ratio, verdict):
    """What must be said of a ratio that is no plain difference by its verdict, the one of its row in the table; "" of
    one that is."""
    if verdict == "inconclusive" and ratio.differs:
        return ("; corrected for all ratios of the table, the difference may be chance, so these data do not tell the "
                "two apart")
    if verdict == "inconclusive":
        return "; the interval includes 1, so these data do not tell the two apart"
    if verdict == "equivalent":
        return "; equivalent within 3 %"
    return ""


def times(ratio, verdict, words="as much"):
    """A ratio in a sentence with what its verdict asks for: "22.0 times as much (95 % interval …)"."""
    return f"{value(ratio.value)} times {words} ({interval(ratio)}{caution(ratio, verdict)})"


def percent(share):
    """A share in percent with two digits: 0.0123 is "1.2 %"."""
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:,.0f} %"


def joined(words):
    """A list in words: "a", "a and b", "a, b and c"."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
