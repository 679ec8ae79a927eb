import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid
from pellucid.errors import ConfigurationError, DataError, ShapeError


def test_honest_probabilities_have_no_error() -> None:
    p = np.repeat([0.05, 0.25, 0.75], 20)
    y = np.concatenate([np.arange(20) < 20 * q for q in (0.05, 0.25, 0.75)]).astype(int)
    found = pellucid.calibration(y, p)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert found.counts.tolist() == [20, 0, 20, 0, 0, 0, 0, 20, 0, 0]
    assert np.isnan(found.said[1])
    assert np.isnan(found.happened[1])
    assert found.of == "probability of the second class"


def test_a_network_that_is_too_sure_has_the_gap_as_its_error() -> None:
    found = pellucid.calibration([1] * 8 + [0] * 2, [0.95] * 10)
    assert found.error == pytest.approx(0.15)
    assert found.brier == pytest.approx((8 * 0.05**2 + 2 * 0.95**2) / 10)
    assert found.log_loss == pytest.approx(-(8 * np.log(0.95) + 2 * np.log(0.05)) / 10)


def test_of_more_classes_the_most_probable_one_is_looked_at() -> None:
    p = [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]]
    found = pellucid.calibration(["a", "c", "c"], p, classes=["a", "b", "c"])
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 0, 0]
    assert found.happened[7] == pytest.approx(0.5)
    assert found.error == pytest.approx((0.4 + 2 * 0.2) / 3)
    assert found.of == "probability of the most probable class"
    half = [(0.16 + 0.09 + 0.01), (0.04 + 0.49 + 0.81), (0.01 + 0.04 + 0.09)]
    assert found.brier == pytest.approx(sum(half) / 6)


def test_a_weight_counts_like_so_many_rows() -> None:
    y, p, weight = [0, 1, 1], [0.2, 0.9, 0.3], np.array([1, 2, 3])
    one = pellucid.calibration(y, p, sample_weight=weight)
    many = pellucid.calibration(np.repeat(y, weight), np.repeat(p, weight))
    for name in ("error", "log_loss", "brier"):
        assert getattr(one, name) == pytest.approx(getattr(many, name))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40),
    st.integers(1, 15),
)
def test_it_is_what_a_loop_over_rows_says(rows: list, bins: int) -> None:
    p, y = (np.array(column) for column in zip(*rows, strict=True))
    found = pellucid.calibration(y, p, bins=bins)
    error = 0.0
    for place in range(bins):
        low, high = found.edges[place], found.edges[place + 1]
        last = place == bins - 1
        inside = [
            (q, t)
            for q, t in zip(p, y, strict=True)
            if low <= q and (q < high or (last and q <= 1))
        ]
        assert found.counts[place] == len(inside)
        if inside:
            said, happened = (float(np.mean(v)) for v in zip(*inside, strict=True))
            assert found.said[place] == pytest.approx(said)
            assert found.happened[place] == pytest.approx(happened)
            error += abs(said - happened) * len(inside) / len(rows)
    assert found.error == pytest.approx(error, abs=1e-12)
    assert 0 <= found.brier <= 1


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(DataError, match=r"Row 1 of the probabilities is 1\.5"):
        pellucid.calibration([0, 1], [0.5, 1.5])
    with pytest.raises(DataError, match=r"row 0 sum to 1\.2"):
        pellucid.calibration([0], [[0.6, 0.6]])
    with pytest.raises(DataError, match="Row 0 of y is 'x', which is none of"):
        pellucid.calibration(["x"], [[0.5, 0.5]], classes=["a", "b"])
    with pytest.raises(ShapeError, match="y has 2 rows, probabilities have 1"):
        pellucid.calibration([0, 1], [[0.5, 0.5]])
    with pytest.raises(ShapeError, match="3 classes and 2 columns"):
        pellucid.calibration([0], [[0.5, 0.5]], classes=[0, 1, 2])
    with pytest.raises(ShapeError, match="expected numbers"):
        pellucid.calibration([0], [["a", "b"]])
    with pytest.raises(DataError, match="no rows"):
        pellucid.calibration([], [])
    with pytest.raises(ConfigurationError, match="bins of 1 or more"):
        pellucid.calibration([0], [0.5], bins=0)
