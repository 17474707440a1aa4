"""What all tests share: the checkout can be imported from, and the programs under test."""
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def programs():
    """The folder of the built servers and the load generator; a test that needs them fails without."""
    folder = ROOT / os.environ.get("MUXBENCH_BUILD", "build") / "bin"
    if not (folder / "loadgen").is_file():
        pytest.fail(f"{folder}/loadgen is missing: run `make` first")
    return folder
