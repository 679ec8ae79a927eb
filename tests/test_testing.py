"""The proofs find what they are there to find: parts that break one promise each."""

import math
import random
from dataclasses import KW_ONLY, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from pellucid import testing
from pellucid.activations import Activation
from pellucid.export import python_plain
from pellucid.initializers import Initializer, Ones, Zeros
from pellucid.layer import Layer
from pellucid.layers import Chain, Dense, Input
from pellucid.layout import Slot
from pellucid.losses import Loss
from pellucid.metrics import Metric
from pellucid.optimizers import Optimizer
from pellucid.schedules import Schedule


def broken(check, part, *rest, **settings):
    """Return what the check says about a part that breaks a promise."""
    with pytest.raises(AssertionError) as told:
        check(part, *rest, **settings)
    message = str(told.value)
    assert message.startswith(type(part).__name__), "the message begins with the part"
    return message


# ---- parts


def test_settings_that_no_file_can_hold():
    class Odd(Initializer):
        function: Any = math.sin

    assert "config() as JSON" in broken(testing.check_part, Odd())


def test_settings_that_change_on_the_way():
    class Odd(Initializer):
        choice: Any = "a"

        def config(self):
            return super().config() | {"choice": "b"}

    assert "gave Odd(choice='b')" in broken(testing.check_part, Odd()).replace(
        "Odd('b')", "Odd(choice='b')"
    )


def test_a_repr_that_does_not_say_all():
    class Odd(Initializer):
        choice: str = "a"

        def __repr__(self):
            return "Odd()"

    assert "eval of its repr" in broken(testing.check_part, Odd("b"))


# ---- layers


class Good(Layer):
    """``y = x * factor + shift``, from which the broken ones differ in one thing."""

    _: KW_ONLY
    power: float = 1.0

    def slots(self, shape):
        return {"factor": Slot(shape, Ones(), "scale"), "shift": Slot(shape, Zeros())}

    def forward(self, x, p, memo):
        memo.x = x
        return x * p.factor + p.shift

    def backward(self, da, p, g, memo):
        g.factor = (da * memo.x).sum(axis=0)
        g.shift = da.sum(axis=0)
        return da * p.factor


def test_a_good_layer_passes():
    testing.check_layer(Good(), 3)
    testing.check_layer(Good(name="own"), 1, rows=1)
    testing.check_layer(Chain([Dense(2, "relu"), Good(power=2.0)]), 3, seed=4)


def test_an_export_that_computes_something_else(monkeypatch):
    form = python_plain.PYTHON.forms["add"]
    wrong = {"add": form._replace(text="{0} + {1} + 1e-6")}
    monkeypatch.setattr(
        python_plain,
        "PYTHON",
        replace(python_plain.PYTHON, forms=python_plain.PYTHON.forms | wrong),
    )
    said = broken(testing.check_layer, Good(), 3)
    assert "predicted by its export to plain Python: " in said


def test_an_export_that_cannot_be_written(monkeypatch):
    monkeypatch.delitem(python_plain._FORMS, "add")
    said = broken(testing.check_layer, Good(), 3)
    assert "its export to plain Python: ConfigurationError: Layer 'good_1'" in said


def test_a_wrong_gradient_of_the_input():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            super().backward(da, p, g, memo)
            return da

    said = broken(testing.check_layer, Odd(), 3)
    assert "dL/dx in prediction[" in said
    assert "differences (L(w + h) - L(w - h)) / 2h say" in said


def test_a_wrong_gradient_of_a_slot():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            dx = super().backward(da, p, g, memo)
            g.factor = da.sum(axis=0) * 1.000003
            return dx

    assert "dL/dfactor in prediction[" in broken(testing.check_layer, Odd(), 3)


def test_an_error_of_a_millionth_and_a_bit_is_found():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            super().backward(da, p, g, memo)
            return da * p.factor * 1.000004

    assert "dL/dx" in broken(testing.check_layer, Odd(), 3)


def test_a_gradient_that_is_wrong_in_training_only():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            dx = super().backward(da, p, g, memo)
            return 2.0 * dx if memo.training else dx

    assert "dL/dx in training[" in broken(testing.check_layer, Odd(), 3)


def test_a_gradient_that_is_not_written():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            g.shift = da.sum(axis=0)
            return da * p.factor

    said = broken(testing.check_layer, Odd(), 3)
    assert "factor" in said


def test_a_gradient_of_another_shape():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            super().backward(da, p, g, memo)
            return (da * p.factor).sum(axis=0)

    assert "dL/dx in prediction has shape (3,)" in broken(testing.check_layer, Odd(), 3)


def test_a_layer_without_return():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            super().backward(da, p, g, memo)

    assert "backward returned NoneType" in broken(testing.check_layer, Odd(), 3)


def test_a_slot_of_another_shape():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            dx = super().backward(da, p, g, memo)
            g.shift = da
            return dx

    said = broken(testing.check_layer, Odd(), 3)
    assert "Slot 'shift' has shape (3,); got (n, 3)" in said
    assert "`g.shift = da`" in said


@pytest.mark.parametrize("what", ["x", "da", "memo"])
def test_changes_in_place(what):
    class Odd(Good):
        def forward(self, x, p, memo):
            if what == "x" and isinstance(x, np.ndarray):
                x += 0.0
            memo.y = super().forward(x, p, memo)
            return memo.y

        def backward(self, da, p, g, memo):
            target = {"x": None, "da": da, "memo": memo.y}[what]
            if isinstance(target, np.ndarray):
                target *= 1.0
            return super().backward(da, p, g, memo)

    said = broken(testing.check_layer, Odd(), 3)
    assert "changed in place; write x = x + y instead of x += y" in said


def test_float64_in_the_output():
    class Odd(Good):
        def forward(self, x, p, memo):
            y = super().forward(x, p, memo)
            return y * np.float64(1.0) if isinstance(y, np.ndarray) else y

    said = broken(testing.check_layer, Odd(), 3)
    assert "the output is float64 in a network of float32" in said


def test_float64_in_memo_only():
    class Odd(Good):
        def forward(self, x, p, memo):
            memo.both = [x, (x * np.float64(2),)] if type(x) is np.ndarray else []
            return super().forward(x, p, memo)

    said = broken(testing.check_layer, Odd(), 3)
    assert "memo['odd_1'].both[1][0] is float64 in a network of float32" in said


def test_float64_in_a_gradient():
    class Odd(Good):
        def backward(self, da, p, g, memo):
            dx = super().backward(da, p, g, memo)
            if isinstance(da, np.ndarray):
                g.shift = da.sum(axis=0) * np.float64(1.0)
            return dx

    assert "Slot 'shift' is float32; got float64" in broken(
        testing.check_layer, Odd(), 3
    )


def test_digits_that_float32_loses():
    class Odd(Good):
        def forward(self, x, p, memo):
            y = super().forward(x, p, memo)
            return (y + 1e5) - 1e5

    said = broken(testing.check_layer, Odd(), 3)
    assert "the output in float32 beside float64" in said


def test_overflow():
    class Odd(Good):
        def forward(self, x, p, memo):
            memo.large = np.exp(x * x * 1e4)
            return super().forward(x, p, memo)

    assert "FloatingPointError: overflow" in broken(testing.check_layer, Odd(), 3)


def test_random_numbers_of_its_own():
    own = random.Random(0)

    class Odd(Good):
        def forward(self, x, p, memo):
            return super().forward(x * own.random(), p, memo)

    assert "draws random numbers of its own" in broken(testing.check_layer, Odd(), 3)


def test_random_numbers_that_only_arrays_see():
    own = random.Random(0)

    class Odd(Good):
        def forward(self, x, p, memo):
            if isinstance(x, np.ndarray):
                x = x * own.random()
            return super().forward(x, p, memo)

    assert "in different bits" in broken(testing.check_layer, Odd(), 3)


def test_hidden_state():
    calls = []

    class Odd(Good):
        def forward(self, x, p, memo):
            calls.append(1)
            return super().forward(x * float(len(calls)), p, memo)

    assert "keeps hidden state" in broken(testing.check_layer, Odd(), 3)


def test_state_in_the_layer_itself():
    class Odd(Good):
        def forward(self, x, p, memo):
            self.power = 2.0
            return super().forward(x, p, memo)

    said = broken(testing.check_layer, Odd(), 3)
    assert "cannot assign to field 'power'" in said
    assert "`self.power = 2.0`" in said


def test_a_layer_that_computes_something_else_for_symbols():
    class Odd(Good):
        def forward(self, x, p, memo):
            y = super().forward(x, p, memo)
            return y * 2.0 / 2.0 + 0.1 if isinstance(x, np.ndarray) else y

    said = broken(testing.check_layer, Odd(), 3)
    assert "its Program gives y" in said
    assert "isinstance" in said


def test_state_that_only_arrays_write():
    class Odd(Good):
        def slots(self, shape):
            return super().slots(shape) | {"mean": Slot(shape, Zeros(), "state")}

        def forward(self, x, p, memo):
            if memo.training and isinstance(x, np.ndarray):
                memo.state.mean = x.mean(axis=0)
            return super().forward(x, p, memo)

    assert "its Program gives state odd_1.mean" in broken(testing.check_layer, Odd(), 3)


def test_rows_that_depend_on_each_other_in_prediction():
    class Odd(Good):
        def forward(self, x, p, memo):
            memo.x = x
            return x * p.factor + p.shift + x.mean(axis=0)

        def backward(self, da, p, g, memo):
            return super().backward(da, p, g, memo) + da.mean(axis=0)

    assert "row 0 predicted alone" in broken(testing.check_layer, Odd(), 3)


def test_a_layer_that_cannot_be_written_down():
    class Odd(Good):
        def forward(self, x, p, memo):
            return super().forward(x, p, memo) if x.sum() > 0 else x

    said = broken(testing.check_layer, Odd(), 3)
    assert "building a network of it" in said
    assert "np.where(condition, a, b)" in said


def test_an_output_full_of_jumps():
    class Odd(Layer):
        def forward(self, x, p, memo):
            return np.sin(1e9 * x)

        def backward(self, da, p, g, memo):
            return np.zeros_like(da)

    assert "Is the output continuous?" in broken(testing.check_layer, Odd(), 3)


def test_whole_numbers_have_no_gradient():
    class Table(Layer):
        right: bool = True

        def slots(self, shape):
            return {"table": Slot((2, 3), Zeros())}

        def forward(self, x, p, memo):
            memo.x = x
            return p.table[x[:, 0]]

        def backward(self, da, p, g, memo):
            from pellucid.ops import scatter_add

            g.table = scatter_add(da, memo.x[:, 0], 2)
            return None if self.right else da

    whole = Input((1,), "integer")
    testing.check_layer(Table(), whole)
    assert "whole numbers have no gradient" in broken(
        testing.check_layer, Table(right=False), whole
    )


def test_settings_that_a_file_changes():
    class Odd(Good):
        @classmethod
        def restore(cls, config):
            return super().restore(config)

        def config(self):
            settings = super().config()
            return settings | {"power": round(settings["power"], 1)}

    testing.check_part(Odd(power=0.5))
    assert "not equal" in broken(testing.check_layer, Odd(power=0.25), 3)


# ---- activations


class Bend(Activation):
    """``a = |z|``: one kink."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, z):
        return np.abs(z)

    def slope(self, z, a):
        return np.sign(z)


def test_a_good_activation_passes():
    testing.check_activation(Bend())


def test_a_kink_that_is_not_listed():
    class Odd(Bend):
        kinks: ClassVar[tuple[float, ...]] = ()

    said = broken(testing.check_activation, Odd())
    assert "the slope jumps at z = 0.0, which is not in kinks" in said


def test_a_slope_outside_of_both_sides_at_a_kink():
    class Odd(Bend):
        def slope(self, z, a):
            return np.sign(z) + 2.0 * (z == 0).astype(z.dtype)

    assert "the slope at z = 0.0 is 2" in broken(testing.check_activation, Odd())


def test_a_wrong_slope():
    class Odd(Bend):
        def slope(self, z, a):
            return 1.001 * np.sign(z)

    assert "dL/dx" in broken(testing.check_activation, Odd())


def test_a_slope_that_delta_does_not_use():
    class Odd(Bend):
        def slope(self, z, a):
            return 2.0 * np.sign(z)

        def delta(self, da, z, a):
            return da * np.sign(z)

    assert "the slope at z = -4.0 is -2" in broken(testing.check_activation, Odd())


def test_not_a_number_at_the_largest():
    class Odd(Bend):
        def value(self, z):
            return np.abs(z) + 0.0 * (z * z)

    said = broken(testing.check_activation, Odd())
    assert "all sizes of float32" in said


def test_an_unknown_initializer():
    class Odd(Bend):
        initializer: ClassVar[str] = "gorot_normal"

    assert "Did you mean 'glorot_normal'?" in broken(testing.check_activation, Odd())


# ---- losses


class Cubes(Loss):
    """``L = sum |y_hat - y|^3``."""

    def value(self, y_hat, y):
        size = np.abs(y_hat - y)
        return (size * size * size).sum(axis=1)

    def slope(self, y_hat, y):
        error = y_hat - y
        return 3.0 * error * np.abs(error)


def test_a_good_loss_passes():
    testing.check_loss(Cubes())
    testing.check_loss(Cubes(), outputs=1, rows=1)


def test_a_wrong_slope_of_a_loss():
    class Odd(Cubes):
        def slope(self, y_hat, y):
            return super().slope(y_hat, y) * 1.00001

    assert "slope[" in broken(testing.check_loss, Odd())


def test_a_loss_of_the_whole_batch():
    class Odd(Cubes):
        def value(self, y_hat, y):
            return super().value(y_hat, y) + 0.0 * y_hat[:, 0] + y_hat.mean()

        def slope(self, y_hat, y):
            return super().slope(y_hat, y) + 1.0 / y_hat.shape[1]

    assert "value of row 0 alone" in broken(testing.check_loss, Odd())


def test_a_loss_with_one_number_for_the_batch():
    class Odd(Cubes):
        def value(self, y_hat, y):
            return super().value(y_hat, y).sum()

    assert "value has shape (), expected (5,)" in broken(testing.check_loss, Odd())


def test_a_loss_in_float64():
    class Odd(Cubes):
        def value(self, y_hat, y):
            each = super().value(y_hat, y)
            return each * np.float64(1) if isinstance(each, np.ndarray) else each

    assert "value is float64 in a network of float32" in broken(
        testing.check_loss, Odd()
    )


def test_a_loss_that_changes_its_targets():
    class Odd(Cubes):
        def value(self, y_hat, y):
            if isinstance(y, np.ndarray):
                y *= 1.0
            return super().value(y_hat, y)

    assert "changed in place" in broken(testing.check_loss, Odd())


@pytest.mark.parametrize(
    ("attribute", "value"), [("reduction", "max"), ("task", "numbrs")]
)
def test_a_loss_with_an_unknown_word(attribute, value):
    odd = type("Odd", (Cubes,), {attribute: value, "__module__": __name__})
    assert value in broken(testing.check_loss, odd())


def test_a_loss_that_does_not_fit_its_link():
    class Odd(Cubes):  # takes probabilities, although it says logits
        link: ClassVar[str] = "sigmoid"
        task: ClassVar[str] = "labels"

    testing.check_loss(Odd())  # consistent: both ways on the logits

    class Lost(Odd):
        link: ClassVar[str] = "sigmoidal"

    assert "'sigmoidal'" in broken(testing.check_loss, Lost())


# ---- optimizers


class Heavy(Optimizer):
    """Momentum, from which the broken ones differ in one thing."""

    memories: ClassVar[tuple[str, ...]] = ("v",)

    def step(self, w, g, memory, t, rate):
        memory.v = 0.5 * memory.v + g
        return w - rate * memory.v


def test_a_good_optimizer_passes():
    testing.check_optimizer(Heavy())
    testing.check_optimizer(Heavy(0.1, l1=0.5, clip_norm=0.01), steps=1)


def test_uphill():
    class Odd(Heavy):
        def step(self, w, g, memory, t, rate):
            return w + rate * g

    assert "uphill" in broken(testing.check_optimizer, Odd())


def test_division_by_a_gradient_of_zero():
    class Odd(Heavy):
        def step(self, w, g, memory, t, rate):
            return w - rate * g / np.abs(g)

    said = broken(testing.check_optimizer, Odd())
    assert "FloatingPointError" in said


def test_weights_changed_in_place():
    class Odd(Heavy):
        def step(self, w, g, memory, t, rate):
            if isinstance(w, np.ndarray):
                w -= 0.0
            return w - rate * g

    assert "changed in place" in broken(testing.check_optimizer, Odd(), steps=5)


def test_an_optimizer_in_float64():
    class Odd(Heavy):
        def step(self, w, g, memory, t, rate):
            new = w - rate * g
            return new * np.float64(1) if isinstance(new, np.ndarray) else new

    assert "new weights are float64" in broken(testing.check_optimizer, Odd())


def test_an_optimizer_with_a_memory_that_it_does_not_name():
    class Odd(Heavy):
        def step(self, w, g, memory, t, rate):
            memory.m = g
            return w - rate * memory.m

    assert "keeps no memory 'm'" in broken(testing.check_optimizer, Odd())


def test_an_optimizer_that_touches_frozen_weights():
    class Odd(Heavy):
        def update(self, w, g, memory, t, rate, decayed, trained=None):
            return super().update(w, g, memory, t, rate, decayed, None)

    assert "frozen were changed" in broken(testing.check_optimizer, Odd())


def test_an_optimizer_that_counts_for_itself():
    calls = []

    class Odd(Heavy):
        def step(self, w, g, memory, t, rate):
            calls.append(1)
            return w - rate * g / float(len(calls))

    assert "keeps hidden state" in broken(testing.check_optimizer, Odd())


# ---- initializers, schedules, metrics


def test_broken_initializers():
    class Shape(Initializer):
        def values(self, shape, random):
            return np.zeros(shape[::-1])

    class Single(Initializer):
        def values(self, shape, random):
            return np.zeros(shape, dtype=np.float32)

    class Infinite(Initializer):
        def values(self, shape, random):
            return np.full(shape, np.inf)

    class Foreign(Initializer):
        def values(self, shape, random):
            return np.random.default_rng().random(shape)

    said = broken(testing.check_initializer, Shape())
    assert (
        "values are float64 of shape (4, 6), expected float64 of shape (6, 4)" in said
    )
    assert "values are float32" in broken(testing.check_initializer, Single())
    assert "not finite" in broken(testing.check_initializer, Infinite())
    assert "draw only from random" in broken(testing.check_initializer, Foreign())


def test_broken_schedules():
    class NumPy(Schedule):
        def rate(self, step, total):
            return np.sqrt(1.0 + step)

    class Negative(Schedule):
        def rate(self, step, total):
            return 1.0 - step / total

    class Nothing(Schedule):
        def rate(self, step, total):
            return 0.0

    calls = []

    class Counting(Schedule):
        def rate(self, step, total):
            calls.append(step)
            return 1.0 / len(calls)

    assert "not a Python number" in broken(testing.check_schedule, NumPy())
    assert "rate(100) is -1.0" in broken(testing.check_schedule, Negative())
    assert "all rates are 0" in broken(testing.check_schedule, Nothing())
    assert "what was asked before" in broken(testing.check_schedule, Counting())


def test_broken_metrics():
    class Unweighted(Metric):
        uses: ClassVar[str] = "classes"

        def value(self, y, y_hat, weight):
            return float((y == y_hat).mean())

    class NumPy(Metric):
        def value(self, y, y_hat, weight):
            return np.float64(0.0)

    assert "with weights" in broken(testing.check_metric, Unweighted())
    assert "not a Python float" in broken(testing.check_metric, NumPy())
