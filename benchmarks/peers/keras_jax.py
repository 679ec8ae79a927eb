"""Keras on JAX: `compile` and `fit` as users write them."""

import os

import numpy as np

from peers import Contestant


def model(case):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras.layers import Dense

    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input((case.sizes[0],))])
    *hidden, outputs = case.sizes[1:]
    if case.truth_table:
        for units in case.sizes[1:]:
            net.add(Dense(units, "sigmoid", use_bias=False))
        net.compile(
            keras.optimizers.SGD(1.0),
            lambda y, output: keras.ops.sum((output - y) ** 2),
        )
        return net
    for units in hidden:
        net.add(Dense(units, "relu"))
    if case.kind == "prediction":
        net.add(Dense(outputs, "softmax"))
        return net
    net.add(Dense(outputs))
    net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return net


class Keras(Contestant):
    title = "Keras on JAX"
    packages = ("keras", "jax")
    imports = "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras"

    def training(self, case):
        net = model(case)
        first = net.get_weights()
        x, y = case.data()
        epochs = case.block
        if case.truth_table:
            # An epoch of one iteration would measure what Keras does between epochs.
            x, y = np.tile(x, (epochs, 1)), np.tile(y, (epochs, 1))
            epochs = 1

        def run(blocks):
            net.set_weights(first)
            net.fit(
                x,
                y,
                batch_size=case.batch,
                epochs=blocks * epochs,
                shuffle=False,
                verbose=0,
            )

        return run

    def prediction(self, case):
        net = model(case)
        x, _ = case.data()

        def run(calls):
            for _ in range(calls):
                if case.rows == 1:
                    net.predict_on_batch(x)
                else:
                    net.predict(x, batch_size=4096, verbose=0)

        return run
