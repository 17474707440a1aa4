"""How the tests that hypothesis makes inputs for are run: briefly and the same each time.

To look further by hand: `FUZZ=20 pytest tests/test_fuzz_*.py` tries 20 times as many, at random; `--hypothesis-seed`
takes a seed. What is found is shown as small as it can be made.
"""
import os

from conftest import ROOT
from hypothesis import HealthCheck, configuration, settings

configuration.set_hypothesis_home_dir(ROOT / "build" / "hypothesis")   # and not into the checkout
FUZZ = os.environ.get("FUZZ")


def bounded(examples):
    """A decorator for a @given test: so many examples. A fixture of the test is shared by all of them."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples * int(FUZZ or 1), derandomize=not FUZZ, deadline=None, database=None,
                    suppress_health_check=checks)
