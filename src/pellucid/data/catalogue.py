"""Every data set by its name."""

from collections.abc import Callable
from typing import Any

from pellucid.data import bundled, generators
from pellucid.data.dataset import Dataset
from pellucid.errors import ConfigurationError, suggestion

_MAKERS: dict[str, Callable[..., Dataset]] = {
    "breast_cancer": bundled.breast_cancer,
    "wine": bundled.wine,
    "iris": bundled.iris,
    "digits": bundled.digits,
    "diabetes": bundled.diabetes,
    "truth_table": generators.truth_table,
    "xor": generators.xor,
    "moons": generators.moons,
    "circles": generators.circles,
    "rings": generators.rings,
    "spirals": generators.spirals,
    "blobs": generators.blobs,
    "checkerboard": generators.checkerboard,
    "sine": generators.sine,
    "friedman1": generators.friedman1,
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows, bundled data first.

    Examples
    --------
    >>> from pellucid.data import names
    >>> names()[:5]
    ('breast_cancer', 'wine', 'iris', 'digits', 'diabetes')
    """
    return tuple(_MAKERS)


def load(name: str, **arguments: Any) -> Dataset:
    """Return a bundled or a generated data set by its name.

    Parameters
    ----------
    name : str
        One of `names`.
    **arguments
        What the function of that name takes, such as `n`, `noise` and `seed`.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigurationError
        When there is no such name.

    Examples
    --------
    >>> from pellucid.data import load
    >>> load("moons", n=50, seed=3)
    Dataset 'moons': 50 rows, 2 columns
      Two half circles in the plane that reach into each other.
      columns: x0, x1
      target: class, 2 classes: upper (25), lower (25)
      source: the well-known two moons
      license: none needed: the numbers are made by a formula
    """
    if name not in names():
        raise ConfigurationError(
            f"there are no data with the name {name!r}. {suggestion(name, _MAKERS)}"
        )
    return _MAKERS[name](**arguments)
