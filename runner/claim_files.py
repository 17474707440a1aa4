"""The files of claims/: what each says in its opening comment."""
import re
from dataclasses import dataclass
from pathlib import Path

from runner.errors import UserError
from runner.paths import shown

SECTIONS = {
    "A": "Creating an instance, data structures, memory", "B": "Limits", "C": "How the mechanisms work",
    "D": "Level and edge triggering", "E": "Performance"}
TIMED = "E"   # the section whose claims are about time
LABELS = {"Claim": "claim", "Believed because": "believed", "Experiment": "experiment", "History": "history",
          "Detail": "detail", "Read on": "read_on"}
OPTIONAL = {"history", "detail"}
FILE = re.compile(r"([a-e])(\d\d)-([\w.-]+)\.c")
COMMENT = re.compile(r"/\*\n(.*?)\n \*/\n+", re.DOTALL)
LABEL = re.compile(rf"({'|'.join(LABELS)}): ")


@dataclass(frozen=True)
class Claim:
    """A claim as its file tells it. HISTORY and DETAIL: "" where there is nothing to be told. CODE: the file without
    its opening comment. Paragraphs of a text are separated by empty lines."""
    id: str
    slug: str
    path: Path
    claim: str
    believed: str
    experiment: str
    history: str
    detail: str
    read_on: str
    code: str

    @property
    def section(self):
        return self.id[0]

    @property
    def is_timed(self):
        return self.section == TIMED


def read_all(folder):
    """The claims of FOLDER (a Path) in their order, a list of Claim. UserError names a file that has not the form."""
    paths = sorted(path for path in folder.glob("*.c") if FILE.fullmatch(path.name))
    if not paths:
        raise UserError(f"{shown(folder)}: no claims there: run this from a whole checkout")
    return [read(path) for path in paths]


def read(path):
    """The Claim of one file."""
    letter, number, slug = FILE.fullmatch(path.name).groups()
    name = f"{letter.upper()}{int(number)}"
    text = path.read_text(encoding="utf-8")
    opening = COMMENT.search(text)
    lines = [line[3:] for line in opening[1].splitlines()] if opening else []
    if not lines or lines[0] != f"{name} {slug}":
        raise UserError(f"{shown(path)}: its opening comment must begin with \"{name} {slug}\"")
    told = _paragraphs(path, "\n".join(lines[1:]).strip())
    code = text[:opening.start()] + text[opening.end():]
    return Claim(name, slug, path, **told, code=code)


def _paragraphs(path, comment):
    """{field: text} of the labelled paragraphs; one without a label goes on with the one before."""
    told, field = {}, None
    for paragraph in re.split(r"\n\s*\n", comment):
        label = LABEL.match(paragraph)
        if label:
            field, paragraph = LABELS[label[1]], paragraph[label.end():]
        if field is None or (label and field in told):
            raise UserError(f"{shown(path)}: its opening comment must have each of {', '.join(LABELS)} once")
        words = " ".join(paragraph.split())
        told[field] = f"{told[field]}\n\n{words}" if field in told else words
    missing = [name for name, field in LABELS.items() if field not in told and field not in OPTIONAL]
    if missing:
        raise UserError(f"{shown(path)}: its opening comment lacks a paragraph \"{missing[0]}:\"")
    return dict.fromkeys(LABELS.values(), "") | told
