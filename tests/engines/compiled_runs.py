"""Runs Assemblies in tests: compiled, or as the plain Python that their kernels are."""

import ctypes
from contextlib import contextmanager

import numpy as np

from pellucid import rng
from pellucid.engines.compiled import assembly as assemblies
from pellucid.engines.compiled import library
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.calls import Shard
from pellucid.engines.compiled.cells import Numbers
from pellucid.engines.compiled.convolution.blocked import KEPT
from pellucid.program import Program
from pellucid.symbol import BOOL, INTEGER, NUMBER, Trace
from pellucid.testing.arrays import same_bits

GUARD = 64  # numbers before and behind every output, which nothing may touch


# -- plain Python: what the words of kernels mean on real addresses --------------------


def _view(address, count, dtype):
    dtype = np.dtype(dtype)
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(int(address))
    return np.frombuffer(memory, dtype, count)


class Pointer:
    """An address that knows what is there."""

    def __init__(self, address, dtype):
        self.address, self.dtype = address, np.dtype(dtype)

    def __getitem__(self, place):
        assert place >= 0
        where = self.address + int(place) * self.dtype.itemsize
        return _view(where, 1, self.dtype)[0]

    def __setitem__(self, place, value):
        assert place >= 0
        where = self.address + int(place) * self.dtype.itemsize
        _view(where, 1, self.dtype)[0] = value


def array(pointer, shape):
    shape = shape if isinstance(shape, tuple) else (shape,)
    count = int(np.prod(shape))
    return _view(pointer.address, count, pointer.dtype).reshape(shape)


def matrix(pointer, rows, columns, apart):
    """Return a matrix with a number of places from one row to the next."""
    assert apart >= columns
    count = (rows - 1) * apart + columns if rows and columns else 0
    found = array(pointer, count)
    steps = apart * found.itemsize, found.itemsize
    return np.lib.stride_tricks.as_strided(found, (rows, columns), steps)


def larger(x, y):
    return np.where((y > x) | np.isnan(y), y, x)


def where_same(x, y, there, elsewhere):
    bits = f"i{x.itemsize}"
    return np.where(x.view(bits) == y.view(bits), there, elsewhere)


def words(bits):
    """Return the words of kernels as plain Python functions."""
    dtype = np.dtype(f"float{bits}")

    def product(m, n, k, x, rows, columns, y, long_y, z, to, how):
        assert how in range(4)
        if not m or not n:
            return
        rows, columns, to = (
            array(Pointer(table, np.int64), count)
            for table, count in ((rows, m), (columns, k), (to, m))
        )
        assert to.min() >= 0
        assert (np.diff(np.sort(to)) >= n).all(), "rows of a product overlap"
        result = array(Pointer(z, dtype), to.max() + n)
        if k:
            assert rows.min() + columns.min() >= 0
            x = array(Pointer(x, dtype), rows.max() + columns.max() + 1)
        else:
            x = np.zeros(0, dtype)
        if how & library.TURNED:
            y = matrix(Pointer(y, dtype), n, k, long_y).T
        else:
            y = matrix(Pointer(y, dtype), k, n, long_y)
        for row, place in zip(rows, to, strict=True):
            before = result[place : place + n] if how & library.ADDS else 0
            result[place : place + n] = before + x[row + columns] @ y

    def turn(rows, columns, x, long_x, z, long_z):
        x = matrix(Pointer(x, dtype), rows, columns, long_x)
        matrix(Pointer(z, dtype), columns, rows, long_z)[...] = x.T

    def load(address, width):
        return _view(address, width, dtype).copy()

    def store(address, vector):
        _view(address, len(vector), dtype)[:] = vector

    def spread(value, width):
        return np.full(width, value, dtype)

    def step_key(key, step, stream):
        return rng.step_key(int(np.int64(key).view(np.uint64)), int(step), int(stream))

    def uniform(key, position):
        return dtype.type(rng.uniform(key, (1,), int(position))[0])

    def erf(x):
        from pellucid.special import erf

        return erf(np.asarray(x))[()]

    same = {name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p")}
    same |= {name: getattr(np, name) for name in ("tanh", "sin", "cos", "floor")}
    same |= {name: getattr(np, name) for name in ("maximum", "minimum")}
    return same | {
        "array": array,
        "conditions": lambda address: Pointer(address, np.int8),
        "erf": erf,
        "floats": lambda address: Pointer(address, dtype),
        "inf": np.inf,
        "nan": np.nan,
        "integers": lambda address: Pointer(address, np.int64),
        "item": dtype.itemsize,
        "larger": larger,
        "load": load,
        "number": dtype.type,
        "product": product,
        "reals": lambda address: Pointer(address, np.float64),
        "spread": spread,
        "sqrt": np.sqrt,
        "step_key": step_key,
        "store": store,
        "turn": turn,
        "uniform": uniform,
        "where_same": where_same,
    }


def plain_function(body, bits):
    """Return the kernel of a text as a Python function."""
    names = words(bits)
    exec(body, names)
    return names["run"]


@contextmanager
def plain_kernels():
    """Let kernels be plain functions, in place of compiled ones; yield them."""
    functions = {}

    def load(body, bits, note=""):
        del note
        known = {(f.body, f.bits): address for address, f in functions.items()}
        address = known.get((body, bits), len(functions) + 1)
        if address not in functions:
            function = plain_function(body, bits)
            function.body, function.bits = body, bits
            functions[address] = function
        return address

    before, assemblies.cache.load = assemblies.cache.load, load
    try:
        yield functions
    finally:
        assemblies.cache.load = before


# -- one call of an Assembly -----------------------------------------------------------


def _resolved(shape, n):
    return tuple(int(getattr(s, "factor", 0)) * n or s for s in shape)


def _given(given, place):
    vector, name = place
    return given[vector][name] if name else given[vector]


class Memory:
    """The arrays that the leaves and outputs of an Assembly are, with guards around.

    `shared` are outputs that overwrite a leaf: (vector, name) of both.
    """

    def __init__(self, assembly, given, n, shared=None):
        self.dtype = assembly.dtype
        kinds = {INTEGER: np.int64, BOOL: np.int8}
        self.arrays, self._whole = {}, []
        for leaf in assembly.program.leaves:
            place = leaf.settings["vector"], leaf.settings["name"]
            if leaf.kind == NUMBER or place[0] == "constant":
                continue
            wanted = _resolved(leaf.shape, n)
            values = np.asarray(_given(given, place))
            assert values.shape == wanted, (place, values.shape, wanted)
            self.arrays[place] = self._guarded(wanted, kinds.get(leaf.kind, self.dtype))
            self.arrays[place][...] = values
        self.read = {place: a.copy() for place, a in self.arrays.items()}
        self.outputs = {}
        for place, symbol in assembly.program.outputs.items():
            leaf = (shared or {}).get(place)
            if leaf in self.arrays:
                self.outputs[place] = self.arrays[leaf]
                self.read.pop(leaf, None)
            else:
                kind = kinds.get(symbol.kind, self.dtype)
                self.outputs[place] = self._guarded(_resolved(symbol.shape, n), kind)

    def _guarded(self, shape, dtype):
        count = int(np.prod(shape))
        whole = np.full(count + 2 * GUARD, 77, dtype=dtype)
        if np.dtype(dtype).kind == "f":
            whole[GUARD : GUARD + count] = np.nan
        self._whole.append((whole, count))
        return whole[GUARD : GUARD + count].reshape(shape)

    def where(self, place):
        found = self.outputs.get(place)
        return (self.arrays[place] if found is None else found).ctypes.data

    def check(self):
        """Fail if a kernel wrote where it must not."""
        for whole, count in self._whole:
            assert (whole[:GUARD] == 77).all(), "written before an array"
            assert (whole[GUARD + count :] == 77).all(), "written behind an array"
        for place, before in self.read.items():
            assert same_bits(self.arrays[place], before), f"{place} was changed"


def run_assembly(
    assembly, given, n, *, functions=None, shared=None, before=0, behind=0, **rest
):
    """Return the outputs of an Assembly by (vector, name).

    `given` is what `Program.run` takes. `functions` are those of `plain_kernels`.
    """
    memory = Memory(assembly, given, n, shared)
    numbers = Numbers.empty()
    for leaf in assembly.program.leaves:
        vector = leaf.settings["vector"]
        if leaf.kind == NUMBER and vector not in ("n", "seed", "step"):
            numbers.address(vector, float(given[vector]))
    cells = np.array([given.get("seed", 1), given.get("step", 0)], dtype=np.uint64)
    offsets, size = assembly.arena(n)
    arena = np.full(size + 128, 0xFF, dtype=np.uint8)  # NaN, -1, and true
    base = -(-arena.ctypes.data // 64) * 64
    for step, operation in assembly.over_images.items():
        for name in KEPT & set(operation.scratch):  # this begins as zeros
            begin = base - arena.ctypes.data + offsets[step, name]
            arena[begin : begin + operation.scratch[name] * assembly.dtype.itemsize] = 0
    # Of a shard, there are others before and behind it.
    rows = (before, n, behind) if before or behind else (n,)
    calls = assembly.calls(
        tuple(Shard(count, memory.where, base) for count in rows),
        offsets,
        numbers,
        number=len(rows) // 2,
        seed=cells.ctypes.data,
        step=cells.ctypes.data + 8,
        **rest,
    )
    if functions is None:
        _run_compiled(calls)
    else:
        with np.errstate(all="ignore"):
            for address, operands in calls:
                functions[address]([int(value) for value in operands])
    memory.check()
    spare = base - arena.ctypes.data + size
    assert (arena[spare:] == 0xFF).all(), "written behind the arena"
    return memory.outputs


def _run_compiled(calls):
    from pellucid.engines.compiled.runtime import run

    table, operands = [], [0]
    for address, row in calls:
        table.append((address, len(operands)))
        operands += row
    run(
        np.array(table, dtype=np.int64).reshape(-1, 2),
        np.array(operands, dtype=np.int64),
    )


# -- formulas --------------------------------------------------------------------------


def program_of(formulas, given):
    """Return the Program of formulas, a function from Symbols to Symbols by name.

    `given` are the arrays that the Symbols stand for: ``{"x": {name: ...}, "w": ...}``.
    Those of "x" are batches.
    """
    trace = Trace()
    symbols = {}
    for vector, arrays in given.items():
        for name, values in arrays.items():
            first = trace.batch if vector == "x" else values.shape[0]
            shape = first, *values.shape[1:]
            symbols[name] = trace.leaf(vector, name, shape)
    for name, symbol in formulas(**symbols).items():
        trace.outputs["out", name] = symbol
    return Program("formulas", trace)


def run_formulas(formulas, given, dtype, *, functions=None):
    """Return what formulas give, compiled and by NumPy in float64, by name."""
    n = len(next(iter(given["x"].values())))
    program = program_of(formulas, given)
    found = run_assembly(Assembly(program, dtype), given, n, functions=functions)
    exact = {
        vector: {name: values.astype(np.float64) for name, values in arrays.items()}
        for vector, arrays in given.items()
    }
    wanted = program.run(exact, n, np.dtype(np.float64))
    return tuple({place[1]: v for place, v in each.items()} for each in (found, wanted))


__all__ = [
    "Assembly",
    "plain_function",
    "plain_kernels",
    "program_of",
    "run_assembly",
    "run_formulas",
]
