"""The network as a picture: neurons are circles, weights are lines."""

from typing import TYPE_CHECKING, Any

from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import canvas, is_dark, paper, size_in_points
from pellucid.plots.diagram_layout import arrange
from pellucid.plots.diagram_lens import lens_of, lens_of_network
from pellucid.plots.diagram_scene import (
    FRAME,
    GROUND,
    RADIUS,
    SMALL,
    Line,
    Scene,
    circle_colour,
    dashes,
    letters,
    level,
    line_colour,
    text_colour,
    thickness,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pellucid.trace import Step

_SIZE = 0.62  # inches of one unit in a new figure, where that is not too large


def network(
    network: NeuralNetwork, ax: "Axes | None" = None, *, most: int = 16
) -> "Axes":
    """Draw a network: neurons as circles in columns, weights as lines.

    A line is wider and darker the larger its weight is; positive weights are blue and
    solid, negative ones orange and dashed. Neurons have the colour of their bias, and
    its value inside. Layers without a matrix of weights are boxes.

    Parameters
    ----------
    network : NeuralNetwork
        What to draw.
    ax : Axes, optional
        Where to draw; a new figure of suitable size otherwise.
    most : int
        Places in a column; of larger layers the first and last neurons are shown.

    Returns
    -------
    Axes

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
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(4, "sigmoid"), pellucid.Dense(1, "sigmoid")],
    ...     loss="sum_of_squares",
    ...     input_shape=3,
    ... )
    >>> ax = pellucid.plots.network(net, Figure().add_subplot())
    >>> ax.get_title()
    'A network of 2 layers with 21 parameters'
    """
    return _draw(arrange(lens_of_network(network), most), ax)


def diagram(
    subject: "NeuralNetwork | Step",
    ax: "Axes | None" = None,
    *,
    lens: str = "value",
    most: int = 16,
) -> "Axes":
    """Draw a network through one of three lenses: values, gradients, or the update.

    The places stay the same; width, colour and numbers are those of the lens, and a
    frame says which it is: none for values, magenta for gradients, green for the
    update. Below each layer stands how long its gradient or update is, as a share of
    the length of its weights: where that falls from layer to layer, the gradient
    vanishes.

    Parameters
    ----------
    subject : NeuralNetwork or Step
        A network has values; a step, from ``net.trace(x, y)``, has all three.
    ax : Axes, optional
        Where to draw; a new figure of suitable size otherwise.
    lens : "value", "gradient" or "update"
        What to draw: weights and biases before the update, the gradient of the loss
        with respect to them, or what the update adds to them.
    most : int
        Places in a column; of larger layers the first and last neurons are shown.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If it is neither network nor step, a network is to show what only a step has,
        there is no such lens, or `most` is below 2.
    NotBuiltError
        If the network has no weights yet.
    DataError
        If a number is not finite.

    Examples
    --------
    >>> import pellucid
    >>> from matplotlib.figure import Figure
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(2, "tanh"), pellucid.Dense(1)], loss="mean_squared_error"
    ... )
    >>> step = net.build(2).trace([[1.0, 2.0]], [[3.0]])
    >>> ax = pellucid.plots.diagram(step, Figure().add_subplot(), lens="gradient")
    >>> ax.texts[-1].get_text()
    'Gradient of the loss: iteration 1, before its update'
    """
    return _draw(arrange(lens_of(subject, lens), most), ax)


def _draw(scene: Scene, ax: "Axes | None") -> "Axes":
    if ax is None:
        inch = min(_SIZE, 14 / scene.width, 9 / scene.height)
        ax = canvas(None, (max(scene.width * inch, 4.5), scene.height * inch + 0.4))
    else:
        width, height = size_in_points(canvas(ax))
        inch = min(width / scene.width, height / scene.height) / 72
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(0, scene.width)
    ax.set_ylim(scene.height, 0)
    ax.set_title(scene.title)
    dark, points = is_dark(ax), inch * 72
    _draw_lines(ax, scene, dark, points)
    _draw_shapes(ax, scene, dark, points)
    _write(ax, scene, dark, points)
    if scene.frame:
        _draw_frame(ax, scene, points)
    return ax


def _draw_frame(ax: "Axes", scene: Scene, points: float) -> None:
    from matplotlib.patches import Rectangle

    rim = Rectangle(
        (FRAME, FRAME),
        scene.width - 2 * FRAME,
        scene.height - 2 * FRAME,
        fill=False,
        edgecolor=scene.frame,
        linewidth=FRAME * points,
        zorder=5,
    )
    ax.add_patch(rim)


def _draw_lines(ax: "Axes", scene: Scene, dark: bool, points: float) -> None:
    """Draw all lines; one unit has so many points."""
    from matplotlib.collections import LineCollection

    def corners(lines: list[Line]) -> list[list[tuple[float, float]]]:
        return [[(point.x, point.y) for point in line.points] for line in lines]

    passing = LineCollection(
        corners(scene.passing),
        colors=GROUND[dark]["quiet"],
        linewidths=[thickness(scene, line) * points for line in scene.passing],
        joinstyle="round",
        zorder=1,
    )
    widths = [thickness(scene, line) for line in scene.weights]
    styles: list[Any] = []
    for line, width in zip(scene.weights, widths, strict=True):
        # matplotlib multiplies dashes by the width of the line.
        pattern = (0, tuple(length / width for length in dashes(width)))
        styles.append(pattern if line.value is not None and line.value < 0 else "solid")
    weights = LineCollection(
        corners(scene.weights),
        colors=[
            line_colour(level(line.value, scene.largest_weight), dark)
            for line in scene.weights
        ],
        linewidths=[width * points for width in widths],
        linestyles=styles,
        capstyle="butt",
        zorder=2,
    )
    ax.add_collection(passing)
    ax.add_collection(weights)


def _draw_shapes(ax: "Axes", scene: Scene, dark: bool, points: float) -> None:
    """Draw circles and boxes."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Circle, FancyBboxPatch

    circles = PatchCollection(
        [Circle((circle.at.x, circle.at.y), RADIUS) for circle in scene.circles],
        facecolors=[
            circle_colour(level(circle.value, scene.largest_bias), dark)
            for circle in scene.circles
        ],
        edgecolors=GROUND[dark]["ink"],
        linewidths=0.025 * points,
        zorder=3,
    )
    ax.add_collection(circles)
    for box in scene.boxes:
        for left_and_top in box.corners:
            patch = FancyBboxPatch(
                left_and_top,
                box.width,
                box.height,
                boxstyle="round,pad=0,rounding_size=0.12",
                facecolor=GROUND[dark]["box"],
                edgecolor=GROUND[dark]["quiet"],
                linewidth=0.03 * points,
                zorder=3,
            )
            ax.add_patch(patch)


def _write(ax: "Axes", scene: Scene, dark: bool, points: float) -> None:
    """Write all texts, but for letters so small that they would be specks."""
    from matplotlib.patheffects import withStroke

    def write(x: float, y: float, text: str, size: float, **own: Any) -> None:
        if size * points >= 3:
            usual = {"ha": "center", "va": "center_baseline", "zorder": 4}
            style: dict[str, Any] = usual | {"color": GROUND[dark]["ink"]} | own
            ax.text(x, y, text, fontsize=size * points, **style)

    for circle in scene.circles:
        colour = text_colour(level(circle.value, scene.largest_bias), dark)
        place = (circle.at.x, circle.at.y)
        write(*place, circle.text, letters(circle.text), color=colour)
    for box in scene.boxes:
        turn = 90 if box.upright else 0
        write(box.at.x, box.at.y, box.text, SMALL, rotation=turn, va="center")
    for text in scene.texts:
        weight = "bold" if text.bold else "normal"
        side = "left" if text.from_left else "center"
        # Lines may pass behind: a rim in the colour of the ground keeps letters clear.
        rim = [withStroke(linewidth=0.08 * points, foreground=paper(ax))]
        style = {"fontweight": weight, "ha": side, "path_effects": rim}
        write(text.at.x, text.at.y, text.text, text.size, **style)
