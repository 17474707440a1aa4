"""The verdicts of a soak as two tables on standard output."""
import sys

LEGEND = (
    "opened: connections; p50, p99: response times, medians of the windows. Descriptors: before, after the first "
    "window, after the last; memory (anonymous), data (VmData) in KiB: after the first, after the last; CPU us: per "
    "request; CPU drift: against the others of its kind, from the first third of the windows to the last")
SHOWN = 5   # of what is bad, for each server; the file has all


def show(verdicts):
    """Prints VERDICTS (judge_all): what was done, what is left of it, and what is bad."""
    from rich.console import Console
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False)
    console.print(table("soak", verdicts, done))
    console.print(table("what it leaves", verdicts, left))
    console.print(LEGEND)
    for name, one in verdicts.items():
        more = len(one["bad"]) - SHOWN
        for text in one["bad"][:SHOWN] + ([f"and {more} more"] if more > 0 else []):
            console.print(f"{name}: {text}", style="red")


def table(title, verdicts, cells):
    """A row for each of the VERDICTS; CELLS(verdict) are its texts by column."""
    from rich import box
    from rich.table import Table
    shape = Table("server", title=title, box=box.SIMPLE, pad_edge=False)
    for name, one in verdicts.items():
        row = cells(one)
        if not shape.row_count:
            for column in row:
                shape.add_column(column, justify="right")
        shape.add_row(name, *row.values(), style="bold red" if one["verdict"] == "bad" else None)
    return shape


def done(one):
    return {"windows": str(one["windows"]), "requests": f"{one['requests']:,}", "opened": f"{one['opened']:,}",
            "errors": str(one["errors"]), "p50 us": number(one["response_p50_us"]),
            "p99 us": number(one["response_p99_us"]), "verdict": one["verdict"]}


def left(one):
    memory, drift = one.get("anonymous_bytes"), one["cpu_drift"]
    return {"descriptors": ", ".join(map(str, one.get("descriptors", "-"))), "memory": kibibytes(memory),
            "KiB/day": slope(memory), "data": kibibytes(one.get("data_bytes")),
            "CPU us": number(one["server_cpu_us_per_request"]),
            "CPU drift": f"{drift['percent']:+.1f} %" if drift else "-"}


def kibibytes(found):
    return f"{found['first'] // 1024}, {found['last'] // 1024}" if found else "-"


def slope(found):
    return "-" if not found or found["trend_per_day"] is None else f"{found['trend_per_day'] / 1024:+.0f}"


def number(value):
    return "-" if value is None else f"{value:.0f}"
