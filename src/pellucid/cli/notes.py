"""Warnings as a person at a terminal wants them: one line each."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def told_as_notes() -> Iterator[None]:
    """Print warnings as one line each on stderr, the same one only once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        try:
            yield
        finally:
            for text in dict.fromkeys(str(each.message) for each in caught):
                click.echo(f"pellucid: note: {' '.join(text.split())}", err=True)
