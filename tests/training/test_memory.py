"""How much memory a training takes beyond what was there before it."""

import subprocess
import sys

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")
resource = pytest.importorskip("resource", reason="only Unix tells a process's memory")

SLACK = 4e6  # bytes: tables, the arena, room for orders, what the interpreter does

SCRIPT = """
import resource, sys
import numpy as np
from pellucid import Dense, NeuralNetwork

rows, width = map(int, sys.argv[1:])
unit = 1 if sys.platform == "darwin" else 1024


def peak():
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def network(width):
    # Ten layers of zeros: making them takes little more than they have in the end.
    layers = [Dense(width, "relu", weight_init="zeros") for _ in range(10)]
    layers.append(Dense(2))
    return NeuralNetwork(layers, loss="cross_entropy", input_shape=10)


def fit(net, x, y):
    settings = {"batch_size": 32, "epochs": 2, "progress": False}
    assert net.fit(x, y, engine="compiled", **settings).epochs == 2


random = np.random.default_rng(0)
x = random.standard_normal((rows, 10), dtype=np.float32)
y = random.integers(0, 2, rows)
fit(network(8), x[:100], y[:100])
net = network(width)
before = peak()
fit(net, x, y)
print(peak() - before, x.nbytes + y.nbytes, net.weights.nbytes)
"""


@pytest.mark.parametrize(("rows", "width"), [(400_000, 8), (200, 500)])
def test_fit_takes_as_much_as_the_data_and_six_vectors(rows, width):
    command = [sys.executable, "-c", SCRIPT, str(rows), str(width)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, data, vector = map(int, done.stdout.split())
    # Gradient, two memories of Adam, and a copy of them and the weights to go back to.
    assert grown < data + 6 * vector + SLACK
