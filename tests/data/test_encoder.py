"""Encoders: settings from training rows, numbers from rows, and words for both."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid
from pellucid import DataError, Encoder
from pellucid.data import table
from pellucid.data.columns import Column
from pellucid.encoder import (
    OPERATIONS,
    Boolean,
    Classes,
    Date,
    Embedded,
    Gap,
    Left,
    Number,
    OneHot,
    Standardized,
)
from pellucid.encoder.fitting import quantiles
from pellucid.encoder.operations import (
    FORMULAS,
    WORDS,
    date_part,
    formula,
    smooth_clip,
    worked,
)
from pellucid.errors import ConfigurationError, ModelFileError, ShapeError
from pellucid.readers import Reader
from pellucid.testing import check_part

RNG = np.random.default_rng(0)


def people(n=200, seed=0):
    """Return a table with every kind of column and gaps in all of them."""
    random = np.random.default_rng(seed)

    def gaps(values):
        return [None if random.random() < 0.1 else value for value in values]

    days = np.datetime64("2020-01-01", "s") + random.integers(0, 10**8, n)
    return {
        "size": gaps(random.normal(170, 10, n).tolist()),
        "income": gaps(np.exp(random.normal(10, 2, n)).tolist()),
        "city": gaps(random.choice(["Rome", "Oslo", "Bonn"], n).tolist()),
        "street": gaps([f"street {k}" for k in random.integers(0, 40, n)]),
        "smokes": gaps(random.choice(["yes", "no"], n).tolist()),
        "born": gaps([str(day).replace("T", " ") for day in days]),
        "same": [7.5] * n,
        "one": gaps([1.5] * n),
        "y": (random.normal(size=n) * 50 + 1000).tolist(),
    }


def made(**settings):
    given = people()
    given["born"] = np.array([v or "NaT" for v in given["born"]], "datetime64[s]")
    return table(given, "y"), settings


@pytest.fixture
def data():
    return made()[0]


@pytest.fixture
def encoder(data):
    return Encoder.fit(data)


# ---- settings


def test_each_kind_has_its_encoding(encoder):
    kinds = {column.column: type(column) for column in encoder.columns}
    assert kinds == {
        "size": Number,
        "income": Number,
        "city": OneHot,
        "street": Embedded,
        "smokes": Boolean,
        "born": Date,
        "same": Left,
        "one": Gap,
    }
    assert isinstance(encoder.target, Standardized)


def test_robust_numbers_are_those_of_the_recipe(data, encoder):
    x = data["size"].values
    there = x[~np.isnan(x)]
    number = encoder.columns[0]
    assert number.fill == number.centre == np.median(there)
    assert number.clip == 3
    lower, upper = np.quantile(there, [0.25, 0.75], method="averaged_inverted_cdf")
    assert number.scale == pytest.approx(upper - lower)
    filled = np.where(np.isnan(x), np.median(there), x)
    z = (filled - number.centre) / number.scale
    expected = z / np.sqrt(1 + (z / 3) ** 2)
    place = encoder.names.index("size")
    found = encoder.encode(data)["numbers"]
    np.testing.assert_allclose(found[:, place], expected, rtol=1e-6, atol=1e-7)
    assert encoder.names[place + 1] == "size is missing"
    np.testing.assert_array_equal(found[:, place + 1], np.isnan(x))


def test_only_training_rows_are_looked_at(data):
    rows = np.arange(50)
    assert Encoder.fit(data, rows=rows) == Encoder.fit(data.take(rows))
    mask = np.arange(len(data)) < 50
    assert Encoder.fit(data, rows=mask) == Encoder.fit(data, rows=rows)
    assert Encoder.fit(data, rows=rows) != Encoder.fit(data)


def test_weight_two_is_a_row_twice_and_weight_zero_no_row():
    given = people()
    del given["born"]
    weight = RNG.integers(0, 3, 200)
    weighted = table(given | {"w": weight.astype(float)}, "y", weight="w")
    repeated = table(given, "y").take(np.repeat(np.arange(200), weight))
    for scaling in ("robust", "standard"):
        one = Encoder.fit(weighted, scaling=scaling)
        other = Encoder.fit(repeated, scaling=scaling)
        np.testing.assert_allclose(
            one.encode(weighted)["numbers"],
            other.encode(weighted)["numbers"],
            rtol=1e-5,
        )
        assert one.target.mean == pytest.approx(other.target.mean)
        assert one.target.scale == pytest.approx(other.target.scale)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 101])
def test_quantiles_without_weights_are_those_of_numpy(n):
    values = RNG.normal(size=n)
    shares = [0, 0.1, 0.25, 0.5, 0.75, 1]
    found = quantiles(values, None, shares)
    np.testing.assert_array_equal(quantiles(values, np.full(n, 2.0), shares), found)
    expected = np.quantile(values, shares, method="averaged_inverted_cdf")
    np.testing.assert_allclose(found, expected)


def test_columns_with_odd_spreads():
    n = 100
    tail = np.zeros(n)
    tail[:5] = [1, 2, 3, 4, 8]
    data = table({"tail": tail, "huge": np.linspace(-1, 1, n) * 1.7e308})
    with np.errstate(all="raise"):
        encoder = Encoder.fit(data)
        x = encoder.encode(data)
    assert encoder.columns[0].scale == 4  # half of the range, as the quartiles agree
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 3
    assert len(np.unique(x[:, 1])) > 50
    tiny = table({"x": 1 + np.arange(n) * 1e-15, "y": np.arange(n) * 1e-300})
    assert np.isfinite(Encoder.fit(tiny).encode(tiny)).all()


def test_standard_numbers(data):
    encoder = Encoder.fit(data, scaling="standard")
    x = encoder.encode(data)["numbers"][:, encoder.names.index("size")]
    there = ~data["size"].missing
    assert x[there].mean() == pytest.approx(0, abs=1e-6)
    assert x[there].std() == pytest.approx(1, rel=1e-6)


def test_normal_numbers_and_extreme_tails():
    cauchy = RNG.standard_cauchy(2000)
    data = table({"wild": cauchy, "tame": RNG.normal(size=2000)})
    normal = Encoder.fit(data, scaling="normal")
    z = np.sort(normal.encode(data)[:, 0])
    assert np.std(z) == pytest.approx(1, abs=0.05)
    assert abs(np.median(z)) < 0.01
    assert (np.diff(normal.encode(data)[np.argsort(cauchy), 0]) >= 0).all()
    adaptive = Encoder.fit(data, scaling="adaptive")
    assert adaptive.columns[0] == normal.columns[0]
    assert adaptive.columns[1] == Encoder.fit(data).columns[1]


def test_codes_of_many_levels(data, encoder):
    street = encoder.columns[3]
    codes = encoder.encode(data)["street code"]
    assert codes.dtype == np.int32
    assert street.count == len(street.levels) + 2  # others, and missing
    for cell, code in zip(data["street"].cells(), codes, strict=True):
        if cell is None:
            assert code == street.count - 1
        elif cell in street.rare:
            assert code == 0
        else:
            assert street.levels[code - 1] == cell
    assert list(street.levels) == sorted(street.levels)


def test_levels_of_one_row_count_as_others():
    cells = [f"often {n}" for n in range(12)] * 2 + ["once"]
    data = table({"c": cells, "x": np.arange(25.0)})
    encoder = Encoder.fit(data)
    assert encoder.columns[0].rare == ("once",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = encoder.encode(data)["c code"]
    assert codes[-1] == 0
    assert (codes[:-1] > 0).all()


def test_one_hot_up_to_nine_levels():
    for levels, kind in ((9, OneHot), (10, Embedded)):
        cells = [f"level {n}" for n in range(levels)] * 3
        data = table({"c": cells, "x": np.arange(3.0 * levels)})
        assert isinstance(Encoder.fit(data).columns[0], kind)
    assert isinstance(Encoder.fit(data, one_hot=10).columns[0], OneHot)


def test_parts_of_dates():
    days = np.array(
        ["2020-01-31T06:30", "2021-12-01T18:00", "2024-02-29T00:00"], "M8[s]"
    )
    seconds = days.astype(np.int64).astype(float)
    assert date_part(seconds, "month").tolist() == [0, 11, 1]
    assert date_part(seconds, "day").tolist() == [30, 0, 28]
    assert date_part(seconds, "weekday").tolist() == [4, 2, 3]
    assert date_part(seconds, "hour").tolist() == [6, 18, 0]
    assert date_part(seconds, "minute").tolist() == [30, 0, 0]
    assert date_part(np.array([-1.0]), "hour").tolist() == [23]  # before 1970
    data = table({"when": days})
    encoder = Encoder.fit(data)
    assert encoder.columns[0].parts == ("month", "day", "weekday", "hour", "minute")
    x = encoder.encode(data)
    place = encoder.names.index("when month (sine)")
    angle = 2 * np.pi * np.array([0, 11, 1]) / 12
    np.testing.assert_allclose(x[:, place], np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(x[:, place + 1], np.cos(angle), atol=1e-6)
    midnight = table({"when": days.astype("M8[D]")})
    assert Encoder.fit(midnight).columns[0].parts == ("month", "day", "weekday")


def test_smooth_clip_at_the_ends():
    x = np.array([0, 1e-300, 0.1, 3, 1e30, 1e308, np.inf, -np.inf])
    with np.errstate(all="raise", under="ignore"):
        y = smooth_clip(x, 3.0)
    np.testing.assert_allclose(y[:4], x[:4] / np.sqrt(1 + (x[:4] / 3) ** 2))
    np.testing.assert_allclose(y[4:], [3, 3, 3, -3])
    small = smooth_clip(np.array([1e30, -1e38], np.float32), 3.0)
    np.testing.assert_allclose(small, [3, -3])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"scaling": "minmax"}, "minmax"),
        ({"clip": -1}, "clip"),
        ({"one_hot": -1}, "one_hot"),
    ],
)
def test_settings_that_cannot_work(data, settings, told):
    with pytest.raises(ConfigurationError, match=told):
        Encoder.fit(data, **settings)


def test_nothing_to_learn_from():
    data = table({"a": [1.5, 1.5], "b": ["x", "x"], "y": [1.5, 2.5]}, "y")
    with pytest.raises(DataError, match=r"no column to learn from.*a: the same"):
        Encoder.fit(data)
    with pytest.raises(DataError, match="no training rows"):
        Encoder.fit(data, rows=[])


# ---- targets


def test_targets_are_standardized_and_come_back(data):
    target = Encoder.fit(data).target
    t = target.to_network(data.y)
    assert t.mean() == pytest.approx(0, abs=1e-9)
    assert t.std() == pytest.approx(1)
    np.testing.assert_allclose(target.to_units(t), data.y)
    clamped = Encoder.fit(data, clamp=True).target
    far = clamped.to_units(np.array([-100.0, 0, 100.0]))
    assert far.tolist() == [data.y.min(), clamped.mean, data.y.max()]


@pytest.mark.parametrize("y", [[5.0, 5.0], [-1.7e308, 1.7e308], [1e-300, 3e-300]])
def test_targets_of_odd_spread(y):
    data = table({"x": [1.0, 2.0], "y": y}, "y", columns={"y": "number"})
    with np.errstate(all="raise"):
        target = Encoder.fit(data).target
        assert target.to_units(target.to_network(data.y)) == pytest.approx(y)


def test_classes_are_kept():
    data = table({"x": [1.0, 2, 3], "y": ["b", "a", "b"]}, "y")
    assert Encoder.fit(data).target == Classes("y", ("a", "b"))


# ---- rows that are not as in training


def test_unseen_categories_count_as_no_level_and_are_told(encoder):
    given = people(5) | {"city": ["Paris", "Paris", "Rome", None, "Lima"]}
    del given["born"], given["y"]
    given["born"] = np.array(["2020-01-01"] * 5, "datetime64[s]")
    given["street"] = ["street 1"] * 4 + ["none"]
    with pytest.warns(
        UserWarning, match=r"'city': 'Paris', 'Lima' in 3 rows.*'street'"
    ):
        x = encoder.encode(given)
    place = encoder.names.index("city = Bonn")
    assert x["numbers"][0, place : place + 4].tolist() == [0, 0, 0, 0]
    assert x["numbers"][2, place : place + 4].tolist() == [0, 0, 1, 0]
    assert x["numbers"][3, place : place + 4].tolist() == [0, 0, 0, 1]
    assert x["street code"][4] == 0
    quiet = encoder.encode(given, unseen="ignore")
    assert (quiet["numbers"] == x["numbers"]).all()
    with pytest.raises(DataError, match="Paris"):
        encoder.encode(given, unseen="error")
    with pytest.raises(ConfigurationError, match="unseen"):
        encoder.encode(given, unseen="skip")


def test_columns_in_any_order_more_of_them_and_missing_ones(data, encoder):
    columns = {c.name: c.values for c in data.columns if c.kind == "number"}
    whole = {c.name: c.cells() for c in data.columns}
    whole["born"] = np.array([v or "NaT" for v in whole["born"]], "datetime64[s]")
    turned = dict(reversed(whole.items())) | {"more": [1] * 200}
    expected, found = encoder.encode(data), encoder.encode(turned)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    del turned["income"], turned["city"]
    with pytest.raises(DataError, match="lacks 2 columns: 'income', 'city'"):
        encoder.encode(turned)
    assert columns


def test_a_table_of_other_kinds_is_refused(encoder, data):
    other = table(
        {n: data[n].cells() for n in ("size", "smokes")} | {"city": [1.5] * 200}
    )
    with pytest.raises(DataError, match="'city' is a number, and was a category"):
        Encoder((encoder.columns[2],)).encode(other)


def test_a_column_that_a_table_left_out_is_refused():
    encoder = Encoder.fit(table({"c": ["a", "b"] * 20, "x": np.arange(40.0)}))
    other = table({"c": [f"text {n}" for n in range(40)], "x": np.arange(40.0)})
    with pytest.raises(DataError, match=r"'c' was left out of .*encoder\.table"):
        encoder.encode(other)


def test_columns_without_anything_are_gaps(encoder, data):
    cells = {c.name: c.cells()[:3] for c in data.columns}
    cells["born"] = np.array(["NaT"] * 3, "datetime64[s]")
    cells["size"] = cells["city"] = cells["street"] = cells["smokes"] = [None] * 3
    x = encoder.encode(cells)
    for name in ("size", "city", "smokes", "born"):
        assert x["numbers"][:, encoder.names.index(f"{name} is missing")].all()
    assert (x["street code"] == encoder.embedded[0].count - 1).all()


def test_files_in_pieces_are_the_same(tmp_path, encoder, data):
    import polars as pl

    path = tmp_path / "some.csv"
    frame = {c.name: c.cells() for c in data.columns} | {"y": data.y}
    pl.DataFrame(frame, strict=False).write_csv(path)
    whole = encoder.encode(path)
    pieces = list(encoder.batches(path, rows=17))
    for name in whole:
        found = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(found, whole[name])
    assert len(encoder.table(path, target=True).y) == 200


def test_some_rows_and_a_folder(tmp_path, encoder, data):
    whole = encoder.encode(data)
    some = encoder.encode(data, rows=[5, 3], folder=tmp_path)
    again = encoder.encode(data, folder=tmp_path)
    for name, values in whole.items():
        np.testing.assert_array_equal(some[name], values[[5, 3]])
        np.testing.assert_array_equal(again[name], values)
        assert isinstance(again[name], np.memmap)
    assert len(list(tmp_path.glob("*.npy"))) == 4


# ---- words and files


def test_settings_are_printed(encoder):
    text = str(encoder)
    for told in ("7 columns become", "1 code", "left out", "centre", "target: y, mean"):
        assert told in text
    assert max(map(len, text.splitlines())) < 130
    assert "<table>" in encoder._repr_html_()


def test_a_row_is_explained(data, encoder):
    told = encoder.explain(data.take([3]))
    x = encoder.encode(data, rows=[3])
    results = [line[-1] for line in told]
    numbers = iter(x["numbers"][0].tolist())
    expected = [
        x["street code"][0] if feature.input == "street code" else next(numbers)
        for feature in encoder.features()
    ]
    assert results == pytest.approx(expected, rel=1e-5, abs=1e-6)
    number = encoder.columns[0]
    assert f"- {number.centre:.6g} = " in str(told)
    assert f"/ {number.scale:.6g} = " in str(told)
    cells = {c.name: c.take([3]).cells()[0] for c in data.columns}
    cells["born"] = np.array([cells["born"] or "NaT"], "datetime64[s]")
    assert [line[-1] for line in encoder.explain(cells)] == pytest.approx(results)
    with pytest.raises(ShapeError, match="one row"):
        encoder.explain(data)


def test_every_operation_has_a_formula():
    assert set(OPERATIONS) == set(FORMULAS) == set(WORDS)


def test_formulas_and_worked_steps():
    number = Number("age", 38.0, 38.0, 12.0, 3.0, True)
    steps = number.steps()
    assert formula(steps) == (
        "x, or 38 if missing; x - 38; x / 12; x / sqrt(1 + (x / 3)^2)"
    )
    assert worked(steps, 41.0) == "- 38 = 3; / 12 = 0.25; clip 3 = 0.249136"
    assert worked(steps, np.nan).startswith("missing, filled = 38; - 38 = 0")
    city = OneHot("city", ("Oslo", "Rome"))
    assert worked(city.features()[1].operations, "Rome") == "is 'Rome' = 1"
    assert worked(city.features()[1].operations, None) == "is 'Rome' = 0"


def test_every_encoding_says_its_settings():
    for encoding in (
        Number("a", 1.0, unit=2.0**512),
        Number("a", 1.0, knots=(1.0, 2.0), scores=(-1.0, 1.0)),
        Boolean("a", "no", "yes", 1.0, True),
        Date("a", 0.0, 0.0, 0.0, 3.0, ("weekday",), True, "day/month/year"),
        Embedded("a", tuple("abcd"), True, ("rare",)),
        Gap("a", "date"),
        Left("a", "nothing is in it"),
    ):
        assert encoding.said
        check_part(encoding)
        for feature in encoding.features():
            assert formula(feature.operations)
    for target in (
        Classes("y", ("a", "b")),
        Standardized("y", 1.0, 2.0, 0.0, 3.0, True),
    ):
        assert target.said
        check_part(target)


def test_features_say_all_that_an_exporter_needs(data, encoder):
    """Work out a row in plain Python, from nothing but the features."""
    import datetime as dt
    import math

    def step(name, settings, x):
        match name:
            case "is_missing":
                return float(x is None or x != x)
            case "fill":
                return settings[0] if x is None or x != x else x
            case "subtract":
                return x - settings[0]
            case "divide":
                return x / settings[0]
            case "smooth_clip":
                t = min(max(x / settings[0], -1e6), 1e6)
                return settings[0] * t / math.sqrt(1 + t * t)
            case "date_part":
                moment = dt.datetime.fromtimestamp(x, dt.UTC)
                return {
                    "month": moment.month - 1,
                    "day": moment.day - 1,
                    "weekday": moment.weekday(),
                    "hour": moment.hour,
                    "minute": moment.minute,
                }[settings[0]]
            case "sine":
                return math.sin(2 * math.pi * x / settings[0])
            case "cosine":
                return math.cos(2 * math.pi * x / settings[0])
            case "equals":
                return float(x == settings[0])
            case "lookup":
                levels, missing = settings
                if x is None:
                    return missing
                return levels.index(x) + 1 if x in levels else 0

    encoded = encoder.encode(data)
    for row in range(0, 200, 10):
        made = {"numbers": [], "street code": []}
        for feature in encoder.features():
            column = data[feature.column]
            value = column.values[row].item()
            if column.kind == "category":
                value = column.levels[value] if value >= 0 else None
            elif column.kind == "boolean":
                value = value if value >= 0 else None
            for operation in feature.operations:
                value = step(operation.name, operation.settings, value)
            made[feature.input].append(value)
        for name, values in made.items():
            np.testing.assert_allclose(
                np.ravel(encoded[name][row]), values, rtol=1e-5, atol=1e-6
            )


def test_encoders_are_parts(encoder):
    check_part(encoder)
    text = json.dumps(encoder.config(), allow_nan=False)
    assert Reader.restore(json.loads(text)) == encoder
    adaptive = Encoder.fit(table({"x": RNG.standard_cauchy(500)}), scaling="normal")
    text = json.dumps(adaptive.config(), allow_nan=False)
    assert Reader.restore(json.loads(text)) == adaptive


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.update(columns=[]),
        lambda config: config["columns"][0].update(scale=0.0),
        lambda config: config["columns"][0].update(scale="1"),
        lambda config: config["columns"][0].update(type="other"),
        lambda config: config["columns"][0].update(clip=-1.0),
        lambda config: config["columns"][0].update(knots=[1.0, 2.0]),
        lambda config: config["columns"][5].update(parts=["year"]),
        lambda config: config["target"].update(scale=0.0),
        lambda config: config["columns"].append(config["columns"][0]),
    ],
)
def test_descriptions_that_are_no_encoder(encoder, change):
    config = json.loads(json.dumps(encoder.config()))
    change(config)
    with pytest.raises(ModelFileError):
        Reader.restore(config)


def test_columns_of_a_table_can_be_made_by_hand():
    column = Column("x", "number", np.array([1.0, np.nan]))
    assert column.cells() == [1.0, None]
    assert column.missing.tolist() == [False, True]
    assert len(column) == 2


def test_it_is_where_users_look_for_it():
    assert pellucid.Encoder is Encoder
    assert pellucid.encoder.Encoder is Encoder


# ---- any table


CELLS = {
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "whole": st.integers(-(2**52), 2**52),
    "text": st.text(max_size=3),
    "flag": st.booleans(),
    "day": st.datetimes(),
}


@st.composite
def columns(draw):
    rows = draw(st.integers(1, 40))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    return {
        f"{kind} {place}": draw(
            st.lists(st.none() | CELLS[kind], min_size=rows, max_size=rows)
        )
        for place, kind in enumerate(kinds)
    }


@given(columns(), st.sampled_from(["robust", "normal", "adaptive"]))
def test_any_table_becomes_finite_numbers(given, scaling):
    try:
        data = table(given)
        encoder = Encoder.fit(data, scaling=scaling)
    except DataError as error:
        with pytest.raises(DataError, match="no column to learn from"):
            raise error
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = encoder.encode(data)
        again = encoder.encode(given)  # read as training found the kinds to be
    arrays = found if isinstance(found, dict) else {"numbers": found}
    same = again if isinstance(again, dict) else {"numbers": again}
    for name, values in arrays.items():
        assert len(values) == len(data)
        assert np.isfinite(values).all()
        assert np.abs(values[values.dtype.kind == "f"]).max(initial=0) <= 5
        np.testing.assert_array_equal(values, same[name])
    for each in encoder.embedded:
        assert arrays[each.input].max() < each.count
    assert Reader.restore(json.loads(json.dumps(encoder.config()))) == encoder
    for feature in encoder.explain(data.take([0])):
        assert feature[2] or feature[1] != "missing"
