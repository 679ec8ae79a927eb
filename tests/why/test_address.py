"""Addresses: every form that works, and what is said about those that do not."""

import numpy as np
import pytest
from every_number import step_of

from pellucid.errors import UnknownNameError
from pellucid.layers import BatchNorm, Dense

STEP = step_of([Dense(4, "tanh"), BatchNorm(), Dense(2)], 3, "mean_squared_error", n=3)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("dense_1.z[0, 2]", STEP["dense_1"].kept["z"][0, 2]),
        (" dense_1.z[ 0,2 ] ", STEP["dense_1"].kept["z"][0, 2]),
        ("dense_1.z[-1, -1]", STEP["dense_1"].kept["z"][2, 3]),
        ("dense_1.a[0, 2]", STEP["dense_1"].output[0, 2]),
        ("dense_1.delta[1, 2]", STEP["dense_1"].delta[1, 2]),
        ("dense_1.dz[1, 2]", STEP["dense_1"].delta[1, 2]),
        ("dense_1.d_output[1, 2]", STEP["dense_1"].d_output[1, 2]),
        ("dense_1.input[1, 2]", STEP.x[1, 2]),
        ("dense_1.output[1, 2]", STEP["dense_1"].output[1, 2]),
        ("batch_norm_1.delta[1, 2]", STEP["batch_norm_1"].d_output[1, 2]),
        ("dense_1.W[0, 1]", STEP.weights["dense_1.W"][0, 1]),
        ("dense_1.W[0, 1].grad", STEP.gradients["dense_1.W"][0, 1]),
        ("dense_1.W[0, 1].update", STEP.update["dense_1.W"][0, 1]),
        ("dense_1.W[0, 1].new", STEP.new_weights["dense_1.W"][0, 1]),
        ("dense_1.W[0, 1].v", STEP.memory["v"]["dense_1.W"][0, 1]),
        ("dense_1.W[0, 1].new_v", STEP.new_memory["v"]["dense_1.W"][0, 1]),
        ("batch_norm_1.mean[1]", 0),
        ("batch_norm_1.mean[1].new", STEP.new_weights["batch_norm_1.mean"][1]),
        ("loss", STEP.loss),
        ("loss[2]", STEP.losses[2]),
        ("losses[2]", STEP.losses[2]),
        ("output[0, 1]", STEP.output[0, 1]),
        ("x[0, 2]", STEP.x[0, 2]),
        ("y[0, 1]", STEP.y[0, 1]),
        ("sample_weight[1]", 1),
        ("rate", 0.001),
        ("scale", 1 / 3),
        ("n", 3),
        ("iteration", 1),
    ],
)
def test_an_address_that_works(address, value):
    answer = STEP.why(address)
    assert answer.value == value
    assert STEP.why(answer.address).value == value


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("dense_3.W[0, 0]", "There is no layer 'dense_3'. Did you mean 'dense_"),
        ("dense_1.q[0, 0]", "dense_1 has no 'q' in this step"),
        ("dense_1.W[0, 0].gard", "dense_1 has no 'W.gard' in this step. Did you mean"),
        ("lss", "There is no 'lss' in this step. Did you mean 'loss'?"),
        ("dense_1", "dense_1 is a layer: ask for one of its numbers. It has W, W.grad"),
        (
            "dense_1.W",
            "has shape (3, 4): say which of its numbers, such as 'dense_1.W[",
        ),
        ("dense_1.W[0]", "and so an index of 2, such as 'dense_1.W[0, 0]'; got 1"),
        ("dense_1.W[5, 0].grad", "place 1 of its index goes from 0 to 2; got 5"),
        ("dense_1.W[0, -5]", "place 2 of its index goes from 0 to 3; got -5"),
        ("dense_1.W[0, x]", "whole numbers: write, for example, 'dense_1.W[0, 0]'"),
        ("dense_1.W[]", "whole numbers"),
        ("dense_1.W[0, 0", "is no address"),
        ("", "is no address"),
        ("rate[0]", "rate is one number: write 'rate' alone"),
        (np.float64(3), "An address is a text"),
    ],
)
def test_an_address_that_does_not(address, told):
    with pytest.raises(UnknownNameError) as error:
        STEP.why(address)
    assert told in str(error.value)


def test_inputs_with_names():
    from pellucid.layers import Concat, Input, Select

    layers = [Concat([Select("a"), Select("b")]), Dense(1)]
    shape = {"a": 2, "b": Input(1)}
    step = step_of(layers, shape, "sum_of_squares")
    answer = step.why("x.a[0, 1]")
    assert (answer.value, answer.kind) == (step.x["a"][0, 1], "data")
    assert step.why("concat_1.output[0, 2]").formula == "select_2.output[0, 0]"
    assert step.why("concat_1.select_2.output[0, 0]").terms[0].address == "x.b[0, 0]"
