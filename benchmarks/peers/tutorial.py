"""The tutorials' own code: a class with feedforward and backprop, in NumPy."""

import numpy as np

from peers import Contestant


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_derivative(s):
    return s * (1.0 - s)


class NeuralNetwork:
    """Two layers, sigmoid, sum of squares, a learning rate of 1, float64."""

    def __init__(self, x, y):
        self.input = x
        self.y = y
        self.weights1 = np.random.rand(self.input.shape[1], 4)  # noqa: NPY002
        self.weights2 = np.random.rand(4, 1)  # noqa: NPY002
        self.output = np.zeros(self.y.shape)

    def feedforward(self):
        self.layer1 = sigmoid(np.dot(self.input, self.weights1))
        self.output = sigmoid(np.dot(self.layer1, self.weights2))

    def backprop(self):
        error = 2 * (self.y - self.output) * sigmoid_derivative(self.output)
        d_weights2 = np.dot(self.layer1.T, error)
        d_weights1 = np.dot(
            self.input.T,
            np.dot(error, self.weights2.T) * sigmoid_derivative(self.layer1),
        )
        self.weights1 += d_weights1
        self.weights2 += d_weights2


class Tutorial(Contestant):
    title = "the tutorials' NumPy code"
    packages = ("numpy",)
    imports = "import numpy"

    def training(self, case):
        x, y = (values.astype(np.float64) for values in case.data())

        def run(blocks):
            net = NeuralNetwork(x, y)
            for _ in range(blocks * case.block):
                net.feedforward()
                net.backprop()

        return run
