"""Numbers as people write them: 10k, 64KiB, 500ms."""
import math
import re
from fractions import Fraction

# \Z and not $, which lets a line's end follow.
ABOVE_0 = r"^(?=[^1-9]*[1-9])"   # put before a pattern: some digit is not 0
COUNT = r"^([0-9]+|[0-9]+(\.[0-9]+)?[kM])\Z"
BYTES = r"^[0-9]+(\.[0-9]+)?(B|KiB|MiB)?\Z"
TIME = r"^[0-9]+(\.[0-9]+)?(us|ms|s|m)\Z"

FACTORS = {
    "": 1, "k": 1000, "M": 1000_000, "B": 1, "KiB": 1024, "MiB": 1024**2, "us": Fraction(1, 1000_000),
    "ms": Fraction(1, 1000), "s": 1, "m": 60
}
DIGITS = 100   # more make no number that a program takes


def _value(text, pattern):
    """The number that TEXT stands for, a Fraction: 1.001 * 1000 is 1000.9999999999999. ValueError if it does not match
    PATTERN."""
    if len(text) > DIGITS or not re.match(pattern, text):
        raise ValueError(f"{text!r} is not a number with a unit")
    number, unit = re.match(r"([0-9.]+)(.*)", text).groups()
    return Fraction(number) * FACTORS[unit]


def count(value):
    """10000, "10000" or "10k" as a number: an int where it is whole. ValueError if it is none of these."""
    if isinstance(value, str):
        value = float(_value(value, COUNT))
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number to count to")
    return int(value) if value == int(value) else value


def size(value):
    """Bytes: 65536 or "64KiB" as an int. ValueError if it is neither, or no whole number of them."""
    number = _value(value, BYTES) if isinstance(value, str) else value
    if number != int(number):
        raise ValueError(f"{value!r} is no whole number of bytes")
    return int(number)


def seconds(text):
    """"500ms" as seconds, a float. ValueError if it has no unit that is known (us, ms, s, m)."""
    return float(_value(text, TIME))


def time_option(value):
    """VALUE seconds as the programs take it: 0.5 -> "500ms", 0.00005 -> "50us"."""
    micros = round(value * 1e6)
    if micros % 1_000_000 == 0:
        return f"{micros // 1_000_000}s"
    return f"{micros // 1000}ms" if micros % 1000 == 0 else f"{micros}us"


def duration(value):
    """VALUE seconds as people say it: "8 s", "2 min 5 s", "1 h 3 min"."""
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def two_digits(number):
    """NUMBER rounded down to two significant digits: 19,455 -> 19,000."""
    scale = 10 ** max(0, len(str(int(number))) - 2)
    return int(number) // scale * scale
