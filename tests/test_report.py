"""`muxbench report` draws two pages in two processes: what goes wrong in either is said, and neither outlives us."""
import os
import shutil
import signal
import time

import pytest

from plots import classics
from runner import report
from runner.errors import INTERRUPTED
from tests.servers import ROOT


@pytest.fixture
def run_folder(tmp_path):
    return shutil.copytree(ROOT / "tests" / "data" / "bench", tmp_path / "run")


def killed(_folder):
    os.kill(os.getpid(), signal.SIGKILL)


def failing(_folder):
    raise RuntimeError("no such colour")


@pytest.mark.parametrize("write, said", [(killed, "was killed"), (failing, "no such colour")])
def test_what_goes_wrong_beside_the_report_is_said(write, said, run_folder, monkeypatch, capsys):
    monkeypatch.setattr(classics, "write", write)
    assert report.run(run_folder) == 1
    assert said in capsys.readouterr().err and (run_folder / "report.html").exists()


def test_an_interruption_ends_both(run_folder, monkeypatch, capfd):
    def endless(_folder):
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(60)
    monkeypatch.setattr(classics, "write", endless)
    begin = time.monotonic()
    assert report.run(run_folder) == INTERRUPTED
    assert time.monotonic() - begin < 30 and "Traceback" not in capfd.readouterr().err
