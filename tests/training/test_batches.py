import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import BatchNorm, DataError, Dense, NeuralNetwork
from pellucid.training import batches as batches_module
from pellucid.training.batches import ArrayBatches


def batches_of(n, size, *, shuffle=True, no_single=False, seed=0, run=0, first=0):
    rows = np.arange(n)
    x = {"x": rows[:, None] * 10, "again": rows}
    settings = {"shuffle": shuffle, "seed": seed, "run": run, "first": first}
    return ArrayBatches(x, rows, rows + 0.5, size, no_single=no_single, **settings)


@given(
    n=st.integers(1, 60),
    size=st.integers(1, 70),
    epoch=st.integers(0, 3),
    shuffle=st.booleans(),
    no_single=st.booleans(),
)
def test_an_epoch_sees_every_row_once(n, size, epoch, shuffle, no_single):
    batches = batches_of(n, size, shuffle=shuffle, no_single=no_single)
    steps = range(epoch * batches.per_epoch, (epoch + 1) * batches.per_epoch)
    seen = []
    for step in steps:
        x, y, weight, total = batches.batch(step)
        assert batches.place(step) == (epoch, step - steps[0])
        assert batches.epoch_end(step) == steps[-1] + 1
        assert x["x"].tolist() == (y[:, None] * 10).tolist()
        assert x["again"].tolist() == y.tolist()
        assert weight.tolist() == (y + 0.5).tolist()
        assert total == weight.sum()
        assert len(y) <= size + (1 if no_single else 0)
        seen.append(len(y))
    rows = np.concatenate([batches.batch(step)[1] for step in steps])
    assert sorted(rows) == list(range(n))
    assert seen[:-1] == [size] * (len(seen) - 1)
    if no_single and n > 1 and size > 1:
        assert min(seen) > 1
    if not shuffle:
        assert rows.tolist() == list(range(n))


def test_a_last_single_row_joins_the_batch_before():
    sizes = {
        (9, 4, False): [4, 4, 1],
        (9, 4, True): [4, 5],
        (8, 4, True): [4, 4],
        (10, 4, True): [4, 4, 2],
        (1, 4, True): [1],
        (5, 4, True): [5],
        (3, 1, True): [1, 2],
    }
    for (n, size, no_single), wanted in sizes.items():
        batches = batches_of(n, size, no_single=no_single)
        steps = range(batches.per_epoch)
        assert [len(batches.batch(step)[1]) for step in steps] == wanted


def test_the_order_depends_on_seed_run_and_epoch_alone():
    def order(epoch=0, **settings):
        return batches_of(50, 7, **settings).order(epoch).tolist()

    assert order() == order()
    different = [
        order(),
        order(epoch=1),
        order(seed=1),
        order(run=1),
        order(first=8),
        order(shuffle=False),
    ]
    assert len({tuple(each) for each in different}) == 6


def test_each_epoch_has_an_order_of_its_own(monkeypatch):
    together = [batches_of(50, 7).order(epoch).tolist() for epoch in range(200)]
    assert len(set(map(tuple, together))) == 200
    monkeypatch.setattr(batches_module, "TOGETHER", 1)
    assert [batches_of(50, 7).order(epoch).tolist() for epoch in range(200)] == together


def test_batches_can_be_taken_in_any_order():
    forwards, backwards = batches_of(50, 7), batches_of(50, 7)
    steps = range(24)
    first = [forwards.batch(step)[1].tolist() for step in steps]
    second = [backwards.batch(step)[1].tolist() for step in reversed(steps)]
    assert first == second[::-1]


def test_a_full_batch_keeps_the_order_of_the_rows():
    assert batches_of(5, 5).batch(3)[1].tolist() == [0, 1, 2, 3, 4]


def test_the_first_iteration_can_be_any():
    batches = batches_of(9, 4, first=100)
    assert batches.place(100) == (0, 0)
    assert batches.place(104) == (1, 1)
    assert batches.epoch_end(100) == 103


@pytest.mark.parametrize(("rows", "iterations"), [(9, 2), (8, 2), (10, 3), (5, 1)])
def test_batch_norm_never_sees_a_single_row(rows, iterations):
    x, y = np.random.default_rng(0).normal(size=(2, rows, 1))
    net = NeuralNetwork([Dense(3), BatchNorm(), Dense(1)], loss="mean_squared_error")
    history = net.fit(x, y, epochs=4, batch_size=4)
    assert len(history.iterations) == 4 * iterations
    assert history.epochs == 4
    plain = NeuralNetwork([Dense(3), Dense(1)], loss="mean_squared_error")
    assert len(plain.fit(x, y, epochs=1, batch_size=4).iterations) == -(-rows // 4)


def test_batch_norm_with_a_single_row_in_all_is_refused():
    net = NeuralNetwork([BatchNorm(), Dense(1)], loss="mean_squared_error")
    with pytest.raises(
        DataError, match=r"'batch_norm_1'.*at least two rows.*batch_size"
    ):
        net.fit([[1.0, 2.0]], [3.0])
    with pytest.raises(DataError, match="at least two rows"):
        net.fit([[1.0, 2.0]] * 3, [3.0] * 3, batch_size=1)
    assert net.predict([[1.0, 2.0]]).shape == (1,)
