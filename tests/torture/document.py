"""docs/reliability.md, made from what `make torture` and `make soak` wrote:

    python -m tests.torture.document build/torture.json build/soak.json
"""
import json
import sys
from pathlib import Path

from runner import files
from tests.soak import show
from tests.torture.battery import Result
from tests.torture.table import bad_news, by_attack

HERE = Path(__file__).resolve().parent
MOST_OUTCOMES = 4
DOCUMENT = HERE.parent.parent / "docs" / "reliability.md"


def write(torture_file, soak_file, path=DOCUMENT):
    """Writes PATH from the two files.  Exits with a message when one cannot be used."""
    torture, soak = read(torture_file, "torture"), read(soak_file, "soak")
    if not torture["whole"]:
        sys.exit(f"{torture_file}: a whole `make torture` is needed, not its short form or a part")
    if soak["interrupted"]:
        sys.exit(f"{soak_file}: that soak was interrupted: run `make soak` to its end")
    files.replace(path, render(torture, soak))


def read(path, command):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}: run `make {command}` first")
    except ValueError:
        sys.exit(f"{path}: damaged: run `make {command}` again")


def render(torture, soak):
    """The page, a str."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    results = [Result(**one) for one in torture["results"]]
    page = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True, keep_trailing_newline=True)
    page.filters |= {"cell": cell}
    return page.get_template("reliability.md.j2").render(
        torture=torture, attacks=[summary(*one) for one in by_attack(results)], count=len(results),
        bad=[bad_news(one) for one in results if one.is_bad],
        fairness=fairness(results), soak=soak,
        soak_rows={name: show.done(one) | show.left(one) for name, one in soak["servers"].items()})


def cell(text):
    """TEXT as it may stand in a table of Markdown."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def summary(attack, good, broken):
    """One attack as a row: what happened on the good servers, and on the broken ones."""
    beside = [seen for one in good for seen in one.beside]
    after = [left for one in good for left in one.after]
    ran = [one for one in good if not one.skipped]
    return {
        "attack": attack, "tried": len(ran), "passed": sum(not one.found for one in ran),
        "skipped": next((one.skipped for one in good if one.skipped), None),
        "saw": outcomes(ran),
        "worst_ms": max((seen["worst_ms"] for seen in beside), default=None),
        "idle_percent": max((left["idle_percent"] for left in after), default=None),
        "memory_kept": max((left["memory_kept"] for left in after), default=None),
        "broken": broken,
    }


def outcomes(results):
    """What was seen, each outcome with the servers that had it; of many the first one."""
    seen = {}
    for one in results:
        if one.saw:
            seen.setdefault(one.saw, []).append(one.mechanism)
    if len(seen) == 1 or len(seen) > MOST_OUTCOMES:
        first = next(iter(seen))
        return first if len(seen) == 1 else f"{seen[first][0]}: {first}"
    return "; ".join(f"{', '.join(dict.fromkeys(servers))}: {saw}" for saw, servers in seen.items())


def fairness(results):
    """{(mechanism, rule): {attack: what it saw}} of the attacks of fairness.py."""
    table = {}
    for one in results:
        if one.attack in ("flood_beside_ping_pong", "a_thousand_active"):
            server = f"`{one.broken}` (broken)" if one.broken else one.mechanism
            table.setdefault((server, one.rule), {})[one.attack] = one.saw or one.found
    return table


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    write(*sys.argv[1:])
