"""Where things are: handed to whoever needs them, so that a test can put others in their place."""
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """The folders of a checkout: programs, scenarios by name, runs, and the claims: their programs, their files."""
    bin: Path = ROOT / "build" / "bin"
    scenarios: Path = ROOT / "scenarios"
    results: Path = ROOT / "results"
    claims: Path = ROOT / "build" / "claims"
    claim_files: Path = ROOT / "claims"


def shown(path):
    """PATH as a user in the current directory would type it, a str."""
    path = Path(path).absolute()
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
