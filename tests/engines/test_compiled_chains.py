"""Steps that take turns: their order, their rooms, and that no bit changes."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from hypothesis import given
from hypothesis import strategies as st

from pellucid import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    GlobalAveragePool,
    MaxPool2D,
    NeuralNetwork,
    Residual,
    SpatialDropout,
)
from pellucid.convolution import Window, largest_pixels, max_windows, put_on_pixels
from pellucid.engines.compiled import assembly
from pellucid.engines.compiled.chains import Chain


@st.composite
def some_chains(draw):
    """Steps of random blocks, each of which reads some of those before it."""
    count = draw(st.integers(2, 6))
    blocks = draw(
        st.lists(st.sampled_from([1, 2, 4, 8]), min_size=count, max_size=count)
    )
    reads = [()]
    for k in range(1, count):
        before = st.sets(st.integers(0, k - 1), min_size=1, max_size=3)
        reads.append(tuple(sorted(draw(before))))
    return Chain(draw(st.integers(0, 9)), tuple(blocks), tuple(reads))


@given(some_chains(), st.integers(0, 70))
def test_everyone_takes_all_samples_once_when_they_are_there(chain, n):
    done = [0] * len(chain.blocks)
    for k, first, count in chain.turns(n):
        assert first == done[k]
        assert count == min(chain.blocks[k], n - first) > 0
        done[k] += count
        assert all(done[j] >= done[k] for j in chain.reads[k])
    assert done == [n] * len(chain.blocks)


@given(some_chains(), st.integers(0, 70))
def test_no_sample_is_overwritten_while_it_is_needed(chain, n):
    rooms = [[None] * room for room in chain.room]
    for k, first, count in chain.turns(n):
        for sample in range(first, first + count):
            for j in chain.reads[k]:
                assert rooms[j][sample % chain.room[j]] == sample
            rooms[k][sample % chain.room[k]] = sample
        # A block is in one piece.
        assert first % chain.room[k] + count <= chain.room[k]


def test_a_chain_goes_on_with_what_was_made_last():
    turns = Chain(3, (1, 1, 2), ((), (0,), (1,))).turns(3)
    assert turns == [
        *[(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1), (2, 0, 2)],
        *[(0, 2, 1), (1, 2, 1), (2, 2, 1)],
    ]
    assert Chain(3, (1, 1, 2), ((), (0,), (1,))).room == (1, 2, 2)


SAME = Conv2D(16, 3, "relu", padding="same")
NETWORKS = {
    "pools": (SAME, MaxPool2D(2), SAME, AveragePool2D(2), Flatten(), Dense(3)),
    "overlapping": (SAME, MaxPool2D(3, stride=2), Flatten(), Dense(3)),
    "noise": (
        *(GaussianNoise(0.1), SAME, SpatialDropout(0.3), MaxPool2D(2), SAME),
        *(Dropout(0.2), Flatten(), Dense(3)),
    ),
    "residual": (SAME, Residual([SAME]), BatchNorm(), GlobalAveragePool(), Dense(3)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_turns_change_no_bit(name, dtype, monkeypatch):
    r = np.random.default_rng(1)
    x, y = r.normal(size=(70, 14, 13, 2)).astype(dtype), r.integers(0, 3, 70)

    def found():
        network = NeuralNetwork(
            NETWORKS[name], loss="cross_entropy", dtype=dtype, seed=2
        )
        network.fit(x, y, epochs=3, batch_size=33, engine="compiled", progress=False)
        return network.parameters, network.predict_proba(x, engine="compiled")

    weights, outputs = found()
    with monkeypatch.context() as alone:
        alone.setattr(assembly, "chains", lambda *_: [])
        wanted_weights, wanted = found()
    assert outputs.tobytes() == wanted.tobytes()
    for key, values in wanted_weights.items():
        assert weights[key].tobytes() == values.tobytes()


@given(st.integers(0, 10**6))
def test_pixels_are_where_the_largest_is(seed):
    r = np.random.default_rng(seed)
    size, stride = tuple(r.integers(1, 4, 2)), tuple(r.integers(1, 3, 2))
    border = tuple(tuple(r.integers(0, length, 2)) for length in size)
    window = Window(size, stride, border)
    x = r.integers(-3, 3, size=(2, 6, 5, 3)).astype("float32")
    x[r.random(x.shape) < 0.1] = -np.inf
    pixels, y = largest_pixels(x, window), max_windows(x, window)
    assert pixels.shape == y.shape
    image = np.pad(x, ((0, 0), *border, (0, 0)), constant_values=-np.inf)
    for k, i, j, c in np.ndindex(y.shape):
        down, right = i * stride[0], j * stride[1]
        seen = image[k, down : down + size[0], right : right + size[1], c].ravel()
        first = pixels[k, i, j, c]
        assert first < 0 or seen[int(first)] == y[k, i, j, c]
        assert first < 0 or (seen[: int(first)] < y[k, i, j, c]).all() or y.min() < -9
    sums = put_on_pixels(pixels, np.ones_like(y), window, (6, 5))
    assert sums.sum() == (pixels >= 0).sum()
