"""What all commands have in common: how they end, and options they share."""

import io
import os
import shlex
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
        _flush()
        sys.exit(code)


def _flush() -> None:
    """Write what is left; a reader that went away, such as head, is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python writes once more at its end; that goes where it is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


class InSections(click.Command):
    """A command whose options stand in sections, each said in its ``sections``.

    Parameters
    ----------
    *arguments, **settings
        As in `click.Command`.
    sections : dict of str to list of str
        Names of options under the titles; the others come last.
    """

    def __init__(
        self, *arguments: Any, sections: dict[str, list[str]], **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        self.sections = sections

    def format_options(
        self, context: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options.

        Parameters
        ----------
        context : Context
            Of the command.
        formatter : HelpFormatter
            Where they are written.
        """
        named = {name for names in self.sections.values() for name in names}
        records: dict[str, list[tuple[str, str]]] = {t: [] for t in self.sections}
        records["Options"] = []
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is None or isinstance(parameter, click.Argument):
                continue
            title = "Options"
            if parameter.name in named:
                title = next(t for t, n in self.sections.items() if parameter.name in n)
            records[title].append(record)
        for title, some in records.items():
            if some:
                with formatter.section(title):
                    formatter.write_dl(some)


def given(context: click.Context) -> list[str]:
    """Return the names of the parameters that were given.

    Parameters
    ----------
    context : Context
        Of a command.

    Returns
    -------
    list of str
    """
    typed = click.core.ParameterSource.COMMANDLINE
    return [n for n in context.params if context.get_parameter_source(n) == typed]


def command_line(context: click.Context, without: tuple[str, ...] = ()) -> str:
    """Return the command line of a command, to be run again.

    Parameters
    ----------
    context : Context
        Of the command.
    without : tuple of str
        Names of parameters that are left out.

    Returns
    -------
    str
    """
    words = ["pellucid", context.info_name or ""]
    names = given(context)
    for parameter in context.command.params:
        if parameter.name not in names or parameter.name in without:
            continue
        value = context.params[parameter.name]
        if isinstance(parameter, click.Argument):
            words += [str(each) for each in _each(value)]
        elif value is True and isinstance(parameter, click.Option):
            words.append(parameter.opts[-1])
        elif value is False:
            words.append(parameter.secondary_opts[-1])
        else:
            flag = max(parameter.opts, key=len)
            words += [w for each in _each(value) for w in (flag, _text(each))]
    return shlex.join(words)


def _each(value: Any) -> list[Any]:
    several = isinstance(value, list | tuple) and not hasattr(value, "_fields")
    return list(value) if several else [value]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={kind}" for name, kind in value.items())
    return str(value)
