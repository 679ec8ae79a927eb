import numpy as np
import pytest

import pellucid
from column_examples import N, X, linear, mixed
from pellucid.errors import ConfigurationError, DataError


def test_of_a_linear_model_it_is_a_line() -> None:
    found = pellucid.partial_dependence(linear([2, 0, -1]), X, "x2", points=7)
    low, high = np.quantile(X[:, 2].astype(np.float32), (0.05, 0.95))
    np.testing.assert_allclose(found.places, np.linspace(low, high, 7), rtol=1e-5)
    rest = X[:, 0].mean() * 2
    np.testing.assert_allclose(
        found.mean[:, 0], rest - np.array(found.places), rtol=1e-4, atol=1e-5
    )
    # The curves of single rows are parallel.
    slopes = np.diff(found.curves[:, :, 0], axis=1)
    np.testing.assert_allclose(slopes, np.broadcast_to(slopes[0], slopes.shape), 1e-3)
    assert found.curves.shape == (N, 7, 1)
    assert not found.probable


def test_few_values_are_all_tried() -> None:
    x = np.column_stack([np.arange(N) % 3, X[:, 0]])
    found = pellucid.partial_dependence(linear([1, 0]), x, "x0")
    assert found.places == (0.0, 1.0, 2.0)
    np.testing.assert_allclose(found.mean[:, 0], [0, 1, 2], atol=1e-6)


@pytest.mark.parametrize("column", ["age", "town", "shop", "smokes", "since"])
def test_a_column_of_any_kind_is_set_as_if_the_table_had_it(column: str) -> None:
    net, data = mixed()
    found = pellucid.partial_dependence(net, data, column, points=5)
    assert found.kind == data[column].kind
    assert len(found.places) <= 5
    assert found.answers == ("no", "yes")
    np.testing.assert_allclose(found.curves.sum(axis=2), 1, atol=1e-5)
    place = found.places[1]
    cells = {each.name: each.cells() for each in data.columns}
    if found.kind == "date":
        place = str(np.datetime64(round(place), "s"))
    cells[column] = [place] * N
    p = net.predict_proba(cells)
    np.testing.assert_allclose(found.curves[:, 1], p, rtol=1e-4, atol=1e-5)


def test_dates_without_a_time_of_day_are_set_to_whole_days() -> None:
    net, data = mixed()
    found = pellucid.partial_dependence(net, data, "since", points=7)
    assert all(place % 86_400 == 0 for place in found.places)
    assert all(len(name) == len("2021-03-01") for name in found.names)


def test_many_rows_are_picked_by_chance() -> None:
    net = linear([1, 0, 0])
    few = pellucid.partial_dependence(net, X, "x1", rows=20, seed=1)
    assert few.curves.shape[0] == 20
    again = pellucid.partial_dependence(net, X, "x1", rows=20, seed=1)
    np.testing.assert_array_equal(few.curves, again.curves)


def test_most_rows_lie_in_the_spread() -> None:
    found = pellucid.partial_dependence(linear([1, 0, 0]), X, "x1")
    low, high = found.spread(0.5)[:, 0, 0]
    inside = (found.curves[:, 0, 0] >= low) & (found.curves[:, 0, 0] <= high)
    assert inside.mean() == pytest.approx(0.5, abs=0.02)


def test_a_column_that_is_not_there_is_an_error() -> None:
    net, data = mixed()
    with pytest.raises(DataError, match=r"no column 'agee'\. Did you mean 'age'"):
        pellucid.partial_dependence(net, data, "agee")
    with pytest.raises(ConfigurationError, match="points of 2 or more"):
        pellucid.partial_dependence(net, data, "age", points=1)
    gaps = data.take(np.arange(0, N, 7))
    with pytest.raises(DataError, match="'age' is empty"):
        pellucid.partial_dependence(net, gaps, "age")
