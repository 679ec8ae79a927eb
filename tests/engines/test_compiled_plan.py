"""Which operations share a loop, in which order, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from compiled_runs import Assembly, plain_kernels, run_assembly

from pellucid import tracing
from pellucid.activations import Activation
from pellucid.blueprint import build
from pellucid.engines.compiled.plan import (
    FEW_COLUMNS,
    LONGEST_LOOP,
    Call,
    Loop,
    Planner,
    UnsupportedError,
)
from pellucid.layers import BatchNorm, Dense, Dropout, Flatten
from pellucid.layers.inputs import Input
from pellucid.losses import CrossEntropy, MeanSquaredError
from pellucid.ops import note_uniform, scatter_add
from pellucid.program import Program
from pellucid.symbol import INTEGER, Trace

N, C = 6, 4


class Notes:
    """A Program to be written by hand, and the numbers of its leaves."""

    def __init__(self):
        self.trace = Trace()
        n, leaf = self.trace.batch, self.trace.leaf
        self.n = n
        self.x = leaf("x", "x", (n, C))
        self.wide = leaf("x", "wide", (n, 3 * FEW_COLUMNS))
        self.image = leaf("x", "image", (n, 3, 2, C))
        self.r = leaf("x", "r", (n, 1))
        self.v = leaf("w", "v", (C,))
        self.W = leaf("w", "W", (C, C))
        self.i = leaf("y", "", (n,), INTEGER)
        self.in_place = {}

    def out(self, value, over=None):
        """Let a value be an output, of a leaf's memory if one is named."""
        place = "out", str(len(self.trace.outputs))
        self.trace.outputs[place] = value
        if over is not None:
            self.in_place[place] = over
        return self

    def program(self):
        return Program("by hand", self.trace)

    def steps(self):
        return Planner(self.program()).plan().steps

    def run(self):
        """Run it in plain Python and by NumPy; return how far they are apart."""
        r = np.random.default_rng(0)
        given = {
            "x": {
                "x": r.normal(size=(N, C)),
                "wide": r.normal(size=(N, 3 * FEW_COLUMNS)),
                "image": r.normal(size=(N, 3, 2, C)),
                "r": r.normal(size=(N, 1)),
            },
            "w": {"v": r.normal(size=C), "W": r.normal(size=(C, C))},
            "y": r.integers(0, C, N),
            "seed": 7,
            "step": 1,
        }
        program = self.program()
        assembly = Assembly(program, "float64", self.in_place)
        with plain_kernels() as functions:
            found = run_assembly(
                assembly, given, N, functions=functions, shared=self.in_place
            )
        wanted = program.run(given, N, np.dtype(np.float64))
        return max(np.abs(found[p] - wanted[p]).max(initial=0) for p in wanted)


def right(notes):
    """Check that a Program gives NumPy's numbers."""
    assert notes.run() < 1e-12


def right_or_refused(notes):
    """Check that a Program gives NumPy's numbers if it is run at all."""
    try:
        right(notes)
    except UnsupportedError:
        return False
    return True


# -- what shares a loop ----------------------------------------------------------------


def test_a_tree_of_operations_is_one_loop():
    notes = Notes()
    steps = notes.out((notes.wide + 1.5) * notes.r / 3.7).steps()
    assert [len(step.nodes) for step in steps] == [3]


def test_a_reduction_of_rows_is_a_further_pass_of_the_same_loop():
    notes = Notes()
    e = np.exp(notes.wide - notes.wide.max(axis=-1, keepdims=True))
    steps = notes.out(e / e.sum(axis=-1, keepdims=True)).steps()
    assert len(steps) == 1
    right(notes)


def test_a_sum_over_the_batch_is_there_for_later_loops():
    notes = Notes()
    centred = notes.x - notes.x.mean(axis=0)
    steps = notes.out(
        centred / np.sqrt((centred * centred).mean(axis=0) + 1e-5)
    ).steps()
    assert len(steps) == 4  # mean, variance, its root, the quotient
    assert all(isinstance(step, Loop) for step in steps)
    right(notes)


def test_what_backward_needs_is_not_computed_forward():
    blueprint = build((Dense(3, "tanh"), Dense(2)), MeanSquaredError(), Input(4))
    plan = Planner(tracing.training(blueprint)).plan()
    names = [[node.operation.name for node in step.nodes] for step in plan.steps]
    (forward,) = [i for i, step in enumerate(names) if "tanh" in step]
    backward = [i for i, step in enumerate(names) if "subtract" in step and i > forward]
    products = [i for i, step in enumerate(names) if step == ["matmul"]]
    assert forward < products[1] < backward[-1]


def test_costly_functions_over_few_columns_have_a_long_loop():
    for x, apart in (("x", True), ("wide", False)):
        notes = Notes()
        value = np.exp(getattr(notes, x) - notes.r)
        loops = notes.out(value / value.sum(axis=-1, keepdims=True)).steps()
        assert [loop.long for loop in loops] == (
            [False, True, False] if apart else [False]
        )
        right(notes)


def test_many_operations_are_several_loops():
    notes = Notes()
    value = notes.wide
    for k in range(500):
        value = np.maximum(value * 0.9, notes.r + 0.1 * k)
    loops = notes.out(value).steps()
    assert 1 < len(loops) < 40
    assert max(len(loop.nodes) for loop in loops) <= LONGEST_LOOP
    right(notes)


def test_sharing_does_not_double_the_work():
    notes = Notes()
    value = notes.x
    for _ in range(60):  # 2 ** 60 ways from the first to the last
        value = 0.5 * (value + value)
    assert len(notes.out(value).steps()) < 5
    right(notes)


def test_products_read_transposes_where_they_are():
    notes = Notes()
    steps = notes.out(notes.x.T @ notes.x).out(notes.x @ notes.W.T).steps()
    assert [type(step) for step in steps] == [Call, Call]
    right(notes)


def test_changes_of_shape_cost_nothing():
    blueprint = build((Flatten(), Dense(2)), MeanSquaredError(), Input((2, 3)))
    prediction = Planner(tracing.prediction(blueprint)).plan()
    assert len(prediction.steps) == 2


# -- arrangements ----------------------------------------------------------------------


def test_axes_of_samples():
    for write in (
        lambda t: t.image + t.v,
        lambda t: t.image * t.r.reshape(t.n, 1, 1, 1),
        lambda t: t.image.sum(axis=-1),
        lambda t: t.image / (1.0 + np.abs(t.image).sum(axis=(1, 2, 3), keepdims=True)),
        lambda t: t.image - t.image.mean(axis=(0, 1, 2)),
        lambda t: (
            t.image.reshape(t.n, 6, C) + t.image.mean(axis=(1, 2, 3))[:, None, None]
        ),
        lambda t: t.image.reshape(t.n, 24).max(axis=-1),
        lambda t: t.image * 2.5 + t.v * t.image.max(),
        lambda t: t.W + t.v,
        lambda t: t.W - t.v[:, None],
        lambda t: t.x.reshape(t.n, 2, 2) + t.W.reshape(2, 8)[:, :2],
        lambda t: t.r * t.v,
        lambda t: np.where(t.image > 0, t.image, t.v * t.image),
        lambda t: t.image * t.x.reshape(t.n, 1, 1, C),
        lambda t: t.W[None] + t.x[:, None, :],
        lambda t: note_uniform(t.trace, 1, (t.n, 3, 2, C)) + t.image,
    ):
        notes = Notes()
        right(notes.out(write(notes)))


REFUSED = {
    "one of several middle axes": lambda t: t.image[:, :1] * t.image,
    "padding": lambda t: np.pad(t.x, ((0, 0), (1, 1))),
    "the batch as columns": lambda t: t.x.T * 1.5,
    "axes in another order": lambda t: np.transpose(t.image, (0, 2, 1, 3)) * 1.5,
    "every other column": lambda t: t.x[:, ::2],
    "from the end": lambda t: t.x[:, ::-1],
    "joined rows": lambda t: np.concatenate([t.W, t.W], axis=0),
    "a joined condition": lambda t: np.concatenate([t.x, t.x > 0], axis=-1),
    "whole numbers that do not count": lambda t: (
        np.array([0, 2, 4, 6]) == t.i[:, None]
    ).astype(t.x.dtype),
    "one value to many rows": lambda t: scatter_add(t.v.reshape(1, C), t.i, 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    notes = Notes()
    notes.out(REFUSED[name](notes))
    with pytest.raises(UnsupportedError):
        Assembly(notes.program(), "float32")


def test_one_value_seen_in_two_ways():
    # One a row, and by another name one a column: it must be in memory in between.
    notes = Notes()
    total = np.abs(notes.W).sum(axis=1, keepdims=True)
    right(notes.out(notes.W / total + total.reshape(C)))
    notes = Notes()
    total = np.sqrt(np.abs(notes.v[:, None]) + 1.5)  # waits to be part of the loop
    right_or_refused(notes.out(notes.W / total + total.reshape(C)))
    notes = Notes()
    each = np.tanh(notes.x)
    right(
        notes.out(each + each.reshape(notes.n, 2, 2).sum(axis=-1).sum(axis=-1)[:, None])
    )


# -- memory that is overwritten --------------------------------------------------------

X, V, W = ("x", "x"), ("w", "v"), ("w", "W")
OVERWRITING = {
    "itself": lambda t: t.out(t.x * 0.7 + t.r, X),
    "then read in its loop": lambda t: t.out(t.x * 0.7, X).out(t.x + 1.7),
    "then read in a further pass": lambda t: t.out(
        t.x * t.x.sum(axis=-1, keepdims=True), X
    ).out(t.x - np.abs(t.x * 1.3).sum(axis=-1, keepdims=True)),
    "before a further pass": lambda t: t.out(t.x * 0.7, X).out(
        t.x / (1.0 + np.abs(t.x).sum(axis=-1, keepdims=True))
    ),
    "by its sums": lambda t: t.out(t.W.sum(axis=0) * t.v, V).out(t.x + t.v),
    "by a sum while it is read": lambda t: t.out((t.x * t.v).sum(axis=0), V),
    "by columns while rows read it": lambda t: t.out((t.W * t.v).sum(axis=-1), V),
    "by a product of itself": lambda t: t.out(t.W @ t.W, W),
    "by its transpose": lambda t: t.out(np.maximum(t.W.T, 0.1) * 1.5, W),
    "by a copy": lambda t: t.out(np.concatenate([t.x[:, 1:], t.x[:, :1]], axis=-1), X),
    "by each other": lambda t: t.out(t.v, ("w", "u")).out(t.v * 2.5, V),
    "after a product": lambda t: t.out(t.x * 0.3, X).out(t.x @ t.W),
    "before a product": lambda t: t.out(t.x @ t.W).out(t.x * 0.3, X),
    "twice the same": lambda t: t.out(t.x * 0.3, X).out(t.x * 0.3),
    "by nothing": lambda t: t.out(t.x, X).out(t.x + 1.5),
    "and kept": lambda t: t.out(t.x).out(t.x * 1.5, X),
    "seen as columns": lambda t: t.out(t.W.sum(axis=-1) + t.v, V).out(t.W + t.v),
}


@pytest.mark.parametrize("name", OVERWRITING)
def test_overwriting(name):
    right_or_refused(OVERWRITING[name](Notes()))


def test_usual_ways_to_overwrite_are_not_refused():
    for name in (
        "itself",
        "then read in its loop",
        "before a product",
        "twice the same",
    ):
        assert right_or_refused(OVERWRITING[name](Notes())), name


# -- outputs ---------------------------------------------------------------------------


def test_outputs_that_are_inputs_or_one_another():
    for write in (
        lambda t: t.out(t.x).out(t.x),
        lambda t: t.out(t.x.reshape(t.n, 2, 2)).out(t.x * 1.5).out(t.v),
        lambda t: (
            t.out(t.x.sum(axis=0)).out(t.x.sum(axis=0)).out(t.x.sum(axis=0)[None])
        ),
        lambda t: t.out(t.x @ t.W).out((t.x @ t.W).reshape(t.n, C)),
        lambda t: t.out(t.x.max()).out(t.x.max().reshape(1)),
    ):
        right(write(Notes()))


def test_gathering_and_scattering():
    table = lambda t: t.W * 1.5  # noqa: E731
    for write in (
        lambda t: table(t)[t.i],
        lambda t: table(t)[t.i - C],
        lambda t: np.take(t.v * 2.5, t.i[:, None], axis=0),
        lambda t: table(t).reshape(C, 2, 2)[t.i],
        lambda t: np.take(table(t), t.i[:, None], axis=0),
        lambda t: np.take_along_axis(t.x, t.i[:, None], axis=-1),
        lambda t: scatter_add(t.x * 1.5, t.i, C + 2),
    ):
        notes = Notes()
        right(notes.out(write(notes)))


def test_reasons_are_told():
    blueprint = build((Dense(3, "tanh"), Dense(2)), CrossEntropy(), Input(4))
    trace = Trace()
    x = trace.leaf("x", "", (trace.batch, 3))
    trace.outputs["out", ""] = np.pad(x, ((0, 0), (1, 1)))
    with pytest.raises(UnsupportedError, match="the operation pad"):
        Assembly(Program("padded", trace), "float32")
    Assembly(tracing.training(blueprint), "float32")


def test_plans_of_deep_networks_are_made_quickly():
    layers = [Dense(16, "relu"), *(Activation.of("gelu") for _ in range(40))]
    layers += [BatchNorm(), Dropout(0.3), Dense(3)]
    blueprint = build(tuple(layers), CrossEntropy(), Input(4))
    steps = Planner(tracing.training(blueprint)).plan().steps
    assert max(len(step.nodes) for step in steps) <= LONGEST_LOOP
