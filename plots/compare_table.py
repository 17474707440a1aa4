"""A comparison of two runs on a terminal: what differs around them, then every row, then what was left out."""
from collections import Counter

from . import compare, environments, text
from .figures import MEASURES

WIDE = 112   # columns from which on a row takes one line
LISTED = 12  # rows of what has no partner; --json has them all
UNITS = {measure.column: measure.y_label for measure in MEASURES.values()}


def show(comparison, console):
    """Print the Comparison on a rich Console of 80 columns or more."""
    console.print(f"[bold]A[/bold] {comparison.a.folder}\n[bold]B[/bold] {comparison.b.folder}", highlight=False)
    _environment(comparison, console)
    for stamp in comparison.stamps:
        console.print(f"[bold]{stamp}[/bold]", highlight=False)
    for side, run in zip("AB", (comparison.a, comparison.b)):
        console.print(f"{side}: {compare.counts(run)}", highlight=False)
    for scenario in dict.fromkeys(row.scenario for row in comparison.rows):
        _scenario(comparison, scenario, console)
    console.print()
    for line in legend(comparison):
        console.print(f"[dim]{line}[/dim]", highlight=False)
    _unmatched(comparison, console)
    console.print(f"[bold]{tally(comparison)}[/bold]", highlight=False)


def name(metric):
    """A metric in words with its unit, for headings: "server CPU (µs per request)"."""
    return UNITS.get(metric) or metric


def tally(comparison):
    """The verdicts, counted: "12 rows: 3 slower, 7 equivalent, 2 inconclusive"."""
    counted = Counter(row.verdict for row in comparison.rows)
    order = ("slower", "faster", "equivalent", "inconclusive", "one block")
    words = ", ".join(f"{counted[word]} {word}" for word in order if counted[word])
    return f"{len(comparison.rows)} row{'s' * (len(comparison.rows) != 1)}: {words}"


def legend(comparison):
    """How to read the columns, one sentence a line."""
    margin, (rows, changes) = f"{100 * comparison.margin:g}", comparison.families
    direction = "more is better" if comparison.more_is_better else "less is better"
    yield (f"A, B: medians of the blocks; {direction}. B ÷ A is not paired (Welch); p corrected for {rows} "
           f"row{'s' * (rows != 1)} (Holm).")
    if changes:
        yield ("change: of the ratio to the base, which is paired within the blocks of each run, so that a machine "
               f"that drifted between the runs cancels; p corrected for {changes}.")
    yield (f"equivalent: the 90 % interval lies within ±{margin} %; ° it differs all the same, by less than that. "
           "detects: the smallest difference that would be found 4 times out of 5.")


# ---- parts --------------------------------------------------------------------------------------------

def _table(**more):
    from rich import box
    from rich.table import Table
    return Table(box=more.pop("box", box.SIMPLE_HEAD), padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, **more)


def _environment(comparison, console):
    from rich.markup import escape
    for sentence in comparison.missing:
        console.print(f"[bold]{sentence}[/bold]", highlight=False)
    if not comparison.environment:
        if not comparison.missing:
            console.print("No difference between the recorded environments.")
        return
    table = _table(title="What differs around the runs", title_justify="left")
    table.add_column("key", overflow="fold", max_width=28)
    for side in "AB":
        table.add_column(side, overflow="fold")
    for key, *sides in comparison.environment:
        table.add_row(escape(key), *(escape(environments.shortened(side)) for side in sides))
    console.print()
    console.print(table)
    console.print()


def _scenario(comparison, scenario, console):
    rows = [row for row in comparison.rows if row.scenario == scenario]
    bases = list(dict.fromkeys(row.base for row in rows if row.base))
    wide = console.width >= WIDE
    columns = _columns(max(len(row.mechanism) for row in rows), bases, wide)
    console.print(f"\n[bold]{scenario}: {name(comparison.metric)}[/bold]", highlight=False)
    head = _grid(columns)
    head.add_row(*(f"[dim]{title}[/dim]" for title, _, _ in columns))
    console.print(head)
    for cell in dict.fromkeys(row.cell for row in rows):
        console.print(f"[bold]{cell}[/bold]", highlight=False)
        grid = _grid(columns)
        for row in rows:
            if row.cell != cell:
                continue
            grid.add_row(*_line(row, bool(bases), "  " if wide else "\n"))
            if row.lost:
                console.print(grid)
                console.print(f"  {'; '.join(row.lost)}", highlight=False)
                grid = _grid(columns)
        if grid.row_count:
            console.print(grid)


def _columns(longest, bases, wide):
    """[(heading, width, justification)]: the same for all the tables of a scenario, so that they stand below each
    other."""
    ratio = 32 if wide else 18
    found = [("mechanism", max(9, min(longest, 16)), "left"), ("A", 8, "right"), ("B", 8, "right"),
             ("B ÷ A, 95 % interval", ratio, "left"), ("detects", 7, "right")]
    return found + ([(f"change, ÷ {bases[0] if len(bases) == 1 else 'base'}", ratio, "left")] if bases else [])


def _grid(columns):
    table = _table(box=None, show_header=False)
    for _, width, justify in columns:
        table.add_column(width=width, justify=justify, overflow="fold")
    return table


def _line(row, changes, between):
    cells = [row.mechanism, text.value(row.a), text.value(row.b), _ratio(row.ratio, row.verdict, between),
             percent(row.ratio.detectable)]
    if changes:
        cells.append("[dim]is the base[/dim]" if row.change is None else
                     _ratio(row.change, row.change_verdict, between))
    return cells


def _ratio(ratio, verdict, between):
    """A ratio, its verdict and its interval; ° marks what is equivalent and differs all the same."""
    style = "bold" if verdict in ("slower", "faster") else "dim" if verdict == "inconclusive" else "default"
    mark = "°" if verdict == "equivalent" and ratio.differs else ""
    bounds = "–".join(number(bound) for bound in ratio.interval95 or ())
    found = f"{number(ratio.value)} [{style}]{verdict}{mark}[/{style}]"
    return found + (f"{between}[dim]{bounds}[/dim]" if bounds else "")


def number(ratio):
    """A ratio with enough digits near 1: 1.023, 22.1."""
    return f"{ratio:.3f}" if 0.2 < ratio < 5 else text.value(ratio)


def percent(share):
    """A share in per cent with two digits: "4.2 %"; "–" where there is none."""
    return text.NONE if share is None else f"{100 * share:.{0 if share >= 0.0995 else 1}f} %"


def _unmatched(comparison, console):
    if not comparison.unmatched:
        return
    console.print(f"Not compared: {len(comparison.unmatched)}", highlight=False)
    listed = sorted(comparison.unmatched, key=lambda one: one[0])   # only in A, only in B, without a number
    for where, scenario, cell, mechanism, why in listed[:LISTED]:
        place = "" if where == "both" else f"only in {where}: "
        console.print(f"  {place}{scenario}, {cell}, {mechanism} ({why})", highlight=False)
    if len(listed) > LISTED:
        console.print(f"  and {len(listed) - LISTED} more: --json lists them", highlight=False)
