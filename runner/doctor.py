"""`muxbench doctor`: what is there, what is missing, and what to do about it."""
import subprocess

from runner import advice, machine, probes
from runner.paths import ROOT

STYLES = {advice.FINE: "green", advice.NOTE: "yellow", advice.WARNING: "bold red"}


def run(paths):
    """Print the tables. Exit status 0, or 1 if something is missing that a measurement needs."""
    from rich.console import Console
    console = Console()
    needs, built = list_needs(), missing_programs(paths)
    console.print(_needs_table(needs))
    missing = [need for need in needs if need["state"] == "missing"]
    for group, target in (("bench", "make deps"), ("test", "make test")):
        if any(need["group"] == group for need in missing):
            console.print(f"Some needs of {group} are missing: `{target}` installs them, or says how.",
                          style="yellow")
    console.print(_machine_table(machine.describe() | {"fuse": probes.fuse(paths.bin)}))
    console.print(
        f"Not built: {', '.join(built)}. Run `make`." if built else f"All programs are built in {paths.bin}.")
    return 1 if built or any(need["group"] == "bench" for need in missing) else 0


def list_needs():
    """What runner/deps.sh looks for: dicts of name, group, state ("present" or "missing") and package."""
    done = subprocess.run([str(ROOT / "runner" / "deps.sh"), "list"], capture_output=True, text=True,
                          check=True)
    return [
        dict(zip(("name", "group", "state", "package"), line.split("\t")))
        for line in done.stdout.splitlines()
    ]


def missing_programs(paths):
    """The names of our own programs that are not built."""
    from runner import keys, wait_keys
    names = ["loadgen", *(f"echo-{mechanism}" for mechanism in keys.MECHANISMS),
             *(f"waitcost-{mechanism}" for mechanism in wait_keys.MECHANISMS)]
    return [name for name in names if not (paths.bin / name).is_file()]


def _table(title, *columns):
    from rich.table import Table
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None,
                  pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    return table


def _needs_table(needs):
    table = _table("What muxbench needs", "what", "for", "state", "package")
    for need in needs:
        style = "green" if need["state"] == "present" else "bold red"
        table.add_row(need["name"], need["group"], f"[{style}]{need['state']}[/]", need["package"])
    return table


def _machine_table(about):
    table = _table("\nThis machine", "what", "", "value", "what to do")
    table.add_row("kernel", "", about["kernel"], about["distribution"])
    for check in advice.checks(about):
        table.add_row(check.name, f"[{STYLES[check.level]}]{check.level}[/]", check.value, check.advice)
    return table
