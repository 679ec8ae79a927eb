"""Parts: found by name, equal by their settings, written down and made again."""

import copy
import inspect
import json
import pickle
from dataclasses import KW_ONLY, FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from pellucid.activations import ELU, Activation, Sigmoid, Tanh
from pellucid.errors import ConfigurationError, ModelFileError
from pellucid.initializers import Constant as Same
from pellucid.initializers import HeNormal, Initializer, Uniform
from pellucid.layer import Layer
from pellucid.layers import BatchNorm, Chain, Concat, Dense, Reshape, Residual
from pellucid.losses import CrossEntropy, Loss
from pellucid.metrics import Metric
from pellucid.optimizers import Adam, GradientDescent, Optimizer
from pellucid.part import Part, snake_case
from pellucid.schedules import Constant, Cosine, Schedule, WarmUp


class Wobble(Initializer):
    """A part of another package, as far as pellucid knows."""

    size: float = 1.0
    _: KW_ONLY
    inner: Any = None

    def check(self):
        if self.size < 0:
            raise ConfigurationError(f"Expected size >= 0, got {self.size}.")


# ---- names


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("BatchNorm", "batch_norm"),
        ("Dense", "dense"),
        ("GELU", "gelu"),
        ("GlorotUniform", "glorot_uniform"),
        ("RootMean2Squared", "root_mean2_squared"),
        ("SiLU", "si_lu"),
    ],
)
def test_snake_case(name, written):
    assert snake_case(name) == written


def test_families():
    families = {Initializer, Layer, Loss, Metric, Optimizer, Schedule}
    assert families <= set(Part.__subclasses__())
    assert Activation.family is Layer
    assert "sigmoid" in Activation.registered()
    assert "sigmoid" in Layer.registered()
    assert "dense" not in Activation.registered()
    assert Layer.registered()["relu"].label == "relu"
    assert Initializer.registered()["constant"] is Same
    assert Schedule.registered()["constant"] is Constant


def test_bases_are_not_registered():
    class Base(Initializer, abstract=True):
        pass

    class Own(Base, label="my_own"):
        pass

    names = Initializer.registered()
    assert Base not in names.values()
    assert names[Own.registered_name()] is Own
    assert Own.registered_name().endswith("Own")
    assert isinstance(Initializer.of("my_own"), Own)


def test_parts_of_other_packages_have_their_module_in_their_name():
    assert Sigmoid.registered_name() == "sigmoid"
    assert Wobble.registered_name() == "test_part:Wobble"
    assert Initializer.of("wobble") == Initializer.of("test_part:Wobble") == Wobble()


def test_what_was_meant():
    dense = Dense(3)
    assert Layer.of(dense) is dense
    assert Layer.of("batch_norm") == BatchNorm()
    assert Activation.of(None).label == "identity"
    assert Loss.of("cross_entropy") == CrossEntropy()


@pytest.mark.parametrize(
    ("family", "given", "told"),
    [
        (Loss, "cross_entropi", "no loss named 'cross_entropi'. Did you mean 'cross_"),
        (Optimizer, "ADAM", "Did you mean 'adam'?"),
        (Optimizer, "zzz", "Known names: adagrad, adam, adamw, "),
        (Layer, Dense, "Got the class Dense as layer: write Dense(...) with brackets."),
        (Layer, 3, "Expected a name or an object of class Layer as layer, got 3."),
        (Loss, None, "Expected a name or an object of class Loss as loss, got None."),
        (Loss, Dense(3), "Expected a name or an object of class Loss as loss"),
        (
            Layer,
            "dense",
            "The layer 'dense' needs settings (units): write Dense(units).",
        ),
        (Activation, "prelu", "write it as a layer after this one"),
        (Activation, "dense", "is a layer with numbers of its own or settings"),
        (Schedule, "warm_up", "needs settings (steps, then)"),
    ],
)
def test_what_was_not_meant(family, given, told):
    with pytest.raises(ConfigurationError) as error:
        family.of(given)
    assert told in str(error.value)


def test_our_names_cannot_be_taken():
    class Sigmoid(Activation):  # a user's own, with the name of ours
        pass

    assert type(Activation.of("sigmoid")) is not Sigmoid
    assert type(Activation.of(Sigmoid.registered_name())) is Sigmoid
    assert repr(Dense(2, Sigmoid())) == "Dense(2, Sigmoid())"
    assert repr(Dense(2, "sigmoid")) == "Dense(2, 'sigmoid')"


# ---- settings


def test_parts_are_frozen_and_equal_by_their_settings():
    assert Dense(3, "relu") == Dense(3, "relu")
    assert Dense(3, "relu") != Dense(3, "tanh")
    assert Dense(3) != Dense(3, name="last")
    assert Same(1.0) != Constant(1.0)
    assert Residual([Dense(3)]) != Chain([Dense(3)])
    assert hash(Dense(3)) == hash(Dense(3))
    with pytest.raises(FrozenInstanceError):
        Dense(3).units = 4


def test_settings_are_converted():
    assert Dense(3, "sigmoid").activation == Sigmoid()
    assert Dense(3).weight_init is None
    assert Dense(3, weight_init="he_normal").weight_init == HeNormal()
    assert Chain(["relu", Dense(2)]).layers == (Layer.of("relu"), Dense(2))
    assert Reshape([2, 3]).shape == (2, 3)
    assert type(Dense(np.int64(3)).units) is int
    assert type(Uniform(np.float32(0.5), 1.0).low) is float
    assert WarmUp(3, Cosine(0.1)).then == Cosine(0.1)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: Chain("relu"),
            "Expected a list for layers, got 'relu': write ['relu']",
        ),
        (lambda: Concat(Dense(3)), "write [Dense(3)]"),
        (lambda: Chain(3), "Expected a list for layers, got 3"),
        (lambda: Dense(3, "sigmod"), "Did you mean 'sigmoid'?"),
        (lambda: Dense(3, bias=1), "Expected bias to be True or False, got 1."),
        (lambda: Dense(2.5), "whole number"),
        (lambda: Dense(True), "got True"),
        (lambda: Wobble(-1.0), "Expected size >= 0, got -1.0."),
        (lambda: Uniform(0.0, float("nan")), "Expected high to be a number, got nan."),
        (lambda: BatchNorm(momentum="0.9"), "Expected momentum to be a number"),
        (lambda: Dense(3, name="a.b"), "A layer's name is a text without dots"),
        (lambda: Adam(beta1=1.0), "Expected beta1 in [0, 1), got 1.0."),
    ],
)
def test_settings_that_cannot_work(make, told):
    with pytest.raises(ConfigurationError) as error:
        make()
    assert told in str(error.value)


def test_settings_are_the_fields():
    names = {each.name for each in Dense.settings()}
    assert names == {
        "name",
        "units",
        "activation",
        "bias",
        "weight_init",
        "bias_init",
    }


# ---- repr


@pytest.mark.parametrize(
    "text",
    [
        "Dense(4, 'sigmoid')",
        "Dense(4, 'sigmoid', bias=False)",
        "Dense(4, name='last', bias=False)",
        "Dense(4, ELU(0.5))",
        "Dense(4, weight_init='orthogonal')",
        "Dense(4, weight_init=Same(0.5))",
        "BatchNorm()",
        "BatchNorm(0.5)",
        "BatchNorm(epsilon=0.001)",
        "Chain([ReLU(), Dense(2)])",
        "Concat([Dense(1), Residual([Dense(2)])], name='both')",
        "Reshape((2, 3))",
        "GradientDescent(1.0)",
        "Adam(Cosine(0.1, 0.01), clip_norm=1.0)",
        "Adam(epsilon=1e-06)",
        "WarmUp(5, Constant(0.1))",
        "CrossEntropy(label_smoothing=0.1)",
        "Wobble(inner=Same(1))",
    ],
)
def test_repr_shows_what_differs_from_the_defaults_and_can_be_read_back(text):
    from pellucid.activations import ReLU

    kinds = [ELU, ReLU, BatchNorm, Chain, Concat, Dense, Reshape, Residual, Adam]
    kinds += [GradientDescent, Cosine, WarmUp, Constant, CrossEntropy, Wobble]
    names = {kind.__name__: kind for kind in kinds} | {"Same": Same}
    part = eval(text, names)
    names["Constant"] = Same if "Same" in text else Constant
    shown = repr(part)
    assert shown == text.replace("Same", "Constant")
    assert eval(shown, names) == part


# ---- written down and made again

PARTS = [
    Dense(4, ELU(0.5), bias=False, weight_init=Same(0.25), name="first"),
    Concat([Dense(1), Chain(["relu", BatchNorm(0.5), Reshape((2, 3))])]),
    Adam(WarmUp(5, Cosine(0.1, floor=0.01)), clip_norm=1.0),
    CrossEntropy(label_smoothing=0.1),
    Wobble(2.0, inner=Uniform(-1, 1)),
]


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_there_and_back(part):
    written = json.loads(json.dumps(part.config()))
    assert type(part).family.restore(written) == part
    assert pickle.loads(pickle.dumps(part)) == part
    assert copy.deepcopy(part) == part
    assert copy.copy(part) == part


def test_config_is_plain():
    assert Dense(4, "sigmoid").config() == {
        "family": "layer",
        "type": "dense",
        "name": None,
        "units": 4,
        "activation": {"family": "layer", "type": "sigmoid", "name": None},
        "bias": True,
        "weight_init": None,
        "bias_init": {"family": "initializer", "type": "zeros"},
    }


def test_numbers_come_back_in_every_bit():
    number = 0.1 + 0.2
    written = json.dumps(Uniform(-number, number).config())
    assert Initializer.restore(json.loads(written)).high.hex() == number.hex()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("dense", "Expected the settings of a layer."),
        ({}, "Expected the settings of a layer."),
        ({"type": 3}, "Expected the settings of a layer."),
        ({"type": "dens"}, "names a layer 'dens' that is not known here. Did you mean"),
        ({"type": "wavy:Wave"}, "Import the module 'wavy', which defines it, before"),
        ({"type": "flatten"}, "The settings of 'flatten' in the file are []; expected"),
        (
            {"type": "flatten", "name": None, "x": 1},
            "are ['name', 'x']; expected ['name",
        ),
        (
            {"type": "dropout", "rate": 2.0, "name": None},
            "no valid 'dropout': Expected",
        ),
        (
            {"type": "dropout", "rate": "a", "name": None},
            "no valid 'dropout': Expected",
        ),
        ({"type": "reshape", "shape": [[2]], "name": None}, "no valid 'reshape'"),
        (
            {
                "type": "chain",
                "name": None,
                "layers": [{"family": "food", "type": "x"}],
            },
            "The file names an unknown kind of part: 'food'.",
        ),
        (
            {"type": "chain", "name": None, "layers": "relu"},
            "no valid 'chain': Expected a list",
        ),
        (
            {
                "type": "chain",
                "name": None,
                "layers": [{"family": "loss", "type": "huber", "delta": 1.0}],
            },
            "no valid 'chain': Expected a name or an object of class Layer",
        ),
    ],
)
def test_files_that_describe_no_part(config, told):
    with pytest.raises(ModelFileError) as error:
        Layer.restore(config)
    assert told in str(error.value)


def test_a_loss_is_no_layer():
    with pytest.raises(ModelFileError, match="names a layer 'huber' that is not known"):
        Layer.restore(Loss.of("huber").config())
    with pytest.raises(ModelFileError, match="names an activation 'dense' that is not"):
        Activation.restore(Dense(3).config())


def test_equal_parts_of_one_kind_are_one_key():
    assert {Sigmoid(): 1, Tanh(): 2}[Sigmoid()] == 1


# ---- settings that are not there


DENSE = "units (required), activation='identity', name=None, bias=True, "


@pytest.mark.parametrize(
    ("make", "start", "settings"),
    [
        (
            lambda: Adam(lr=0.1),
            "Adam has no setting 'lr'. Did you mean",
            "learning_rat",
        ),
        (
            lambda: Dense(3, activaton="relu"),
            "Dense has no setting 'activaton'. Did you mean 'activation'? Its",
            DENSE,
        ),
        (lambda: Dense(3, use_bias=False), "Dense has no setting 'use_bias'.", DENSE),
        (lambda: Dense(3, zigzag=1), "Dense has no setting 'zigzag'. Its", DENSE),
        (lambda: Tanh(3, slope=2), "Tanh has no setting 'slope'. Its", "name=None"),
        (
            lambda: Wobble(sice=2.0),
            "Wobble has no setting 'sice'. Did you mean 'size'? Its",
            "size=1.0, inner=None.",
        ),
    ],
)
def test_a_setting_that_is_not_there(make, start, settings):
    with pytest.raises(ConfigurationError) as told:
        make()
    assert str(told.value).startswith(start)
    assert f"Its settings are {settings}" in str(told.value)


def test_what_others_call_a_setting():
    with pytest.raises(ConfigurationError, match=r"'learning_rate'.*called so here"):
        Adam(lr=0.1)
    with pytest.raises(ConfigurationError, match="Did you mean 'bias'"):
        Dense(3, use_bias=False)


def test_constructors_show_their_settings():
    assert list(inspect.signature(Wobble).parameters) == ["size", "inner"]


def test_a_constructor_of_ones_own_takes_what_it_likes():
    class Cube(Initializer, abstract=True):
        side: float

        def __init__(self, area):
            object.__setattr__(self, "side", (area / 6) ** 0.5)

    assert Cube(area=24.0).side == 2.0
