"""The README's commands work: each line of its shell blocks is run here, the long ones in their shortest form."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
# .ci/run runs what a minute allows of these.
LONG = {"make bench", "make test", "make bench-quick", "make bench-full", "make validate", "make torture",
        "make soak MINUTES=30", "make claims", "make claims-timing", "make reproduce",
        "make profile MECHANISM=poll CONNECTIONS=1000", "./muxbench aa", "./muxbench precision"}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path, programs):
    """A folder that looks like the checkout, with a small run in results/latest."""
    for name in ("Makefile", "claims", "docs", "loadgen", "muxbench", "plots", "runner", "scenarios", "servers",
                 "tests", "waitcost"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "bin").symlink_to(programs)
    for name in ("latest", "reference"):
        shutil.copytree(ROOT / "tests" / "data" / "bench", tmp_path / "results" / name)
    (tmp_path / "drain.toml").write_text(blocks("toml")[0])
    return tmp_path


def shortest(line):
    command = line.partition("#")[0].strip()
    if command in LONG:
        return f"{command.replace('make ', 'make --dry-run ')}{' --help' * ('muxbench' in command)} >/dev/null"
    command = command.replace("muxbench advise", "muxbench advise --run results/latest")   # made on no machine
    command = command.replace("run classics/p01-wait", "run classics/p01-wait --quick --only descriptors=10,1000")
    return command.replace("--blocks 10", "--blocks 1 --out drain-run")


@pytest.mark.parametrize("block", blocks("sh"), ids=lambda block: block.splitlines()[0][:30])
def test_commands_of_the_readme(block, checkout):
    script = "set -e; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + "\n".join(map(shortest, block.splitlines()))
    script = script.replace("5000", "${PORT:-15087}")   # it may be somebody's
    done = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def test_pictures_and_files_of_the_readme_are_there():
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), f"{name} is named in README.md"
    for name in re.findall(r"^(\w+/) +\S", README, re.MULTILINE):
        assert (ROOT / name).is_dir(), f"{name} is named in README.md"


def test_diff_of_the_readme_names_files():
    for name in re.findall(r"servers/\w+\.c", README):
        assert (ROOT / name).is_file(), f"{name} is named in README.md"
