"""Tables from data frames, Parquet files, mappings, arrays and rows."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

import pellucid
from pellucid.data import sources, table
from pellucid.data.table import stream
from pellucid.errors import ConfigurationError, DataError, ShapeError

MOMENT = dt.datetime(2020, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as frames have them
COLUMNS = {
    "size": [1.5, None, 3.0, -2.0],
    "count": [1, 2, 3, 5],
    "city": ["Rome", None, "Oslo", "Rome"],
    "flag": [True, False, None, True],
    "when": [MOMENT, None] * 2,
    "y": ["b", "a", "b", "a"],
}


def pandas_frame():
    return pd.DataFrame(COLUMNS)


def pandas_nullable():
    frame = pd.DataFrame(COLUMNS).convert_dtypes()
    assert "Int64" in map(str, frame.dtypes)
    return frame


def pandas_categorical():
    return pd.DataFrame(COLUMNS).astype({"city": "category"})


def polars_frame():
    return pl.DataFrame(COLUMNS)


def polars_lazy():
    return pl.DataFrame(COLUMNS).lazy()


def polars_categorical():
    return pl.DataFrame(COLUMNS).with_columns(pl.col("city").cast(pl.Categorical))


def arrow_table():
    return pa.table(COLUMNS)


def mapping():
    return dict(COLUMNS)


def rows():
    return pl.DataFrame(COLUMNS).to_dicts()


@pytest.fixture(
    params=[
        pandas_frame,
        pandas_nullable,
        pandas_categorical,
        polars_frame,
        polars_lazy,
        polars_categorical,
        arrow_table,
        mapping,
        rows,
    ]
)
def source(request):
    return request.param()


def check(data):
    assert data.kinds == {
        "size": "number",
        "count": "number",
        "city": "category",
        "flag": "boolean",
        "when": "date",
    }
    np.testing.assert_array_equal(data["size"].values, [1.5, np.nan, 3, -2])
    assert data["city"].cells() == ["Rome", None, "Oslo", "Rome"]
    assert data["flag"].values.tolist() == [1, 0, -1, 1]
    assert data["when"].cells() == ["2020-01-02 03:04:05", None] * 2
    assert data.labels.tolist() == ["b", "a", "b", "a"]


def test_every_kind_of_source_gives_the_same(source):
    check(table(source, "y"))


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_files_of_arrow(tmp_path, ending, monkeypatch):
    monkeypatch.setattr(sources, "_BATCH", 3)
    path = tmp_path / f"some.{ending}"
    if ending == "parquet":
        pyarrow.parquet.write_table(arrow_table(), path, row_group_size=3)
    else:
        schema = arrow_table().schema
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as out:
            out.write_table(arrow_table(), max_chunksize=3)
    data = table(path, "y")
    check(data)
    assert data.name == "some"
    check(table(path, "y", memory=10, folder=tmp_path))


def test_damaged_files_of_arrow(tmp_path):
    path = tmp_path / "some.parquet"
    pyarrow.parquet.write_table(arrow_table(), path)
    content = path.read_bytes()
    for wrong in (b"", b"PAR1", content[:-7], content[5:], b"x" * 50):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match=r"some\.parquet cannot be read"):
            table(path)
    with pytest.raises(DataError, match="there is no such file"):
        table(tmp_path / "other.parquet")


def test_a_file_of_arrow_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pellucid\[parquet\]"):
        table(tmp_path / "some.parquet")


def test_arrays_have_columns_x0_x1():
    data = table(np.array([[1.5, 0], [2.5, 3], [np.nan, 4]]), "x1", task="numbers")
    assert data.features == ("x0",)
    assert data.y.tolist() == [0, 3, 4]
    mixed = table([[1.5, "a"], [2, "b"], [3, "a"]])
    assert mixed.kinds == {"x0": "number", "x1": "category"}
    records = np.array([(1, "u"), (2, "v")], [("n", int), ("t", "U1")])
    assert table(records).kinds == {"n": "number", "t": "category"}


def test_numpy_types_of_columns():
    data = table(
        {
            "small": np.array([1, 2, 3], np.int8),
            "single": np.array([0.5, np.nan, 2], np.float32),
            "swapped": np.array([1, 2, 3], ">f8"),
            "day": np.array(["2020-01-01", "NaT", "2020-01-03"], "datetime64[D]"),
            "text": np.array(["a", "b", "a"]),
            "strided": np.arange(6.0)[::2][::-1],
            "bool": np.array([True, False, True]),
        }
    )
    assert data["single"].values.tolist()[::2] == [0.5, 2]
    assert data["day"].cells() == ["2020-01-01", None, "2020-01-03"]
    assert data["strided"].values.tolist() == [4, 2, 0]
    assert data["swapped"].values.dtype == np.float64


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ([1, "a", 2], "row 1, column 'a': found 'a'"),
        ([None, {"k": 1}, 2], "row 1"),
        ([1.0, np.inf, -np.inf], "row 1, column 'a': found an infinity"),
        (np.array([1, 2, 3j]), "complex numbers"),
        (np.array([b"x", b"y", b"z"]), "bytes"),
        (np.array([1, 2, 3], "timedelta64[s]"), "durations"),
        (np.ma.masked_array([1, 2, 3], [0, 1, 0]), "masked"),
        (pl.Series([[1], [2], [3]]), "List"),
        (pl.Series([dt.timedelta(1)] * 3), "Duration"),
        (np.zeros((3, 2)), "one value a row"),
    ],
)
def test_columns_that_hold_something_else(column, told):
    with pytest.raises(DataError) as found:
        table({"a": column, "b": [1, 2, 3]})
    assert told in str(found.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (42, "Got a int"),
        (None, "NoneType"),
        (np.zeros(3), "rows and columns"),
        (np.zeros((0, 3)), "no rows"),
        ({}, "no columns"),
        ({"a": []}, "no rows"),
        ({1: [2]}, "Names of columns are texts"),
        ([{"a": 1}, {"b": 2}], "row 1"),
        ([[1, 2], [3]], "different lengths"),
        ({"a": [1, 2], "b": [1]}, "different numbers of rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a'"),
    ],
)
def test_what_is_no_table(source, told):
    with pytest.raises(DataError) as found:
        table(source)
    assert told in str(found.value)


def test_settings_of_csv_files_are_for_csv_files():
    with pytest.raises(ConfigurationError, match="separator is about CSV files"):
        table({"a": [1]}, separator=";")


def test_whole_numbers_that_would_be_rounded():
    large = [2**53 + 1, 2**53 + 2] * 3
    for values in (large, np.array(large), pl.Series(large), pd.Series(large)):
        data = table({"account": values, "x": [1, 2, 3, 4, 5, 6]})
        assert data["account"].levels == (str(2**53 + 1), str(2**53 + 2))


def test_kinds_can_be_overruled():
    data = table(
        {"a": [1, 2, 1], "b": ["1", "2", "x"], "c": [0, 1, 1]},
        columns={"a": "category", "c": "number"},
    )
    assert data["a"].levels == ("1", "2")
    assert data.kinds["c"] == "number"
    with pytest.raises(DataError, match="row 2, column 'b': found 'x'"):
        table({"b": ["1", "2", "x"]}, columns={"b": "number"})
    with pytest.raises(DataError, match="holds a number; expected a date"):
        table({"a": [1, 2, 5]}, columns={"a": "date"})


def test_a_data_set_becomes_a_table():
    data = table(pellucid.data.diabetes(), "progression")
    assert data.task == "numbers"
    assert len(data) == 442


def test_streams_are_the_same_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BATCH", 3)
    frame = pl.DataFrame({"a": np.arange(25) / 4, "b": ["u", "v", None, "w", "u"] * 5})
    path, parquet = tmp_path / "a.csv", tmp_path / "a.parquet"
    frame.write_csv(path)
    frame.write_parquet(parquet, row_group_size=11)
    for source in (frame, path, parquet):
        for size in (1, 4, 25, 100):
            pieces = list(stream(source, {"b": "category", "a": "number"}, rows=size))
            assert max(map(len, pieces)) <= size
            cells = [cell for piece in pieces for cell in piece["b"].cells()]
            assert cells == frame["b"].to_list()
            values = np.concatenate([piece["a"].values for piece in pieces])
            np.testing.assert_array_equal(values, frame["a"].to_numpy())
    wrong = tmp_path / "b.csv"
    wrong.write_text("a,b\n" + "1,x\n" * 10 + "oh,x\n")
    with pytest.raises(DataError, match="line 12, column 'a': found 'oh'"):
        list(stream(wrong, {"a": "number"}, rows=3))


def test_a_column_of_gaps_in_one_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BATCH", 3)
    frame = pl.DataFrame({"a": [None] * 6 + [1.5, 2], "b": [None] * 5 + ["x"] * 3})
    path = tmp_path / "a.parquet"
    frame.write_parquet(path, row_group_size=3)
    data = table(path)
    np.testing.assert_array_equal(data["a"].values, [np.nan] * 6 + [1.5, 2])
    assert data["b"].values.tolist() == [-1] * 5 + [0] * 3


def test_dates_as_texts_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BATCH", 3)
    frame = pl.DataFrame({"when": ["01/02/2020"] * 3 + ["02/28/2020"], "x": [1.5] * 4})
    path = tmp_path / "a.parquet"
    frame.write_parquet(path, row_group_size=3)
    with pytest.raises(DataError, match=r"columns=\{'when': 'month/day/year'\}"):
        table(path, columns={"when": "date"})
    data = table(path, columns={"when": "month/day/year"})
    assert data["when"].cells()[2:] == ["2020-01-02", "2020-02-28"]


def test_shape_errors_are_data_errors():
    assert issubclass(ShapeError, DataError)
