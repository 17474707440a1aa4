"""What a run is going to do, said before it starts; with `--dry-run` nothing else happens."""
import sys

from runner import advice, estimate, machine
from runner.paths import shown
from runner.support import unsupported
from runner.units import duration


def say(message):
    """A line for the user, on standard error."""
    print(message, file=sys.stderr, flush=True)


def announce(parts, folder):
    """Say what is going to be measured, where, and what stands in the way of good numbers."""
    for check in advice.checks(machine.conditions()):
        if check.level == advice.WARNING:
            say(f"{check.name}: {check.value}: {check.advice}")
    say(_cores(parts[0].about))
    for part in parts:
        for note in part.notes:
            say(f"{part.name}: {note}")
        done = f", {len(part.done)} of {len(part.steps)} done" if part.done else ""
        say(f"{part.name}: {_count(part)}{done}, seed {part.about['seed']}")
    left = sum(estimate.planned(step) for part in parts for step in part.left)
    say(f"{shown(folder)}: about {duration(left)}; Ctrl-C leaves a run that can be resumed")


def dry_run(parts):
    """Print the cells, what was left out and the time it takes. Exit status 0."""
    print(_cores(parts[0].about))
    for part in parts:
        print(f"{part.name}: {_count(part)}, seed {part.about['seed']}")
        for cell in sorted({step.cell.name: step.cell for step in part.steps}.values(), key=_place):
            print(f"    {_describe(cell)}")
        for note in part.notes:
            print(f"    {note}")
    left = sum(estimate.planned(step) for part in parts for step in part.steps)
    print(f"about {duration(left)}; nothing was started")
    return 0


def _cores(about):
    return (f"servers on core {about['server_cpu']}, generator on core {about['loadgen_cpu']}: "
            f"{about['cores_why']}")


def _count(part):
    blocks = part.about["blocks"]
    cells = len({step.cell.name for step in part.steps})
    return f"{cells} cell{'s' * (cells != 1)} with {blocks} block{'s' * (blocks != 1)} each"


def _place(cell):
    return cell.settings["connections"], cell.settings["active"], cell.name


def _describe(cell):
    """A cell in one line; mechanisms in brackets are unsupported there."""
    settings = cell.settings
    names = [name if unsupported(name, settings) is None else f"({name})" for name in cell.mechanisms]
    times = f"window {settings['window']:g} s, slice {settings['slice']:g} s"
    return f"{cell.name:<30} {times}: {' '.join(names)}"
