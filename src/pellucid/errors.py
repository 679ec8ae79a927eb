"""Everything pellucid raises on purpose: what came, what was expected, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class PellucidError(Exception):
    """The root of every error that pellucid raises on purpose."""


class ConfigurationError(PellucidError, ValueError):
    """A setting, a name or a combination of parts that cannot work."""


class DataError(PellucidError, ValueError):
    """Data that a network cannot take: wrong shape, not a number, wrong labels."""


class ShapeError(DataError):
    """Shapes that do not fit each other."""


class SymbolError(PellucidError, TypeError):
    """Layer code that a Symbol cannot follow."""


class NotBuiltError(PellucidError, AttributeError):
    """Numbers were asked of a network that does not know its input shape yet."""


class NonFiniteError(PellucidError, ArithmeticError):
    """Training met an infinity or a NaN and stopped before it spread."""


class ModelFileError(PellucidError):
    """A file that is not, or is no longer, a model that pellucid wrote."""


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known name, or all of them.

    Parameters
    ----------
    name : object
        What the user wrote.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        For example ``"Did you mean 'sigmoid'?"``.
    """
    known = sorted(known)
    folded = {each.lower(): each for each in known}
    near = get_close_matches(str(name).lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    return f"Known names: {', '.join(known)}."
