"""Make one small model file of every sort in models/schema_N, for ever.

Run it from the root of the repository when the schema has a new version::

    .venv/bin/python tests/golden/make_models.py

It never overwrites a file: what a release has written must stay readable. Each file has
beside it, in NAME.json, what is asked of its network and what that answered.
"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import pellucid
from pellucid import Dense, NeuralNetwork
from pellucid.files import SCHEMA
from pellucid.recording_files import SCHEMA as RECORDING_SCHEMA

MODELS = Path(__file__).parent / "models"
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(20, 3)), np.arange(20) % 3
PLAN = {"epochs": 4, "batch_size": 8, "engine": "readable"}


def answers(net, x):
    """Return inputs and what the network makes of them."""
    y = net.feedforward(x)
    return {"x": x.tolist(), "y": y.tolist(), "predicted": net.predict(x).tolist()}


def mlp(path):
    layers = [
        Dense(5, pellucid.LeakyReLU(0.2)),
        pellucid.BatchNorm(),
        pellucid.Residual([Dense(5, "tanh"), pellucid.Dropout(0.25)]),
        Dense(3, "softmax", bias=False),
    ]
    loss = pellucid.CrossEntropy(label_smoothing=0.1)
    net = NeuralNetwork(layers, loss=loss, seed=5)
    optimizer = pellucid.Adam(pellucid.WarmUp(2, pellucid.Cosine(0.05)), clip_norm=1.0)
    labels = np.take(["one", "two", "drei ü"], Y)
    net.fit(X, labels, optimizer=optimizer, metrics=["accuracy"], **PLAN)
    net.save(path)
    return answers(net, X[:5])


def cnn(path):
    layers = [
        pellucid.Rescale(1 / 255),
        pellucid.Conv2D(2, 3, "relu", padding="same"),
        pellucid.MaxPool2D(2),
        pellucid.Flatten(),
        Dense(1),
    ]
    net = NeuralNetwork(layers, loss="binary_cross_entropy", dtype="float64")
    net.reader = pellucid.ImageReader((6, 6), "grey", "pad")
    images = RANDOM.integers(0, 256, size=(20, 6, 6, 1)).astype(np.uint8)
    net.fit(images, Y > 0, **PLAN)
    net.save(path)
    return answers(net, images[:3].astype(float))


def table(path):
    cells = {
        "age": [None, *X[1:, 0].tolist()],
        "city": np.take(["Rome", "Oslo", "Nîmes"], Y).tolist(),
        "code": [f"code {i % 11}" for i in range(20)],
        "born": [f"{1990 + i}-0{1 + i % 9}-11" for i in range(20)],
        "worth": (100 * X[:, 1]).tolist(),
    }
    rows = pellucid.data.table(cells, "worth")
    encoder = pellucid.Encoder.fit(rows)
    net = NeuralNetwork(
        encoder.layers([Dense(4, "relu"), Dense(1)]),
        loss="mean_squared_error",
        input_shape=encoder.input_shape,
    )
    net.reader = encoder
    net.fit(rows, rows.y, **PLAN)
    net.save(path)
    asked = {name: column[:6] for name, column in cells.items() if name != "worth"}
    return {"table": asked, "predicted": net.predict(asked).tolist()}


def checkpoint(path):
    plan = PLAN | {"validation": 0.25, "optimizer": "momentum"}

    def stop(run):
        if run.step == 4:
            run.stop("paused")

    def begun():
        return NeuralNetwork([Dense(4, "tanh"), Dense(3)], loss="cross_entropy")

    net, whole = begun(), begun()
    net.fit(X, Y, callbacks=pellucid.Call(stop, every=1), **plan)
    net.save(path, checkpoint=True)
    whole.fit(X, Y, **plan)
    end = {"weights": whole.weights.tolist(), "loss": whole.history.loss}
    plan |= {"data": X.tolist(), "labels": Y.tolist()}
    return answers(net, X[:5]) | {"plan": plan, "end": end}


def images(path):
    """A checkpoint in the middle of an epoch, of all that a training decides itself."""
    layers = [pellucid.Rescale(), pellucid.Flatten(), Dense(4, "tanh"), Dense(3)]
    x = RANDOM.integers(0, 256, size=(20, 4, 4, 1)).astype(np.uint8)
    plan = PLAN | {"validation": 0.25, "early_stopping": 3, "epochs": 8}
    schedule = pellucid.ReduceOnPlateau(0.05, patience=1)
    parts = {
        "optimizer": pellucid.Momentum(schedule, average=0.9),
        "augment": [pellucid.Flip(), pellucid.Shift(1), pellucid.Mixup()],
    }

    def stop(run):
        if run.step == 7:
            run.stop("paused")

    net, whole = (NeuralNetwork(layers, loss="cross_entropy") for _ in range(2))
    net.fit(x, Y, callbacks=pellucid.Call(stop, every=1), **plan, **parts)
    net.save(path, checkpoint=True)
    whole.fit(x, Y, **plan, **parts)
    end = {"weights": whole.weights.tolist(), "loss": whole.history.loss}
    plan |= {"data": x.tolist(), "labels": Y.tolist()}
    return answers(net, x[:3]) | {"plan": plan, "end": end}


def by_recipe(path, **settings):
    """Save what a recipe for tables makes, with small layers."""
    cells = {"age": X[:, 0].tolist(), "city": np.take(["Rome", "Oslo"], Y % 2).tolist()}
    rows = pellucid.data.table(cells | {"ill": np.take(["no", "yes"], Y // 2)}, "ill")
    recipe = pellucid.tabular.recipe_for(
        20, "classes", ensemble=settings.get("members")
    )
    recipe = replace(recipe, hidden=(4, 4), epochs=2, batch_size=8, **settings)
    trained = pellucid.tabular.train(rows, recipe=recipe, engine="readable")
    trained.network.save(path)
    asked = {name: column[:6] for name, column in cells.items()}
    net = trained.network
    told = {"table": asked, "predicted": net.predict(asked).tolist()}
    return told | {"probabilities": net.predict_proba(asked).tolist()}


def bag(path):
    return by_recipe(path, folds=3)


def ensemble(path):
    return by_recipe(path, members=3)


def recording(path):
    net = NeuralNetwork([Dense(3, "tanh"), Dense(3)], loss="cross_entropy")
    optimizer = pellucid.Momentum(pellucid.ReduceOnPlateau(0.5, 0.5, 1))
    net.fit(X, Y, optimizer=optimizer, record=4, **PLAN)
    net.recording.save(path)
    n = len(net.recording)
    weights = [net.recording.weights(i).vector.tolist() for i in range(n + 1)]
    return {"weights": weights, "losses": net.recording.losses.tolist()}


def main():
    for make in (mlp, cnn, table, checkpoint, images, bag, ensemble, recording):
        schema = RECORDING_SCHEMA if make is recording else SCHEMA
        folder = MODELS / f"schema_{schema}"
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"{make.__name__}.pellucid"
        if place.exists():
            print(f"{place.name} of schema {schema} stays as it is")
            continue
        with TemporaryDirectory() as scratch:
            made = Path(scratch) / place.name
            answer = make(made)
            place.with_suffix(".json").write_text(json.dumps(answer) + "\n", "utf-8")
            with place.open("xb") as file:
                file.write(made.read_bytes())
        print(f"wrote {place.name} of schema {schema}")


if __name__ == "__main__":
    main()
