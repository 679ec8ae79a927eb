"""HTML that is escaped unless it says that it is HTML."""

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already, and stays as it is."""

    __slots__ = ()


def tag(name: str, *inside: str | None, **attributes: object) -> Markup:
    """Return an element; all that is not Markup is escaped.

    Parameters
    ----------
    name : str
        Such as ``"p"``.
    *inside : str, Markup or None
        What stands in it; None is left out.
    **attributes : object
        A trailing underscore is dropped, other underscores become hyphens: ``class_``,
        ``aria_label``. None is left out.

    Returns
    -------
    Markup

    Examples
    --------
    >>> from pellucid.report.markup import tag
    >>> tag("p", "2 < 3, ", tag("b", "surely"), class_="fact")
    '<p class="fact">2 &lt; 3, <b>surely</b></p>'
    """
    texts = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    start = f"<{name}{''.join(texts)}>"
    if name in ("img", "hr", "br"):
        return Markup(start)
    return Markup(f"{start}{join(inside)}</{name}>")


def join(parts: Iterable[str | None], between: str = "") -> Markup:
    """Return parts one after the other; what is not Markup is escaped.

    Parameters
    ----------
    parts : iterable of str, Markup or None
        None is left out.
    between : str
        HTML between two parts.

    Returns
    -------
    Markup
    """
    return Markup(
        between.join(
            part if isinstance(part, Markup) else _text(part)
            for part in parts
            if part is not None
        )
    )


def _text(text: str) -> str:
    """Return text as HTML; a percent sign stays with its number."""
    return escape(text).replace(" %", "&nbsp;%")


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    class_: str | None = None,
) -> Markup:
    """Return a table whose first column names its rows.

    Parameters
    ----------
    caption : str
        What it shows.
    header : sequence of str
        Names of the columns; "" for one that needs none.
    rows : iterable of sequence of str
        The cells.
    numbers : iterable of int
        Which columns hold numbers, and stand to the right.
    class_ : str, optional
        For the style.

    Returns
    -------
    Markup
        In a frame that can be scrolled sideways, also with the keyboard.
    """
    right = set(numbers)

    def place(column: int) -> str | None:
        return "number" if column in right else None

    head = tag(
        "tr",
        *(
            tag("th", text, scope="col", class_=place(column)) if text else tag("td")
            for column, text in enumerate(header)
        ),
    )
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row", class_=place(0)),
            *(
                tag("td", cell, class_=place(column))
                for column, cell in enumerate(row[1:], 1)
            ),
        )
        for row in rows
    ]
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", head),
        tag("tbody", *body),
        class_=class_,
    )
    return scrollable(whole, caption)


def scrollable(content: Markup, label: str) -> Markup:
    """Return a frame in which wide content can be scrolled, also with the keyboard.

    Parameters
    ----------
    content : Markup
        What is wide.
    label : str
        What it is, for those who hear the page.

    Returns
    -------
    Markup
    """
    # A group, not a region: regions are the page's few landmarks.
    return tag(
        "div", content, class_="wide", role="group", aria_label=label, tabindex=0
    )


def figure(picture: Markup, caption: str) -> Markup:
    """Return a picture with the words below it.

    Parameters
    ----------
    picture : Markup
        Has its own description for those who do not see it.
    caption : str
        What there is to see in it.

    Returns
    -------
    Markup
    """
    return tag("figure", picture, tag("figcaption", caption))
