"""What every picture has in common: an Axes to draw in, and a quiet frame."""

from typing import TYPE_CHECKING, Any

from pellucid.errors import ConfigurationError
from pellucid.plots.palette import brightness

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def canvas(
    ax: Any, size: tuple[float, float] = (6.0, 4.0), *, square: bool = False
) -> "Axes":
    """Return the Axes to draw in: the given one, or that of a new figure.

    Parameters
    ----------
    ax : Axes or None
        What the user gave.
    size : (float, float)
        Width and height of a new figure, in inches.
    square : bool
        Whether both axes will have the same scale.

    Returns
    -------
    Axes

    Raises
    ------
    ConfigurationError
        If `ax` is something else, such as a figure or an array of Axes.
    """
    from matplotlib.axes import Axes

    if ax is None:
        import matplotlib.pyplot as plt

        # The other layout cuts off labels of axes that shrink to keep their scale.
        layout: Any = "compressed" if square else "constrained"
        return plt.subplots(figsize=size, layout=layout)[1]
    if not isinstance(ax, Axes):
        remedy = {
            "Figure": "write ax=figure.subplots().",
            "ndarray": "choose one of them, such as ax=axes[0].",
        }.get(type(ax).__name__, "leave it out for a new figure.")
        raise ConfigurationError(
            f"Expected a matplotlib Axes as ax, got {type(ax).__name__}: {remedy}"
        )
    return ax


def size_in_points(ax: "Axes") -> tuple[float, float]:
    """Return width and height of the Axes, in points (1/72 inch) as letters have them.

    Parameters
    ----------
    ax : Axes
        Where is drawn.

    Returns
    -------
    (float, float)
    """
    box, scale = ax.get_window_extent(), 72 / ax.figure.dpi
    return box.width * scale, box.height * scale


def frame(ax: "Axes", x_label: str, y_label: str) -> None:
    """Label the axes, draw a faint grid behind the data, and open the frame.

    Parameters
    ----------
    ax : Axes
        Where.
    x_label, y_label : str
        What the axes are.
    """
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.grid(visible=True, alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def ink(ax: "Axes") -> Any:
    """Return the colour of text in the user's style: dark, or light on a dark ground.

    Parameters
    ----------
    ax : Axes
        Where is drawn.

    Returns
    -------
    colour
    """
    return ax.xaxis.label.get_color()


def paper(ax: "Axes") -> str:
    """Return the colour of the ground that is drawn on.

    Parameters
    ----------
    ax : Axes
        Where is drawn.

    Returns
    -------
    str
        Such as ``"#ffffff"``.
    """
    from matplotlib.colors import to_hex, to_rgba

    for ground in (ax, ax.figure):
        if to_rgba(ground.get_facecolor())[3] > 0:  # not transparent
            return to_hex(ground.get_facecolor())
    return "#ffffff"


def two_colours(ax: "Axes") -> tuple[str, str]:
    """Return a blue and an orange for curves, lighter ones on a dark ground.

    Parameters
    ----------
    ax : Axes
        Where is drawn.

    Returns
    -------
    (str, str)
    """
    return ("#56B4E9", "#E69F00") if is_dark(ax) else ("#0072B2", "#D55E00")


def is_dark(ax: "Axes") -> bool:
    """Return whether light lines are seen better than dark ones.

    Parameters
    ----------
    ax : Axes
        Where is drawn.

    Returns
    -------
    bool
    """
    return brightness(paper(ax)) < 0.5


def legend_outside(
    ax: "Axes", handles: Any, title: str = "", labels: Any = None
) -> None:
    """Draw a legend beside the data, or in a corner where nothing makes room for it.

    Parameters
    ----------
    ax : Axes
        Where.
    handles : sequence of artists
        What is explained.
    title : str
        What stands above.
    labels : sequence of str, optional
        What the handles mean; their own labels otherwise.
    """
    beside = ax.figure.get_layout_engine() is not None
    place: dict[str, Any] = (
        {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
        if beside
        else {"loc": "upper right"}
    )
    # One column holds about twenty entries beside a picture of usual height.
    columns = -(-len(handles) // 20)
    ax.legend(
        handles=list(handles),
        labels=[handle.get_label() for handle in handles] if labels is None else labels,
        title=title or None,
        frameon=not beside,
        ncols=columns,
        alignment="left",
        **place,
    )


def stage(figure: Any, size: tuple[float, float]) -> Any:
    """Return the figure for a picture of several panels: the given one, or a new one.

    Parameters
    ----------
    figure : Figure, SubFigure or None
        What the user gave.
    size : (float, float)
        Width and height of a new figure, in inches.

    Returns
    -------
    Figure or SubFigure

    Raises
    ------
    ConfigurationError
        If `figure` is something else, or there is something drawn in it.
    """
    from matplotlib.figure import FigureBase

    if figure is None:
        import matplotlib.pyplot as plt

        return plt.figure(figsize=size, layout="constrained")
    if not isinstance(figure, FigureBase):
        remedy = "it needs a whole figure, not an Axes: write figure=ax.figure."
        remedy = remedy if hasattr(figure, "plot") else "leave it out for a new figure."
        raise ConfigurationError(
            f"Expected a matplotlib Figure, got {type(figure).__name__}: {remedy}"
        )
    if figure.axes:
        raise ConfigurationError(
            "The figure has Axes already, and the picture needs an empty one: give "
            "plt.figure(), or leave figure out."
        )
    return figure
