"""Random Programs: compiled, in plain Python, and run by NumPy, they agree."""

import os

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from compiled_runs import Assembly, plain_kernels, run_assembly
from random_programs import Writer, numbers_for

from pellucid.engines.compiled.arena import item
from pellucid.engines.compiled.plan import UnsupportedError, space_of
from pellucid.engines.compiled.shards import needs_whole_batch
from pellucid.ops import note_uniform
from pellucid.program import Program
from pellucid.symbol import Dim

# Each compiled program takes a quarter of a second where its kernels are not yet kept.
COMPILED = int(os.environ.get("PELLUCID_FUZZ", "40"))
PLAIN = max(300, COMPILED)
WIDTHS = (1, 2, 3, 4, 8, 17)
CLOSE = {"float64": 1e-12, "float32": 1e-4}
TYPES = pytest.mark.parametrize("dtype", CLOSE)


def written(seed):
    """Return a random Program, the outputs that overwrite a leaf, and its width."""
    columns = WIDTHS[seed % len(WIDTHS)]
    program, shared = Writer(seed, columns, calls=4 + seed % 9).program()
    return program, shared, columns


def in_float64(values):
    if isinstance(values, dict):
        return {name: in_float64(value) for name, value in values.items()}
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return values.astype(np.float64)
    return values


def check(seed, dtype, rows, functions=None):
    """Run one Program both ways; return whether the engine could."""
    program, shared, columns = written(seed)
    try:
        assembly = Assembly(program, dtype, shared)
    except UnsupportedError:
        return False
    for n in rows:
        given = numbers_for(n, columns, seed, dtype)
        found = run_assembly(assembly, given, n, functions=functions, shared=shared)
        with np.errstate(all="ignore"):
            wanted = program.run(in_float64(given), n, np.dtype(np.float64))
        for place, value in wanted.items():
            error = np.abs(found[place] - value).max(initial=0)
            largest = max(1.0, np.abs(value).max(initial=0))
            told = f"seed {seed}, {n} rows, {place}: {error / largest:.2g}\n{program}"
            assert found[place].shape == np.shape(value), told
            assert error <= CLOSE[dtype] * largest, told
    return True


def test_plain_kernels_agree_with_numpy():
    with plain_kernels() as functions:
        could = [check(seed, "float64", (1, 4), functions) for seed in range(PLAIN)]
    assert np.mean(could) > 0.7


@TYPES
def test_compiled_kernels_agree_with_numpy(dtype):
    first = 0 if dtype == "float64" else 10_000
    count = COMPILED if dtype == "float64" else COMPILED // 4
    could = [check(first + k, dtype, (1, 5, 70)) for k in range(count)]
    assert np.mean(could) > 0.6


def test_memory_is_never_shared_by_values_that_live_together():
    for seed in range(PLAIN):
        program, shared, _ = written(seed)
        try:
            assembly = Assembly(program, "float32", shared)
        except UnsupportedError:
            continue
        for n in (1, 13):
            check_arena(assembly, n)


def check_arena(assembly, n):
    offsets, size = assembly.arena(n)
    taken = []
    for key, offset in offsets.items():
        begin, end, count = life(assembly, key, n)
        assert offset % 64 == 0
        assert offset + count <= size
        taken.append((begin, end, offset, offset + count))
    for i, (begin, end, low, high) in enumerate(taken):
        for other_begin, other_end, other_low, other_high in taken[:i]:
            together = begin <= other_end and other_begin <= end
            assert not (together and low < other_high and other_low < high)


def life(assembly, key, n):
    """Return first and last step of a value, and its bytes, from the steps alone."""
    if isinstance(key, tuple):  # the scratch row of a step
        step, _ = key
        return step, step, assembly.plan.steps[step].space[1] * assembly.dtype.itemsize
    nodes = {
        node.id: (i, node)
        for i, step in enumerate(assembly.plan.steps)
        for node in step.nodes
    }
    made, symbol = nodes[key]
    reads = [
        i
        for i, node in nodes.values()
        if any(read(value, nodes) == key for value in node.inputs)
    ]
    (factor, scaled), columns = space_of(symbol.shape)
    rows = factor * n if scaled else factor
    return (
        made,
        max([made, *reads]),
        rows * columns * item(symbol, assembly.dtype.itemsize),
    )


def read(value, nodes):
    """Return whose memory is read: a change of shape that no step makes has none."""
    while hasattr(value, "operation") and value.id not in nodes and value.inputs:
        value = value.inputs[0]
    return getattr(value, "id", None)


# -- shards ----------------------------------------------------------------------------


def gradients(seed):
    """Return a random Program whose outputs are sums over the batch, mostly."""
    writer = Writer(seed, 3, calls=3 + seed % 6)
    writer.program()
    trace, choose = writer.trace, writer.random.choice
    trace.outputs.clear()
    for i in range(2):
        x, y = choose(writer.pool[-5:]), choose(writer.pool[:4])
        if x.ndim == 2 and y.ndim == 2 and x.shape[0] == y.shape[0]:
            trace.outputs["g", str(i)] = x.T @ y * choose([1.0, 0.5])
        else:
            total = x.sum(axis=tuple(range(max(1, x.ndim - 1)))) if x.ndim else x
            trace.outputs["g", str(i)] = -total if choose([0, 1]) else total + total
    outputs = list(trace.outputs.values())
    if any(isinstance(s, Dim) for value in outputs for s in value.shape):
        return None
    return Program("gradients", trace)


def shard(given, begin, end):
    part = dict(given)
    part["x"] = {name: values[begin:end] for name, values in given["x"].items()}
    part |= {name: given[name][begin:end] for name in ("y", "weight")}
    return part


def test_shards_add_up_where_the_engine_says_so():
    cut, n = 0, 10
    for seed in range(3 * PLAIN):
        program = gradients(seed)
        if program is None or needs_whole_batch(program):
            continue
        if any(node.operation.group == "random" for node in program.nodes):
            continue
        cut += 1
        given = numbers_for(n, 3, seed)
        try:
            assembly = Assembly(program, "float64")
        except UnsupportedError:
            continue
        with np.errstate(all="ignore"), plain_kernels() as functions:
            wanted = program.run(given, n, np.dtype(np.float64))
            parts = [
                run_assembly(
                    assembly,
                    shard(given, begin, end),
                    end - begin,
                    functions=functions,
                    before=begin,
                    behind=n - end,
                )
                for begin, end in ((0, 3), (3, 4), (4, 10))
            ]
        for place, value in wanted.items():
            found = sum(part[place] for part in parts)
            told = f"seed {seed}: {place}\n{program}"
            np.testing.assert_allclose(found, value, 1e-9, 1e-9, err_msg=told)
    assert cut > 20


def test_random_numbers_of_shards_are_those_of_the_batch():
    # Drawn by row, by row and column, by several rows a sample, and once for all.
    for seed, draw in enumerate(("n1", "nc", "nac", "c")):
        writer = Writer(seed, 4)
        n, trace = writer.trace.batch, writer.trace
        shapes = {"n1": (n, 1), "nc": (n, 4), "nac": (n, 2, 2), "c": (4,)}
        x = writer.pool[0].reshape(n, 2, 2) if draw == "nac" else writer.pool[0]
        noise = note_uniform(trace, 3, shapes[draw])
        trace.outputs["out", ""] = noise + 0.0 * x
        program = Program("noise", trace)
        assembly = Assembly(program, "float32")
        given = numbers_for(9, 4, seed, "float32")
        wanted = program.run(given, 9, np.dtype(np.float32))["out", ""]
        with plain_kernels() as functions:
            found = [
                run_assembly(
                    assembly,
                    shard(given, begin, end),
                    end - begin,
                    functions=functions,
                    before=begin,
                    behind=9 - end,
                )["out", ""]
                for begin, end in ((0, 2), (2, 9))
            ]
        np.testing.assert_array_equal(np.concatenate(found), wanted)
