"""The programs that a scenario can be about, and all in which scenarios of one differ from those of another: the keys,
the cells, how a block is run, the tables of a run."""
from dataclasses import dataclass
from typing import Callable

from runner import block, cells, estimate, keys, limits, schema, store, support, wait_block, wait_cells, wait_keys


@dataclass(frozen=True, eq=False)
class Program:
    """A program by its NAME in scenarios."""
    name: str
    keys: dict             # of [fixed], [sweep] and [quick]
    required: tuple
    counted: str           # what grows from left to right in a plot, and what "max" is the most of
    parts: dict            # keys with a number that must leave so many of COUNTED, or may be "all" of them
    sections: dict         # what else may stand in a scenario, as JSON schemas
    tables: dict           # of a run's folder, with their columns; the last one has a row for each sample
    described: tuple       # columns of that one which say what was measured, and do not measure
    figure: tuple          # what is shown of a sample while a run lasts: words, column, divisor
    roles: tuple           # what the two cores are for
    limit: Callable        # (scenario) -> cells.Limit of this machine
    clashes: Callable      # (fixed, sweep) -> (key, message) of values that do not go together
    resolve: Callable      # (settings, limit) -> why there is no such cell; or None, and settings are whole
    place: Callable        # (scenario, settings, swept keys) -> (name, variant) of a cell
    times: Callable        # (settings) -> how long a cell is measured, in words
    unsupported: Callable  # (mechanism, settings) -> why it cannot run, or None
    seconds: Callable      # (step, how many of its mechanisms are supported) -> how long it should take
    run: Callable          # (block.Bench, step) -> ({table: rows}, whether the environment spoiled the block)

    @property
    def samples(self):
        """The table of the samples."""
        return list(self.tables)[-1]

    @property
    def cap(self):
        """The key that says how far "max" may reach."""
        return f"max_{self.counted}"

    @property
    def cell_keys(self):
        """The keys that tell cells apart."""
        return tuple(name for name in self.keys if name not in ("mechanism", self.cap))

    @property
    def metrics(self):
        """What [[expect]] may speak of: the columns of the samples that hold a measured number."""
        return tuple(name for name in self.tables[self.samples] if name not in self.described)

    def order(self, cell):
        """What CELLs are sorted by for people."""
        return cell.settings[self.counted], cell.settings[next(iter(self.parts))], cell.name

    def planned(self, step):
        """The seconds that STEP should take with those of its mechanisms that can run."""
        return self.seconds(step, sum(self.unsupported(name, step.cell.settings) is None for name in step.order))


SERVERS = Program(
    "servers", keys.KEYS, keys.REQUIRED, "connections", {"active": 0}, schema.SERVER_SECTIONS, store.COLUMNS,
    ("sample", "block", "position", "scenario", "mechanism", "variant", "connections", "active", "arrival",
     "offered_per_s", "message_bytes", "depth", "window_s", "limited_by", "status", "reason", "slices", "attempt",
     "latency", "steady", "again"),
    ("server CPU us/request", "server_cpu_us_per_request", 1), ("servers", "generator"),
    lambda one: limits.connection_limit(len(one.sweep["mechanism"]) if one.slices else 1),
    cells.clashes, cells.resolve, cells.place,
    lambda settings: f"window {settings['window']:g} s, slice {settings['slice']:g} s",
    support.unsupported, estimate.block_seconds, block.run)
WAITCOST = Program(
    "waitcost", wait_keys.KEYS, wait_keys.REQUIRED, "descriptors", {"ready": 0, "writes": None, "position": 1}, {},
    store.WAIT_TABLES,
    ("sample", "block", "position_in_block", "scenario", "mechanism", "variant", "kind", "when", "descriptors", "ready",
     "placement", "place", "highest_descriptor", "writes", "rebuild", "reregister", "rounds", "status", "reason",
     "kept_awake", "attempt", "again"),
    ("us/wait", "wait_ns", 1000), ("waits", "their partner"),
    lambda _one: limits.descriptor_limit(), wait_cells.clashes, wait_cells.resolve, wait_cells.place, wait_cells.times,
    support.wait_unsupported, estimate.wait_seconds, wait_block.run)
PROGRAMS = {program.name: program for program in (SERVERS, WAITCOST)}


def named(data):
    """The Program that the DATA of a scenario's file name; the servers, if that is none."""
    name = data.get("program", SERVERS.name)
    return PROGRAMS.get(name, SERVERS) if isinstance(name, str) else SERVERS
