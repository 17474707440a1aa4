"""The figure of a classic: which one it is, and its file."""
from dataclasses import replace

from runner.files import writing

from .. import figures, share, style
from . import curves, delays, dispatch, measures

DRAWN = {"curves": curves.figure, "dispatch": dispatch.figure, "delays": delays.figure}


def draw(scenario, classic, folder):
    """Draw the figure of a scenario into `folder` as SVG and PNG. Returns (its path without the ending, whether it is
    wide), or None where no sample of this run has a number for it."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with style.context():
        picture = _share(scenario, classic) if classic.draw["figure"] == "share" else \
            DRAWN[classic.draw["figure"]](scenario, classic)
        if picture is None:
            return None
        path, wide = folder / f"classic-{scenario.name}", picture.get_figwidth() > 8
        style.save(picture, path)
    return path, wide


def _share(scenario, classic):
    """The figure of the active share, as every report has it, under the classic's title."""
    if measures.trusted(scenario.usable, share.COLUMN).empty:
        return None
    return share.figure(scenario, replace(figures.MEASURES["share"], title=f"{classic.number} · {classic.title}"))
