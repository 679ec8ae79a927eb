"""The pictures that a report shows."""

import base64
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import plots
from pellucid.network import NeuralNetwork
from pellucid.plots.canvas import frame, two_colours
from pellucid.plots.prediction_pairs import dot_size
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, scrollable, tag
from pellucid.report.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Pictures(Drawing):
    """Draws what there is to see in a result."""

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
        dataset = result.table
        told = (
            "coloured by class: " + ", ".join(dataset.classes)
            if dataset.classes
            else f"with the value of {dataset.target}"
        )
        return self.draw(
            lambda ax: plots.data(dataset, ax=ax),
            f"The {len(dataset):,} rows as points in the plane, {told}.",
            (5.4, 3.6),
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
        return drawn(result.network, most)

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
        nouns = f"{result.noun}s"
        also = f", and of the validation {nouns}" if history.validation else ""
        return self.draw(
            lambda ax: plots.history(history, ax),
            f"The loss of the training {nouns}{also}, from {history.loss[0]:.3g} at "
            f"the start to {history.loss[-1]:.3g} at the end.",
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
            f"Metrics of the validation {result.noun}s after every epoch; at the end: "
            f"{last}.",
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
        names = [f"{name}, standardized" for name in result.table.features]
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
            (5.4, 3.9),
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
            (5.4, 2.8) if n <= 20 else (5.4, 4.2),
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
            x = result.table.x[:, 0]
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
            frame(ax, result.table.features[0], result.dataset.target)
            ax.legend(frameon=False)

        return self.draw(
            curve,
            "The rows of the test as points, and what the network says as a curve "
            "through them.",
            (5.4, 3.5),
        )


def drawn(network: NeuralNetwork, most: int) -> Markup:
    """Return the diagram of a network, which can be scrolled sideways.

    Parameters
    ----------
    network : NeuralNetwork
        Built.
    most : int
        Places in a column.

    Returns
    -------
    Markup
    """
    svg = plots.network_svg(network, most=most)
    # Inside a page the name of the language is known; on a narrow one wide networks
    # are scrolled, since smaller letters could not be read.
    svg = re.sub(' xmlns="[^"]*"', "", svg, count=1)
    width = re.search(r'width="(\d+)"', svg)
    assert width is not None
    svg = re.sub(
        'style="[^"]*"', f'style="min-width:min(56rem,{width[1]}px)"', svg, count=1
    )
    return scrollable(Markup(svg), "The network as a diagram")


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

    table = result.table
    pixels = table.x[row].reshape(table.image_shape or ())
    buffer = io.BytesIO()
    style: Any = {"cmap": "gray_r", "metadata": {"Software": None}}
    imsave(buffer, pixels, format="png", vmin=0, vmax=table.x.max(), **style)
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
