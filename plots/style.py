"""How every figure looks: one colour, marker and dash per mechanism; and the same bytes each time."""
import io
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib

from runner import files

matplotlib.use("Agg")
from matplotlib import pyplot, ticker  # noqa: E402  (the backend is chosen first)

FD_SETSIZE = 1024
PNG_DPI = 160
INK, FAINT, GRID = "#1f2328", "#6a737d", "#d8dee4"


@dataclass(frozen=True)
class Look:
    """A mechanism's look. Of lines that coincide, the wider one lies underneath and stays visible."""
    colour: str
    marker: str
    dash: object
    width: float
    size: float
    hollow: bool = False


# Colours: Okabe and Ito, Color Universal Design (2008): told apart by colour-blind readers. In grey, the
# markers and dashes tell: triangles, square, disc scan; diamond, plus do not; a dot waits for nothing.
LOOKS = {
    "select": Look("#E69F00", "^", "solid", 5.0, 8.5),
    "select-wide": Look("#CC79A7", "s", "solid", 3.4, 7.5, hollow=True),
    "poll": Look("#D55E00", "o", "solid", 1.6, 4.5),
    "ppoll": Look("#56B4E9", "v", (0, (4, 2)), 1.6, 5.5),
    "epoll-lt": Look("#0072B2", "D", "solid", 3.4, 6.5, hollow=True),
    "epoll-et": Look("#009E73", "P", (0, (3, 1.5)), 1.6, 5.5),
    "none": Look("#8a939c", ".", "solid", 1.2, 6),
}
OTHER = Look("#000000", "h", (0, (1, 1)), 1.6, 5.5)

SETTINGS = {
    "svg.hashsalt": "muxbench", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 10,
    "axes.titlesize": 10.5, "axes.titlelocation": "left", "axes.titlepad": 18, "axes.labelsize": 10,
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
    "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": GRID, "grid.linewidth": 0.7, "axes.axisbelow": True, "figure.facecolor": "white",
    "path.simplify": False,
}


def look(mechanism):
    """The mechanism's Look; with a label (epoll-lt:again) the same colour as a dotted line with crosses; one that is
    not known here gets a black dotted line."""
    base, label, _ = mechanism.partition(":")
    its = LOOKS.get(base, OTHER)
    return replace(OTHER, colour=its.colour, marker="X") if label else its


def order(mechanisms):
    """The mechanisms in the order in which they are drawn and listed: as in LOOKS, unknown ones last."""
    known = [name for name in LOOKS if name in set(mechanisms)]
    return known + sorted(set(mechanisms) - set(known))


def marker_style(mechanism):
    """Keyword arguments of a marker for Axes.plot."""
    its = look(mechanism)
    return {"marker": its.marker, "markersize": its.size, "markeredgecolor": its.colour,
            "markeredgewidth": 1.4, "markerfacecolor": "white" if its.hollow else its.colour}


def line_style(mechanism):
    """Keyword arguments of a line with its markers for Axes.plot."""
    its = look(mechanism)
    return {"color": its.colour, "linestyle": its.dash, "linewidth": its.width, **marker_style(mechanism)}


def context():
    """The settings as a context: `with style.context(): …`; nothing outside it changes."""
    return pyplot.rc_context({**matplotlib.rcParamsDefault, **SETTINGS, "backend": "Agg"})


def number(value, _position=None):
    """A tick as people write it: 0.01, 10, 10,000."""
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"


def log_axis(axis, low, high):
    """A log axis in plain numbers: decades, and 2 and 5 between them where there are few."""
    factor = high / low
    subs = (1, 2, 3, 4, 5, 7) if factor < 12 else (1, 2, 5) if factor < 60 else (1, 3)
    if factor >= 5000:
        subs = (1,)
    axis.set_major_locator(ticker.LogLocator(base=10, subs=subs, numticks=30))
    axis.set_major_formatter(ticker.FuncFormatter(number))
    axis.set_minor_locator(ticker.LogLocator(base=10, subs=range(2, 10), numticks=100))
    axis.set_minor_formatter(ticker.NullFormatter())


def save(figure, path):
    """Write path.svg and path.png, without a date or a version in them, and close the figure."""
    kinds = {"svg": {"metadata": {"Date": None, "Creator": None, "Format": None, "Type": None}},
             "png": {"metadata": {"Software": None}, "dpi": PNG_DPI}}
    for kind, options in kinds.items():
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, **options)
        files.replace(Path(f"{path}.{kind}"), picture.getvalue())
    pyplot.close(figure)
