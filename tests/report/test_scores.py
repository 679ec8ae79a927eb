from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.report import scores
from pellucid.report.scores import accuracy_interval, number, percent, worst


def test_scores_of_classes(result_of) -> None:
    result = result_of("breast_cancer")
    accuracy, balanced, log_loss = scores(result)
    assert [s.name for s in scores(result)] == [
        "accuracy",
        "balanced accuracy",
        "log-loss",
    ]
    right = result.y == result.y_hat
    assert accuracy.value == pytest.approx(right.mean(), abs=1e-15)
    assert accuracy.value == result.right / len(result.y)
    assert np.trace(result.confusion) == result.right
    each = [right[result.y == index].mean() for index in range(2)]
    assert balanced.value == pytest.approx(np.mean(each))
    assert balanced.baseline == 0.5
    given = np.where(result.y == 1, *result.probabilities.T[::-1])
    assert log_loss.value == pytest.approx(-np.log(given).mean())
    # Without a network: always "benign", and the shares of the classes.
    benign = (result.dataset.y[result.known] == 1).mean()
    assert accuracy.baseline == (result.y == 1).mean()
    shares = np.where(result.y == 1, benign, 1 - benign)
    assert log_loss.baseline == pytest.approx(-np.log(shares).mean())


def test_scores_of_numbers_are_in_the_units_of_the_target(result_of) -> None:
    result = result_of("diabetes")
    rmse, mae, r2 = scores(result)
    error = result.y_hat - result.y
    assert rmse.value == pytest.approx(np.sqrt((error**2).mean()))
    assert mae.value == pytest.approx(np.abs(error).mean())
    spread = ((result.y - result.y.mean()) ** 2).sum()
    assert r2.value == pytest.approx(1 - (error**2).sum() / spread)
    assert 30 < mae.value < mae.baseline < 100
    always = result.dataset.y[result.known].mean()
    assert mae.baseline == pytest.approx(np.abs(always - result.y).mean())
    assert r2.baseline <= 0


def test_the_worst_come_first(result_of) -> None:
    numbers = result_of("diabetes")
    errors = np.abs(numbers.y_hat - numbers.y)[worst(numbers, 5)]
    assert len(errors) == 5
    assert errors[0] == np.abs(numbers.y_hat - numbers.y).max()
    assert (np.diff(errors) <= 0).all()
    classes = result_of("digits")
    places = worst(classes, len(classes.y))
    wrong = (classes.y != classes.y_hat)[places]
    assert 10 < wrong.sum() == len(classes.y) - classes.right
    assert wrong[: wrong.sum()].all()
    given = classes.probabilities[places, classes.y[places]]
    assert (np.diff(given[wrong]) >= 0).all()
    assert (np.diff(given[~wrong]) >= 0).all()


def test_rows_of_the_test_are_no_rows_of_the_training(result_of) -> None:
    result = result_of("digits")
    parts = (result.train, result.validation, result.test)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(result.dataset)))
    assert result.rows is result.test


def test_without_a_test_the_rows_of_the_training_are_judged(result_of) -> None:
    result = result_of("xor")
    assert result.rows is result.train
    assert result.y.tolist() == [0, 1, 1, 0]
    assert result.prepare(result.x) is result.x


def test_predictions_do_not_depend_on_which_rows_are_asked(result_of) -> None:
    result = result_of("breast_cancer")
    other = replace(result, test=result.test[:7])
    np.testing.assert_allclose(
        other.probabilities, result.probabilities[:7], rtol=1e-5, atol=1e-7
    )


@given(
    st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
)
def test_the_interval_holds_the_accuracy(counts: tuple[int, int]) -> None:
    right, n = counts
    low, high = accuracy_interval(right, n)
    assert 0 <= low <= right / n + 1e-12
    assert right / n - 1e-12 <= high <= 1
    # As seen from the mistakes it is the same, mirrored.
    assert accuracy_interval(n - right, n) == pytest.approx((1 - high, 1 - low))


def test_a_known_interval() -> None:
    # R. G. Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263 and 1 of 29.
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert accuracy_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0 %"),
        (0.0001, "under 0.1 %"),
        (0.9792, "97.9 %"),
        (0.99951, "over 99.9 %"),
        (1, "100 %"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("inf"), "inf"),
        (0.012345, "0.0123"),
        (54.31, "54.3"),
        (999.6, "1,000"),
        (123456.7, "123,457"),
        (-3.0, "-3"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text
