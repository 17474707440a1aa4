"""`make claims-readme`: write claims/README.md."""
from runner import claim_files, files
from runner.paths import Paths

from . import readme

FOLDER = Paths().claim_files

if __name__ == "__main__":
    files.replace(FOLDER / "README.md", readme(claim_files.read_all(FOLDER)))
