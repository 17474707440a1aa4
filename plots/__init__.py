"""Samples become figures and a report. Nothing here measures; the only input is a run's folder."""
import os
from pathlib import Path

# matplotlib's list of fonts stays in the checkout: it would go to the user's home, or to /tmp where that is read-only.
os.environ.setdefault("MPLCONFIGDIR", str(Path(__file__).parent.parent / "build" / "matplotlib"))
