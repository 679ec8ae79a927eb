"""A small table for people: aligned text in a terminal, HTML in a notebook."""

import html
from collections.abc import Iterator, Sequence
from typing import Any


class Table:
    """Rows under a header, with lines of text above and below.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence
        The cells; numbers are shown with 6 significant digits and stand to the right.
    title, footer : str
        Text above and below.
    """

    def __init__(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[Any]],
        title: str = "",
        footer: str = "",
    ) -> None:
        self.header, self.rows = tuple(header), [tuple(row) for row in rows]
        self.title, self.footer = title, footer

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _numeric(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column] not in ("", None)]
        return bool(cells) and all(isinstance(cell, int | float) for cell in cells)

    def __str__(self) -> str:
        texts = [self.header, *(tuple(map(show, row)) for row in self.rows)]
        widths = [max(len(row[i]) for row in texts) for i in range(len(self.header))]
        right = [self._numeric(i) for i in range(len(self.header))]
        lines = [
            "  ".join(
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in texts
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(
            [*filter(None, [self.title]), *lines, *filter(None, [self.footer])]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def cells(row: Sequence[Any], tag: str) -> str:
            places = ("right" if self._numeric(i) else "left" for i in range(len(row)))
            return "".join(
                f'<{tag} style="text-align:{place}">{html.escape(show(cell))}</{tag}>'
                for cell, place in zip(row, places, strict=True)
            )

        head = f"<tr>{cells(self.header, 'th')}</tr>"
        body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in self.rows)
        around = [
            f"<p>{html.escape(t)}</p>" if t else "" for t in (self.title, self.footer)
        ]
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return around[0] + table + around[1]


def show(cell: Any) -> str:
    """Return a cell as text.

    Parameters
    ----------
    cell : object
        A number, a text, or None for nothing.

    Returns
    -------
    str
    """
    if cell is None:
        return ""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.6g}"
