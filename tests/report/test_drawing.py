import re

from matplotlib import rc_context

from pellucid.plots.diagram_scene import GROUND
from pellucid.report.drawing import Colours, Drawing


def line(ax) -> None:
    ax.plot([0.123456, 1], [0, 1], label="0.123456")
    ax.text(0.5, 0.5, "a < b & c")
    ax.legend()


def test_colours_that_are_the_same_need_no_variable() -> None:
    colours = Colours()
    assert colours.pair("#0072B2", "#0072b2") == "#0072B2"
    assert colours.pair("#ffffff", "#000000") == "var(--c0)"
    assert colours.pair("#111111", "#eeeeee") == "var(--c1)"
    assert colours.pair("#ffffff", "#000000") == "var(--c0)"
    light, dark = colours.rules().split("@media (prefers-color-scheme:dark)")
    assert light.strip() == ":root{--c0:#ffffff;--c1:#111111;}"
    assert dark.strip() == "{:root{--c0:#000000;--c1:#eeeeee;}}"


def test_ink_and_paper_follow_the_ground() -> None:
    drawing = Drawing()
    svg = drawing.draw(line, "a line")
    rules = drawing.colours.rules()
    for kind in ("ink", "paper"):
        light, dark = GROUND[False][kind], GROUND[True][kind]
        name = re.search(rf"(--c\d+):{light}", rules)
        assert name is not None
        assert f"{name[1]}:{dark}" in rules
        assert f"var({name[1]})" in svg
        assert light not in svg


def test_pictures_are_the_same_every_time_and_in_any_style() -> None:
    once = Drawing().draw(line, "a line")
    assert Drawing().draw(line, "a line") == once
    with rc_context({"lines.linewidth": 20, "font.size": 30, "svg.fonttype": "path"}):
        assert Drawing().draw(line, "a line") == once


def test_pictures_of_a_page_share_no_names() -> None:
    drawing = Drawing()
    names = [
        set(re.findall(r' id="([^"]+)"', drawing.draw(line, "a line"))) for _ in "12"
    ]
    assert names[0]
    assert names[0].isdisjoint(names[1])


def test_all_that_is_referred_to_is_there_and_all_that_is_there_is_needed() -> None:
    svg = Drawing().draw(line, "a line")
    there = re.findall(r' id="([^"]+)"', svg)
    needed = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
    assert len(there) == len(set(there))
    assert set(there) == set(needed)


def test_text_stays_text_and_in_full() -> None:
    svg = Drawing().draw(line, 'described as "a < b"')
    assert ">a &lt; b &amp; c</text>" in svg
    assert ">0.123456</text>" in svg
    assert not re.search(r"<[^>]*\d\.\d{3}[^>]*>", svg)
    assert 'aria-label="described as &quot;a &lt; b&quot;"' in svg


def test_pixels_that_depend_on_the_ground_are_there_twice() -> None:
    def same(ax) -> None:
        ax.imshow([[0, 1]], cmap="viridis")

    def different(ax) -> None:
        shade = 0.9 if ax.get_facecolor()[0] > 0.5 else 0.1
        ax.imshow([[(shade, shade, shade), (0, 0, 0)]])

    assert Drawing().draw(same, "same").count("<image") == 1
    svg = Drawing().draw(different, "different")
    assert svg.count("<image") == 2
    assert re.findall(r'<g class="(light|dark)"><image', svg) == ["light", "dark"]


def test_marks_that_look_the_same_say_so_once():
    def dots(ax):
        ax.scatter(range(50), range(50))

    svg = Drawing().draw(dots, "Fifty dots.")
    inside = re.search(r"<g style=[^>]*>((?:\s*<use [^>]*/>)+)\s*</g>", svg)
    assert inside is not None
    assert inside[1].count("<use ") == 50
    assert "style" not in inside[1]
