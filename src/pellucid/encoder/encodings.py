"""How each column becomes numbers: a small record of settings for every kind."""

from typing import Any

from pellucid.encoder.operations import (
    DAY,
    NUMBERS,
    PERIODS,
    Feature,
    Operation,
    show,
)
from pellucid.errors import ConfigurationError
from pellucid.part import Part


class Encoding(Part, abstract=True):
    """How one column becomes numbers. A new one needs `kind` and `features`.

    Parameters
    ----------
    column : str
        Name of the column.
    """

    column: str

    @property
    def kind(self) -> str:
        """The kind that the column of a table must have."""
        raise NotImplementedError

    @property
    def asked(self) -> str:
        """What `pellucid.data.table` is told that the column is."""
        return self.kind

    def features(self) -> tuple[Feature, ...]:
        """Return the numbers that are made of a cell."""
        raise NotImplementedError

    @property
    def said(self) -> str:
        """The settings in words."""
        raise NotImplementedError

    def _number(self, name: str, *operations: Operation) -> Feature:
        full = f"{self.column} {name}".strip()
        return Feature(full, self.column, NUMBERS, operations)

    def _gap(self) -> Feature:
        return self._number("is missing", Operation("is_missing"))


class Number(Encoding):
    """``z = (x - centre) / scale``, clipped smoothly, with gaps filled.

    Parameters
    ----------
    column : str
        Name of the column.
    fill : float
        What stands for a missing number: the median.
    centre, scale : float
        What is subtracted, and then divided by.
    clip : float
        The limit of the smooth clip; 0 for none.
    indicator : bool
        Whether a further number says where a gap was.
    unit : float
        What numbers are divided by before all else, so that nothing overflows; a power
        of two, 1 for usual numbers. `centre` and `scale` are in this unit.
    knots, scores : tuple of float
        Quantiles and their normal scores; with them numbers are interpolated between
        them in place of centred and scaled.
    """

    column: str
    fill: float
    centre: float = 0.0
    scale: float = 1.0
    clip: float = 0.0
    indicator: bool = False
    unit: float = 1.0
    knots: Any = ()
    scores: Any = ()

    def check(self) -> None:
        if not self.scale > 0 or not self.unit > 0 or self.clip < 0:
            raise ConfigurationError(
                f"The scale of {self.column!r} must be above 0, got {self.scale!r}."
            )
        if len(self.knots) != len(self.scores):
            raise ConfigurationError(
                f"{self.column!r} has {len(self.knots)} knots and {len(self.scores)} "
                "scores; expected as many."
            )

    @property
    def kind(self) -> str:
        return "number"

    def features(self) -> tuple[Feature, ...]:
        return (self._number("", *self.steps()), *([self._gap()] * self.indicator))

    def steps(self) -> tuple[Operation, ...]:
        """Return the operations on a number."""
        steps = [Operation("fill", (self.fill,))]
        if self.knots:
            return (*steps, Operation("interpolate", (self.knots, self.scores)))
        if self.unit != 1.0:
            steps.append(Operation("divide", (self.unit,)))
        steps.append(Operation("subtract", (self.centre,)))
        steps.append(Operation("divide", (self.scale,)))
        if self.clip:
            steps.append(Operation("smooth_clip", (self.clip,)))
        return tuple(steps)

    @property
    def said(self) -> str:
        fill = f"; missing: {show(self.fill)}" * self.indicator
        if self.knots:
            return f"{len(self.knots)} quantiles to normal scores{fill}"
        unit = f"in {show(self.unit)}: " if self.unit != 1.0 else ""
        clip = f", clip {show(self.clip)}" if self.clip else ""
        return f"{unit}centre {show(self.centre)}, scale {show(self.scale)}{clip}{fill}"


class Boolean(Encoding):
    """``z = 1`` for yes, ``0`` for no, and the more frequent one where it is missing.

    Parameters
    ----------
    column : str
        Name of the column.
    no, yes : str
        How they are written in the source.
    fill : float
        What stands for a missing one: 0 or 1.
    indicator : bool
        Whether a further number says where a gap was.
    """

    column: str
    no: str = "0"
    yes: str = "1"
    fill: float = 0.0
    indicator: bool = False

    @property
    def kind(self) -> str:
        return "boolean"

    def features(self) -> tuple[Feature, ...]:
        flag = self._number("", Operation("fill", (self.fill,)))
        return (flag, *([self._gap()] * self.indicator))

    @property
    def said(self) -> str:
        fill = (self.no, self.yes)[self.fill > 0]
        return (
            f"{self.no} is 0, {self.yes} is 1" + f"; missing: {fill}" * self.indicator
        )


class Date(Encoding):
    """Days since a date, scaled, and the parts of a date that come around again.

    A part p of period P becomes the pair sin(2 pi p / P), cos(2 pi p / P), in which
    December is beside January.

    Parameters
    ----------
    column : str
        Name of the column.
    fill : float
        What stands for a missing date: the median, in seconds since 1970.
    centre, scale : float
        Of the days since 1970; a scale of 0 leaves them out.
    clip : float
        The limit of the smooth clip; 0 for none.
    parts : tuple of str
        Which parts differ among the rows: month, day, weekday, hour, minute.
    indicator : bool
        Whether a further number says where a gap was.
    form : str
        How the dates of a text are written, such as ``"day/month/year"``.
    """

    column: str
    fill: float
    centre: float = 0.0
    scale: float = 1.0
    clip: float = 0.0
    parts: Any = ()
    indicator: bool = False
    form: str = ""

    def check(self) -> None:
        for name in self.parts:
            if name not in PERIODS:
                raise ConfigurationError(
                    f"A date has the parts {', '.join(PERIODS)}; got {name!r}."
                )

    @property
    def kind(self) -> str:
        return "date"

    @property
    def asked(self) -> str:
        # A form that one cell decides is not taken from training, where it may vary.
        return self.form if "/" in self.form else "date"

    def features(self) -> tuple[Feature, ...]:
        fill = Operation("fill", (self.fill,))
        found = []
        if self.scale > 0:
            clip = [Operation("smooth_clip", (self.clip,))] if self.clip else []
            found.append(
                self._number(
                    "in days",
                    fill,
                    Operation("divide", (DAY,)),
                    Operation("subtract", (self.centre,)),
                    Operation("divide", (self.scale,)),
                    *clip,
                )
            )
        for part in self.parts:
            place = Operation("date_part", (part,))
            period = (PERIODS[part],)
            for wave in ("sine", "cosine"):
                name = f"{part} ({wave})"
                found.append(self._number(name, fill, place, Operation(wave, period)))
        return (*found, *([self._gap()] * self.indicator))

    @property
    def said(self) -> str:
        from pellucid.data.columns import date_text

        days = f"days from {date_text(round(self.centre) * DAY)} / {show(self.scale)}"
        told = [days] * (self.scale > 0) + [*self.parts]
        gap = f"; missing: {date_text(self.fill)}" * self.indicator
        return ", ".join(told) + gap


class OneHot(Encoding):
    """``z_k = 1`` for level k and 0 for the others; a level not seen is all zeros.

    Parameters
    ----------
    column : str
        Name of the column.
    levels : tuple of str
        The levels of the training rows, sorted.
    indicator : bool
        Whether a further number says where a gap was.
    """

    column: str
    levels: Any
    indicator: bool = False

    @property
    def kind(self) -> str:
        return "category"

    def features(self) -> tuple[Feature, ...]:
        hot = (
            self._number(f"= {level}", Operation("equals", (level,)))
            for level in self.levels
        )
        return (*hot, *([self._gap()] * self.indicator))

    @property
    def said(self) -> str:
        missing = ", missing" * self.indicator
        return f"one of {len(self.levels)}: {_some(self.levels)}{missing}"


class Embedded(Encoding):
    """``code = place of the level``, which picks a row of learned numbers.

    Code 0 stands for levels that are rare in training or not seen there, and also for
    a gap where training had none.

    Parameters
    ----------
    column : str
        Name of the column.
    levels : tuple of str
        The levels with a code of their own, from 1, sorted.
    indicator : bool
        Whether a gap has a code of its own, the last one.
    rare : tuple of str
        Levels of a single training row, which have the code 0.
    """

    column: str
    levels: Any
    indicator: bool = False
    rare: Any = ()

    @property
    def kind(self) -> str:
        return "category"

    @property
    def input(self) -> str:
        """Name of the network's input for the code."""
        return f"{self.column} code"

    @property
    def count(self) -> int:
        """How many codes there are."""
        return 1 + len(self.levels) + self.indicator

    def features(self) -> tuple[Feature, ...]:
        missing = 1 + len(self.levels) if self.indicator else 0
        lookup = Operation("lookup", (self.levels, missing))
        return (Feature(self.input, self.column, self.input, (lookup,)),)

    @property
    def said(self) -> str:
        missing = ", missing" * self.indicator
        return (
            f"code 0 to {self.count - 1}, embedded: others, "
            f"{_some(self.levels, 3)}{missing}"
        )


class Gap(Encoding):
    """``z = 1`` where nothing is: all that a column tells that is constant elsewhere.

    Parameters
    ----------
    column : str
        Name of the column.
    was : str
        Kind of the column.
    """

    column: str
    was: str = "number"

    @property
    def kind(self) -> str:
        return self.was

    def features(self) -> tuple[Feature, ...]:
        return (self._gap(),)

    @property
    def said(self) -> str:
        return "the same in all rows where there is something"


class Left(Encoding):
    """Nothing: a column that is not used.

    Parameters
    ----------
    column : str
        Name of the column.
    why : str
        The reason, in words.
    """

    column: str
    why: str = ""

    @property
    def kind(self) -> str:
        return "ignore"

    def features(self) -> tuple[Feature, ...]:
        return ()

    @property
    def said(self) -> str:
        return self.why


def _some(levels: Any, most: int = 6) -> str:
    shown = ", ".join(levels[:most])
    return shown + f" and {len(levels) - most} more" * (len(levels) > most)
