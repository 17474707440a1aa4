"""Where things are: handed to whoever needs them, so that a test can put others in their place."""
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """The folders of a checkout: the programs, those of the claims, the claims' files, the scenarios by name, and the
    runs."""
    bin: Path = ROOT / "build" / "bin"
    claims: Path = ROOT / "build" / "claims"
    claim_files: Path = ROOT / "claims"
    scenarios: Path = ROOT / "scenarios"
    results: Path = ROOT / "results"


def shown(path):
    """PATH as a user in the current directory would type it, a str."""
    path = Path(path).absolute()
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
