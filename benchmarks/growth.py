"""How cost grows: time by rows, by parameters and by threads, and memory.

    python benchmarks/growth.py FOLDER SECONDS LARGEST

Networks of two hidden layers of one width, trained by the public `fit` with its default
settings. FOLDER receives growth.json and growth.png; LARGEST is the power of ten where
rows and parameters end.
"""

import json
import math
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from cases import IMAGE_TRAININGS, TRAININGS, Training
from machine import memory, restart_peak
from measure import blocks_for
from peers.pellucid_fit import network, started

from pellucid import Dense, NeuralNetwork

BATCH = 256
TABLES = 1_000_000  # bytes of Python's own objects: formulas, their plan, the history


def layered(inputs, width):
    layers = [Dense(width, "relu"), Dense(width, "relu"), Dense(2)]
    return NeuralNetwork(layers, loss="cross_entropy", input_shape=inputs)


def sample(rows, inputs):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, inputs), dtype=np.float32)
    return x, rng.integers(0, 2, rows)


def epoch_seconds(net, x, y, seconds, **settings):
    """Return the shortest time of an epoch, in fits of as many as take a while."""

    def run(epochs):
        net.fit(x, y, epochs=epochs, progress=False, engine="compiled", **settings)

    run(1)  # compiles
    epochs = blocks_for(run, seconds / 4)
    best, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run(epochs)
        best = min(best, (time.perf_counter() - start) / epochs)
    return best


def by_rows(seconds, largest):
    """Time of a row, for more and more of them."""
    found = []
    for rows in (10**k for k in range(3, largest + 1)):
        x, y = sample(rows, 10)
        taken = epoch_seconds(layered(10, 32), x, y, seconds, batch_size=BATCH)
        found.append({"rows": rows, "seconds_a_row": taken / rows})
    return found


def by_parameters(seconds, largest):
    """Time of a parameter at an iteration, for more and more of them."""
    found, inputs, rows = [], 20, 4 * BATCH
    x, y = sample(rows, inputs)
    for wanted in (10**k for k in range(2, largest + 1)):
        # width^2 + (inputs + 4) width + 2 parameters
        middle = (inputs + 4) / 2
        width = max(1, round(math.sqrt(middle**2 + wanted) - middle))
        net = layered(inputs, width)
        taken = epoch_seconds(net, x, y, seconds, batch_size=BATCH) / (rows // BATCH)
        size = net.weights.size
        found.append(
            {
                "parameters": size,
                "seconds_a_parameter": taken / size,
                "iteration": taken,
                "gflops": 6 * (size - inputs * width / 3) * BATCH / taken / 1e9,
            }
        )
    return found


def by_threads(seconds):
    """Time of an iteration on one and on two threads."""
    found = []
    for case in (*TRAININGS, *IMAGE_TRAININGS):
        net, optimizer = network(case)
        x, y = case.data()
        settings = {"batch_size": case.batch, "optimizer": optimizer, "shuffle": False}
        iterations = case.rows // case.batch
        one, two = (
            epoch_seconds(net, x, y, seconds, threads=threads, **settings) / iterations
            for threads in (1, 2)
        )
        shards = started(net, optimizer, x, y, case.batch).shards
        found.append({"case": case.name, "shards": shards, "one": one, "two": two})
    return found


def memory_of(case):
    """Return by how much `fit` raises the most memory in use, and what it may."""
    settings = {"batch_size": case.batch, "epochs": 2, "progress": False}
    small = replace(case, rows=2 * case.batch)
    network(small)[0].fit(*small.data(), **settings)  # loads the kernels
    x, y = case.data()
    net, optimizer = network(case)
    restart_peak()
    before = memory("VmRSS")
    net.fit(x, y, **settings)
    grown = memory("VmHWM") - before
    training = started(net, optimizer, *small.data(), case.batch)
    data = x.nbytes + y.nbytes
    vectors = 6 * net.weights.nbytes * training.shards
    return {
        "network": f"{case.name} at {case.batch}",
        "rows": case.rows,
        "parameters": net.weights.size,
        "shards": training.shards,
        "grown": grown,
        "data": data,
        "vectors": vectors,
        "arena": training.arena_bytes,
        "allowed": data + vectors + training.arena_bytes + TABLES,
    }


def by_memory(largest):
    """Growth of memory, each in a process of its own."""
    most = 10**largest
    narrow, wide = (round(math.sqrt(most / of)) for of in (10, 1))
    cases = [
        *(widened(10, 32, rows, BATCH) for rows in (most // 10, most)),
        widened(784, 128, 10_000, 64),
        *(widened(20, width, 2_000, BATCH) for width in (narrow, wide)),
        widened(20, wide, 2_000, 32),  # one shard
        *(replace(case, rows=2_000) for case in IMAGE_TRAININGS),
    ]
    if memory("VmHWM") is None:
        return []  # no such numbers here
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        return list(pool.map(memory_of, cases))


def widened(inputs, width, rows, batch):
    """Return a training with two hidden layers of one width."""
    sizes = (inputs, width, width, 2)
    return Training("-".join(map(str, sizes)), sizes, batch, rows, 1, ())


def plot(found, path):
    """Draw the growth of time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    (rows, parameters), (threads, taken) = figure.subplots(2, 2)
    rows.loglog(
        [each["rows"] for each in found["rows"]],
        [1e9 * each["seconds_a_row"] for each in found["rows"]],
        "o-",
    )
    rows.set(xlabel="rows", ylabel="ns a row", title="10-32-32-2, an epoch")
    parameters.loglog(
        [each["parameters"] for each in found["parameters"]],
        [1e9 * each["seconds_a_parameter"] for each in found["parameters"]],
        "o-",
    )
    title = f"an iteration, batch of {BATCH}"
    parameters.set(xlabel="parameters", ylabel="ns a parameter", title=title)
    names = [each["case"] for each in found["threads"]]
    threads.barh(names, [each["one"] / each["two"] for each in found["threads"]])
    threads.axvline(1, color="black", linewidth=0.8)
    threads.invert_yaxis()
    threads.set(xlabel="times as fast", title="two threads for one")
    draw_memory(taken, found["memory"])
    for axes in (rows, parameters):
        axes.set_ylim(bottom=axes.get_ylim()[0] / 2, top=axes.get_ylim()[1] * 2)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def draw_memory(axes, found):
    """Draw how much memory `fit` takes beside how much it may."""
    names = [f"{each['network']}, {each['rows']:,} rows" for each in found]
    places = np.arange(len(found))
    for part, shift in (("grown", -0.2), ("allowed", 0.2)):
        sizes = [each[part] / 1e6 for each in found]
        axes.barh(places + shift, sizes, height=0.4, label=part)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set(xlabel="MB", xscale="log", title="memory of a fit, and what it may take")
    axes.legend()


def main(folder, seconds, largest):
    seconds, largest = float(seconds), int(largest)
    found = {
        "rows": by_rows(seconds, largest),
        "parameters": by_parameters(seconds, largest),
        "threads": by_threads(seconds),
        "memory": by_memory(largest),
    }
    text = json.dumps(found, indent=1) + "\n"
    (Path(folder) / "growth.json").write_text(text, encoding="utf-8")
    plot(found, Path(folder) / "growth.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
