"""One temperature for honest probabilities."""

import numpy as np
import pytest

from pellucid.tabular.folds import folds_of
from pellucid.tabular.temperature import best_temperature, log_loss


def drawn(temperature, n=4000, classes=3):
    """Logits, and classes drawn with the probabilities of a temperature."""
    r = np.random.default_rng(0)
    logits = 3 * r.normal(size=(n, classes))
    p = np.exp(logits / temperature)
    p /= p.sum(axis=1, keepdims=True)
    y = (p.cumsum(axis=1) < r.random((n, 1))).sum(axis=1)
    return logits, y, np.ones(n)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_temperature_that_made_the_data_is_found(temperature):
    data = drawn(temperature)
    found = best_temperature(*data)
    assert found == pytest.approx(temperature, rel=0.1)
    best = log_loss(*data, found)
    assert all(log_loss(*data, found * f) >= best for f in (0.5, 0.99, 1.01, 2))


def test_the_log_loss_is_that_of_the_definition():
    logits = np.array([[0.0, 1.0], [2.0, 0.0]])
    p = np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True)
    expected = -(3 * np.log(p[0, 1]) + np.log(p[1, 1])) / 4
    found = log_loss(logits, np.array([1, 1]), np.array([3.0, 1.0]), 2.0)
    assert found == pytest.approx(expected)


def test_weights_of_rows_count():
    logits, y, weight = drawn(1.0, 400)
    twice = best_temperature(
        *(np.concatenate([a, a[:100]]) for a in (logits, y, weight))
    )
    weight[:100] = 2.0
    assert best_temperature(logits, y, weight) == pytest.approx(twice)


@pytest.mark.parametrize("n", [20, 200, 3000])
@pytest.mark.parametrize("classes", [2, 5])
def test_rows_that_are_all_right_are_no_certainty(n, classes):
    # Laplace's rule of succession: n rows were right, so the next is by n / (n + 1).
    logits = np.zeros((n + 1, classes))
    logits[:, 0] = np.linspace(2, 4, n + 1)
    y, weight = np.zeros(n + 1, int), np.ones(n + 1)
    y[-1], weight[-1] = 1, 0  # a row that does not count
    found = best_temperature(logits, y, weight)
    p = np.exp(logits / found) / np.exp(logits / found).sum(axis=1, keepdims=True)
    assert p[:-1, 0].mean() == pytest.approx(n / (n + 1), rel=1e-6)


def test_the_ends_of_the_scale():
    logits, y = np.array([[0.1, 0.0]] * 3000), np.zeros(3000, int)
    weight = np.ones(3000)
    assert best_temperature(logits, y, weight) == pytest.approx(0.05, rel=1e-3)
    assert best_temperature(-logits, y, weight) == pytest.approx(20, rel=1e-3)


def test_folds_share_out_every_class():
    y = np.array([0] * 53 + [1] * 22 + [2] * 5)
    parts = folds_of(y, 5, 0, True)
    assert sorted(np.concatenate(parts).tolist()) == list(range(80))
    assert {len(part) for part in parts} == {16}
    counts = np.array([np.bincount(y[part], minlength=3) for part in parts])
    assert (np.ptp(counts, axis=0) <= 1).all()
    again = folds_of(y, 5, 0, True)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))
    other = folds_of(y, 5, 1, True)
    assert any((a != b).any() for a, b in zip(parts, other, strict=True))
    numbers = folds_of(np.arange(11.0), 5, 0, False)
    assert sorted(map(len, numbers)) == [2, 2, 2, 2, 3]
