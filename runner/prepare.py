"""From options to a run that can start: its parts (one for each scenario), planned, then stored; or found
again."""
import datetime
import secrets
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from runner import cells, cpu, files, machine, only, plan, probes, scenario, store
from runner.errors import UserError
from runner.paths import shown
from runner.programs import PROGRAMS

PLAN_VERSION = 3
# What plan.json must say beside the steps, for a run to go on.
ABOUT = {"scenario", "program", "place", "slices", "seed", "blocks", "server_cpu", "loadgen_cpu", "cores_why", "reruns",
         "reruns_bounded"}


@dataclass
class Part:
    """One scenario of a run. ABOUT is what goes into plan.json beside the steps; NOTES are for the user; DONE
    holds (cell's name, block) of what is measured already; CLASSIC: it stands in scenarios/classics/."""
    name: str
    text: str
    steps: list
    about: dict
    notes: list = field(default_factory=list)
    classic: bool = False
    folder: Path = None
    done: set = field(default_factory=set)

    @property
    def program(self):
        """What is measured, a programs.Program."""
        return PROGRAMS[self.about["program"]]

    @property
    def left(self):
        """The Steps that are not done."""
        return [step for step in self.steps if (step.cell.name, step.block) not in self.done]


def plan_parts(options, paths):
    """The Parts that OPTIONS (of `muxbench run`) ask for. UserError with whatever is wrong in them or in a
    scenario."""
    scenarios = _load_all(options, paths)
    wanted = only.parse(options.only, [one.program for one in scenarios])
    expanded = [_expand(one) for one in scenarios]
    only.check(wanted, [cell for found, _, _ in expanded for cell in found],
               [limit for found, _, limit in expanded for _ in found])
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    picked = cpu.pick(cpu.topology(), options.same_core, options.cores,
                      lambda *pair: probes.cores(paths.bin, *pair).get("probe", {}).get("round_trip_ns"))
    parts = []
    for one, (found, notes, limit) in zip(scenarios, expanded):
        chosen = only.select(wanted, found, limit)
        blocks = options.blocks or (1 if options.quick else one.blocks)
        about = {"version": PLAN_VERSION, "scenario": one.name, "program": one.program.name, "place": len(parts),
                 "slices": one.slices, "seed": seed, "blocks": blocks, "quick": one.quick, "only": options.only,
                 "same_core": options.same_core, "server_cpu": picked.server, "loadgen_cpu": picked.loadgen,
                 "cores_why": picked.why, "reruns": 3 if options.reruns is None else options.reruns,
                 "reruns_bounded": options.reruns is None,
                 f"{one.program.counted.removesuffix('s')}_limit": limit.most, "notes": notes}
        parts.append(Part(one.name, one.text, plan.make(one.name, chosen, blocks, seed), about, notes,
                          one.path.resolve().parent == (paths.scenarios / "classics").resolve()))
    kept = [part for part in parts if part.steps]
    if not kept:
        raise UserError(f"no cell has all of --only {' --only '.join(options.only)}; look with --dry-run")
    kept[0].notes += [f"{part.name} left out: no cell has all of --only" for part in parts if not part.steps]
    return kept


def _load_all(options, paths):
    """All scenarios, or one UserError with what is wrong in any of them."""
    loaded, problems = [], []
    for name in options.scenarios:
        try:
            loaded.append(scenario.load(scenario.find(name, paths.scenarios), options.quick, options.edit))
        except UserError as error:
            problems.append(str(error))
    names = [one.name for one in loaded]
    problems += [f"{name}: named more than once" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise UserError("\n".join(problems))
    return loaded


def _expand(one):
    """The cells of a scenario on this machine, notes about them, and the Limit that "max" stands for."""
    limit = one.program.limit(one)
    found, notes = cells.expand(one, limit)
    return found, notes, cells.reach(one, limit)


# ---- the folder --------------------------------------------------------------------------------------------

def create(parts, out, paths):
    """Store PARTS in the new folder OUT (None: one under results/ with a name of its own), all or nothing.
    Returns the folder."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    label = parts[0].name if len(parts) == 1 else "reproduce" if all(part.classic for part in parts) else "bench"
    folder = Path(out).absolute() if out else paths.results / f"{label}-{stamp}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not (folder / store.PLAN).exists() and not list(folder.glob(f"*/{store.PLAN}")):
            raise UserError(f"{shown(folder)}: exists already, and is no run; choose another folder")
        raise UserError(f"{shown(folder)}: exists already; choose another folder, or go on with it by "
                        f"`./muxbench run --resume {shown(folder)}`")
    files.sweep(folder.parent)
    building = files.beside(folder)
    environment = machine.describe(["muxbench", *sys.argv[1:]], paths.bin)
    environment["clock"] = probes.cores(paths.bin, parts[0].about["server_cpu"],
                                        parts[0].about["loadgen_cpu"]).get("clock")
    try:
        for part in parts:
            cores = {key: part.about[key] for key in ("server_cpu", "loadgen_cpu", "same_core", "cores_why")}
            inner = building if len(parts) == 1 else building / part.name
            store.create(inner, part.text, environment | cores, part.about | plan.to_json(part.steps),
                         part.program.tables)
            part.folder = folder if len(parts) == 1 else folder / part.name
        with files.writing(folder):
            building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def link_latest(folder, paths):
    """Let results/latest lead to FOLDER, if that is a run in results/."""
    if folder.parent != paths.results or (paths.results / "latest").resolve() == folder:
        return
    latest = paths.results / "latest"
    link = files.beside(latest)
    with files.writing(latest):
        link.symlink_to(folder.name)
        link.rename(latest)


def reopen(folder, paths):
    """The Parts of the run in FOLDER, with what is done. Rows of blocks that were not finished are dropped,
    and the environment of this day is added. UserError if there is no run, or the programs are not those it
    began with."""
    plans = [folder / store.PLAN, *sorted(folder.glob(f"*/{store.PLAN}"))]
    folders = [path.parent for path in plans if path.is_file()]
    environment = machine.describe(["muxbench", *sys.argv[1:]], paths.bin)
    parts = [_reopen(one, environment) for one in folders or [folder]]
    for one in {folder.parent, folder, *(part.folder for part in parts)}:
        files.sweep(one)
    for part in parts:
        part.done = store.recover(part.folder, part.steps, part.program.tables)
        if part.left:
            _note_resumption(part.folder, environment)
    return sorted(parts, key=lambda part: part.about["place"])


def _reopen(folder, environment):
    about = store.read_json(folder / store.PLAN)
    try:
        steps = plan.from_json(about)
        about = {key: value for key, value in about.items() if key not in ("cells", "steps")}
        version = about["version"]
    except (KeyError, TypeError):
        version = None
    if version != PLAN_VERSION or not ABOUT <= about.keys():
        raise UserError(
            f"{shown(folder / store.PLAN)}: written by another version of muxbench; start a new run")
    before = store.read_json(folder / "environment.json").get("binaries")
    if before != environment["binaries"]:
        raise UserError(
            f"{shown(folder)}: the programs in build/bin are not those this run began with, so its blocks "
            "could not be compared; start a new run, or check out and build the same version")
    usable = {row["cpu"] for row in environment["topology"]}
    if not {about["server_cpu"], about["loadgen_cpu"]} <= usable:
        raise UserError(f"{shown(folder)}: this run used the cores {about['server_cpu']} and "
                        f"{about['loadgen_cpu']}, now usable are {sorted(usable)}; start a new run")
    return Part(about["scenario"], "", steps, about, folder=folder)


def _note_resumption(folder, environment):
    """Keep in environment.json when and where the run was taken up again."""
    path = folder / "environment.json"
    data = store.read_json(path)
    keys = ("date", "command", "boot_id", "kernel", "git", "steal_percent", "busy_percent")
    data.setdefault("resumed", []).append({key: environment[key] for key in keys})
    store.write_json(path, data)
