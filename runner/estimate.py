"""How long a block should take, and from how long the others really took, how long the rest will."""
from runner.support import unsupported

CONNECT_S = 35e-6   # to open and close a connection; seen on 2 cores: 0.15 to 0.25 s per 5,000,
SCAN_S = 2e-9       # while it is opened, a scanning server looks at all those before it
START_S = 0.1       # a block's own: fork, exec, the generator's clock
SERVER_S = 0.05     # a server's


def planned(step):
    """The seconds that STEP should take with those of its mechanisms that can run."""
    return block_seconds(step, sum(unsupported(name, step.cell.settings) is None for name in step.order))


def block_seconds(step, supported):
    """The seconds that STEP should take with SUPPORTED of its mechanisms."""
    settings = step.cell.settings
    connections = settings["connections"]
    connecting = CONNECT_S * connections + SCAN_S * connections**2
    each = SERVER_S + connecting + settings["warmup"] + settings["window"]
    return START_S + supported * each if supported else 0.0


class Clock:
    """The time left of a run: PLANNED seconds of each block, corrected by what the blocks so far needed."""

    def __init__(self, planned):
        self.left = sum(planned)
        self.spent_planned = self.spent_real = 0.0

    def done(self, planned, real):
        """A block is done that should have taken PLANNED seconds and took REAL."""
        self.left = max(0.0, self.left - planned)
        self.spent_planned += planned
        self.spent_real += real

    def remaining(self, since=0.0):
        """The seconds left, SINCE seconds after the last block ended."""
        # The plan counts for two seconds of experience, so that the first block does not decide alone.
        pace = (self.spent_real + 2) / (self.spent_planned + 2)
        return max(0.0, self.left * pace - since)
