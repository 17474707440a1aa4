"""Every row of METHOD.md tried against a fault made on purpose: `make validate` (python -m tests.validate)."""
