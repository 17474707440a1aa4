"""Words of messages: what was written, and what was meant."""
import difflib


def meant(word, known):
    """A remark that names the one of KNOWN that is closest to WORD, or "" without one."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""


def toml(value):
    """VALUE as TOML writes it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."
