"""Names for code: from what users call things to what three languages accept."""

import keyword
import re
from collections import Counter
from collections.abc import Iterable

from pellucid.errors import ConfigurationError

_C = """auto break case char const continue default do double else enum extern float for
goto if inline int long register restrict return short signed sizeof static struct
switch typedef union unsigned void volatile while main NAN INFINITY NULL printf scanf
int8_t int32_t abs clip sign square maximum minimum
acos asin atan ceil cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin fmod
gamma hypot j0 j1 jn lgamma log log10 log1p log2 logb lrint pow remainder rint round
sin sinh sqrt tan tanh tgamma trunc y0 y1 yn strlen memcpy memset stdin stdout stderr
acosf asinf atanf ceilf cosf coshf erff erfcf expf exp2f expm1f fabsf floorf fmaf fmaxf
fminf fmodf hypotf logf log10f log1pf log2f lrintf powf rintf roundf sinf sinhf sqrtf
tanf tanhf truncf asm typeof unix linux"""
_JAVASCRIPT = """arguments await break case catch class const continue debugger default
delete do else enum eval export extends false finally for function if implements import
in instanceof interface let new null package private protected public return static
super switch this throw true try typeof var void while with yield Infinity NaN undefined
Math Number Array Float32Array Float64Array Int32Array Object Error RangeError"""
_PYTHON = """abs all any bool bytes dict divide enumerate exp expm1 float floor int
isinstance len list log log1p map math max min object power print range reciprocal set
sqrt str sum tuple type zip sin cos self"""
# What the encoding of a table calls its own, see `pellucid.export.encoder_code`.
_TABLES = """encode cell_of number_of text_of flag_of date_of moment_of month_of day_of
weekday_of hour_of minute_of filled smooth_clip interpolated place_of places_of single
cellOf numberOf textOf flagOf dateOf momentOf monthOf dayOf weekdayOf hourOf minuteOf
smoothClip placeOf wrong is_space same is digits days_of calendar time_of array bisect
datetime re MISSING FLAGS DATE EPOCH COUNT PI"""

RESERVED = {
    *_TABLES.split(),
    *_C.split(),
    *_JAVASCRIPT.split(),
    *_PYTHON.split(),
    *keyword.kwlist,
}
RESERVED |= {
    "given",
    "found",
    "flat",
    "real",
    "small",
    "work_whole",
    "work_conditions",
    "work_small",
    "watch",
    "work",
    "batch",
    "value",
    "values",
}


_LONGEST = 60  # C looks at 63 letters, and a number may follow


def must_be_a_name(name: str, language: str) -> None:
    """Raise `ConfigurationError` unless a function may have this name.

    Parameters
    ----------
    name : str
        What the user wants.
    language : str
        For the message.
    """
    word = isinstance(name, str) and re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII)
    if not word or name in RESERVED:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a function in {language}: write a word of "
            "letters, digits and underscores that has no meaning there."
        )


class Identifiers:
    """Gives every thing in a scope a name of its own.

    Parameters
    ----------
    taken : iterable of str
        Names that are in use already.
    """

    def __init__(self, taken: "set[str] | frozenset[str]" = frozenset()) -> None:
        self.taken = RESERVED | set(taken)

    def new(self, wanted: str) -> str:
        """Return a name that is like the wanted one, and note it as taken.

        Parameters
        ----------
        wanted : str
            Any text: ``"dense_1.W"`` gives ``dense_1_W``.

        Returns
        -------
        str
            ASCII letters, digits and underscores, not starting with a digit.
        """
        stem = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_") or "value"
        stem = f"n{stem}" if stem[0].isdigit() else stem
        stem = stem[:_LONGEST].rstrip("_")
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name


def shortest(paths: Iterable[str]) -> dict[str, str]:
    """Return how little of the end of each path tells it from the others.

    Parameters
    ----------
    paths : iterable of str
        Of layers, with dots between a container and what is in it.

    Returns
    -------
    dict of str to str
        The end by the path.

    Examples
    --------
    >>> from pellucid.export.identifiers import shortest
    >>> shortest(["dense_1", "concat_1.dense_1", "concat_1.embedding_1"])
    {'dense_1': 'dense_1', 'concat_1.dense_1': 'concat_1.dense_1',
     'concat_1.embedding_1': 'embedding_1'}
    """
    ends = {
        path: [path.split(".", k)[-1] for k in range(path.count("."), -1, -1)]
        for path in paths
    }
    how_many = Counter(end for each in ends.values() for end in each)
    return {
        path: next((end for end in each if how_many[end] == 1), path)
        for path, each in ends.items()
    }
