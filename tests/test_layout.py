"""The flat vector and its names: one memory, windows made on demand."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.initializers import Zeros
from pellucid.layers import BatchNorm, Chain, Dense, Residual
from pellucid.layout import LayerView, Layout, Slot, Windows
from pellucid.network import NeuralNetwork


def slot(*shape, role="weight"):
    return Slot(shape, Zeros(), role)


LAYOUT = Layout(
    {
        "norm.scale": slot(3, role="scale"),
        "norm.mean": slot(3, role="state"),
        "dense.W": slot(3, 2),
        "dense.b": slot(2, role="bias"),
        "norm.variance": slot(3, role="state"),
        "chain.dense.W": slot(2, 1),
    }
)


def numbered(dtype="float64"):
    return np.arange(LAYOUT.size).astype(dtype)


# ---- layout


def test_parameters_first_and_state_last_each_in_their_order():
    assert list(LAYOUT.entries) == [
        "norm.scale",
        "dense.W",
        "dense.b",
        "chain.dense.W",
        "norm.mean",
        "norm.variance",
    ]
    assert LAYOUT.size == 3 + 6 + 2 + 2 + 3 + 3
    starts = [entry.start for entry in LAYOUT.entries.values()]
    assert starts == [0, 3, 9, 11, 13, 16]
    assert [entry.stop for entry in LAYOUT.entries.values()] == [*starts[1:], 19]
    assert LAYOUT.entries["dense.W"].shape == (3, 2)


def test_parts_of_a_layout():
    assert list(LAYOUT.parameters.entries) == list(LAYOUT.entries)[:4]
    assert list(LAYOUT.state.entries) == ["norm.mean", "norm.variance"]
    assert LAYOUT.parameters.size == 13
    assert LAYOUT.state.entries["norm.mean"].start == 0
    assert Layout({}).size == 0


roles = st.sampled_from(["weight", "bias", "scale", "slope", "state"])
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@given(slots=st.lists(st.tuples(shapes, roles), max_size=8))
def test_entries_lie_side_by_side(slots):
    names = {
        f"layer.s{i}": slot(*shape, role=role) for i, (shape, role) in enumerate(slots)
    }
    layout = Layout(names)
    position = 0
    for entry in layout.entries.values():
        assert entry.start == position
        position = entry.stop
    assert position == layout.size == layout.parameters.size + layout.state.size
    is_state = [entry.slot.role == "state" for entry in layout.entries.values()]
    assert is_state == sorted(is_state)
    assert set(layout.entries) == set(names)


def test_masks():
    mask = LAYOUT.mask(["dense.b", "norm.mean"])
    assert mask.dtype == bool
    assert np.flatnonzero(mask).tolist() == [9, 10, 13, 14, 15]
    weights = LAYOUT.mask(lambda name, slot: slot.role == "weight")
    assert np.flatnonzero(weights).tolist() == [3, 4, 5, 6, 7, 8, 11, 12]
    inside = LAYOUT.mask(lambda name, slot: name.startswith("chain"))
    assert np.flatnonzero(inside).tolist() == [11, 12]


def test_the_first_name_that_is_not_finite():
    vector = numbered()
    assert LAYOUT.first_not_finite(vector) == ""
    vector[17] = np.inf
    assert LAYOUT.first_not_finite(vector) == "norm.variance"
    vector[9] = np.nan
    assert LAYOUT.first_not_finite(vector) == "dense.b"


def test_a_role_must_be_known():
    with pytest.raises(ConfigurationError, match="Did you mean 'weight'"):
        slot(3, role="weigt")


# ---- windows


def test_a_window_is_the_vector_itself():
    vector = numbered()
    windows = Windows(vector, LAYOUT)
    window = windows["dense.W"]
    assert window.tolist() == [[3, 4], [5, 6], [7, 8]]
    assert np.shares_memory(window, vector)
    window[1, 0] = 50.0
    vector[8] = 80.0
    assert windows["dense.W"].tolist() == [[3, 4], [50, 6], [7, 80]]
    assert windows.vector is vector
    assert windows.layout is LAYOUT


def test_writing_copies_into_the_vector():
    vector = numbered("float32")
    windows = Windows(vector, LAYOUT)
    windows["dense.b"] = [1, 2.5]
    assert vector[9:11].tolist() == [1, 2.5]
    assert windows["dense.b"].dtype == np.float32
    windows["dense"]["b"] = np.array([7, 8])
    assert vector[9:11].tolist() == [7, 8]


def test_windows_are_a_mapping():
    windows = Windows(numbered(), LAYOUT)
    assert list(windows) == list(LAYOUT.entries)
    assert len(windows) == 6
    assert "dense.W" in windows
    assert "dense.V" not in windows
    assert {name: window.shape for name, window in windows.items()}["norm.mean"] == (3,)
    assert windows.get("nothing") is None
    assert repr(Windows(numbered("float32"), LAYOUT)["dense"]) == (
        "<float32 windows {'W': (3, 2), 'b': (2,)}>"
    )


def test_windows_of_one_layer():
    windows = Windows(numbered(), LAYOUT)
    assert list(windows["dense"]) == ["W", "b"]
    assert list(windows["norm"]) == ["scale", "mean", "variance"]
    assert list(windows["chain"]) == ["dense.W"]
    assert windows["chain"]["dense"]["W"].tolist() == [[11], [12]]
    assert len(windows["chain"]) == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dense.w", "Did you mean 'dense.W'?"),
        ("dens", "There is no 'dens'."),
        ("dense.W.x", "There is no 'dense.W.x'."),
        ("zzz", "Known names: chain.dense.W, dense.W, dense.b"),
    ],
)
def test_names_that_are_not_there(name, told):
    with pytest.raises(KeyError) as error:
        Windows(numbered(), LAYOUT)[name]
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("name", "values", "error", "told"),
    [
        ("dense.b", [1.0], ShapeError, "'dense.b' has shape (2,); got (1,)."),
        ("dense.b", 0.0, ShapeError, "'dense.b' has shape (2,); got ()."),
        ("dense.b", [1.0, np.nan], DataError, "'dense.b' takes finite numbers"),
        ("dense.b", ["a", "b"], DataError, "'dense.b' takes finite numbers"),
        ("dense", [1.0, 2.0], TypeError, "is a layer: write to one of ['W', 'b']"),
        ("nope", 1.0, KeyError, "There is no 'nope'."),
    ],
)
def test_values_that_do_not_fit(name, values, error, told):
    vector = numbered()
    with pytest.raises(error) as raised:
        Windows(vector, LAYOUT)[name] = values
    assert told in str(raised.value)
    assert vector.tolist() == numbered().tolist()


def test_writing_one_name_leaves_the_others_alone():
    for name, entry in LAYOUT.entries.items():
        vector = numbered()
        Windows(vector, LAYOUT)[name] = np.full(entry.shape, -1.0)
        assert np.flatnonzero(vector == -1).tolist() == [
            *range(entry.start, entry.stop)
        ]


# ---- what a layer sees


def test_a_layer_reads_and_writes_its_own_slots():
    vector = numbered("float32")
    view = LayerView(vector, LAYOUT)
    dense = view["dense"]
    assert dense.W.tolist() == [[3, 4], [5, 6], [7, 8]]
    assert np.shares_memory(dense.W, vector)
    dense.b = np.array([1, 2], dtype=np.float32)
    assert vector[9:11].tolist() == [1, 2]
    assert view["chain"]["dense"].W.shape == (2, 1)


def test_a_read_only_vector_gives_read_only_arrays():
    vector = numbered()
    vector.flags.writeable = False
    view = LayerView(vector, LAYOUT)["dense"]
    assert not view.W.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view.b = np.zeros(2)


@pytest.mark.parametrize(
    ("name", "values", "error", "told"),
    [
        ("V", np.zeros(2, "float32"), AttributeError, "no slot 'V'; slots() must name"),
        ("b", np.zeros(3, "float32"), ShapeError, "Slot 'b' has shape (2,); backward"),
        ("b", 0.0, ShapeError, "backward wrote float"),
        ("b", np.zeros((1, 2), "float32"), ShapeError, "backward wrote (1, 2)"),
        ("b", np.zeros(2), DataError, "Slot 'b' is float32; got float64."),
        ("b", np.zeros(2, int), DataError, "Slot 'b' is float32; got int64."),
    ],
)
def test_what_a_layer_cannot_write(name, values, error, told):
    vector = numbered("float32")
    with pytest.raises(error) as raised:
        setattr(LayerView(vector, LAYOUT)["dense"], name, values)
    assert told in str(raised.value)
    assert vector.tolist() == numbered().tolist()


def test_what_a_layer_cannot_read():
    view = LayerView(numbered(), LAYOUT)["dense"]
    with pytest.raises(AttributeError, match="no slot 'V'"):
        view.V  # noqa: B018
    assert not hasattr(view, "__array__")
    assert not hasattr(LayerView(numbered(), LAYOUT), "dense")


# ---- in a network


def test_windows_of_a_network_stay_its_own_through_copies():
    network = NeuralNetwork(
        [Dense(3, "relu"), Chain([Residual([BatchNorm(), Dense(3)])])],
        loss="sum_of_squares",
        input_shape=2,
    )
    assert list(network.parameters) == [
        "dense_1.W",
        "dense_1.b",
        "chain_1.residual_1.batch_norm_1.scale",
        "chain_1.residual_1.batch_norm_1.shift",
        "chain_1.residual_1.dense_1.W",
        "chain_1.residual_1.dense_1.b",
    ]
    assert list(network.state) == [
        "chain_1.residual_1.batch_norm_1.mean",
        "chain_1.residual_1.batch_norm_1.variance",
    ]
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert other.weights.tobytes() == network.weights.tobytes()
        other.parameters["dense_1.b"][...] = 5.0
        assert other.weights[6:9].tolist() == [5, 5, 5]
        assert network.weights[6:9].tolist() == [0, 0, 0]
        other.state["chain_1"]["residual_1"]["batch_norm_1"]["mean"] = [1, 2, 3]
        assert other.weights[-6:-3].tolist() == [1, 2, 3]
        assert network.weights[-6:-3].tolist() == [0, 0, 0]
