"""The flame graph: what is in it, how wide, and that no name can break it."""
from xml.etree import ElementTree

import pytest
from conftest import ROOT
from hypothesis import given, strategies as st

from plots import flame
from runner import stacks

SVG = "{http://www.w3.org/2000/svg}"
TEXT = (ROOT / "tests" / "data" / "perf-script.txt").read_text()
PROFILE = stacks.profile(stacks.read(TEXT), 4242, [(0, 10**12)], "echo-poll")


def boxes(svg):
    """{what a box's tooltip says: (x, y, width, fill, label or None)}"""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        rect, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        x, y, width = (float(rect.get(name)) for name in ("x", "y", "width"))
        found[group.find(f"{SVG}title").text] = (x, y, width, rect.get("fill"), None if label is None else label.text)
    return found


def named(svg, name):
    return next(box for tip, box in boxes(svg).items() if tip.startswith(f"{name} ("))


@pytest.fixture(scope="module")
def drawn():
    return flame.draw(PROFILE.stacks, ["echo-poll, 10 connections", "14 samples"], ["a note"])


def test_a_box_is_as_wide_as_its_samples(drawn):
    found = boxes(drawn)
    root = found["echo-poll (user): 14 of 14 samples, 100 %"]
    polls = found["do_sys_poll (kernel): 2 of 14 samples, 14 %"]
    assert root[2] == pytest.approx(flame.WIDTH - 2 * flame.MARGIN, abs=1)
    assert polls[2] == pytest.approx(2 / 14 * root[2], abs=1)
    assert root[1] == max(box[1] for box in found.values())   # all stand on it


def test_what_is_called_stands_on_its_caller(drawn):
    caller, called = named(drawn, "do_softirq.part.0"), named(drawn, "handle_softirqs")
    assert called[1] == caller[1] - flame.ROW and caller[0] <= called[0]
    assert called[0] + called[2] <= caller[0] + caller[2] + 0.01


def test_boxes_of_a_row_stand_side_by_side(drawn):
    rows = {}
    for left, top, width, *_ in boxes(drawn).values():
        rows.setdefault(top, []).append((left, left + width))
    assert max(map(len, rows.values())) > 3
    for row in map(sorted, rows.values()):
        assert all(end <= begin + 0.01 for (_, end), (begin, _) in zip(row, row[1:]))


def test_the_kernel_is_told_from_the_server(drawn):
    assert named(drawn, "serve")[3] in flame.SHADES[False] and named(drawn, "net_rx_action")[3] in flame.SHADES[True]
    assert not set(flame.SHADES[True]) & set(flame.SHADES[False])


def test_heading_and_note_are_there(drawn):
    words = "\n".join(ElementTree.fromstring(drawn).itertext())
    for line in ("echo-poll, 10 connections", "14 samples", "a note", "the kernel"):
        assert line in words
    assert stacks.IN_KERNEL not in words


def test_long_lines_are_wrapped():
    svg = flame.draw({("r",): 1}, ["title"], ["word " * 100])
    assert max(len(one.text or "") for one in ElementTree.fromstring(svg).iter(f"{SVG}text")) < 180
    assert svg.count("word") == 100


def test_the_same_stacks_give_the_same_bytes():
    turned = dict(reversed(PROFILE.stacks.items()))
    assert flame.draw(PROFILE.stacks, ["x"]) == flame.draw(turned, ["x"])


def test_names_cannot_break_it():
    name = '<script>alert("&amp;")</script>\x00\x1b'
    svg = flame.draw({("echo-poll", name): 3}, [name])
    assert "<script>" not in svg and "\x00" not in svg
    assert named(svg, name.replace("\x00", "\ufffd").replace("\x1b", "\ufffd"))[4].startswith("<script>")


@given(st.dictionaries(st.lists(st.text(min_size=1), min_size=1, max_size=5).map(tuple), st.integers(1, 1000),
                       min_size=1, max_size=8), st.text())
def test_any_names_make_an_svg(drawn, heading):
    ElementTree.fromstring(flame.draw(drawn, [heading]))


def test_what_is_too_thin_is_left_out_and_labels_fit():
    svg = flame.draw({("r", "wide" * 100): 100_000, ("r", "thin"): 1, ("r", "narrow"): 3000}, ["x"])
    found = {tip.split(" ")[0]: box for tip, box in boxes(svg).items()}
    assert "thin" not in found
    for _, _, width, _, label in found.values():
        assert label is None or len(label) * flame.LETTER <= width
    assert found["wide" * 100][4].endswith("…")
