"""The network as a picture without matplotlib: an SVG written by hand."""

from html import escape
from typing import TYPE_CHECKING

from pellucid.network import NeuralNetwork
from pellucid.plots.diagram_layout import arrange
from pellucid.plots.diagram_lens import lens_of, lens_of_network
from pellucid.plots.diagram_scene import (
    FRAME,
    GROUND,
    LEVELS,
    RADIUS,
    SMALL,
    Box,
    Circle,
    Line,
    Scene,
    Text,
    circle_colour,
    dashes,
    letters,
    level,
    line_colour,
    text_colour,
    thickness,
)

if TYPE_CHECKING:
    from pellucid.trace import Step

_UNIT = 48  # pixels
_LIGHT = GROUND[False]  # in the attributes; a dark ground overrides them by rules


def network_svg(network: NeuralNetwork, *, most: int = 16) -> str:
    """Return the picture of a network as a standalone SVG.

    The same picture as that of `pellucid.plots.network`. It follows the reader's choice
    of a light or a dark ground, says in words what it shows, and tells name and full
    value of a weight or bias that is pointed at.

    Parameters
    ----------
    network : NeuralNetwork
        What to draw.
    most : int
        Places in a column; of larger layers the first and last neurons are shown.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If it is no network, or `most` is below 2.
    NotBuiltError
        If the network has no weights yet.
    DataError
        If a weight is not finite.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(1)], loss="mean_squared_error", input_shape=2
    ... )
    >>> svg = pellucid.plots.network_svg(net)
    >>> svg[:4], svg.count('class="weight')
    ('<svg', 2)
    """
    return _svg(arrange(lens_of_network(network), most))


def diagram_svg(
    subject: "NeuralNetwork | Step", *, lens: str = "value", most: int = 16
) -> str:
    """Return the picture of a network through a lens as a standalone SVG.

    The same picture as that of `pellucid.plots.diagram`. It follows the reader's choice
    of a light or a dark ground, says in words what it shows, and tells address and full
    value of a number that is pointed at; ``step.why(address)`` explains it.

    Parameters
    ----------
    subject : NeuralNetwork or Step
        A network has values; a step, from ``net.trace(x, y)``, has all three.
    lens : "value", "gradient" or "update"
        What to draw.
    most : int
        Places in a column; of larger layers the first and last neurons are shown.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError, NotBuiltError, DataError
        As `pellucid.plots.diagram`.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork([pellucid.Dense(1)], loss="mean_squared_error")
    >>> step = net.build(2).trace([[1.0, 2.0]], [[3.0]])
    >>> svg = pellucid.plots.diagram_svg(step, lens="update")
    >>> svg.count("dense_1.W[0, 0].update")
    1
    """
    return _svg(arrange(lens_of(subject, lens), most))


def _svg(scene: Scene) -> str:
    width, height = round(scene.width * _UNIT), round(scene.height * _UNIT)
    frame = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "pellucid-network",
        "role": "img",
        "width": width,
        "height": height,
        "viewBox": f"0 0 {width} {height}",
        "style": "max-width:100%;height:auto",
        "font-family": "system-ui, -apple-system, Segoe UI, sans-serif",
    }
    paper = {"width": width, "height": height, "rx": 10, "fill": _LIGHT["paper"]}
    rows = [
        _tag("title", {}, escape(scene.title)),
        _tag("desc", {}, escape(scene.description)),
        _tag("style", {}, _rules_for_dark()),
        _tag("rect", {"class": "paper"} | paper),
        *([_frame(scene)] if scene.frame else []),
        *(_line(scene, line) for line in scene.passing),
        *(_line(scene, line) for line in scene.weights),
        *(_circle(scene, circle) for circle in scene.circles),
        *map(_box, scene.boxes),
        *map(_text, scene.texts),
    ]
    return _tag("svg", frame, "\n" + "\n".join(rows) + "\n") + "\n"


def _frame(scene: Scene) -> str:
    attributes: dict[str, object] = {
        "class": "frame",
        "x": _pixels(FRAME),
        "y": _pixels(FRAME),
        "width": _pixels(scene.width - 2 * FRAME),
        "height": _pixels(scene.height - 2 * FRAME),
        "rx": 6,
        "fill": "none",
        "stroke": scene.frame,
        "stroke-width": _pixels(FRAME),
    }
    return _tag("rect", attributes)


def _tag(name: str, attributes: dict[str, object], inside: str = "") -> str:
    start = " ".join([name, *(f'{k}="{v}"' for k, v in attributes.items())])
    return f"<{start}>{inside}</{name}>" if inside else f"<{start}/>"


def _pixels(length: float) -> str:
    return f"{length * _UNIT:.2f}".rstrip("0").rstrip(".")


def _line(scene: Scene, line: Line) -> str:
    width = thickness(scene, line)
    attributes: dict[str, object] = {
        "class": "quiet",
        "points": " ".join(
            f"{_pixels(point.x)},{_pixels(point.y)}" for point in line.points
        ),
        "fill": "none",
        "stroke": _LIGHT["quiet"],
        "stroke-width": _pixels(width),
        "stroke-linejoin": "round",
    }
    if line.value is None:
        return _tag("polyline", attributes)
    shade = level(line.value, scene.largest_weight)
    # Only weights have a name; the lines that explain them have none.
    attributes["class"] = f"{'weight' if line.name else 'key'} line-{_shade(shade)}"
    attributes["stroke"] = line_colour(shade, dark=False)
    if shade < 0:
        attributes["stroke-dasharray"] = " ".join(map(_pixels, dashes(width)))
    return _tag("polyline", attributes, _told(line.name, line.value))


def _circle(scene: Scene, circle: Circle) -> str:
    shade = level(circle.value, scene.largest_bias)
    attributes: dict[str, object] = {
        "class": f"edge fill-{_shade(shade)}",
        "cx": _pixels(circle.at.x),
        "cy": _pixels(circle.at.y),
        "r": _pixels(RADIUS),
        "fill": circle_colour(shade, dark=False),
        "stroke": _LIGHT["ink"],
        "stroke-width": 1.2,
    }
    inside = _letters(
        circle.at.x,
        circle.at.y,
        circle.text,
        letters(circle.text),
        {"class": f"on-{_shade(shade)}", "fill": text_colour(shade, dark=False)},
    )
    told = _told(circle.name, circle.value)
    return _tag("g", {}, told + _tag("circle", attributes) + inside)


def _box(box: Box) -> str:
    attributes: dict[str, object] = {
        "class": "box",
        "width": _pixels(box.width),
        "height": _pixels(box.height),
        "rx": 6,
        "fill": _LIGHT["box"],
        "stroke": _LIGHT["quiet"],
        "stroke-width": 1.4,
    }
    style: dict[str, object] = {"class": "ink", "fill": _LIGHT["ink"]}
    if box.upright:
        place = f"{_pixels(box.at.x)} {_pixels(box.at.y)}"
        style["transform"] = f"rotate(-90 {place})"
    sheets = (
        _tag("rect", attributes | {"x": _pixels(left), "y": _pixels(top)})
        for left, top in box.corners
    )
    return "".join(sheets) + _letters(box.at.x, box.at.y, box.text, SMALL, style)


def _text(text: Text) -> str:
    style: dict[str, object] = {"class": "ink", "fill": _LIGHT["ink"]}
    if text.bold:
        style["font-weight"] = 600
    if text.from_left:
        style["text-anchor"] = "start"
    # Lines may pass behind: a rim in the colour of the ground keeps letters clear. It
    # is a text of its own, since not every program knows paint-order.
    rim = style | {
        "class": "paper-rim",
        "fill": "none",
        "stroke": _LIGHT["paper"],
        "stroke-width": _pixels(0.08),
        "stroke-linejoin": "round",
    }
    return "".join(
        _letters(text.at.x, text.at.y, text.text, text.size, each)
        for each in (rim, style)
    )


def _letters(
    x: float, y: float, text: str, size: float, style: dict[str, object]
) -> str:
    if not text:
        return ""
    # Not every program knows dominant-baseline: letters are lowered by hand.
    place: dict[str, object] = {
        "x": _pixels(x),
        "y": _pixels(y + 0.35 * size),
        "font-size": _pixels(size),
        "text-anchor": "middle",
    }
    return _tag("text", place | style, escape(text))


def _told(name: str, value: float | None) -> str:
    """Return what browsers show when the mouse rests on a weight or a neuron."""
    return _tag("title", {}, escape(f"{name} = {value!r}")) if name else ""


def _shade(shade: int) -> str:
    """Return a name for a shade: n4 to n1 below zero, zero, p1 to p4 above."""
    return f"{'n' if shade < 0 else 'p'}{abs(shade)}" if shade else "zero"


def _rules_for_dark() -> str:
    """Return what changes for readers who prefer a dark ground."""
    dark = GROUND[True]
    rules = {
        "paper": f"fill:{dark['paper']}",
        "paper-rim": f"stroke:{dark['paper']}",
        "quiet": f"stroke:{dark['quiet']}",
        "edge": f"stroke:{dark['ink']}",
        "box": f"fill:{dark['box']};stroke:{dark['quiet']}",
        "ink": f"fill:{dark['ink']}",
    }
    for shade in range(-LEVELS, LEVELS + 1):
        name = _shade(shade)
        rules[f"line-{name}"] = f"stroke:{line_colour(shade, dark=True)}"
        rules[f"fill-{name}"] = f"fill:{circle_colour(shade, dark=True)}"
        rules[f"on-{name}"] = f"fill:{text_colour(shade, dark=True)}"
    # Inside a page the rules would reach everything: they are meant for this picture.
    text = "".join(f".pellucid-network .{k}{{{v}}}" for k, v in rules.items())
    return f"@media (prefers-color-scheme:dark){{{text}}}"
