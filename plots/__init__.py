"""Samples become figures and a report. Nothing here measures; the only input is a run's folder."""
