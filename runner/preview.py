"""What a run is going to do, said before it starts; with `--dry-run` nothing else happens."""
import sys

from runner import advice, machine, perf
from runner.paths import shown
from runner.units import duration


def say(message):
    """A line for the user, on standard error."""
    print(message, file=sys.stderr, flush=True)


def announce(parts, folder):
    """Say what is going to be measured, where, and what stands in the way of good numbers."""
    for check in advice.checks(machine.conditions()):
        if check.level == advice.WARNING:
            say(f"{check.name}: {check.value}: {check.advice}")
    say(_cores(parts))
    for part in parts:
        for note in part.notes:
            say(f"{part.name}: {note}")
        done = f", {len(part.done)} of {len(part.steps)} done" if part.done else ""
        say(f"{part.name}: {_count(part)}{done}, seed {part.about['seed']}")
    if any(step.cell.settings.get("profile") for part in parts for step in part.left) and perf.why_not():
        say(f"no profile: {perf.why_not()}")
    left = sum(part.program.planned(step) for part in parts for step in part.left)
    say(f"{shown(folder)}: about {duration(left)}; Ctrl-C leaves a run that can be resumed")


def dry_run(parts):
    """Print the cells, what was left out and the time it takes. Exit status 0."""
    print(_cores(parts))
    for part in parts:
        print(f"{part.name}: {_count(part)}, seed {part.about['seed']}")
        for cell in sorted({step.cell.name: step.cell for step in part.steps}.values(), key=part.program.order):
            print(f"    {_describe(part.program, cell)}")
        for note in part.notes:
            print(f"    {note}")
    left = sum(part.program.planned(step) for part in parts for step in part.steps)
    print(f"about {duration(left)}; nothing was started")
    return 0


def _cores(parts):
    about = parts[0].about
    first, second = (" and ".join(dict.fromkeys(part.program.roles[role] for part in parts)) for role in (0, 1))
    return f"{first} on core {about['server_cpu']}, {second} on core {about['loadgen_cpu']}: {about['cores_why']}"


def _count(part):
    blocks = part.about["blocks"]
    cells = len({step.cell.name for step in part.steps})
    return f"{cells} cell{'s' * (cells != 1)} with {blocks} block{'s' * (blocks != 1)} each"


def _describe(program, cell):
    """A cell in one line; mechanisms in brackets are unsupported there."""
    names = [name if program.unsupported(name, cell.settings) is None else f"({name})" for name in cell.mechanisms]
    return f"{cell.name:<30} {program.times(cell.settings)}: {' '.join(names)}"
