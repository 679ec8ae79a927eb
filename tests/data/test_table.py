"""Tables from CSV files: what is read, and what is refused with its line."""

import csv
import gzip
import io

import numpy as np
import pytest

import pellucid
from pellucid.data import Table, table
from pellucid.data.csv_file import LONGEST_LINE, CsvFile
from pellucid.data.recognition import MOST_LEVELS
from pellucid.errors import ConfigurationError, DataError


@pytest.fixture
def write(tmp_path):
    """Return a function that writes text, or bytes, to a file."""

    def write(content, name="some.csv", encoding="utf-8"):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode(encoding)
        path.write_bytes(content)
        return path

    return write


def refused(source, *told, target=None, kind=DataError, **settings):
    with pytest.raises(kind) as found:
        table(source, target, **settings)
    for text in told:
        assert text in str(found.value), str(found.value)
    return str(found.value)


# ---- what is read


KINDS = """size,city,member,since,when,id,note,empty,y
1.5,Rome,yes,2020-01-31,2020-01-31T10:30:00,1,a1,,0.5
-2e3,Oslo,no,2021-12-01,2020-02-01 00:00,2,a2,,1.5
,Rome,,,NaT,3,a3,NA,2.5
3,"Paris, France",YES,2020-01-31,2020-02-03,4,a4,,3.25
"""


def test_kinds_are_told_from_the_cells(write):
    data = table(write(KINDS), "y")
    assert isinstance(data, Table)
    assert data.kinds == {
        "size": "number",
        "city": "category",
        "member": "boolean",
        "since": "date",
        "when": "date",
        "note": "category",
    }
    np.testing.assert_array_equal(data["size"].values, [1.5, -2000, np.nan, 3])
    assert data["city"].cells() == ["Rome", "Oslo", "Rome", "Paris, France"]
    assert data["member"].cells() == ["yes", "no", None, "yes"]
    assert data["member"].words == ("no", "yes")
    assert data["since"].cells() == ["2020-01-31", "2021-12-01", None, "2020-01-31"]
    assert data["when"].cells()[:2] == ["2020-01-31 10:30:00", "2020-02-01"]
    assert [(each.name, each.why.split(":")[0]) for each in data.left_out] == [
        ("id", "an identifier"),
        ("empty", "nothing is in it"),
    ]
    assert data.task == "numbers"
    assert data.y.tolist() == [0.5, 1.5, 2.5, 3.25]
    assert data.y is data.labels
    assert len(data) == 4
    assert data.name == "some"
    text = repr(data)
    assert "left out: id" in text
    assert "missing cells: size (1), member (1), since (1), when (1)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_columns_are_can_be_overruled(write):
    data = table(
        write("zip,code,age,flag\n01234,7,30,1\n00001,8,40,0\n01234,7,50,1\n"),
        columns={"zip": "category", "code": "ignore", "flag": "number"},
    )
    assert data.kinds == {"zip": "category", "age": "number", "flag": "number"}
    assert data["zip"].levels == ("01234", "00001")  # texts as they are written
    assert data.left_out[0].name == "code"
    assert data.y is None
    assert data.task is None
    with pytest.raises(DataError, match="has no target"):
        data.labels  # noqa: B018 - raises


def test_an_identifier_is_kept_when_it_is_asked_for(write):
    path = write("id,y\n" + "".join(f"{row},{row / 7}\n" for row in range(30)))
    refused(path, "no column to learn from", "identifier", target="y")
    assert table(path, "y", columns={"id": "number"}).kinds == {"id": "number"}


def test_texts_of_which_none_repeats_are_an_identifier(write):
    rows = "".join(f"name {row},{row % 3},{row / 7}\n" for row in range(50))
    data = table(write("name,x,y\n" + rows), "y")
    assert data.features == ("x",)
    assert "50 different texts" in data.left_out[0].why


def test_a_category_with_very_many_levels_is_kept_when_asked_for(write):
    rows = "".join(
        f"n{row},{row / 7}\n" for row in range(MOST_LEVELS + 5) for _ in "ab"
    )
    path = write("name,x\n" + rows)
    data = table(path)
    assert data.features == ("x",)
    assert "more than 32,768" in data.left_out[0].why
    asked = table(path, columns={"name": "category"})
    assert len(asked["name"].levels) == MOST_LEVELS + 5
    assert asked["name"].cells()[-1] == f"n{MOST_LEVELS + 4}"


@pytest.mark.parametrize(
    ("separator", "name"),
    [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "vertical bar")],
)
def test_the_separator_is_found_out(write, separator, name):
    text = "a,b,y\n1,x,2\n3,z,4\n".replace(",", separator)
    data = table(write(text), "y")
    assert data["a"].values.tolist() == [1, 3]
    assert f"separator {name}" in data.source
    given = table(write(text.replace(separator, ":")), "y", separator=":")
    assert given["b"].cells() == ["x", "z"]
    hinted = table(write(f"sep={separator}\n{text}"), "y")
    assert hinted["a"].values.tolist() == [1, 3]


def test_a_decimal_comma_is_found_out(write):
    text = "a;y\n1,5;2,25\n-3;4,125\n"
    data = table(write(text), "y", task="numbers")
    assert data["a"].values.tolist() == [1.5, -3]
    assert "decimal comma" in data.source
    # 1,234 may as well be one thousand: then it is not guessed.
    refused(
        write("a;y\n1,234;1\n"),
        "some.csv, line 2, column 'a': found '1,234'",
        "decimal=','",
        columns={"a": "number"},
    )
    data = table(write("a;b\n1,234;1\n"), decimal=",", columns={"a": "number"})
    assert data["a"].values.tolist() == [1.234]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end", "ends"])
def test_line_ends_and_blank_lines_at_the_end(write, end, last):
    blank = {"": "", "end": end, "ends": end * 4}[last]
    text = end.join(['"a","b"', '1,"x\ny"', '2,"x"']) + blank
    data = table(write(text))
    assert data["a"].values.tolist() == [1, 2]
    assert data["b"].cells() == ["x\ny", "x"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_with_a_mark_and_gzip(write, encoding, packed):
    content = "größe,y\n1,ü\n2,日本\n3,ü\n".encode(encoding)
    content = gzip.compress(content) if packed else content
    data = table(write(content, "some.csv.gz" if packed else "some.csv"), "y")
    assert data.features == ("größe",)
    assert data.classes == ("ü", "日本")
    assert data.name == "some"


def test_another_encoding_is_named(write):
    content = "a,city\n1,Zürich\n2,Köln\n".encode("latin-1")
    told = refused(write(content), "some.csv, line 2", "0xfc", "encoding='cp1252'")
    assert "utf-8" in told
    data = table(write(content), encoding="latin-1")
    assert data["city"].levels == ("Zürich", "Köln")
    refused(write(content), "'cp1253x'", encoding="cp1253x", kind=ConfigurationError)


def test_the_line_of_a_wrong_byte_is_exact(write):
    lines = [b"a,b"] + [b"1,x"] * 5000
    for place in (1, 17, 3000, 5000):
        wrong = list(lines)
        wrong[place] = b"2,\xff"
        for end in (b"\n", b"\r\n", b"\r"):
            refused(write(end.join(wrong)), f"line {place + 1} has the byte 0xff")


def test_names_of_rows_without_a_header(write):
    data = table(write(",a,y\n0,1.5,2\n1,2.5,3\n"), "y", task="numbers")
    assert data.features == ("a",)
    assert data.left_out[0].name == "(rows)"


def test_no_header(write):
    path = write("5.1,3.5,setosa\n4.9,3.0,setosa\n6.0,2.0,other\n")
    data = table(path, "column_3", header=False)
    assert data.features == ("column_1", "column_2")
    assert len(data) == 3
    numbers = write("5.1,3.5\n4.9,3.0\n")
    refused(numbers, "line 1 holds numbers (5.1, 3.5)", "header=False")


def test_spaces_around_cells_do_not_count(write):
    data = table(write("a, city\n 1 , Rome\n2,Rome \n , \n"))
    np.testing.assert_array_equal(data["a"].values, [1, 2, np.nan])
    assert data["city"].levels == ("Rome",)
    assert data["city"].values.tolist() == [0, 0, -1]


def test_what_stands_for_nothing_can_be_said(write):
    path = write("a,b\n1,x\n-999,unknown\n3,x\n")
    data = table(path, missing=["-999", "unknown"])
    np.testing.assert_array_equal(data["a"].values, [1, np.nan, 3])
    assert data["b"].values.tolist() == [0, -1, 0]


# ---- dates


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2020-02-29", "1969-12-31"], ["2020-02-29", "1969-12-31"]),
        (["31.12.2020", "1.2.2020 13:05"], ["2020-12-31", "2020-02-01 13:05:00"]),
        (["01/02/2020", "13/02/2020"], ["2020-02-01", "2020-02-13"]),
        (["01/02/2020", "02/13/2020"], ["2020-01-02", "2020-02-13"]),
        (
            ["2020-01-01T00:00:00+02:00", "2020-01-01 12:00Z"],
            ["2019-12-31 22:00:00", "2020-01-01 12:00:00"],
        ),
    ],
)
def test_forms_of_dates(write, cells, expected):
    rows = "".join(f"{cell},{number}\n" for number, cell in enumerate(cells))
    data = table(write("when,x\n" + rows))
    assert data.kinds["when"] == "date"
    assert data["when"].cells() == expected


def test_a_later_date_decides_which_form_it_is(write):
    cells = ["01/02/2020"] * 20_000 + ["02/28/2020"]
    data = table(write("when,x\n" + "".join(f"{cell},1.5\n" for cell in cells)))
    assert data["when"].take([0, -1]).cells() == ["2020-01-02", "2020-02-28"]


def test_an_ambiguous_date_is_refused(write):
    path = write("when,x\n01/02/2020,1\n03/04/2020,2\n")
    refused(path, "'when'", "day/month/year", "month/day/year")
    data = table(path, columns={"when": "month/day/year"})
    assert data["when"].cells() == ["2020-01-02", "2020-03-04"]


def test_a_date_that_does_not_exist(write):
    path = write("when,x\n2020-02-28,1\n2020-02-30,2\n")
    refused(path, "line 3", "'2020-02-30'", columns={"when": "date"})


# ---- the catalogue of failures: each with its line


def test_ragged_rows(write):
    told = refused(
        write('a,b,c\n1,"x\ny",3\n1,2\n1,2,3,4\n'), "line 4 has 2 cells", "expected 3"
    )
    assert "'1,2'" in told
    refused(write("a,b,c\n1,2,3\n1,2,3,4\n"), "line 3 has 4 cells", "expected 3")


def test_a_blank_line_in_the_middle(write):
    refused(write("a,b\n1,2\n\n3,4\n"), "line 3 is blank", "line 4 is not")
    refused(write("\na,b\n1,2\n"), "line 1 is blank")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("a,b,a", "columns 1 and 3 are both named 'a'"),
        ("a,,c", "column 2 has no name"),
        ("a,b,", "column 3 has no name"),
    ],
)
def test_headers_that_name_no_columns(write, header, told):
    refused(write(f"{header}\n1,2,3\n"), "line 1", told)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "only blank lines"),
        (b"\n\n\n", "only blank lines"),
        (b"a,b\n", "only a header"),
        (b"a,b\n\n\n", "only a header"),
        (b"PAR1", "Parquet"),
        (b"PK\x03\x04 and so on", "Excel"),
        (b"\x1f\x8b\x08\x00", "damaged or cut off"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12], "damaged or cut off"),
    ],
)
def test_files_that_hold_no_table(write, content, told):
    refused(write(content), told)


def test_a_file_that_is_not_there(tmp_path, write):
    write("a,b\n1,2\n", "prices.csv")
    refused(tmp_path / "price.csv", "there is no such file", "'prices.csv'")
    refused(tmp_path, "is a folder")


def test_a_nul_byte(write):
    refused(write("a,b\n1,2\n3,\x004\n"), "line 3 has a NUL byte as character 3")
    utf16 = "a,b\n1,2\n".encode("utf-16-le")
    refused(write(utf16), "line 1 has a NUL byte", "utf-16")


def test_a_quote_that_is_never_closed(write):
    rows = "1,2\n" * 50
    refused(write(f'a,b\n1,2\n3,"oh\n{rows}'), "line 3", "never closed")
    long = "1,2\n" * 100_000
    refused(write(f'a,b\n1,2\n3,"oh\n{long}'), "line 3", "Perhaps a quote")


def test_text_after_a_closing_quote(write):
    refused(write('a,b\n1,"x"y\n'), "line 2", "text follows a closing quote")
    told = refused(write('a,b\n1,"x\n2,"y"\n'), "line 3", "starts in line 2")
    assert "doubled" in told


def test_a_huge_cell_and_a_line_without_end(write):
    refused(write("a,b\n1," + "x" * 200_000 + "\n"), "line 2", "131,072")
    refused(write("a,b\n" + "1" * (LONGEST_LINE + 5)), "line 2 is longer")


def test_the_target_is_not_there(write):
    path = write("price,area\n1,2\n2,3\n")
    refused(path, "no column 'prize' to predict", "'price'", target="prize")
    refused(path, "no column 'x'", "area, price", target="x")
    refused(path, "lacks the column 'are'", columns={"are": "number"})


def test_a_target_that_is_missing_in_some_rows(write):
    path = write('a,y\n1,2.5\n2,\n"3\n4",\n5,NA\n6,1.5\n')
    refused(path, "line 3", "'y' is missing", "3 rows of 5", "drop", target="y")
    data = table(
        path, "y", missing_target="drop", columns={"a": "category"}, task="numbers"
    )
    assert data.y.tolist() == [2.5, 1.5]
    assert data["a"].cells() == ["1", "6"]
    assert "dropped 3 rows" in repr(data)
    letters = write("a,y\n1,\n2,u\n3,v\n")
    refused(
        letters,
        "line 4, column 'y': found the class 'v'",
        target="y",
        missing_target="drop",
        classes=["u"],
    )
    nothing = write("a,y\n1,\n2,\n")
    refused(nothing, "nothing is in it", target="y", missing_target="drop")


def test_a_text_among_measurements(write):
    rows = [f"{row}.5,{row % 2}" for row in range(100)]
    rows[41] = "about 40,0"
    told = refused(
        write("age,y\n" + "\n".join(rows)), "line 43, column 'age'", "'about 40'"
    )
    assert "missing=['about 40']" in told
    assert "columns={'age': 'category'}" in told


def test_a_text_among_measurements_that_comes_late(write):
    rows = [f"{row}.5,{row % 2}" for row in range(40_000)]
    rows[30_000] = "oops,0"
    path = write("age,y\n" + "\n".join(rows))
    refused(path, "line 30002, column 'age': found 'oops'")
    data = table(path, missing=["oops"])
    assert np.isnan(data["age"].values).nonzero()[0].tolist() == [30_000]
    refused(path, "line 30002", "expected a number", columns={"age": "number"})


def test_few_numbers_among_texts_are_a_category(write):
    grades = ["K", "1", "2", "3", "1", "2"] * 4000
    path = write("grade,x\n" + "".join(f"{grade},1.5\n" for grade in grades))
    assert table(path)["grade"].levels == ("K", "1", "2", "3")
    # Numbers first, for more rows than are looked at together.
    late = ["01"] * 30_000 + ["K"] * 5
    path = write("grade,x\n" + "".join(f"{grade},1.5\n" for grade in late))
    found = table(path)["grade"]
    assert found.levels == ("01", "K")
    assert np.bincount(found.values).tolist() == [30_000, 5]


def test_numbers_with_a_comma_are_no_texts(write):
    rows = "".join(f"{row},{row % 7};{row}.5\n" for row in range(40))
    path = write("a;b\n" + rows)
    refused(path, "'a' holds texts such as '0,0'", "decimal=','")
    assert table(path, columns={"a": "category"})["a"].levels[0] == "0,0"


def test_infinities_and_numbers_that_are_none(write):
    refused(write("a,b\n1,2\ninf,3\n-inf,2\n"), "line 3", "'inf'", "finite")
    refused(write("a,b\n1_000,2\n"), "'1_000'", columns={"a": "number"})
    assert table(write("a,b\n1_000,2\n1_000,3\n")).kinds["a"] == "category"


def test_whole_numbers_that_would_be_rounded(write):
    large = 2**53 + 1
    path = write("account,x\n" + "".join(f"{large + n},1.5\n" for n in range(30)))
    assert table(path).left_out[0].name == "account"
    refused(path, "line 2", str(large), "2^53", columns={"account": "number"})
    few = write("account,x\n" + f"{large},1.5\n{large + 1},2\n" * 5)
    assert table(few)["account"].levels == (str(large), str(large + 1))


def test_booleans_are_two_words(write):
    data = table(write("a,b,c,d\nyes,T,0,on\nNo,f,1,off\nYES,,0,on\n"))
    assert set(data.kinds.values()) == {"boolean"}
    assert data["a"].values.tolist() == [1, 0, 1]
    assert data["b"].values.tolist() == [1, 0, -1]
    assert data["c"].words == ("0", "1")
    refused(write("a,b\nm,1\nf,2\n"), "no boolean", columns={"a": "boolean"})
    refused(write("a,b\n2,1\n1,2\n"), "no boolean", columns={"a": "boolean"})


def test_very_many_columns(write):
    names = ",".join(f"c{place}" for place in range(5_000))
    row = ",".join(str(place / 4) for place in range(5_000))
    data = table(write(f"{names}\n{row}\n{row}\n"), "c7", task="numbers")
    assert len(data.columns) == 4_999
    assert data["c4999"].values.tolist() == [4_999 / 4] * 2


# ---- targets


def test_the_rule_for_targets_is_told(write):
    path = write("a,y\n" + "".join(f"{n}.5,{n % 10}\n" for n in range(40)))
    data = table(path, "y")
    assert data.classes == tuple(range(10))
    assert "10 different whole numbers" in repr(data)
    assert "task='numbers'" in " ".join(repr(data).split())
    assert data.labels.tolist() == [n % 10 for n in range(40)]
    numbers = table(path, "y", task="numbers")
    assert numbers.task == "numbers"
    assert numbers.y.dtype == np.float64
    more = write("a,y\n" + "".join(f"{n}.5,{n % 11}\n" for n in range(40)))
    assert table(more, "y").task == "numbers"
    assert table(more, "y", task="classes").classes == tuple(range(11))


def test_classes_that_are_whole_numbers(write):
    path = write("a,y\n1.5,1\n2.5,0\n3.5,1\n")
    data = table(path, "y", classes=[0, 1, 2])
    assert data.classes == (0, 1, 2)
    assert data.labels.tolist() == [1, 0, 1]
    assert table(
        {"a": [1.5, 2.5], "y": [1.0, 2.0]}, "y", classes=[2, 1]
    ).y.tolist() == [
        1,
        0,
    ]
    refused(path, "class '0'", target="y", classes=[1])
    refused(path, "numbers", kind=ConfigurationError, classes=[1], task="numbers")


def test_classes_are_sorted_and_counted(write):
    data = table(write("a,y\n1,b\n2,a\n3,b\n4,c\n"), "y")
    assert data.classes == ("a", "b", "c")
    assert data.y.tolist() == [1, 0, 1, 2]
    assert data.counts == {"a": 1, "b": 2, "c": 1}
    assert data.labels.tolist() == ["b", "a", "b", "c"]
    again = table(write("a,y\n1,b\n2,b\n"), "y", classes=data.classes)
    assert again.y.tolist() == [1, 1]
    refused(
        write("a,y\n1,b\n2,d\n"),
        "line 3, column 'y': found the class 'd'",
        "'a', 'b', 'c'",
        target="y",
        classes=data.classes,
    )


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["x"] * 5, "single class, 'x'"),
        (["1"] * 5, "single class, 1"),
        (["1.5"] * 5, "1.5 in every row"),
        ([f"n{row}" for row in range(30)], "30 different texts"),
        (["2020-01-01", "2020-01-02"], "dates such as 2020-01-01"),
    ],
)
def test_targets_from_which_nothing_is_learned(write, cells, told):
    rows = "".join(f"{row}.5,{cell}\n" for row, cell in enumerate(cells))
    refused(write("a,y\n" + rows), told, target="y")


def test_weights_of_rows(write):
    data = table(write("a,w,y\n1,2,3.5\n2,0,4\n3,1.5,5\n"), "y", weight="w")
    assert data.weight.tolist() == [2, 0, 1.5]
    assert data.features == ("a",)
    assert data.take([2, 0]).weight.tolist() == [1.5, 2]
    refused(write("a,w\n1,2\n2,-1\n"), "line 3", "-1", weight="w")
    refused(write("a,w\n1,2\n2,\n"), "line 3", "weight", weight="w")
    refused(write("a,w\n1,0\n2,0\n"), "weight", "zero", weight="w")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"task": "class"}, "task"),
        ({"missing_target": "skip"}, "missing_target"),
        ({"decimal": ";"}, "decimal"),
        ({"separator": ",,"}, "one character"),
        ({"separator": '"'}, "one character"),
        ({"columns": {"a": "text"}}, "'text'"),
        ({"memory": -1}, "memory"),
        ({"target": "a", "columns": {"a": "ignore"}}, "cannot be ignored"),
        ({"target": "a", "weight": "a"}, "at once"),
    ],
)
def test_settings_that_cannot_work(write, settings, told):
    refused(write("a,b\n1,2\n"), told, kind=ConfigurationError, **settings)


def test_only_some_columns(write):
    data = table(write("a,b,c,y\n1,2,3,4.5\n2,3,4,5\n"), "y", only=["c", "a"])
    assert data.features == ("a", "c")
    assert data.left_out == ()


def test_take_and_getitem(write):
    data = table(write("a,b,y\n1,x,u\n2,z,v\n3,x,u\n"), "y")
    some = data.take(np.array([2, 0]))
    assert some["a"].values.tolist() == [3, 1]
    assert some.labels.tolist() == ["u", "u"]
    assert some.classes == ("u", "v")
    with pytest.raises(DataError, match="Did you mean 'a'"):
        data["A"]


def test_chunks_have_lines(write):
    path = write('a,b\n1,"x\ny"\n2,z\n3,z\n')
    chunks = list(CsvFile(path).chunks(2))
    assert [chunk.lines for chunk in chunks] == [[2, 4], [5]]
    assert chunks[0].columns == [("1", "2"), ("x\ny", "z")]


def test_a_table_is_the_same_in_files(write, tmp_path):
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["a", "b", "c", "d", "y"])
    random = np.random.default_rng(0)
    for n in range(5000):
        rows.writerow([random.normal(), "uvw"[n % 3], n % 2, "2020-01-02", n / 7])
    path = write(out.getvalue())
    memory = table(path, "y")
    files = table(path, "y", memory=1000, folder=tmp_path)
    assert isinstance(files["a"].values, np.memmap)
    (folder,) = tmp_path.glob("pellucid-*")
    for one, other in zip(memory.columns, files.columns, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert (one.name, one.kind, one.levels) == (
            other.name,
            other.kind,
            other.levels,
        )
    assert files.take(slice(3))["b"].cells() == ["u", "v", "w"]
    del files, other
    assert not folder.exists()


def test_examples_at_home():
    data = pellucid.data.table(pellucid.data.iris(), "species")
    assert data.counts == {"setosa": 50, "versicolor": 50, "virginica": 50}
    assert len(data.columns) == 4
