"""How long a block should take, and from how long the others really took, how long the rest will."""
import math

CONNECT_S = 35e-6   # to open and close a connection; seen on 2 cores: 0.15 to 0.25 s per 5,000,
SCAN_S = 2e-9       # while it is opened, a scanning server looks at all those before it
BATCH = 1000        # connections that are opened at once (loadgen/drive.c),
TRIPS_PER_BATCH = 3   # in so many round trips
# waitcost: a process, its half round to warm up; a descriptor that is opened; a turn's system calls, a descriptor that
# is asked, by a kind of the kernel's own and by FUSE. Seen on 2 cores.
PROCESS_S, WARM_UP_ROUNDS, OPEN_S, CALL_S, ASKED_S, FUSE_S = 0.01, 0.5, 5e-6, 1.5e-6, 20e-9, 40e-6
START_S = 0.1       # a block's own: fork, exec, the generator's clock
SERVER_S = 0.05     # a server's


def block_seconds(step, supported):
    """The seconds that STEP should take with SUPPORTED of its mechanisms."""
    settings = step.cell.settings
    connections = settings["connections"]
    connecting = CONNECT_S * connections + SCAN_S * connections**2
    each = SERVER_S + connecting + settings["warmup"] + settings["window"] + _delays(settings)
    return START_S + supported * each if supported else 0.0


def _delays(settings):
    """The seconds that a server and its generator wait for a slow network: to connect in batches, and at the end of
    each slice."""
    slices = 1 + math.ceil(settings["window"] / settings["slice"])
    return (settings["network_delay"] or 0) * (TRIPS_PER_BATCH * math.ceil(settings["connections"] / BATCH) + slices)


def wait_seconds(step, supported):
    """The seconds that STEP of waitcost should take with SUPPORTED of its mechanisms."""
    settings = step.cell.settings
    round_s = settings["round"] if settings["turns"] is None else settings["turns"] * _turn_seconds(settings)
    rounds_s = round_s * (settings["rounds"] + WARM_UP_ROUNDS)
    each = PROCESS_S + OPEN_S * settings["descriptors"] + rounds_s
    return supported * each * (1 + (settings["runs"] or 0))


def _turn_seconds(settings):
    """A guess at a turn, for scenarios that count turns."""
    asked_s = FUSE_S if settings["kind"] == "fuse" else ASKED_S
    return CALL_S + asked_s * settings["descriptors"]


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
