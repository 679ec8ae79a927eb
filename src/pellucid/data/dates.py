"""Dates as texts, and as seconds since 1970."""

import math
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

_TIME = r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}"
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
DATE_FORMS = {  # how a date is written, and in which place year, month and day stand
    "year-month-day": (ISO, None),
    "day.month.year": (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})" + _TIME), (3, 2, 1)),
    "day/month/year": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME), (3, 2, 1)),
    "month/day/year": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME), (3, 1, 2)),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_of(
    cells: Sequence[str], form: str, missing: Collection[str]
) -> NDArray[np.float64]:
    """Return dates as seconds since 1970, in UTC; without a zone they are taken as UTC.

    Parameters
    ----------
    cells : sequence of str
        Dates, some with a time.
    form : str
        One of `DATE_FORMS`.
    missing : collection of str
        Texts that stand for nothing.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where nothing is.

    Raises
    ------
    ValueError
        If a cell is no date of this form.

    Examples
    --------
    >>> from pellucid.data.dates import seconds_of
    >>> seconds_of(["2.1.1970", ""], "day.month.year", [""]).tolist()
    [86400.0, nan]
    """
    pattern, order = DATE_FORMS[form]
    seconds = []
    for cell in cells:
        text = cell.strip()
        if text in missing:
            seconds.append(math.nan)
            continue
        match = pattern.fullmatch(text)
        if match is None:
            raise ValueError(cell)
        if order is None:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
        else:
            year, month, day = (int(match[place]) for place in order)
            hour, minute, second = (int(match[p] or 0) for p in (4, 5, 6))
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        seconds.append((moment - _EPOCH).total_seconds())
    return np.array(seconds)
