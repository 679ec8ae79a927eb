import numpy as np
import pytest

from pellucid import DataError, Dense, NeuralNetwork, ShapeError
from pellucid.targets import (
    as_targets,
    check_rows,
    chooses,
    class_count,
    class_weights,
    encode,
    learn_classes,
)


def blueprint(outputs, loss):
    return NeuralNetwork([Dense(outputs)], loss=loss, input_shape=2).blueprint


THREE = blueprint(3, "cross_entropy")
YES_NO = blueprint(1, "binary_cross_entropy")
LABELS = blueprint(3, "binary_cross_entropy")
NUMBERS = blueprint(3, "mean_squared_error")
NUMBER = blueprint(1, "mean_squared_error")


def test_which_networks_choose():
    assert [chooses(b) for b in (THREE, YES_NO, LABELS, NUMBERS, NUMBER)] == [
        *(True, True),
        *(False, False, False),
    ]
    assert (class_count(THREE), class_count(YES_NO)) == (3, 2)


# -- learning the classes --------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([0, 1, 2], [0, 1, 2]),
        ([2, 0, 2], [0, 1, 2]),
        ([1.0, 2.0, 1.0], [0, 1, 2]),
        ([3, 1, 2], [1, 2, 3]),
        ([-1, 5, 0], [-1, 0, 5]),
        ([30.0, 10.0, 20.0], [10, 20, 30]),
        (["b", "a", "c"], ["a", "b", "c"]),
        ([[0], [1], [2]], [0, 1, 2]),
        ([[0, 1, 0], [1, 0, 0]], [0, 1, 2]),
        ([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [0, 1, 2]),
        ([[False, True, False], [True, False, False]], [0, 1, 2]),
    ],
)
def test_classes_are_learned(y, classes):
    found = learn_classes(np.array(y), THREE)
    assert found.tolist() == classes
    assert found.dtype.kind in "iU"


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([0, 1], [0, 1]),
        ([0.0, 1.0], [0, 1]),
        ([0.0, 0.3], [0, 1]),
        ([0.5, 0.5], [0, 1]),
        ([1, 2], [1, 2]),
        ([True, False], [False, True]),
        (["no", "yes"], ["no", "yes"]),
    ],
)
def test_two_classes_are_learned(y, classes):
    assert learn_classes(np.array(y), YES_NO).tolist() == classes


def test_numbers_and_labels_have_no_classes():
    y = np.array([[0, 1, 0]])
    assert learn_classes(y, NUMBERS) is None
    assert learn_classes(y, LABELS) is None


REFUSED = [
    (
        THREE,
        [1, 1, 1],
        "a single class, 1: there is nothing to tell apart. Training nee",
    ),
    (THREE, ["a", "a"], "y has a single class, 'a'"),
    (THREE, [[0, 1, 0], [0, 1, 0]], "y has a single class, 1:"),
    (YES_NO, [1.0, 1.0], r"y has a single class, 1\.0:"),
    (YES_NO, [True, True], "y has a single class, True:"),
    (THREE, range(5), r"5 classes \(0, 1, 2, 3, 4\), but .*for 3: make .* Dense\(5\)"),
    (THREE, list("abcd"), r"y has 4 classes \('a', 'b', 'c', 'd'\)"),
    (
        THREE,
        range(30),
        r"y has 30 classes \(0, 1, 2, 3, 4, 5, 6, 7, \.\.\. \(30 in all\)",
    ),
    (YES_NO, [0, 1, 2], r"for 2: use Dense\(3, 'softmax'\) with loss='cross_entropy'"),
    (THREE, ["a", "b"], r"2 classes \('a', 'b'\).* for 3: make .* net\.classes = \["),
    (THREE, [7, 8], r"y has 2 classes \(7, 8\), but the network has outputs for 3"),
    (
        THREE,
        [0.5, 1, 2],
        r"y has 0\.5 at row 0: classes are whole numbers or texts. For",
    ),
    (THREE, [1, 2, 1e300], r"y has 1e\+300 at row 2: classes are whole numbers"),
    (THREE, [0, np.nan, 1], "y has NaN at row 1"),
    (THREE, [0, 1, np.inf], "y has an infinity at row 2"),
    (YES_NO, [0.5, 1.5], r"y has 0\.5 at row 0"),
    (YES_NO, [0.0, np.nan], "y has NaN at row 1"),
    (
        THREE,
        [[1, 0, 0], [0, 1, 0], [1, 1, 0]],
        r"row 2 is \[1, 1, 0\]: one-hot rows have",
    ),
    (THREE, [[1, 0, 0], [0, 0, 0]], r"row 1 is \[0, 0, 0\]"),
    (THREE, [[1, 0, 0], [0, 0.5, 0.5]], r"row 1 is \[0\.0, 0\.5, 0\.5\]"),
    (THREE, [b"a", b"b"], r"bytes such as b'a'; .* write np\.char\.decode\(y\)"),
    (THREE, [1j, 2j], "y holds complex128; classes are whole numbers or texts"),
    (THREE, np.array(["2020"], "M8[Y]"), r"y holds datetime64\[Y\]; classes are whole"),
]


@pytest.mark.parametrize(("network", "y", "message"), REFUSED)
def test_classes_that_cannot_be(network, y, message):
    with pytest.raises(DataError, match=message):
        learn_classes(np.array(y), network)


@pytest.mark.parametrize(
    ("network", "y", "shape"),
    [
        (THREE, np.zeros((4, 2)), r"\(4, 2\)"),
        (THREE, np.zeros((4, 1, 1)), r"\(4, 1, 1\)"),
        (YES_NO, np.zeros((4, 2)), r"\(4, 2\)"),
    ],
)
def test_targets_that_are_no_classes_by_their_shape(network, y, shape):
    with pytest.raises(ShapeError, match=rf"y has shape {shape}; expected one class"):
        learn_classes(y, network)


def test_a_single_class_may_be_looked_at():
    assert learn_classes(np.array([1, 1]), THREE, several=False).tolist() == [0, 1, 2]
    with pytest.raises(DataError, match=r"y has 1 class \('a'\), but the network has"):
        learn_classes(np.array(["a"]), THREE, several=False)


# -- targets for a loss ----------------------------------------------------------------


def test_there_is_a_target_for_each_row():
    check_rows(np.zeros(3), 3)
    with pytest.raises(
        ShapeError, match="x has 4 samples, y has 3: each row needs a tar"
    ):
        check_rows(np.zeros(3), 4)
    with pytest.raises(
        ShapeError, match="y is the single value 7; expected one for each"
    ):
        check_rows(np.array(7), 1)


def test_classes_become_indices():
    classes = np.array(["c", "a", "b"])
    found = as_targets(np.array(["a", "b", "c"]), THREE, classes, "float32")
    assert found.tolist() == [1, 2, 0]
    assert found.dtype == np.int64
    hot = as_targets(np.eye(3)[[2, 0]], THREE, classes, "float32")
    assert hot.tolist() == [2, 0]
    column = as_targets(np.array([["a"], ["c"]]), THREE, classes, "float32")
    assert column.tolist() == [1, 0]


def test_yes_and_no_become_a_column():
    found = as_targets(np.array(["y", "n"]), YES_NO, np.array(["n", "y"]), "float32")
    assert found.tolist() == [[1], [0]]
    assert found.dtype == np.float32
    shares = as_targets(np.array([0.25, 1]), YES_NO, np.arange(2), "float64")
    assert shares.tolist() == [[0.25], [1]]
    column = as_targets(np.array([[0.25], [1]]), YES_NO, np.arange(2), "float64")
    assert column.tolist() == [[0.25], [1]]


def test_numbers_become_rows():
    assert as_targets(np.array([1, 2]), NUMBER, None, "float32").tolist() == [[1], [2]]
    found = as_targets(np.asfortranarray(np.eye(3)), NUMBERS, None, "float32")
    assert found.flags.c_contiguous
    assert found.dtype == np.float32


TARGETS = [
    (
        NUMBER,
        ["a", "b"],
        DataError,
        "texts such as 'a', but mean_squared_error is about",
    ),
    (
        NUMBER,
        [[1, 2]],
        ShapeError,
        r"\(1, 2\), but the network's output has shape \(n, 1",
    ),
    (
        NUMBERS,
        [1, 2, 3],
        ShapeError,
        r"y has shape \(3,\), but .* shape \(n, 3\): change",
    ),
    (NUMBERS, [[1, 2, np.nan]], DataError, "y has NaN at row 0, column 2"),
    (
        NUMBERS,
        [[1, 2, 1e300]],
        DataError,
        r"y has 1e\+300 at row 0, column 2.* float32",
    ),
    (NUMBERS, [[1j, 2, 3]], DataError, "y holds complex numbers"),
    (
        LABELS,
        [[0, 1, 2]],
        DataError,
        r"y has 2\.0 at row 0, column 2; labels are 0 \(no",
    ),
    (LABELS, [[0, -0.5, 1]], DataError, r"y has -0\.5 at row 0, column 1"),
    (LABELS, [["a", "b", "c"]], DataError, "y holds texts such as 'a'"),
    (LABELS, [0, 1, 2], ShapeError, r"y has shape \(3,\), but the network's output"),
]


@pytest.mark.parametrize(("network", "y", "error", "message"), TARGETS)
def test_targets_that_cannot_be(network, y, error, message):
    with pytest.raises(error, match=message):
        as_targets(np.array(y), network, None, "float32")


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["a", "d"], ["a", "b"], "the class 'd' at row 1, which is none of 'a', 'b'"),
        (["z"], ["a", "b"], "the class 'z' at row 0"),
        ([1, 7], [1, 2], "the class 7 at row 1, which is none of 1, 2"),
        ([1.0, 7.0], [1, 2], r"the class 7\.0 at row 1"),
        ([-1], [0, 1], "the class -1 at row 0"),
        ([1, 2], ["a", "b"], "y holds 1, but the classes are 'a', 'b': .* same kind"),
        (["1"], [1, 2], "y holds '1', but the classes are 1, 2"),
        ([0.5], [0, 1], r"y has 0\.5 at row 0: classes are whole numbers"),
        ([99], range(20), r"none of 0, 1, 2, 3, 4, 5, 6, 7, \.\.\. \(20 in all\)"),
    ],
)
def test_unknown_labels(labels, classes, message):
    with pytest.raises(DataError, match=message):
        encode(np.array(labels), np.array(classes))


def test_labels_are_found_in_any_order():
    classes = np.array([30, 10, 20])
    assert encode(np.array([10, 20, 30, 10]), classes).tolist() == [1, 2, 0, 1]
    assert encode(np.array([10.0, 20.0]), classes).tolist() == [1, 2]
    texts = np.array(["long text", "b"])
    assert encode(np.array(["b", "long text"]), texts).tolist() == [1, 0]
    assert encode(np.array([1, 0, True]), np.array([False, True])).tolist() == [1, 0, 1]


# -- class weights ---------------------------------------------------------------------

INDICES, NAMES = np.array([0, 1, 1, 2]), np.array(["a", "b", "c"])


def test_class_weights():
    found = class_weights({"b": 3, "c": 0}, INDICES, NAMES)
    assert found.tolist() == [1, 3, 3, 0]
    found = class_weights("balanced", INDICES, NAMES)
    np.testing.assert_allclose(found, [4 / 3, 2 / 3, 2 / 3, 4 / 3], rtol=1e-15)
    absent = class_weights("balanced", np.array([0, 0, 2]), NAMES)
    np.testing.assert_allclose(absent, [0.75, 0.75, 1.5], rtol=1e-15)
    column = class_weights({0: 2.0}, np.array([[0.0], [1.0]]), np.array([0, 1]))
    assert column.tolist() == [2, 1]
    plain = class_weights({1: 2.0}, np.array([[0.0], [1.0]]), None)
    assert plain.tolist() == [1, 2]
    hot = class_weights({2: 5, 0: np.float32(2)}, np.eye(3), None)
    assert hot.tolist() == [2, 1, 5]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("even", "class_weight is 'even'; expected 'balanced' or a mapping from class"),
        ([1, 2, 3], r"class_weight is \[1, 2, 3\]; expected 'balanced' or a mapping"),
        (2, "class_weight is 2; expected 'balanced' or a mapping"),
        ({"d": 1}, "class_weight names the class 'd', which is none of 'a', 'b', 'c'"),
        ({0: 1}, "class_weight names the class 0, which is none of 'a', 'b', 'c'"),
        ({"a": -1}, r"class_weight\['a'\] is -1; expected >= 0"),
        ({"a": np.nan}, r"class_weight\['a'\] is nan; expected >= 0"),
        ({"a": np.inf}, r"class_weight\['a'\] is inf; expected >= 0"),
        ({"a": "2"}, r"class_weight\['a'\] is '2'; expected >= 0"),
    ],
)
def test_class_weights_that_cannot_be(weight, message):
    with pytest.raises(DataError, match=message):
        class_weights(weight, INDICES, NAMES)


def test_class_weights_need_one_class_a_sample():
    with pytest.raises(DataError, match=r"numbers that are no classes\. Use sample_"):
        class_weights("balanced", np.array([[1.0, 1.0, 0.0]]), None)


@pytest.mark.parametrize("y", [[[0.5], [1.5], [0.5]], [[float(i)] for i in range(30)]])
def test_measurements_have_no_class_weights(y):
    with pytest.raises(DataError, match=r"numbers that are no classes\. Use sample_"):
        class_weights("balanced", np.array(y), None)
