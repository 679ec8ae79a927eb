"""Options that say how the file of a table is read."""

from collections.abc import Callable, Iterable
from typing import Any

import click

KINDS = "number, category, boolean, date, ignore"


def as_columns(
    context: click.Context, parameter: click.Parameter, text: str
) -> dict[str, str]:
    """Return the kinds of columns by name.

    Parameters
    ----------
    context, parameter
        Where they were said.
    text : str
        Such as ``"age=number,zip=category"``.

    Returns
    -------
    dict of str to str
    """
    found: dict[str, str] = {}
    for piece in filter(None, map(str.strip, text.split(","))):
        name, _, kind = map(str.strip, piece.rpartition("="))
        if not name or not kind:
            raise click.BadParameter(
                f"{piece!r} is no NAME=KIND such as age=number; kinds are {KINDS}, or "
                "the form of dates such as day/month/year.",
                context,
                parameter,
            )
        found[name] = kind
    return found


_OPTIONS = (
    click.option(
        "--separator",
        metavar="SIGN",
        help="Between the cells of a CSV file. [default: found out]",
    ),
    click.option(
        "--encoding",
        metavar="NAME",
        help="Of a CSV file, such as latin-1. [default: utf-8]",
    ),
    click.option(
        "--decimal",
        type=click.Choice([".", ","]),
        help="Decimal sign of a CSV file. [default: found out]",
    ),
    click.option(
        "--no-header", is_flag=True, help="The first row has no names: x0, x1, ..."
    ),
)


_LEARNING = (
    click.option(
        "--test",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="SHARE",
        help="Share of the rows that the network is judged by. [default: 0.2, but at "
        "most 50,000 rows]",
    ),
    click.option(
        "--columns",
        callback=as_columns,
        metavar="NAME=KIND,...",
        default="",
        help="What columns are, where it is told wrong: age=number,zip=category; also "
        "boolean, date and ignore.",
    ),
    click.option(
        "--task",
        type=click.Choice(["classes", "numbers"]),
        help="What the target is. [default: told from its cells]",
    ),
    click.option(
        "--weight",
        metavar="COLUMN",
        help="A column that says how much each row counts.",
    ),
    click.option(
        "--missing-target",
        type=click.Choice(["error", "drop"]),
        default="error",
        show_default=True,
        help="What happens to rows without a target.",
    ),
    *_OPTIONS,
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how a file is read.

    Parameters
    ----------
    command : callable
        Of click.

    Returns
    -------
    callable
    """
    return _added(_OPTIONS, command)


def learning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is learned from a file, and how it is read.

    Parameters
    ----------
    command : callable
        Of click.

    Returns
    -------
    callable
    """
    return _added(_LEARNING, command)


def _added(options: Iterable[Any], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(tuple(options)):
        command = option(command)
    return command


def reading_of(
    separator: str | None, encoding: str | None, decimal: str | None, no_header: bool
) -> dict[str, Any]:
    r"""Return the options as arguments of `pellucid.data.table`.

    Parameters
    ----------
    separator : str or None
        A word for a tab is taken too: ``\t`` or ``tab``.
    encoding, decimal : str or None
        As in `pellucid.data.table`.
    no_header : bool
        Whether the first row has no names.

    Returns
    -------
    dict
    """
    if separator in ("tab", r"\t"):
        separator = "\t"
    return {
        "separator": separator,
        "encoding": encoding,
        "decimal": decimal,
        "header": not no_header,
    }
