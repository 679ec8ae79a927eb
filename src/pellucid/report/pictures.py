"""Pictures inside the page: SVG that is right on a light and on a dark ground.

Each picture is drawn twice, on either ground. The two texts differ in their colours
only; where they do, the page has a CSS variable with both.
"""

import base64
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import plots
from pellucid.plots.canvas import frame, two_colours
from pellucid.plots.diagram_scene import GROUND
from pellucid.plots.prediction_pairs import dot_size
from pellucid.report.markup import Markup, scrollable, tag
from pellucid.report.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_IMAGE = re.compile(r"<image\b[^>]*>")
_ID = re.compile(r' id="([^"]*)"')


class Colours:
    """The colours of a page that are not the same on a light and on a dark ground."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def pair(self, light: str, dark: str) -> str:
        """Return what stands for a colour in CSS.

        Parameters
        ----------
        light, dark : str
            On a light and on a dark ground, such as ``"#0072B2"``.

        Returns
        -------
        str
        """
        if light.lower() == dark.lower():
            return light
        name = self._names.setdefault((light, dark), f"--c{len(self._names)}")
        return f"var({name})"

    def rules(self) -> str:
        """Return the CSS that gives the variables their values."""
        light, dark = (
            "".join(f"{name}:{pair[side]};" for pair, name in self._names.items())
            for side in (0, 1)
        )
        return (
            f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        )


class Pictures:
    """Draws the pictures of one page.

    Attributes
    ----------
    colours : Colours
        What the page's style must define.
    """

    def __init__(self) -> None:
        self.colours = Colours()
        self._drawn = 0

    def draw(
        self,
        picture: Callable[["Axes"], Any],
        description: str,
        size: tuple[float, float] = (7.2, 3.6),
    ) -> Markup:
        """Return a picture as SVG.

        Parameters
        ----------
        picture : callable
            Draws into the Axes that it is given.
        description : str
            What there is to see, for those who do not.
        size : (float, float)
            Width and height, in inches.

        Returns
        -------
        Markup
        """
        self._drawn += 1
        light, dark = (
            _clean(_render(picture, size, GROUND[side]), f"p{self._drawn}")
            for side in (False, True)
        )
        attributes = {"class_": "plot", "role": "img", "aria_label": description}
        wide, high = (72 * length for length in size)
        return tag(
            "svg",
            Markup(self._merge(light, dark)),
            **attributes,
            viewBox=f"0 0 {wide:g} {high:g}",
            width=f"{wide / 0.75:g}",
        )

    def _merge(self, light: str, dark: str) -> str:
        """Return one text for both grounds."""
        images = zip(_IMAGE.findall(light), _IMAGE.findall(dark), strict=True)
        both = iter(
            one
            if one == other
            else f'<g class="light">{one}</g><g class="dark">{other}</g>'
            for one, other in images
        )
        light, dark = (_IMAGE.sub("<image>", text) for text in (light, dark))
        colours = zip(_COLOUR.findall(light), _COLOUR.findall(dark), strict=True)
        names = iter([self.colours.pair(*pair) for pair in colours])
        merged = _COLOUR.sub(lambda found: next(names), light)
        return re.sub("<image>", lambda found: next(both), merged)

    # -- what a report shows ---------------------------------------------------------

    def of_data(self, result: Result) -> Markup:
        """Return a picture of all rows.

        Parameters
        ----------
        result : Result
            Whose data.

        Returns
        -------
        Markup
        """
        dataset = result.dataset
        told = (
            "coloured by class: " + ", ".join(dataset.classes)
            if dataset.classes
            else f"with the value of {dataset.target}"
        )
        return self.draw(
            lambda ax: plots.data(dataset, ax=ax),
            f"The {len(dataset):,} rows as points in the plane, {told}.",
            (7.2, 4.2),
        )

    def of_network(self, result: Result, most: int = 10) -> Markup:
        """Return the diagram of the network, which can be scrolled sideways.

        Parameters
        ----------
        result : Result
            Whose network.
        most : int
            Places in a column.

        Returns
        -------
        Markup
        """
        svg = plots.network_svg(result.network, most=most)
        # Inside a page the name of the language is known; on a narrow one wide networks
        # are scrolled, since smaller letters could not be read.
        svg = re.sub(' xmlns="[^"]*"', "", svg, count=1)
        width = re.search(r'width="(\d+)"', svg)
        assert width is not None
        svg = re.sub(
            'style="[^"]*"', f'style="min-width:min(44rem,{width[1]}px)"', svg, count=1
        )
        return scrollable(Markup(svg), "The network as a diagram")

    def of_loss(self, result: Result) -> Markup:
        """Return the curve of the loss.

        Parameters
        ----------
        result : Result
            Whose training.

        Returns
        -------
        Markup
        """
        history = result.history
        also = ", and of the validation rows" if history.validation else ""
        return self.draw(
            lambda ax: plots.history(history, ax),
            f"The loss of the training rows{also}, from {history.loss[0]:.3g} at the "
            f"start to {history.loss[-1]:.3g} at the end.",
        )

    def of_metrics(self, result: Result) -> Markup:
        """Return the curve of the metrics.

        Parameters
        ----------
        result : Result
            Whose training.

        Returns
        -------
        Markup
        """
        last = ", ".join(
            f"{name} {values[-1]:.3g}"
            for name, values in result.history.metrics.items()
        )
        return self.draw(
            lambda ax: plots.metrics(result.history, ax),
            f"Metrics of the validation rows after every epoch; at the end: {last}.",
        )

    def of_boundary(self, result: Result) -> Markup:
        """Return what the network says about every point of the plane.

        Parameters
        ----------
        result : Result
            With two columns and classes.

        Returns
        -------
        Markup
        """
        names = [f"{name}, standardized" for name in result.dataset.features]
        y = np.array(result.classes)[result.y]

        def boundary(ax: "Axes") -> None:
            x = result.prepare(result.x)
            plots.decision_boundary(result.network, x, y, ax, resolution=120)
            frame(ax, *names)
            ax.grid(visible=False)

        return self.draw(
            boundary,
            "The plane, coloured by the class that the network predicts for each "
            "point, with the rows of the test as points.",
            (7.2, 4.6),
        )

    def of_predictions(self, result: Result) -> Markup:
        """Return predictions against targets.

        Parameters
        ----------
        result : Result
            With numbers.

        Returns
        -------
        Markup
        """
        n = len(result.y)
        return self.draw(
            lambda ax: plots.predictions(result.y, result.y_hat, ax),
            f"Prediction and target of the {n} rows; the closer to each other, the "
            "better.",
            (7.2, 3.2) if n <= 20 else (7.2, 4.8),
        )

    def of_curve(self, result: Result) -> Markup:
        """Return the curve that the network fitted.

        Parameters
        ----------
        result : Result
            With one column, and numbers.

        Returns
        -------
        Markup
        """

        def curve(ax: "Axes") -> None:
            blue, orange = two_colours(ax)
            x = result.dataset.x[:, 0]
            places = np.linspace(x.min(), x.max(), 300)
            ax.scatter(
                result.x[:, 0],
                result.y,
                s=dot_size(len(result.y)),
                color=blue,
                alpha=0.6,
                linewidths=0,
                label="rows of the test",
            )
            ax.plot(
                places,
                result.answer(places[:, None]),
                color=orange,
                linewidth=2.2,
                label="the network",
            )
            frame(ax, result.dataset.features[0], result.dataset.target)
            ax.legend(frameon=False)

        return self.draw(
            curve,
            "The rows of the test as points, and what the network says as a curve "
            "through them.",
            (7.2, 4.0),
        )


def thumbnail(result: Result, row: int) -> Markup:
    """Return a row that is an image, as an image.

    Parameters
    ----------
    result : Result
        Whose data.
    row : int
        Which row of the data set.

    Returns
    -------
    Markup
    """
    from matplotlib.image import imsave

    pixels = result.dataset.x[row].reshape(result.dataset.image_shape)
    buffer = io.BytesIO()
    style: Any = {"cmap": "gray_r", "metadata": {"Software": None}}
    imsave(buffer, pixels, format="png", vmin=0, vmax=result.dataset.x.max(), **style)
    text = base64.b64encode(buffer.getvalue()).decode()
    name = result.classes[result.dataset.y[row]] if result.classes else ""
    return tag(
        "img",
        class_="thumbnail",
        src=f"data:image/png;base64,{text}",
        alt=f"row {row}: {name}",
        width=56,
        height=56,
    )


def _render(
    picture: Callable[["Axes"], Any], size: tuple[float, float], ground: dict[str, str]
) -> str:
    """Return the SVG that matplotlib writes."""
    from matplotlib.figure import Figure
    from matplotlib.style import context

    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color")
    style: dict[str, Any] = {
        **dict.fromkeys((*ink, "ytick.color"), ground["ink"]),
        "axes.facecolor": ground["paper"],
        "figure.facecolor": ground["paper"],
        "image.interpolation": "none",  # few pixels, which the browser smooths
        "svg.fonttype": "none",
        "svg.hashsalt": "pellucid",
    }
    buffer = io.StringIO()
    # A report looks the same whatever the user's style is.
    with context(["default", style]):
        figure = Figure(figsize=size, layout="constrained")
        picture(figure.add_subplot())
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return buffer.getvalue()


def _rounded(tag: re.Match[str]) -> str:
    """Return a tag with coordinates to a hundredth of a point."""
    return re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", tag[0])


def _clean(svg: str, prefix: str) -> str:
    """Return what is inside an SVG, with names that are its own on the page."""
    inside = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    inside = re.sub(
        "<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->",
        "",
        inside,
        flags=re.DOTALL,
    )
    inside = inside.replace("xlink:href", "href")
    inside = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", inside)
    inside = re.sub("<[^>]*>", _rounded, inside)  # in tags, never in text
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inside))
    names: dict[str, str] = {}

    def rename(found: re.Match[str]) -> str:
        if found[1] not in used:
            return ""
        names[found[1]] = f"{prefix}-{len(names)}"
        return f' id="{names[found[1]]}"'

    inside = _ID.sub(rename, inside)
    inside = re.sub(
        r'(href="#|url\(#)([^")]+)', lambda m: m[1] + names.get(m[2], m[2]), inside
    )
    return re.sub(r"\n\s*", "\n", inside).strip()
