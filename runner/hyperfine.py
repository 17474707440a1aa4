"""hyperfine: the time of whole commands, as a user of a shell would measure it."""
import json
import shlex
import shutil
import subprocess

from runner import estimate, process
from runner.errors import UserError
from runner.files import replace, writing
from runner.process import ChildError, Children

COMMAND = "hyperfine"
FOLDER = "hyperfine"   # of a run: what hyperfine wrote, a file for each cell and block


def check(parts):
    """UserError if one of PARTS (prepare.Part) needs hyperfine, and it is not there."""
    needing = [part.name for part in parts if any(step.cell.settings.get("runs") for step in part.left)]
    if needing and not shutil.which(COMMAND):
        raise UserError(f"{', '.join(needing)}: `runs` needs hyperfine, which is not installed: run `make deps`, or "
                        "take the scenario without `runs`")


def time_commands(bench, step, names, words):
    """Time a command for each of the mechanisms NAMES, in one call and in this order: WORDS with {mechanism} and
    {descriptors} in it. Returns {mechanism: columns of its row}; the columns say so if it was not timed."""
    descriptors = step.cell.settings["descriptors"]
    with Children() as children:
        output = children.file("hyperfine.json")
        argv = [COMMAND, "--shell", "none", "--style", "none", "--runs", step.cell.settings["runs"], "--export-json",
                output, "--parameter-list", "mechanism", ",".join(names), "--parameter-list", "descriptors",
                descriptors, shlex.join(map(str, words))]
        try:
            child = children.start(COMMAND, argv, stdout=subprocess.DEVNULL)
            process.wait(child, 60 + 5 * estimate.wait_seconds(step, len(names)), bench.tick)
            said = process.said(child) or "it said nothing"
        except ChildError as error:
            said = str(error)
        text = output.read_text(encoding="utf-8")
    timed = _timed(text)
    if timed:
        _keep(bench.folder / FOLDER, f"{step.cell.name}-b{step.block}.json", text)
    failed = {"status": "failed", "reason": f"hyperfine did not time it to the end: {said}"}
    return {name: timed.get(name, failed) for name in names}


def _keep(folder, name, text):
    with writing(folder):
        folder.mkdir(exist_ok=True)
    replace(folder / name, text)


def _timed(text):
    """{mechanism: columns} of the JSON that hyperfine wrote: means over the runs, in seconds."""
    try:
        results = json.loads(text)["results"]
    except (ValueError, KeyError):
        return {}
    return {one["parameters"]["mechanism"]: {"command_elapsed_s": one["mean"],
                                             "command_cpu_s": one["user"] + one["system"]} for one in results}
