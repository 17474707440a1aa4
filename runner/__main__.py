"""`python -m runner`: what the launcher `muxbench` starts."""
import sys

from runner.cli import main

sys.exit(main(sys.argv[1:]))
