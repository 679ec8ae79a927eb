"""Pictures of what a network makes of columns, and of how good its answers are."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import pellucid
from column_examples import X, linear, mixed
from pellucid import plots
from pellucid.errors import ConfigurationError, DataError, ShapeError
from pellucid.plots.importance_bars import shortened


def axes():
    return Figure(layout="constrained").add_subplot()


def test_importance_has_a_bar_for_each_column_and_a_dot_for_each_shuffling() -> None:
    found = pellucid.permutation_importance(linear([2, 0, 1]), X, X @ [2, 0, 1])
    ax = plots.importance(found, axes())
    widths = [bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(widths, found.mean[found.order])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["x0", "x2", "x1"]
    dots = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 5]
    np.testing.assert_allclose(dots, found.worse[found.order])
    assert len(plots.importance(found, axes(), most=2).patches) == 2
    with pytest.raises(ConfigurationError, match="Expected an Importance"):
        plots.importance(3)
    with pytest.raises(ConfigurationError, match="most of 1 or more"):
        plots.importance(found, most=0)


def test_dependence_has_the_mean_and_single_rows() -> None:
    found = pellucid.partial_dependence(linear([2, 0, 1]), X, "x0", points=6)
    ax = plots.partial_dependence(found, axes())
    thick = max(ax.lines, key=lambda line: line.get_linewidth())
    np.testing.assert_allclose(thick.get_ydata(), found.mean[:, 0])
    thin = [line for line in ax.lines if line.get_linewidth() < 1]
    assert 20 <= len(thin) <= 41
    curves = found.curves[:, :, 0]
    for line in thin:
        if len(line.get_ydata()) == 6:
            assert (np.abs(curves - line.get_ydata()).sum(axis=1) < 1e-9).any()
    with pytest.raises(ConfigurationError, match="Expected a Dependence"):
        plots.partial_dependence(3)


def test_dependence_of_texts_has_their_names() -> None:
    net, data = mixed()
    found = pellucid.partial_dependence(net, data, "town")
    ax = plots.partial_dependence(found, axes())
    assert ax.get_ylabel() == "probability of yes"
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["Lima", "Oslo", "Rome"]
    other = plots.partial_dependence(found, axes(), target="no")
    y = other.lines[-1].get_ydata()
    np.testing.assert_allclose(y, found.mean[:, 0])
    with pytest.raises(ConfigurationError, match="none of 'no', 'yes'"):
        plots.partial_dependence(found, axes(), target="maybe")
    dates = pellucid.partial_dependence(net, data, "since")
    ticks = plots.partial_dependence(dates, axes()).get_xticklabels()
    assert all(tick.get_text().startswith("2021-") for tick in ticks)


def test_dependence_of_more_classes_has_a_line_for_each() -> None:
    net = pellucid.NeuralNetwork([pellucid.Dense(3)], loss="cross_entropy").build(3)
    ax = plots.partial_dependence(
        pellucid.partial_dependence(net, X, "x1", points=4), axes()
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2"]


def test_of_many_classes_those_are_drawn_that_change_most() -> None:
    net = pellucid.NeuralNetwork([pellucid.Dense(9)], loss="cross_entropy").build(3)
    found = pellucid.partial_dependence(net, X, "x1", points=4)
    ax = plots.partial_dependence(found, axes())
    changes = found.mean.max(axis=0) - found.mean.min(axis=0)
    names = [int(text.get_text()) for text in ax.get_legend().get_texts()]
    assert names == sorted(np.argsort(-changes)[:6].tolist())
    assert ax.get_ylim()[1] > found.mean[:, names].max()


def test_calibration_has_a_dot_for_each_range_with_rows() -> None:
    found = pellucid.calibration([0, 1, 1, 0], [0.15, 0.95, 0.97, 0.45])
    ax = plots.calibration(found, axes())
    (dots,) = ax.collections
    np.testing.assert_allclose(dots.get_offsets(), [[0.15, 0], [0.45, 0], [0.96, 1]])
    sizes = dots.get_sizes()
    assert sizes[2] == 2 * sizes[0]
    both = plots.calibration({"before": found, "after": found}, axes())
    names = [text.get_text() for text in both.get_legend().get_texts()]
    assert names == ["honest", "before", "after"]
    with pytest.raises(ConfigurationError, match="one Calibration or two"):
        plots.calibration([0.5])


def test_residuals_are_prediction_minus_target() -> None:
    y, y_hat = X[:, 0], X[:, 0] + 0.5
    ax = plots.residuals(y, y_hat, axes())
    np.testing.assert_allclose(
        ax.collections[0].get_offsets(), np.column_stack([y_hat, y_hat - y])
    )
    median = ax.lines[-1].get_ydata()
    np.testing.assert_allclose(median, 0.5)
    assert len(plots.residuals(y[:5], y_hat[:5], axes()).lines) == 1
    with pytest.raises(ShapeError, match="y has 200 rows, y_hat has 3"):
        plots.residuals(y, y[:3])
    with pytest.raises(DataError, match="no rows"):
        plots.residuals([], [])
    with pytest.raises(ShapeError, match=r"shape \(200, 3\)"):
        plots.residuals(X, X)


def test_long_names_are_shortened_and_dollars_stay_dollars() -> None:
    assert shortened("a" * 40, 10) == "a" * 9 + "…"
    assert shortened("$5") == r"\$5"
