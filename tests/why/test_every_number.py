"""No number of a step is without its why, in networks with every registered part."""

from dataclasses import replace

import numpy as np
import pytest
from every_number import addresses, networks, optimizers, step_of, wrong

from pellucid.layer import Layer
from pellucid.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GroupNorm,
    Input,
    LayerNorm,
    MaxPool2D,
    Residual,
)
from pellucid.ops import VOCABULARY
from pellucid.optimizers import Momentum, Optimizer
from pellucid.trace import Step
from pellucid.why import elements

NETWORKS, OPTIMIZERS = networks(), optimizers()
IMAGES = [Conv2D(2, 2, "relu"), BatchNorm(), MaxPool2D(2), Flatten(), Dropout(0.3)]

# Networks of which every single number is asked about.
WHOLE = {
    "truth table": ([Dense(4, "sigmoid"), Dense(1, "sigmoid")], 3, "sum_of_squares"),
    "classifier": ([Dense(4, "relu"), Dense(3, "softmax")], 3, "cross_entropy"),
    "images": ([*IMAGES, Dense(3, "softmax")], (4, 4, 1), "cross_entropy"),
    "residual": (
        [Residual([LayerNorm(), Dense(4, "gelu"), Dropout(0.5), Dense(3)]), Dense(1)],
        3,
        "binary_cross_entropy",
    ),
    "embedding": (
        [Embedding(4, 3), Flatten(), GroupNorm(2), Dense(2, "silu"), Dense(1)],
        Input(2, kind="integer"),
        "huber",
    ),
}


def changed(step, data=None, before=None):
    """Return the same step with other data, or from another position."""
    return Step(
        step.blueprint,
        step.dtype,
        data or step.data,
        before or step.before,
        step.program,
        step.update_program,
        step.decayed,
        step.trained,
        step.written,
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_the_formulas_give_the_numbers_of_every_part(name):
    assert wrong(step_of(*NETWORKS[name]), most=8) == []


@pytest.mark.parametrize("name", WHOLE)
def test_every_formula_gives_its_number(name):
    assert wrong(step_of(*WHOLE[name])) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_every_gradient_agrees_with_its_difference(name):
    step = step_of(*NETWORKS[name])
    found = 0
    for address in addresses(step, most=1):
        answer = step.why(address)
        if answer.quantity.moves:
            near, found = answer.difference, found + 1
            ends = sorted((near.left, near.right))
            between = ends[0] - 1e-6 <= answer.value <= ends[1] + 1e-6
            assert near.agrees or (near.kink and between), (address, near)
    assert found


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_update_is_explained(name):
    layers, shape, loss = [Dense(2, "tanh"), Dense(1)], 2, "mean_squared_error"
    step = step_of(layers, shape, loss, optimizer=OPTIMIZERS[name])
    second = changed(step, before=step.after())  # memories are not zero any more
    assert wrong(second) == []


def test_every_formula_of_an_image_network_in_single_precision():
    layers, shape, loss = WHOLE["images"]
    assert wrong(step_of(layers, shape, loss, n=2, dtype="float32")) == []


def test_an_optimizer_that_leaves_all_as_it_is():
    class Still(Optimizer, abstract=True):
        memories = ("last",)

        def step(self, w, g, memory, t, rate):
            memory.last = g
            return w

    step = step_of([Dense(2)], 2, "sum_of_squares", optimizer=Still())
    assert wrong(step) == []
    assert step.why("dense_1.W[0, 1].new").formula == "W[0, 1]"
    assert step.why("dense_1.W[0, 1].new_last").formula == "W[0, 1].grad"
    assert step.why("dense_1.W[0, 1].update").value == 0


def test_samples_that_count_differently_are_in_the_formulas():
    step = step_of([Dense(2)], 3, "mean_squared_error")
    assert "sample_weight" not in step.why("dense_1.delta[0, 0]").formula
    weight = np.array([1.0, 0.0, 2.5])
    again = changed(step, data=replace(step.data, weight=weight))
    assert wrong(again) == []
    assert "sample_weight[2]" in again.why("dense_1.delta[2, 0]").formula
    assert again.why("scale").formula == (
        "1 / (sample_weight[0] + sample_weight[1] + sample_weight[2])"
    )


def test_the_walk_through_the_terms_ends_in_what_was_given():
    step = step_of([*IMAGES, Dense(2, "softmax")], (4, 4, 1), "cross_entropy", n=3)
    waiting, seen, ends = ["loss", "dense_1.W[0, 0].new"], set(), set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        terms = list(step.why(address).terms)
        if not terms:
            ends.add(step.why(address).kind)
        while terms:
            term = terms.pop()
            if term.address:
                waiting.append(term.address)
            else:
                terms += term.why().terms
    assert ends == {"data", "weight", "memory", "setting", "random"}
    assert len(seen) > 200


def test_every_word_of_the_vocabulary_is_a_row_or_works_entry_by_entry():
    for operation in VOCABULARY.values():
        if operation.name not in elements.ROWS:
            assert operation.group in ("elementwise", "random"), operation.name
    known = {operation.name for operation in VOCABULARY.values()}
    assert set(elements.ROWS) <= known


@pytest.mark.parametrize("row", ["matmul", "sum", "multiply", "subtract"])
def test_a_wrong_row_is_noticed(row, monkeypatch):
    right = elements.ROWS[row]

    def off_by_one(node, index, of):
        if not index:
            return right(node, index, of)
        length = np.shape(of.value(node))[-1]
        return right(node, (*index[:-1], (index[-1] + 1) % length), of)

    step = step_of([Dense(3, "tanh"), Dense(2)], 3, "mean_squared_error")
    monkeypatch.setitem(elements.ROWS, row, off_by_one)
    assert wrong(step)


def test_a_wrong_backward_is_seen_beside_the_difference():
    class Wrong(Layer, abstract=True):
        def forward(self, x, p, memo):
            return 3.0 * x

        def backward(self, da, p, g, memo):
            return 2.0 * da

    step = step_of([Dense(2), Wrong(), Dense(1)], 2, "sum_of_squares")
    right, told = step.why("wrong_1.delta[0, 0]"), step.why("dense_1.delta[0, 0]")
    assert right.difference.agrees
    assert not told.difference.agrees
    assert "NOT the same" in str(told)
    assert told.difference.value == pytest.approx(1.5 * told.value)


def test_a_kink_is_told():
    step = step_of([Dense(1, "relu", weight_init="zeros")], 2, "sum_of_squares", n=1)
    zero = replace(step.before, weights=np.zeros_like(step.before.weights))
    again = changed(step, before=zero)
    answer = again.why("dense_1.delta[0, 0]")
    assert answer.difference.kink
    assert "the loss has a kink here" in str(answer)


def test_long_sums_are_bounded():
    layers = [Dense(100), Dense(1)]
    rule = Momentum(clip_norm=1e-3)
    step = step_of(layers, 120, "sum_of_squares", optimizer=rule)
    sums = [
        quantity.name
        for quantity in step._asking.quantities.by_name.values()
        if quantity.update and quantity.shape == ()
    ]
    lengths = {len(step.why(name).terms) for name in sums}
    assert elements.MANY_TERMS + 1 in lengths
    for name in sums:
        assert step.why(name).agrees(), name
    long = next(n for n in sums if len(step.why(n).terms) == elements.MANY_TERMS + 1)
    assert "smaller ones" in step.why(long).terms[-1].symbol
