"""What hyperfine wrote of a run: hyperfine/CELL-bK.json, a file for each cell and block."""
import math
from dataclasses import dataclass

from ..files import read_json

COLUMN = "command_elapsed_s"   # of waits.csv: the mean of the runs
_NUMBER = {"type": "number"}
SHAPE = {"type": "object", "required": ["results"], "properties": {"results": {"type": "array", "items": {
    "type": "object", "required": ["mean", "user", "system", "times", "parameters"],
    "properties": {"mean": _NUMBER, "user": _NUMBER, "system": _NUMBER,
                   "times": {"type": "array", "items": _NUMBER, "minItems": 1},
                   "parameters": {"type": "object", "required": ["mechanism", "descriptors"]}}}}}}


@dataclass(frozen=True)
class Command:
    """One command that was timed several times."""
    mechanism: str
    descriptors: int
    times_s: tuple
    user_s: float
    system_s: float

    @property
    def mean_s(self):
        return math.fsum(self.times_s) / len(self.times_s)


def read(folder):
    """The Commands in a scenario's folder, by descriptors and mechanism; [] without any. RunError if a file is
    damaged."""
    found = []
    for path in sorted((folder / "hyperfine").glob("*.json")):
        for one in read_json(path, SHAPE)["results"]:
            parameters = one["parameters"]
            found.append(Command(parameters["mechanism"], int(parameters["descriptors"]), tuple(one["times"]),
                                 one["user"], one["system"]))
    return sorted(found, key=lambda one: (one.descriptors, one.mechanism))
