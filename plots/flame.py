"""A flame graph (Brendan Gregg, "The Flame Graph", CACM 59(6), 2016) as one SVG: each box is a function, as wide as its
share of the samples, and stands on the one that called it."""
import re
import textwrap
from dataclasses import dataclass, field
from xml.etree import ElementTree

from runner.stacks import IN_KERNEL

from . import style, text

WIDTH, MARGIN, ROW, LINE = 1200, 12, 17, 17
LETTER = 6.63          # the width of one, of DejaVu Sans Mono in 11 px
LEAST_WIDTH = 0.5      # of a box that is drawn, in px
# Two families that differ in hue and in lightness; two shades of each keep neighbours apart.
SHADES = {True: ("#a6cee3", "#8fbcd8"), False: ("#fdbf6f", "#f5b057")}
NAMES = (("user", "the server and its libraries"), ("kernel", "the kernel"))


@dataclass
class Box:
    """A function in one place of the stacks: COUNT samples in it and in what it called, ABOVE by name."""
    count: int = 0
    above: dict = field(default_factory=dict)


def draw(stacks, heading, foot=()):
    """The SVG, a str. STACKS: {frames from the outermost on: samples}, those of the kernel end with IN_KERNEL; HEADING
    and FOOT: lines of text, the first of the heading is the title. No two runs draw the same stacks differently."""
    root = tree(stacks)
    heading, foot = (_wrapped(lines) for lines in (heading, foot))
    depth = max(map(len, stacks))
    top = MARGIN + LINE * (len(heading) + 2)
    height = top + depth * ROW + LINE * len(foot) + 2 * MARGIN
    svg = ElementTree.Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "width": str(WIDTH), "height": str(height),
        "viewBox": f"0 0 {WIDTH} {height}", "font-family": "DejaVu Sans Mono, monospace", "font-size": "11"})
    _add(svg, "rect", width=WIDTH, height=height, fill="white")
    _head(svg, heading)
    bottom = top + depth * ROW
    _boxes(svg, root, MARGIN, bottom, (WIDTH - 2 * MARGIN) / root.count, root.count)
    for number, line in enumerate(foot, 1):
        _write(svg, MARGIN, bottom + MARGIN + LINE * number - 5, line, fill=style.FAINT)
    ElementTree.indent(svg, "")
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _wrapped(lines):
    return [piece for line in lines for piece in textwrap.wrap(line, int((WIDTH - 2 * MARGIN) / LETTER))]


def tree(stacks):
    """The Box under all STACKS."""
    root = Box()
    for frames, count in stacks.items():
        root.count += count
        box = root
        for name in frames:
            box = box.above.setdefault(name, Box())
            box.count += count
    return root


def _head(svg, heading):
    """The lines of HEADING, then what the colours say."""
    for number, line in enumerate(heading):
        plain = {"font-size": "15", "font-weight": "bold"} if number == 0 else {"fill": style.FAINT}
        _write(svg, MARGIN, MARGIN + LINE * (number + 1) - 4, line, **plain)
    left, y = MARGIN, MARGIN + LINE * (len(heading) + 1) - 4
    for kernel, (_, words) in enumerate(NAMES):
        _add(svg, "rect", x=left, y=y - 9, width=11, height=11, fill=SHADES[bool(kernel)][0])
        _write(svg, left + 17, y, words)
        left += 40 + LETTER * len(words)


def _boxes(svg, box, left, bottom, scale, total):
    """Draw what stands above BOX, from LEFT on, by name: the same function is in the same place of two graphs."""
    for number, (name, child) in enumerate(sorted(box.above.items())):
        width = child.count * scale
        if width >= LEAST_WIDTH:
            _box(svg, name, child.count, (left, bottom - ROW, width), number, total)
            _boxes(svg, child, left, bottom - ROW, scale, total)
        left += width


def _box(svg, name, count, place, number, total):
    kernel = name.endswith(IN_KERNEL)
    name = name.removesuffix(IN_KERNEL)
    left, top, width = place
    group = ElementTree.SubElement(svg, "g")
    tip = f"{name} ({NAMES[kernel][0]}): {count:,} of {total:,} samples, {text.percent(count / total)}"
    ElementTree.SubElement(group, "title").text = printable(tip)
    _add(group, "rect", x=round(left, 2), y=top, width=round(max(width - 0.5, 0.3), 2), height=ROW - 1, rx=1,
         fill=SHADES[kernel][number % 2])
    letters = int((width - 6) / LETTER)
    if letters >= 3:
        shown = name if len(name) <= letters else name[:letters - 1] + "…"
        _write(group, round(left + 3, 2), top + ROW - 5, shown)


def _write(parent, x, y, words, **attributes):
    _add(parent, "text", x=x, y=y, **{"fill": style.INK} | attributes).text = printable(words)


def _add(parent, tag, **attributes):
    return ElementTree.SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})


def printable(words):
    """WORDS without the characters that no XML may hold: ElementTree escapes the others."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", words)
