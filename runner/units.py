"""Numbers as people write them: 10k, 64KiB, 500ms."""
import re

ABOVE_0 = r"^(?=[^1-9]*[1-9])"   # put before a pattern: some digit is not 0
COUNT = r"^([0-9]+|[0-9]+(\.[0-9]+)?[kM])$"
BYTES = r"^[0-9]+(\.[0-9]+)?(B|KiB|MiB)?$"
TIME = r"^[0-9]+(\.[0-9]+)?(us|ms|s|m)$"

FACTORS = {
    "": 1, "k": 1000, "M": 1000_000, "B": 1, "KiB": 1024, "MiB": 1024**2, "us": 1e-6, "ms": 1e-3, "s": 1,
    "m": 60
}


def _value(text, pattern):
    """The number that TEXT stands for. ValueError if it does not match PATTERN."""
    if not re.match(pattern, text):
        raise ValueError(f"{text!r} is not a number with a unit")
    number, unit = re.match(r"([0-9.]+)(.*)", text).groups()
    return float(number) * FACTORS[unit]


def count(value):
    """10000, "10000" or "10k" as a number: an int where it is whole. ValueError if it is none of these."""
    if isinstance(value, str):
        value = _value(value, COUNT)
    return int(value) if value == int(value) else value


def size(value):
    """Bytes: 65536 or "64KiB" as an int. ValueError if it is neither."""
    return int(_value(value, BYTES) if isinstance(value, str) else value)


def seconds(text):
    """"500ms" as seconds, a float. ValueError if it has no unit that is known (us, ms, s, m)."""
    return _value(text, TIME)


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
