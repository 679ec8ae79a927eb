"""Which parts are pellucid's own, beside those that tests and examples invent."""

import sys


def ours(family):
    """Return pellucid's parts of a family by name.

    A class that an example in a docstring defines says that it is of that module, but
    the module does not have it.
    """
    return {
        name: kind
        for name, kind in family.registered().items()
        if kind.__module__.partition(".")[0] == "pellucid"
        and getattr(sys.modules[kind.__module__], kind.__name__, None) is kind
    }
