"""Failures of tables: what files hold, and what rows to predict hold."""

import gzip
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest

import pellucid
from pellucid import Dense, NeuralNetwork
from pellucid.data import table
from pellucid.data.csv_file import CsvFile
from pellucid.data.table import stream
from pellucid.encoder import Encoder
from pellucid.errors import ConfigurationError

QUICK = {"epochs": 1, "progress": False}


@pytest.fixture
def read(write, refused):
    """Return a function that reads a file that must be refused."""

    def check(content, *told, target=None, kind=pellucid.DataError, **settings):
        path = write(content)
        return refused(lambda: table(path, target, **settings), *told, kind=kind)

    return check


# ---- files


def test_ragged_csv(read):
    """The physical line, what was found and what was expected; no row is dropped."""
    ragged = 'a,b,c\n1,"x\ny",3\n1,2\n'
    read(ragged, "some.csv, line 4 has 2 cells", "expected 3")
    read("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells", "expected 2")


def test_byte_order_mark(write):
    data = table(write("\ufeffa,y\n1,2.5\n3,4\n"), "y", task="numbers")
    assert data.features == ("a",)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_semicolon_or_tab(write, separator):
    data = table(write("a,b\n1,2.5\n3,4\n".replace(",", separator)))
    assert data["b"].values.tolist() == [2.5, 4]


def test_quotes_and_newlines_in_cells(write):
    data = table(write('a,b\n1,"say ""x"", or\ny"\n2,z\n3,z\n'))
    assert data["b"].cells() == ['say "x", or\ny', "z", "z"]


def test_decimal_comma(write, read):
    data = table(write("a;b\n1,5;2\n2,25;3\n"))
    assert data["a"].values.tolist() == [1.5, 2.25]
    kinds = {"a": "number"}
    read("a;b\n1,234;1\n", "line 2, column 'a'", "decimal=','", columns=kinds)


def test_crlf(write):
    data = table(write(b"a,b\r\n1,x\r\n2,x\r\n"))
    assert data["b"].cells() == ["x", "x"]


def test_latin_1(write, read):
    """An encoding is named, never guessed; the line is exact."""
    content = "a,city\n1,Rom\n2,Köln\n".encode("latin-1")
    read(content, "line 3", "0xf6", "encoding=")
    assert table(write(content), encoding="latin-1")["city"].cells()[1] == "Köln"


def test_nul_byte(read):
    read("a,b\n1,2\n3,\x004\n", "line 3 has a NUL byte as character 3")


@pytest.mark.parametrize(
    ("header", "told"),
    [("a,b,a", "columns 1 and 3 are both named 'a'"), ("a,,c", "column 2 has no name")],
)
def test_duplicate_or_empty_headers(read, header, told):
    read(f"{header}\n1,2,3\n", "line 1", told)


def test_no_header(write, read):
    read("5.1,3.5\n4.9,3.0\n", "line 1 holds numbers (5.1, 3.5)", "header=False")
    data = table(write("5.1,3.5\n4.9,3.0\n"), header=False)
    assert len(data) == 2


def test_very_many_columns(write):
    """100,000 columns are read as ten are."""
    count = 100_000
    names = ",".join(f"c{place}" for place in range(count))
    chunks = CsvFile(write(f"{names}\n{','.join(['1.5'] * count)}\n")).chunks(10)
    (chunk,) = chunks
    assert len(chunk.columns) == count


def test_cell_of_a_hundred_megabytes(write, read, monkeypatch):
    """A cell has a limit, and so has a line: both refused before they are in memory."""
    read("a,b\n1," + "x" * 200_000 + "\n", "line 2", "131,072")
    # A hundred megabytes of one letter, packed: nobody reads them to the end.
    packed = gzip.compress(b"a,b\n" + b"1" * 10**8, compresslevel=1)
    taken = []
    real = gzip.GzipFile.read

    def counted(self, size=-1):
        found = real(self, size)
        taken.append(len(found))
        return found

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    path = write(packed, "some.csv.gz")
    with pytest.raises(pellucid.DataError, match="line 2 is longer"):
        table(path)
    assert sum(taken) < 2 * 10**7


def test_file_of_a_gigabyte(write, tmp_path):
    """Read some rows at a time: twice the rows take no more memory."""
    kinds = {"a": "number", "b": "number", "c": "category"}
    rows = "".join(f"{n / 7},{n},kind {n % 5}\n" for n in range(10_000))
    peaks = []
    for times in (1, 2):
        path = write("a,b,c\n" + times * rows, f"{times}.csv")
        tracemalloc.start()
        try:
            seen = sum(len(part) for part in stream(path, kinds, rows=1000))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert seen == times * 10_000
    assert peaks[1] < 1.1 * peaks[0] < 2**23


def test_trailing_blank_lines(write, read):
    assert len(table(write("a,b\n1,2\n2,3\n\n\n\n"))) == 2
    read("a,b\n1,2\n\n2,3\n", "line 3 is blank", "line 4 is not")


def test_header_only(read):
    read("a,b\n", "only a header")
    read("", "is empty")


def test_target_column_absent(read):
    read("price,area\n1,2\n", "no column 'prize'", "'price'", target="prize")


def test_damaged_bytes_never_give_a_wrong_table(write):
    """A cut-off gzip is refused, not read as far as it goes."""
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    with pytest.raises(pellucid.DataError, match="damaged or cut off"):
        table(write(packed[:-12], "some.csv.gz"))


def test_text_column_is_a_category_and_identifiers_are_told(write, read):
    rows = "".join(f"id{n},{'uv'[n % 2]},{n / 7}\n" for n in range(30))
    data = table(write("id,kind,y\n" + rows), "y")
    assert data.kinds == {"kind": "category"}
    assert data.left_out[0].name == "id"
    assert "identifier" in data.left_out[0].why
    assert "left out: id" in repr(data)
    huge = f"account,y\n{2**53 + 1},1\n{2**53 + 3},2\n"
    read(huge, "line 2", "2^53", columns={"account": "number"})


# ---- rows to predict


@pytest.fixture(scope="module")
def people():
    """A network that learned from a table."""
    random = np.random.default_rng(0)
    city = random.choice(["Bonn", "Oslo", "Rome"], 60)
    age = random.normal(40, 10, 60)
    ill = np.where(age + 20 * (city == "Oslo") > 45, "yes", "no")
    data = table({"age": age, "city": city, "ill": ill}, "ill")
    encoder = Encoder.fit(data)
    net = NeuralNetwork(
        encoder.layers([Dense(4, "tanh"), Dense(2)]),
        loss="cross_entropy",
        input_shape=encoder.input_shape,
    )
    net.reader = encoder
    net.fit(data, data.labels, **QUICK)
    return net


def test_unseen_category_at_predict(people, refused):
    """All zeros and one warning with the count; an error where that is asked for."""
    rows = {"age": [40.0] * 4, "city": ["Oslo", "Paris", "Paris", "Lima"]}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        numbers = people.reader.encode(rows)
    assert numbers[:, 1:].sum(axis=1).tolist() == [1, 0, 0, 0]
    (warning,) = found
    assert "'city': 'Paris', 'Lima' in 3 rows" in str(warning.message)
    refused(
        lambda: people.reader.encode(rows, unseen="error"),
        "'city': 'Paris', 'Lima' in 3 rows",
    )
    with pytest.raises(ConfigurationError, match="'warn', 'ignore' or 'error'"):
        people.reader.encode(rows, unseen="drop")


def test_feature_order_or_name_wrong_at_predict(people, x, y, write, refused):
    """Tables go by name, in any order; arrays by count; what is missing is listed."""
    path = write("city,note,age\nOslo,a,40\nRome,b,30\n")
    ordered = write("age,city\n40,Oslo\n30,Rome\n", "ordered.csv")
    wanted = people.predict_proba(ordered)
    assert people.predict_proba(path).tolist() == wanted.tolist()
    lacking = write("city\nOslo\n", "lacking.csv")
    refused(lambda: people.predict(lacking), "'age'")
    net = NeuralNetwork([Dense(2)], loss="cross_entropy")
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    net.fit(frame, y, **QUICK)
    refused(lambda: net.predict(frame[["b", "a", "c"]]), "x[['a', 'b', 'c']]")
    refused(lambda: net.predict(frame.rename(columns={"a": "d"})), "lacks", "'a'")
    refused(lambda: net.predict(x[:, :2]), "(40, 2)", "takes (n, 3)")
    estimator = pellucid.estimators.NeuralNetworkClassifier(epochs=1)
    estimator.fit(frame, y)
    with pytest.raises(ValueError, match="feature names should match those that were"):
        estimator.predict(frame[["b", "a", "c"]])
    estimator.fit(x, y)
    with pytest.raises(ValueError, match="X has 2 features, but NeuralNetworkClassif"):
        estimator.predict(x[:, :2])
