"""claims.html, one self-contained page of all claims, and claims/README.md, made from their files."""
import base64
import hashlib
from pathlib import Path

from runner.claim_files import SECTIONS
from runner.files import replace

from . import table

PAGE = "claims.html"
HERE = Path(__file__).parent


def write(claims, records, folder):
    """Write FOLDER/claims.html from the files (Claims) and what was seen of each (records, in the same order); returns
    its path. NotWritten if that cannot be."""
    script = (HERE / "search.js").read_text(encoding="utf-8")
    told = [{"claim": claim, "seen": seen} for claim, seen in zip(claims, records)]
    html = _environment(True).get_template("claims/claims.html.j2").render(
        sections=[(letter, title, [one for one in told if one["claim"].section == letter])
                  for letter, title in SECTIONS.items()],
        tally=table.tally(records), verdicts=[name for name in table.STYLES
                                              if any(table.verdict(one) == name for one in records)],
        machine=next(({name: one[name] for name in ("kernel", "cpu")} for one in records if "kernel" in one), None),
        script=script, script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        value=table.value, verdict=table.verdict)
    replace(folder / PAGE, html)
    return folder / PAGE


def readme(claims):
    """The text of claims/README.md."""
    return _environment(False).get_template("claims/readme.md.j2").render(
        sections=[(letter, title, [one for one in claims if one.section == letter])
                  for letter, title in SECTIONS.items()], count=len(claims))


def _environment(escaping):
    import jinja2
    made = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE.parent), autoescape=escaping,
                              undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                              keep_trailing_newline=True)
    made.filters["cell"] = lambda text: text.replace("|", "\\|").replace("\n", " ")
    return made
