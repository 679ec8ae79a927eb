import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Call,
    ConfigurationError,
    CrossEntropy,
    Cutout,
    Dense,
    Dropout,
    Flatten,
    Flip,
    Focal,
    Mixup,
    Momentum,
    NeuralNetwork,
    Noise,
    Rescale,
    Rotate,
    Scale,
    Shift,
)
from pellucid.losses import Loss
from pellucid.part import Part
from pellucid.samples import Samples
from pellucid.training.batches import ArrayBatches
from pellucid.training.made_batches import MadeBatches
from pellucid.training.soft_targets import SoftCrossEntropy, softened

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (21, 5, 4, 2), dtype=np.uint8)
Y = np.arange(21) % 3
both_engines = pytest.mark.usefixtures("engine")
SETTINGS = {"shuffle": True, "seed": 0, "run": 0, "no_single": False}
EVERYTHING = (Shift(), Flip(), Rotate(), Scale(), Cutout(), Noise(3.0), Mixup())


def samples(x=X, y=Y, weight=None):
    weight = np.ones(len(y), np.float32) if weight is None else weight
    return Samples(x, y, weight, y)


def made(augmentations=(), shares=None, size=8, data=None, **settings):
    return MadeBatches(
        samples() if data is None else data,
        size,
        dtype="float32",
        augmentations=augmentations,
        shares=shares,
        **(SETTINGS | settings),
    )


def network(loss="cross_entropy", dtype="float32", outputs=3, **settings):
    layers = [Rescale(), Flatten(), Dense(6, "tanh"), BatchNorm(), Dropout(0.2)]
    layers.append(Dense(outputs))
    settings = {"input_shape": (5, 4, 2), "seed": 2} | settings
    return NeuralNetwork(layers, loss=loss, dtype=dtype, **settings)


# ---- batches


def test_bytes_become_the_numbers_that_they_are():
    batches, plain = made(), ArrayBatches(X, Y, np.ones(21), 8, **SETTINGS)
    for step in range(6):
        x, y, weight, total = batches.batch(step)
        expected = plain.batch(step)
        assert x.dtype == np.float32
        assert (x == expected[0]).all()
        assert (y == expected[1]).all()
        assert (weight == expected[2]).all()
        assert total == expected[3]


def test_a_batch_is_a_function_of_its_iteration():
    shares = np.eye(3, dtype=np.float32)
    forwards, backwards = (made(EVERYTHING, shares) for _ in range(2))
    steps = range(9)
    first = [forwards.batch(step) for step in steps]
    second = [backwards.batch(step) for step in reversed(steps)][::-1]
    for one, other in zip(first, second, strict=True):
        assert [part.tobytes() for part in one[:3]] == [
            part.tobytes() for part in other[:3]
        ]
    assert len({x.tobytes() for x, *_ in first}) == len(steps)


def test_batches_depend_on_seed_run_and_first_iteration():
    def bits(**settings):
        return made(EVERYTHING[:-1], shuffle=False, **settings).batch(9)[0].tobytes()

    different = [bits(), bits(seed=1), bits(run=1), bits(first=9)]
    assert len(set(different)) == 4


@given(n=st.integers(1, 30), size=st.integers(1, 12), no_single=st.booleans())
def test_batches_are_written_where_a_run_wants_them(n, size, no_single):
    data = samples(np.resize(X, (n, 5, 4, 2)), np.resize(Y, n))
    batches = made((Shift(),), data=data, size=size, no_single=no_single)
    room = batches.room
    assert len({len(part) for part in room}) == 1
    for step in range(batches.per_epoch + 1):
        for part in room:
            part[...] = 77
        rows, total = batches.fill(step, *room)
        found = batches.batch(step)
        assert rows == len(found[1]) <= len(room[0])
        assert total == found[3]
        for part, expected in zip(room, found, strict=False):
            assert part.dtype == expected.dtype
            assert part[:rows].tobytes() == expected.tobytes()
            assert (part[rows:] == 77).all()


def test_mixed_targets_sum_to_one_and_belong_to_the_images():
    # Images of one colour, so that the mixture can be read from each of them.
    y = np.arange(40) % 4
    x = np.zeros((40, 2, 2, 4), dtype=np.uint8)
    x[np.arange(40), :, :, y] = 200
    weight = np.linspace(0.5, 2, 40).astype(np.float32)
    shares = np.eye(4, dtype=np.float32)
    batches = made((Mixup(1.0),), shares, size=10, data=samples(x, y, weight), seed=4)
    mixed = 0
    for step in range(8):
        pixels, targets, weights, total = batches.batch(step)
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(pixels[:, 0, 0] / 200, targets, atol=1e-6)
        assert total == pytest.approx(weights.sum())
        assert ((weights >= 0.5) & (weights <= 2)).all()
        mixed += ((targets > 0.05) & (targets < 0.95)).any(axis=1).sum()
    assert mixed > 30


def test_smoothed_labels_are_mixed_as_they_are():
    net = network(CrossEntropy(label_smoothing=0.3))
    blueprint, shares = softened(net.blueprint, "float32")
    assert isinstance(blueprint.loss, SoftCrossEntropy)
    expected = 0.7 * np.eye(3) + 0.1
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    same, none = softened(network("mean_squared_error").blueprint, "float32")
    assert none is None
    assert same.loss.label == "mean_squared_error"


# ---- the loss of mixed targets


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_soft_cross_entropy_is_cross_entropy_where_targets_are_whole(smoothing):
    hard, soft = CrossEntropy(label_smoothing=smoothing), SoftCrossEntropy()
    z, y = RNG.normal(size=(30, 4)) * 5, RNG.integers(0, 4, 30)
    shares = (1 - smoothing) * np.eye(4) + smoothing / 4
    np.testing.assert_allclose(soft.value(z, shares[y]), hard.value(z, y), rtol=1e-12)
    np.testing.assert_allclose(
        soft.slope(z, shares[y]), hard.slope(z, y), rtol=1e-12, atol=1e-15
    )


def test_soft_cross_entropy_is_linear_in_its_targets():
    z = RNG.normal(size=(9, 4))
    a, b = np.eye(4)[RNG.integers(0, 4, (2, 9))]
    part = RNG.uniform(size=(9, 1))
    soft = SoftCrossEntropy()
    np.testing.assert_allclose(
        soft.value(z, part * a + (1 - part) * b),
        part[:, 0] * soft.value(z, a) + (1 - part[:, 0]) * soft.value(z, b),
        rtol=1e-12,
    )


def test_soft_cross_entropy_holds_for_every_finite_logit():
    soft = SoftCrossEntropy()
    z = np.array([[1e300, -1e300], [-1e300, -1e300], [700.0, 0.0]])
    y = np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])
    with np.errstate(over="raise", invalid="raise"):
        value, slope = soft.value(z, y), soft.slope(z, y)
    np.testing.assert_allclose(value, [0, np.log(2), 525])
    np.testing.assert_allclose(slope, [[0, 0], [0, 0], [0.75, -0.75]])


def test_soft_cross_entropy_stays_out_of_the_register():
    assert SoftCrossEntropy not in Loss.register.values()
    assert all(
        SoftCrossEntropy not in f.register.values() for f in Part.__subclasses__()
    )


# ---- training


def test_bytes_are_learned_from_like_the_numbers_that_they_are():
    nets = [network(), network()]
    for net, x in zip(nets, (X, X.astype(np.float64)), strict=True):
        net.fit(
            x, Y, epochs=3, batch_size=4, validation=(x[:6], Y[:6]), engine="readable"
        )
    assert nets[0].weights.tobytes() == nets[1].weights.tobytes()
    assert nets[0].history.validation == nets[1].history.validation
    for engine in ("readable", "auto"):
        answers = [
            nets[0].predict_proba(x, engine=engine) for x in (X, X.astype(float))
        ]
        assert answers[0].tobytes() == answers[1].tobytes()
    assert nets[0].evaluate(X, Y) == nets[0].evaluate(X.astype(float), Y)
    assert (nets[0].feedforward(X) == nets[0].feedforward(X.astype(float))).all()
    assert nets[0].backprop(X, Y)[0] == nets[0].backprop(X.astype(float), Y)[0]
    assert nets[0].activations(X[0])["dense_1"].dtype == np.float32


def test_bytes_stay_bytes():
    net = network()
    kept = net.samples(X, Y).x
    assert kept.dtype == np.uint8
    assert np.shares_memory(kept, X)


def test_a_gradient_of_mixed_targets_is_that_of_the_loss():
    net = network(dtype="float64")
    net.fit(X, Y, epochs=1, augment=EVERYTHING, optimizer=Momentum(1e-9, 0.0))
    blueprint, shares = softened(net.blueprint, "float64")
    engine = pellucid.engines.Engines(blueprint, "float64").readable
    batches = MadeBatches(
        samples(weight=RNG.uniform(0.5, 2, 21)),
        8,
        dtype="float64",
        augmentations=EVERYTHING,
        shares=shares,
        **SETTINGS,
    )
    x, y, weight, total = batches.batch(1)

    def loss(weights):
        return engine.backprop(weights, x, y, weight, 1 / total, key=1, step=1).loss

    found = engine.backprop(net.weights, x, y, weight, 1 / total, key=1, step=1)
    size = found.gradient.size
    step = 1e-6
    for place in RNG.integers(0, size, 12):
        ahead, behind = net.weights.copy(), net.weights.copy()
        ahead[place] += step
        behind[place] -= step
        numeric = (loss(ahead) - loss(behind)) / (2 * step)
        assert found.gradient[place] == pytest.approx(numeric, rel=1e-5, abs=1e-8)


def train(net, **settings):
    plan = {
        "epochs": 4,
        "batch_size": 6,
        "augment": EVERYTHING,
        "optimizer": Adam(0.01),
    }
    return net.fit(X, Y, **(plan | settings))


@both_engines
def test_the_same_seed_gives_the_same_bits():
    nets = [network(), network(), network(seed=3)]
    for net in nets:
        train(net)
    bits = [net.weights.tobytes() for net in nets]
    assert bits[0] == bits[1] != bits[2]
    plain = network()
    train(plain, augment=())
    assert plain.weights.tobytes() != bits[0]


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_the_engines_agree(loss):
    nets = [network(loss, dtype="float64") for _ in range(2)]
    y = Y if loss == "cross_entropy" else np.eye(3)[Y]
    for net, engine in zip(nets, ("readable", "auto"), strict=True):
        net.fit(X, y, epochs=4, batch_size=6, augment=EVERYTHING, engine=engine)
    first, second = (net.history for net in nets)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-9)
    np.testing.assert_allclose(nets[0].weights, nets[1].weights, rtol=1e-6, atol=1e-9)


def test_any_number_of_threads_gives_the_same_bits():
    nets = [network() for _ in range(3)]
    for net, threads in zip(nets, (1, 2, 4), strict=True):
        train(net, threads=threads)
    assert len({net.weights.tobytes() for net in nets}) == 1


@both_engines
@pytest.mark.parametrize("way", ["memory", "file"])
@pytest.mark.parametrize("stop", [1, 4, 5, 11])
def test_a_resumed_run_ends_like_an_undisturbed_one(way, stop, tmp_path):
    whole, paused = network(), network()
    train(whole, validation=0.2, metrics=["accuracy"])
    train(
        paused,
        validation=0.2,
        metrics=["accuracy"],
        callbacks=[Call(lambda run: run.step == stop and run.stop("paused"), every=1)],
    )
    if way == "file":
        paused.save(tmp_path / "net.pellucid", checkpoint=True)
        paused = pellucid.load(tmp_path / "net.pellucid")
        assert paused.training.augment == EVERYTHING
    train(paused, validation=0.2, metrics=["accuracy"], resume=True)
    assert paused.weights.tobytes() == whole.weights.tobytes()
    assert paused.history.loss == whole.history.loss


def test_resume_wants_the_same_augmentation():
    net = network()
    train(net, callbacks=[Call(lambda run: run.stop("paused"))])
    with pytest.raises(
        ConfigurationError, match=r"augment was \(Shift.*and is now \(Flip"
    ):
        train(net, augment=["flip"], resume=True)


def test_partial_fit_sees_the_data_as_they_are():
    net = network()
    train(net, epochs=1)
    assert net.training.augment == EVERYTHING
    other = copy.deepcopy(net)
    other.training.augment = ()
    net.partial_fit(X, Y)
    other.partial_fit(X, Y)
    assert net.training.augment == ()
    assert net.weights.tobytes() == other.weights.tobytes()


@pytest.mark.parametrize(
    ("loss", "outputs", "y"),
    [
        ("cross_entropy", 3, Y),
        ("cross_entropy", 3, np.array(["a", "b", "c"])[Y]),
        ("binary_cross_entropy", 1, Y > 0),
        ("binary_cross_entropy", 3, np.eye(3)[Y]),
        ("mean_squared_error", 2, np.stack([Y, -Y], axis=1)),
        ("huber", 1, Y.astype(float)),
    ],
)
def test_mixup_works_with_losses_whose_targets_can_be_mixed(loss, outputs, y):
    net = network(loss, outputs=outputs)
    history = net.fit(X, y, epochs=3, augment=[Mixup(0.5)], class_weight=None)
    assert np.isfinite(history.loss).all()
    assert net.loss.label == loss
    assert net.predict(X).shape == y.shape


def test_mixup_does_not_work_with_a_loss_that_takes_one_class():
    net = network(Focal())
    before = net.weights.tobytes()
    with pytest.raises(ConfigurationError, match="loss='focal' takes a single one"):
        net.fit(X, Y, epochs=1, augment=["mixup"])
    assert net.weights.tobytes() == before
    assert net.training is None


def test_augmentation_that_does_not_fit_the_inputs():
    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    with pytest.raises(ConfigurationError, match=r"a sample has the shape \(40,\)"):
        net.fit(X.reshape(21, 40), Y, augment=["flip"])
    history = net.fit(X.reshape(21, 40) / 255, Y, augment=[Noise(0.1)], epochs=2)
    assert history.epochs == 2


def test_an_overflow_in_an_augmented_batch_is_named():
    net = network()
    net.weights = np.full(net.weights.size, 1e30)
    with pytest.raises(pellucid.NonFiniteError, match="is not finite"):
        train(net, optimizer=Momentum(1e30))
