"""What all tests share: the checkout can be imported from, and the programs under test."""
import os
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# A shell starts what it runs in the background with SIGINT ignored, nohup with SIGHUP: what is tested inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def programs():
    """The folder of the built servers and the load generator; a test that needs them fails without."""
    folder = ROOT / os.environ.get("MUXBENCH_BUILD", "build") / "bin"
    if not (folder / "loadgen").is_file():
        pytest.fail(f"{folder}/loadgen is missing: run `make` first")
    return folder
