"""Failures of data: what arrays hold, and what they are."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.exceptions import DataConversionWarning

import pellucid
from pellucid import Dense, NeuralNetwork
from pellucid.data import standardize, table
from pellucid.encoder import Encoder
from pellucid.estimators import NeuralNetworkClassifier, NeuralNetworkRegressor

QUICK = {"epochs": 1, "progress": False}


def regression():
    return NeuralNetwork([Dense(1)], loss="mean_squared_error")


@pytest.mark.parametrize(
    ("bad", "named"), [(np.nan, "NaN"), (np.inf, "an infinity"), (-np.inf, "infinity")]
)
def test_nan_or_infinity_in_x_or_y(x, y, classifier, refused, bad, named):
    """Refused in fit and in predict, with the first place and the count."""
    holes = x.copy()
    holes[3, 1] = holes[5, 2] = bad
    told = (f"x has {named}", "row 3, column 1", "2 such values in all", "fill the gap")
    if bad < 0:
        told = told[1:]
    refused(lambda: classifier().fit(holes, y, **QUICK), *told)
    net = classifier()
    net.fit(x, y, **QUICK)
    refused(lambda: net.predict(holes), *told)
    frame = pd.DataFrame(holes, columns=["age", "size", "cost"])
    refused(lambda: classifier().fit(frame, y, **QUICK), "row 3, column 1 ('size')")
    targets = x[:, 0].copy()
    targets[7] = bad
    refused(lambda: regression().fit(x, targets, **QUICK), "y has", "row 7")
    estimator = NeuralNetworkClassifier(epochs=1)
    word = "NaN" if np.isnan(bad) else "inf"
    place = (word, "row 3, column 1", "2 such values")
    refused(lambda: estimator.fit(holes, y), *place)
    refused(lambda: estimator.fit(x, y).predict(holes), *place)
    estimator = NeuralNetworkRegressor(epochs=1)
    refused(lambda: estimator.fit(x, targets), word, kind=ValueError)


def test_constant_feature(x, y, classifier):
    """A scale of 1 where there is no spread, and a note in the table's encoder."""
    x[:, 1] = 7.5
    scaled = standardize(x)
    assert (scaled[:, 1] == 0).all()
    net = classifier()
    net.fit(scaled, y, **QUICK)
    assert np.isfinite(net.predict_proba(scaled)).all()
    found = table({"a": x[:, 0], "b": x[:, 1], "y": [f"c{k}" for k in y]}, "y")
    encoder = Encoder.fit(found)
    assert encoder.names == ("a",)
    told = str(encoder)
    assert "b       left out        0  the same in all training rows" in told


def test_near_constant_huge_and_mixed_scales(classifier):
    """Scaled without an overflow, or refused by name; never a NaN."""
    columns = {
        "near": [1e-300, 2e-300, 3e-300, 4e-300],
        "huge": [1.7e308, -1.7e308, 3e299, 1e-300],
        "ordinary": [1.0, 2.0, 3.0, 5.0],
    }
    plain = standardize(np.column_stack(list(columns.values())))
    assert np.isfinite(plain).all()
    np.testing.assert_allclose(plain.std(axis=0), 1)
    targets = [1e300, -1e300, 3e299, 0.0]
    for scaling in ("robust", "standard", "normal", "adaptive"):
        data = table({**columns, "y": targets}, "y", task="numbers")
        encoder = Encoder.fit(data, scaling=scaling)
        numbers = encoder.encode(data)
        assert np.isfinite(numbers).all(), scaling
        assert (numbers.max(axis=0) > numbers.min(axis=0)).all(), scaling
        in_units = encoder.to_units(encoder.target.to_network(data.y))
        np.testing.assert_allclose(in_units, targets, rtol=1e-12)
    with pytest.raises(pellucid.DataError, match=r"1e\+300 at row 0.* too large for f"):
        regression().fit(np.array([[1e300], [1.0]]), [1.0, 2.0], **QUICK)


def test_single_class_target(x, refused):
    """An error that names the class."""
    net = NeuralNetwork([Dense(2)], loss="cross_entropy")
    same = np.array(["ill"] * len(x))
    refused(lambda: net.fit(x, same, **QUICK), "single class", "'ill'")
    refused(lambda: NeuralNetworkClassifier().fit(x, same), "one class, 'ill'", "two")
    refused(lambda: table({"a": x[:, 0], "y": same}, "y"), "single class, 'ill'")


def test_empty_data(x, y, classifier, refused):
    """No rows and no columns are refused; scikit-learn's own texts in estimators."""
    refused(lambda: classifier().fit(x[:0], y[:0], **QUICK), "x has no rows")
    refused(lambda: classifier().fit(x[:, :0], y, **QUICK), "(40, 0)", "no features")
    for kind in (NeuralNetworkClassifier, NeuralNetworkRegressor):
        for rows, columns, told in (
            (0, 3, "Found array with 0 sample(s) (shape=(0, 3)) while a minimum of 1"),
            (5, 0, "0 feature(s) (shape=(5, 0)) while a minimum of 1 is required"),
        ):
            data, targets = np.empty((rows, columns)), np.arange(rows)
            refused(lambda: kind().fit(data, targets), told, kind=ValueError)  # noqa: B023


def test_one_row(x, y, classifier, refused):
    """A number can be learned from it; a class cannot, and that is said."""
    assert np.isfinite(regression().fit(x[:1], x[:1, 0], **QUICK).loss).all()
    refused(lambda: classifier().fit(x[:1], y[:1], **QUICK), "single class, 0")
    one = NeuralNetworkRegressor(epochs=2).fit(x[:1], y[:1])
    assert one.predict(x).shape == (40,)
    refused(lambda: NeuralNetworkClassifier().fit(x[:1], y[:1]), "one class")
    refused(
        lambda: regression().fit(x[:1], x[:1, 0], validation=0.5, **QUICK),
        "One row cannot be divided",
    )


def test_more_classes_than_rows(x, classifier):
    """A class for each row is learned, and so are outputs that no row asks for."""
    net = classifier(50)
    loss = net.fit(x, np.arange(40), epochs=50, progress=False).loss
    assert loss[-1] < loss[0]
    assert net.predict_proba(x).shape == (40, 50)
    with pytest.warns(UserWarning, match="number of unique classes"):
        estimator = NeuralNetworkClassifier(epochs=2).fit(x, np.arange(40))
    assert set(estimator.predict(x)) <= set(range(40))


def test_class_of_one_row_and_early_stopping(x, y, classifier, refused):
    """It cannot be in both parts: a named error, unless data are handed in."""
    y[11] = 2
    told = ("class 2", "least populated classes", "validation=(x, y)")
    for asked in ({"early_stopping": True}, {"validation": 0.2}):
        net = classifier(3)
        refused(lambda: net.fit(x, y, **asked, **QUICK), *told)  # noqa: B023
        assert net.history is None
    estimator = NeuralNetworkClassifier(epochs=1, early_stopping=True)
    refused(lambda: estimator.fit(x, y), *told)
    classifier(3).fit(x, y, early_stopping=True, validation=(x, y), **QUICK)
    classifier(3).fit(x, y, **QUICK)


def test_validation_set_that_is_too_small(x, y, classifier, refused):
    told = ("The validation set is too small", "validation=0.02 of 40 rows holds out 1")
    for asked in ({"validation": 0.02}, {"validation": 0.02, "early_stopping": 3}):
        refused(lambda: classifier().fit(x, y, **asked, **QUICK), *told)  # noqa: B023
    estimator = NeuralNetworkClassifier(early_stopping=True, validation=0.02)
    refused(lambda: estimator.fit(x, y), *told)
    classifier().fit(x, y, validation=0.05, **QUICK)


WRONG = {
    "texts": (np.array([["a"] * 3] * 40), "x holds texts (first at row 0, column 0"),
    "objects": (np.array([[{}] * 3] * 40), "objects that are no numbers: dict"),
    "complex numbers": (np.ones((40, 3)) + 1j, "complex numbers (first at row 0"),
    "dates": (np.full((40, 3), "2020-01-01", "M8[s]"), "dates or times"),
    "bytes": (np.full((40, 3), b"a"), "x holds bytes"),
    "huge whole numbers": (np.full((40, 3), 2**53 + 1), "9007199254740993 at row 0"),
    "huge Python numbers": (np.full((40, 3), -(2**60), object), "beyond 2^53"),
    "a text": ("hello", "x has shape ()"),
    "nothing": (None, "x is missing: got None"),
    "ragged rows": ([[1, 2, 3]] * 39 + [[1, 2]], "row 39 has 2"),
    "a mixture": ([[1, 2, "c"]] * 40, "x mixes texts with int"),
    "records": (np.zeros((40, 3), [("a", float)]), "x holds records (first at row 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_dtype(name, y, classifier, refused):
    """Refused with the first place; objects that are numbers, and booleans, work."""
    data, told = WRONG[name]
    refused(lambda: classifier().fit(data, y, **QUICK), told)


def test_numbers_of_any_dtype_are_the_same_numbers(y, classifier):
    whole = np.arange(120).reshape(40, 3) % 5
    wanted = classifier().fit(whole.astype(float), y, **QUICK).loss
    kinds = ["bool", "i1", "u1", "i2", "i4", "i8", "u8", "f2", "f4", "f8", "g", "O"]
    for kind in kinds[1:]:
        assert classifier().fit(whole.astype(kind), y, **QUICK).loss == wanted, kind
    flags = whole > 2
    wanted = classifier().fit(flags.astype(float), y, **QUICK).loss
    assert classifier().fit(flags, y, **QUICK).loss == wanted


def test_wrong_dtype_in_estimators(x, y, refused):
    """The conventions of scikit-learn, with its words."""
    kind = NeuralNetworkClassifier
    refused(lambda: kind().fit(x + 1j, y), "Complex data not supp", kind=ValueError)
    refused(lambda: kind().fit(x[:, 0], y), "Expected 2D array", kind=ValueError)
    refused(lambda: kind().fit(x, x[:, 0]), "Unknown label type", kind=ValueError)
    huge = np.full((40, 3), 2**53 + 1)
    half = pd.DataFrame({"a": np.full(40, 0.5), "account": huge[:, 0]})
    for data in (huge, huge.tolist(), half, scipy.sparse.csr_array(huge)):
        refused(lambda: kind().fit(data, y), "9007199254740993 at row 0", "2^53")  # noqa: B023
    with pytest.warns(DataConversionWarning):
        kind(epochs=1).fit(x, y.reshape(-1, 1))


def test_missing_values(y, tmp_path, refused):
    """Filled by the encoder, visibly, and kept in the file; refused in raw arrays."""
    age = np.where(y == 1, np.nan, np.arange(40.0))
    data = table({"age": age, "size": np.arange(40.0), "y": [f"c{k}" for k in y]}, "y")
    assert "missing cells: age (20)" in repr(data)
    encoder = Encoder.fit(data)
    assert encoder.names == ("age", "age is missing", "size")
    assert "missing: 19" in str(encoder)
    layers = encoder.layers([Dense(2)])
    net = NeuralNetwork(
        layers, loss="cross_entropy", input_shape=encoder.input_shape, seed=1
    )
    net.reader = encoder
    net.fit(data, data.labels, **QUICK)
    net.save(tmp_path / "net.pellucid")
    again = pellucid.load(tmp_path / "net.pellucid")
    assert again.reader == encoder
    assert again.predict({"age": None, "size": 1.0}) in ("c0", "c1")
    refused(lambda: NeuralNetworkClassifier().fit(age.reshape(-1, 1), y), "NaN")


class Subclass(np.ndarray):
    """An array of another kind, as of units or coordinates."""


def strange(plain):
    """Return the same numbers in unusual arrays."""
    behind = np.zeros((80, 6))
    behind[::2, ::2] = plain
    backwards = plain[::-1].copy()[::-1]
    locked = plain.copy()
    locked.setflags(write=False)
    return {
        "Fortran order": np.asfortranarray(plain),
        "negative strides": backwards,
        "gaps between numbers": behind[::2, ::2],
        "read-only": locked,
        "big-endian": plain.astype(">f8"),
        "a subclass": plain.view(Subclass),
        "nested lists": plain.tolist(),
        "a frame": pd.DataFrame(plain),
        "nullable columns": pd.DataFrame(plain).astype("Float64"),
        "objects": plain.astype(object),
    }


@pytest.mark.parametrize("engine", ["readable", "auto"])
def test_exotic_arrays(x, y, classifier, engine, tmp_path):
    """The same bits as from the plain copy."""

    def bits(data):
        net = classifier()
        net.fit(data, y, batch_size=16, engine=engine, **QUICK)
        return net.weights.tobytes() + net.predict_proba(data).tobytes()

    wanted = bits(x)
    for name, data in strange(x).items():
        assert bits(data) == wanted, name
    mapped = np.memmap(tmp_path / "x", dtype=x.dtype, mode="w+", shape=x.shape)
    mapped[...] = x
    mapped.flush()
    read = np.memmap(tmp_path / "x", dtype=x.dtype, mode="r", shape=x.shape)
    assert bits(read) == wanted
    repeated = np.broadcast_to(x[0], x.shape)
    assert bits(repeated) == bits(repeated.copy())


def test_exotic_arrays_that_are_refused(x, y, classifier, refused):
    """What would give wrong numbers has a named error."""
    gaps = pd.DataFrame({"a": pd.array([1, 2, None, 4] * 10, dtype="Int64")})
    texts = pd.DataFrame({"a": pd.Categorical(["u", "v"] * 20)})
    for data, told in (
        (np.ma.masked_array(x, x > 0), "masked array"),
        (scipy.sparse.csr_array(x), "x is a sparse array: hand in x.toarray()"),
        (gaps, "x has NaN at row 2, column 0 ('a'); 10 such values in all"),
        (texts, "x holds texts (first at row 0"),
        ((row for row in x), "x is an iterator, generator"),
    ):
        refused(lambda: classifier().fit(data, y, **QUICK), told)  # noqa: B023
    whole = NeuralNetworkClassifier(epochs=1, random_state=0)
    dense = whole.fit(x, y).predict_proba(x)
    sparse = whole.fit(scipy.sparse.csr_array(x), y).predict_proba(x)
    assert (dense == sparse).all()
