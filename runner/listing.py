"""`muxbench list`: the scenarios, each with its question."""
import textwrap
import tomllib

from runner import scenario
from runner.paths import shown


def run(paths):
    """Print the scenarios. Exit status 0; a scenario that cannot be read is listed with the reason."""
    files = scenario.files(paths.scenarios)
    for path in files:
        print(scenario.known_as(path, paths.scenarios))
        for line in textwrap.wrap(_question(path), 96):
            print(f"    {line}")
    print(f"\n{len(files)} scenarios in {shown(paths.scenarios)}/; run one with `./muxbench run NAME`, "
          "look before with `--dry-run`")
    return 0


def _question(path):
    try:
        return " ".join(str(tomllib.loads(path.read_text(encoding="utf-8"))["question"]).split())
    except (OSError, ValueError) as error:
        return f"cannot be read: {error}"
    except KeyError:
        return "has no question"
