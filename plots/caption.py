"""What stands around a figure: its subject, how to read the marks, where the numbers are from."""
import pandas as pd

from . import style
from .data import STANDARD_BLOCKS


def head_and_foot(fig, title, scenario, ringed=False, more=()):
    """The title above; below it how to read the marks, the machine, the day, the blocks."""
    marks = ["line: median of the blocks"] if scenario.blocks > 1 else ["one block: no spread"]
    if scenario.blocks > 1:
        marks.append("band: lowest to highest")
    if ringed:
        marks.append("ring: saturated, it could not keep up")
    if (scenario.samples["status"] == "unsupported").any():
        marks.append("× at the top: cannot run there")
    around(fig, title, marks + list(more), scenario)


def around(fig, title, marks, scenario):
    """The title above; below it these marks, then the machine, the day, the blocks."""
    width, height = fig.get_size_inches()
    fig.text(0.12 / width, 1 - 0.3 / height, title, fontsize=13, fontweight="bold", va="center")
    fig.text(0.12 / width, 0.32 / height, " · ".join(marks), fontsize=8, color=style.FAINT, va="center")
    fig.text(0.12 / width, 0.14 / height, origin(scenario), fontsize=8, color=style.FAINT, va="center")


def origin(scenario):
    """Machine, kernel, date and blocks in one line, as far as environment.json names them."""
    environment = scenario.environment
    parts = [machine(environment), f"Linux {environment['kernel']}" if "kernel" in environment else None,
             str(environment.get("date", ""))[:10] or None, f"scenario {scenario.name}",
             f"{scenario.blocks} block" + ("s" if scenario.blocks != 1 else "")
             + (f" (exploratory: under {STANDARD_BLOCKS})" if scenario.exploratory else "")]
    return " · ".join(part for part in parts if part)


def machine_line(run):
    """Machine, kernel and day of a run, from the first scenario that names them."""
    environment = next((scenario.environment for scenario in run.scenarios if scenario.environment), {})
    parts = [machine(environment), f"Linux {environment['kernel']}" if "kernel" in environment else None,
             str(environment.get("date", ""))[:10] or None]
    return " · ".join(part for part in parts if part)


def machine(environment):
    """The CPU's name and the number of cores, or "machine not recorded"."""
    cpu = environment.get("cpu")
    cpu = cpu.get("model") if isinstance(cpu, dict) else cpu
    cores = environment.get("cores")
    if not cpu:
        return "machine not recorded"
    return f"{cpu}, {cores} cores" if cores is not None and not pd.isna(cores) else str(cpu)
