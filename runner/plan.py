"""In which order a run goes: block by block, so that an interrupted run is balanced, in a random order that a
seed fixes."""
import random
from dataclasses import asdict, dataclass

from runner.cells import Cell
from runner.errors import UserError

MOST_BLOCKS = 100_000   # of all cells together: a day with the shortest there are


@dataclass(frozen=True)
class Step:
    """One block of one cell: the mechanisms in the order in which they are launched, and the seed of the
    arrivals, which is the same for all of a block number."""
    block: int
    cell: Cell
    order: list
    seed: int

    def sample(self, mechanism):
        """The name of the sample of MECHANISM in this block."""
        return f"{self.cell.name}-b{self.block}-{mechanism}"


def make(name, cells, blocks, seed):
    """The Steps of scenario NAME: in each of the BLOCKS all CELLS in a fresh random order. The arrivals are the same
    for all of them, so that along a line only the swept value changes. UserError if that is more than a run can be."""
    if blocks * len(cells) > MOST_BLOCKS:
        raise UserError(f"{name}: {blocks:,} blocks of each of {len(cells):,} cells, more than {MOST_BLOCKS:,} in all; "
                        "take fewer blocks, or sweep fewer values")
    steps = []
    for block in range(1, blocks + 1):
        chance = random.Random(f"{seed}/{name}/{block}")
        arrivals = chance.getrandbits(31)
        for cell in chance.sample(cells, len(cells)):
            order = chance.sample(cell.mechanisms, len(cell.mechanisms))
            steps.append(Step(block, cell, order, arrivals))
    return steps


def interleave(plans):
    """(index of the plan, Step) of several PLANS: the first block of each, then the second of each, and so
    on."""
    both = [(step.block, index, place)
            for index, steps in enumerate(plans)
            for place, step in enumerate(steps)]
    return [(index, plans[index][place]) for _, index, place in sorted(both)]


def to_json(steps):
    """STEPS as lists and dicts: every cell once, and the steps by the cells' names."""
    cells = {step.cell.name: step.cell for step in steps}
    return {"cells": [asdict(cell) for cell in cells.values()],
            "steps": [{"block": step.block, "cell": step.cell.name, "order": step.order, "seed": step.seed}
                      for step in steps]}


def from_json(data):
    """The Steps that to_json() wrote. KeyError or TypeError if it did not."""
    cells = {cell["name"]: Cell(**cell) for cell in data["cells"]}
    return [Step(step["block"], cells[step["cell"]], step["order"], step["seed"]) for step in data["steps"]]
