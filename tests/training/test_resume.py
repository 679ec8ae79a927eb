import copy
import pickle

import numpy as np
import pytest

import pellucid
from pellucid import (
    Adam,
    AdamW,
    BatchNorm,
    Call,
    Chain,
    Concat,
    ConfigurationError,
    Cosine,
    Dense,
    Dropout,
    Exponential,
    Momentum,
    NAdam,
    NeuralNetwork,
    ReduceOnPlateau,
    Step,
    WarmUp,
)
from snapshots import bits, snapshot

pytestmark = pytest.mark.usefixtures("engine")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(13, 3)), np.arange(13) % 3
XV, YV = RNG.normal(size=(9, 3)), np.arange(9) % 3
ROWS, EPOCHS = (
    4,
    4,
)  # iterations: 3 an epoch with batch norm, which joins the single row
STEPS = 12


def network(dtype="float32"):
    branches = Concat([Dense(3, "tanh"), Chain([Dense(2), "prelu"])])
    layers = [branches, BatchNorm(), Dropout(0.3), Dense(3, "softmax")]
    return NeuralNetwork(layers, loss="cross_entropy", dtype=dtype, seed=3)


PLANS = {
    "adam": {"optimizer": "adam"},
    "validation": {"optimizer": Momentum(0.3), "validation": (XV, YV)},
    "share": {"optimizer": Adam(0.1), "validation": 0.3, "metrics": ["accuracy"]},
    "patience": {"optimizer": Momentum(0.5), "validation": 0.3, "early_stopping": 2},
    "cosine": {"optimizer": AdamW(WarmUp(3, Cosine(0.1)), l1=0.01, clip_norm=1.0)},
    "stairs": {"optimizer": Momentum(Step(0.1, 0.5, 4), l2=0.1), "shuffle": False},
    "rates": {"optimizer": Adam(Exponential(0.1, 0.9)), "class_weight": "balanced"},
    "weights": {"optimizer": "rmsprop", "sample_weight": np.linspace(0.1, 2, 13)},
    "average": {"optimizer": Adam(0.1, average=0.8)},
    "average of all": {"optimizer": Momentum(0.3, average=1), "validation": (XV, YV)},
    "plateau": {"optimizer": Momentum(WarmUp(2, ReduceOnPlateau(0.5, 0.5, 1, 0.05)))},
    "plateau of validation": {
        "optimizer": NAdam(ReduceOnPlateau(0.1, 0.1, 2), average=0.5),
        "validation": 0.3,
    },
}


def plan_of(name):
    return {"batch_size": ROWS, "epochs": EPOCHS} | PLANS[name]


def stop_at(step):
    return Call(lambda run: run.step == step and run.stop("paused"), every=1)


def undisturbed(name, dtype="float32"):
    net = network(dtype)
    net.fit(X, Y, **plan_of(name))
    return net


WAYS = {
    "memory": lambda net, path: net,
    "file": lambda net, path: net.save(path, checkpoint=True) or pellucid.load(path),
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PLANS)
def test_a_resumed_run_ends_like_an_undisturbed_one(name, way, tmp_path):
    whole = undisturbed(name)
    end = whole.training.step
    for step in (1, 2, 3, 5, 6, end - 1):
        net = network()
        net.fit(X, Y, callbacks=stop_at(step), **plan_of(name))
        assert net.training.step == step
        net = WAYS[way](net, tmp_path / "net")
        history = net.fit(X, Y, resume=True, **plan_of(name))
        assert history is net.history
        assert snapshot(net) == snapshot(whole), step
        assert len(history.seconds) == history.epochs


@pytest.mark.parametrize("name", ["share", "cosine"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_may_be_interrupted_after_every_iteration(name, dtype, tmp_path):
    net, path = network(dtype), tmp_path / "net"
    whole = undisturbed(name, dtype)
    end = whole.training.step
    net.fit(X, Y, callbacks=stop_at(1), **plan_of(name))
    for step in range(2, end + 1):
        net.save(path, checkpoint=True)
        net = pellucid.load(path)
        net.fit(X, Y, callbacks=stop_at(step), resume=True, **plan_of(name))
    net.history.stopped = ""
    assert snapshot(net) == snapshot(whole)


def test_resuming_what_is_finished_changes_nothing():
    for name in PLANS:
        net = undisturbed(name)
        before = snapshot(net)
        net.fit(X, Y, resume=True, **plan_of(name))
        assert snapshot(net) == before


@pytest.mark.parametrize("name", ["adam", "validation", "share", "stairs"])
def test_a_finished_training_can_be_prolonged(name):
    net, longer = undisturbed(name), network()
    plan = plan_of(name) | {"epochs": 2 * EPOCHS}
    net.fit(X, Y, resume=True, **plan)
    longer.fit(X, Y, **plan)
    assert snapshot(net) == snapshot(longer)


def test_resuming_without_a_plan_keeps_the_plan():
    net = network()
    plan = plan_of("cosine")
    net.fit(X, Y, callbacks=stop_at(5), **plan)
    del plan["epochs"]
    net.fit(X, Y, resume=True, **plan)
    assert snapshot(net) == snapshot(undisturbed("cosine"))


def test_frozen_parameters_stay_so_through_a_file(tmp_path):
    nets = [network().build(3).freeze("concat_1") for _ in range(2)]
    nets[0].fit(X, Y, **plan_of("adam"))
    nets[1].fit(X, Y, callbacks=stop_at(4), **plan_of("adam"))
    nets[1].save(tmp_path / "net", checkpoint=True)
    loaded = pellucid.load(tmp_path / "net")
    loaded.fit(X, Y, resume=True, **plan_of("adam"))
    assert snapshot(loaded) == snapshot(nets[0])


def test_a_copy_resumes_on_its_own():
    net = network()
    net.fit(X, Y, callbacks=stop_at(5), **plan_of("validation"))
    other = copy.deepcopy(net)
    net.fit(X, Y, resume=True, **plan_of("validation"))
    assert other.training.step == 5
    other.fit(X, Y, resume=True, **plan_of("validation"))
    assert snapshot(net) == snapshot(other)


CHANGED = [
    ({"optimizer": "momentum"}, r"optimizer was Adam\(0.1\) and is now Momentum\(\)"),
    ({"optimizer": Adam(0.2)}, r"optimizer was Adam\(0.1\) and is now Adam\(0.2\)"),
    ({"batch_size": 3}, "batch_size was 4 and is now 3"),
    ({"shuffle": False}, "shuffle was True and is now False"),
    ({"validation": 0.5}, "rows was 9 and is now"),
    (
        {"validation": None},
        "rows was 9 and is now 13.*validation was True and is now F",
    ),
    ({"metrics": []}, r"metrics was \['accuracy'\] and is now \[\]"),
    ({"metrics": ["accuracy", "log_loss"]}, r"is now \['accuracy', 'log_loss'\]"),
    ({"x": X[:-1], "y": Y[:-1]}, "rows was 9 and is now 8"),
]


@pytest.mark.parametrize(("change", "message"), CHANGED)
def test_resuming_with_other_settings_is_refused(change, message):
    net = network()
    net.fit(X, Y, callbacks=stop_at(8), **plan_of("share"))
    before = snapshot(net)
    with pytest.raises(ConfigurationError, match=message) as caught:
        net.fit(**{"x": X, "y": Y, "resume": True} | plan_of("share") | change)
    assert "continues the same training" in str(caught.value)
    assert "start anew without resume" in str(caught.value)
    assert snapshot(net) == before


def test_there_must_be_something_to_resume(tmp_path):
    net = network()
    message = (
        "no training to resume: call fit without resume first, or load a file saved"
    )
    with pytest.raises(ConfigurationError, match=message):
        net.fit(X, Y, resume=True)
    net.fit(X, Y, epochs=1)
    net.save(tmp_path / "net")
    with pytest.raises(ConfigurationError, match=message):
        pellucid.load(tmp_path / "net").fit(X, Y, resume=True)
    with pytest.raises(ConfigurationError, match=message):
        net.copy("float64").fit(X, Y, resume=True)


def test_a_file_without_checkpoint_keeps_the_history(tmp_path):
    net = undisturbed("share")
    net.save(tmp_path / "net")
    loaded = pellucid.load(tmp_path / "net")
    assert loaded.history == net.history
    assert bits(loaded.weights) == bits(net.weights)
    assert loaded.training.optimizer == net.training.optimizer
    loaded.partial_fit(X, Y)
    assert loaded.training.step == 1
