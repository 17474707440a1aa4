"""`muxbench advise`: the question in numbers, the run that can answer it, and this machine to compare it with."""
from runner import cpu, machine, units
from runner.errors import UserError


def run(options, paths):
    """Answer what OPTIONS ask; returns the exit status. UserError says what is wrong with the question or the run."""
    from plots import advise, data
    connections, active = (_whole(getattr(options, name), name) for name in ("connections", "active"))
    folder = options.run and options.run.absolute()
    try:
        return advise.run_command(connections, active, _count(options.rate, "rate"), folder, paths.results,
                                  this_machine(), options.json)
    except (advise.AdviseError, data.RunError) as error:
        raise UserError(str(error)) from None


def this_machine():
    """What decides whether a run was made on this machine: the values of advise.SAME_MACHINE."""
    return {**machine.kernel(), "cpu": cpu.model(), "mitigations": cpu.mitigations()}


def _whole(text, name):
    number = _count(text, name)
    if number != int(number):
        raise UserError(f"--{name} {text}: give a whole number")
    return int(number)


def _count(text, name):
    try:
        return units.count(text)
    except ValueError:
        raise UserError(f"--{name} {text}: give a number above 0, such as 5000 or 20k") from None
