"""CSV files of all sorts: a valid one never gives a wrong row, any other an error."""

import csv
import io
import math
import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pellucid.data import table
from pellucid.data.csv_file import CsvFile
from pellucid.data.recognition import MISSING
from pellucid.errors import DataError

# Everything that CSV has a quirk for, and letters from elsewhere.
LETTERS = st.characters(
    codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]
)
TEXTS = st.text(st.one_of(st.sampled_from(" \"\n\r,;\t|'0a\u00e4\ufeff"), LETTERS))
NAMES = st.lists(
    st.text(st.sampled_from('ab",;\n \u00fc'), min_size=1).filter(
        lambda name: name.strip()
    ),
    min_size=2,
    max_size=4,
    unique_by=lambda name: name.strip(),
)


@st.composite
def tables(draw):
    names = draw(NAMES)
    count = len(names)
    rows = draw(
        st.lists(
            st.lists(TEXTS, min_size=count, max_size=count), min_size=1, max_size=8
        )
    )
    separator = draw(st.sampled_from(",;\t|:"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    # csv does not quote a lone end of line that is not its own.
    quotings = [csv.QUOTE_ALL, *([csv.QUOTE_MINIMAL] * (end == "\r\n"))]
    quoting = draw(st.sampled_from(quotings))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    out = io.StringIO()
    # An empty line, which csv writes for no cell at all, does not occur: two or more.
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(
        [names, *rows]
    )
    return names, rows, separator, out.getvalue().encode(encoding)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "some.csv"


@given(tables())
def test_every_cell_is_read_as_it_was_written(path, written):
    names, rows, separator, content = written
    path.write_bytes(content)
    file = CsvFile(path, separator=separator)
    assert file.names == tuple(name.strip() for name in names)
    for most in (1, 3, None):
        chunks = list(file.chunks(most))
        read = [list(row) for c in chunks for row in zip(*c.columns, strict=True)]
        assert read == rows
        text = content.decode(file.encoding)
        lines = [line for c in chunks for line in c.lines]
        assert lines == _first_lines(text, separator)


def _first_lines(text, separator):
    """Return the line in which each row starts, by a slow walk over the letters."""
    lines, number, quoted, place, start = [], 1, False, 0, True
    for place, letter in enumerate(text):
        if start:
            lines.append(number)
            start = False
        if letter == '"':
            quoted = not quoted
        crlf = letter == "\n" and place and text[place - 1] == "\r"
        if letter in "\r\n":
            number += not crlf
            last_of_crlf = letter == "\r" and text[place + 1 : place + 2] == "\n"
            start = not quoted and not last_of_crlf
    return lines[1:]


@given(tables())
def test_every_category_is_the_text_that_was_written(path, written):
    names, rows, separator, content = written
    path.write_bytes(content)
    kinds = {name.strip(): "category" for name in names}
    data = table(path, separator=separator, columns=kinds)
    for place, column in enumerate(data.columns):
        cells = [row[place].strip() for row in rows]
        expected = [None if cell in MISSING else cell for cell in cells]
        assert column.cells() == expected


@given(
    st.lists(
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=2,
        max_size=30,
    ),
    st.sampled_from(["{!r}", "{:.17e}", " {!r} ", "+{!r}"]),
    st.sampled_from([";", "\t"]),
    st.sampled_from([".", ","]),
)
def test_every_number_is_the_number_that_was_written(path, numbers, form, sep, decimal):
    cells = [
        "" if x is None else form.format(x).replace("+-", "-").replace(".", decimal)
        for x in numbers
    ]
    path.write_text(f"x{sep}y\n" + "".join(f"{cell}{sep}a\n" for cell in cells))
    kinds = {"x": "number", "y": "category"}
    data = table(path, separator=sep, decimal=decimal, columns=kinds)
    expected = [math.nan if x is None else x for x in numbers]
    np.testing.assert_array_equal(data["x"].values, expected)
    assert len(data) == len(numbers)


def told_by(path, target=None):
    """Return what the error says, None if the file holds a table."""
    try:
        table(path, target)
    except DataError as error:
        return str(error)
    return None


@given(st.binary(max_size=300))
@example(b'"')
@example(b'a,b\n"')
@example(b"\xff\xfe")
@example(b"sep=\n")
@example(b"sep=,,\n1,2")
@example(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
def test_any_bytes_are_a_table_or_a_named_error(path, content):
    path.write_bytes(content)
    told = told_by(path)
    assert told is None or "some" in told or "column" in told


VALID = (
    "id,größe,city,when,flag,y\n"
    + "".join(
        f'{row},{row / 7:.3f},"city, {row % 3}",2020-01-{row + 1:02},1,a{row % 2}\n'
        for row in range(25)
    )
).encode()


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_are_a_table_or_a_named_error(path, seed):
    made = random.Random(seed)
    content = bytearray(VALID)
    for _ in range(made.randint(1, 4)):
        place = made.randrange(len(content))
        match made.randrange(4):
            case 0:
                content[place] ^= 1 << made.randrange(8)
            case 1:
                del content[place : place + made.randint(1, 40)]
            case 2:
                content[place:place] = made.choice([b'"', b",", b"\n", b"\0", b"\xff"])
            case 3:
                content[place:place] = content[: made.randint(1, 50)]
    path.write_bytes(bytes(content))
    told = told_by(path, "y")
    if told is not None:
        assert len(told) < 600
        return
    # What is read, is as many rows as csv finds.
    text = bytes(content).decode()
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert len(table(path, "y")) == len(rows) - 1
