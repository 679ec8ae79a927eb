"""Words for numbers and lists in the sentences of findings."""


def listed(names: list[str], most: int = 4) -> str:
    """Return names as they stand in a sentence: ``"a, b and c"``.

    Parameters
    ----------
    names : list of str
        At least one.
    most : int
        How many to write out.

    Returns
    -------
    str
    """
    if len(names) > most:
        rest = len(names) - most + 1
        return f"{', '.join(names[: most - 1])} and {rest} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def number(count: int, one: str, several: str = "") -> str:
    """Return a count with the word for what is counted.

    Parameters
    ----------
    count : int
        How many.
    one, several : str
        The word for one and for several; the latter ends in s by default.

    Returns
    -------
    str
    """
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def capital(text: str) -> str:
    """Return a text that begins with a capital, the rest as it was.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
    """
    return text[:1].upper() + text[1:]
