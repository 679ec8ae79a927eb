"""What all commands have in common: how they end, and options they share."""

import io
import sys
import traceback
from typing import Any, NoReturn

import click

from pellucid.errors import ConfigurationError, ModelFileError, PellucidError


class Commands(click.Group):
    """Commands whose errors are one line and an exit code."""

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Run a command and exit.

        Parameters
        ----------
        *arguments, **settings
            As in `click.Group`.
        """
        for stream in (sys.stdout, sys.stderr):
            # A name that the terminal has no letters for is no reason to stop.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        asked = {"debug": False}
        try:
            settings |= {"standalone_mode": False, "obj": asked}
            code = super().main(*arguments, **settings)
        except Exception as error:
            if asked["debug"]:
                traceback.print_exception(error)
            text, code = explain(error)
            click.echo(f"pellucid: {text}", err=True)
        sys.exit(code)


def explain(error: Exception) -> tuple[str, int]:
    """Return an error in one line, and the exit code.

    Parameters
    ----------
    error : Exception
        What ended a command.

    Returns
    -------
    text : str
    code : int
    """
    text = " ".join(str(error).split())
    match error:
        case click.Abort():
            return "interrupted", 130
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else "pellucid"
            return f"{error.format_message()} See '{path} --help'.", 2
        case click.ClickException():
            return error.format_message(), error.exit_code
        case ConfigurationError():
            return text, 2
        case ModelFileError():
            return text, 5 if isinstance(error.__cause__, OSError) else 4
        case PellucidError():
            return text, 3
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or text}", 5
    kind = type(error).__name__
    return f"unexpected {kind}: {text} (--debug shows where; please report it)", 1


def _remember_debug(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    context.obj["debug"] = wanted


debug = click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember_debug,
    help="Show the traceback of an error.",
)
