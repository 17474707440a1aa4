"""What a run shows while it lasts: a progress bar on a terminal, plain lines elsewhere. All on standard
error."""
import sys
import time
from contextlib import contextmanager

from runner.units import duration

# Drawing costs some milliseconds of a core that may be the measured one: a few times per block is enough.
REDRAW_S = 2


def figures(program, rows):
    """The latest figures of a block of PROGRAM in a few words: server CPU per request or time per wait by mechanism,
    and what went wrong."""
    words, column, divisor = program.figure
    parts = []
    for row in rows:
        cost = row.get(column)
        if row["status"] == "unsupported":
            parts.append(f"{row['mechanism']} unsupported")
        elif cost is None:
            parts.append(f"{row['mechanism']} {row['status']}")
        else:
            parts.append(f"{row['mechanism']} {cost / divisor:.3g}" +
                         ("" if row["status"] == "valid" else f" ({row['status']})"))
    return f"{words}: " + ", ".join(parts)


class Lines:
    """Progress as plain lines, one for each block."""

    def __init__(self, total, done):
        self.total, self.count = total, done

    def begin(self, text, left):
        """A block begins."""

    def tick(self, left):
        """About a second has passed."""

    def end(self, text, left):
        """A block is done: TEXT names it and its figures, LEFT the seconds to go."""
        self.count += 1
        print(f"[{self.count}/{self.total}] {text}; about {duration(left)} left",
              file=sys.stderr, flush=True)

    def say(self, message):
        """A message for the user, above the progress."""
        print(message, file=sys.stderr, flush=True)


class Bar:
    """Progress as a bar of rich, drawn by us alone: a thread of its own would compete with what is
    measured."""

    def __init__(self, live, progress, total, done):
        self.live, self.progress, self.drawn = live, progress, 0.0
        self.task = progress.add_task("", total=total, completed=done, left="")
        self.latest = ""

    def begin(self, text, left):
        """A block begins."""
        self._draw(left, description=text)

    def tick(self, left):
        """About a second has passed."""
        if time.monotonic() - self.drawn >= REDRAW_S:
            self._draw(left)

    def end(self, text, left):
        """A block is done."""
        self.latest = text
        self._draw(left, advance=1)

    def say(self, message):
        """A message for the user, above the bar."""
        self.live.console.print(message, highlight=False, markup=False)

    def _draw(self, left, **changes):
        from rich.console import Group
        from rich.text import Text
        self.progress.update(self.task, left=f"about {duration(left)} left", **changes)
        latest = Text(self.latest, style="dim")
        self.live.update(Group(self.progress, latest), refresh=True)
        self.drawn = time.monotonic()


@contextmanager
def shown(total, done):
    """Progress over TOTAL blocks of which DONE are behind us: a Bar on a terminal, else Lines."""
    if not sys.stderr.isatty():
        yield Lines(total, done)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    progress = Progress(MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[left]}"),
                        TextColumn("{task.description}"), auto_refresh=False)
    with Live(console=Console(stderr=True), auto_refresh=False) as live:
        yield Bar(live, progress, total, done)
