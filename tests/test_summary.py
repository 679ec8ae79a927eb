"""What the summary says about the memory of training; its table is in test_network."""

import subprocess
import sys

import numpy as np
import pytest

from pellucid import ConfigurationError, Dense, NeuralNetwork
from pellucid.engines import missing_for_compiled

compiled = pytest.mark.skipif(
    bool(missing_for_compiled()), reason=missing_for_compiled()
)
R = np.random.default_rng(0)


def network(width=8, **settings):
    layers = [Dense(width, "relu"), Dense(width, "relu"), Dense(3)]
    return NeuralNetwork(layers, loss="cross_entropy", input_shape=5, **settings)


def last_line(net, *batch_size):
    return str(net.summary(*batch_size)).splitlines()[-1]


@compiled
@pytest.mark.parametrize(("width", "batch"), [(8, 7), (256, 100), (256, 256)])
def test_it_is_what_a_training_takes(monkeypatch, width, batch):
    from pellucid.engines.compiled.training import CompiledSession

    taken = []
    advance = CompiledSession.advance

    def watched(self, *arguments):
        taken.append((self.steps.arena_bytes, self.shards))
        return advance(self, *arguments)

    monkeypatch.setattr(CompiledSession, "advance", watched)
    net = network(width)
    before = last_line(net, batch)
    x, y = R.normal(size=(batch, 5)), R.integers(0, 3, batch)
    net.fit(x, y, epochs=1, batch_size=batch, engine="compiled")
    total, shards = taken[0]
    each = f"{shards} shards of " if shards > 1 else ""
    assert before == (
        f"training in batches of {batch}: {each}{total / shards / 1000:,.1f} kB for "
        "intermediate results"
    )
    assert last_line(net) == before  # the batch of the last training


@compiled
def test_more_rows_need_more():
    def kilobytes(batch):
        words = last_line(network(), batch).split()
        return float(words[words.index("kB") - 1])

    assert kilobytes(4) < kilobytes(40) < kilobytes(60)
    assert last_line(network()).startswith("training in batches of 32: ")


@compiled
def test_nothing_is_compiled_for_it():
    program = """
import sys
from pellucid import Dense, NeuralNetwork
net = NeuralNetwork([Dense(4, "gelu"), Dense(3)], loss="cross_entropy", input_shape=2)
assert "kB for intermediate results" in str(net.summary())
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_the_compiled_engine(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert last_line(network()) == (
        "training in batches of 32: in the readable engine (NUMBA_DISABLE_JIT is set)"
    )


@compiled
def test_a_network_that_the_compiled_engine_cannot_run(monkeypatch):
    from pellucid.engines.compiled.assemblies import Assemblies
    from pellucid.engines.compiled.plan import UnsupportedError

    def refuse(self, batch):
        raise UnsupportedError("the operation median")

    monkeypatch.setattr(Assemblies, "training_for", refuse)
    assert last_line(network()) == (
        "training in batches of 32: in the readable engine (it has the operation "
        "median)"
    )


@pytest.mark.parametrize("batch", [0, "all", 2.5])
def test_a_batch_size_that_cannot_be(batch):
    with pytest.raises(ConfigurationError, match="batch_size to be a number of rows"):
        network().summary(batch)
