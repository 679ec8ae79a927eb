"""The product of gathered rows: exact for any size, at any place, in any registers.

Whole numbers are multiplied and added without rounding, so that results must be equal.
"""

import ctypes
import mmap
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from pellucid.engines.compiled import cache, library

TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
INNER = (0, 1, 2, 7, 16, 33, 64, 255, 256, 257, 600)
TRIALS = 400


def multiply(x, rows, columns, y, z, to, n, *, adds=False, turned=False):
    """Let the kernel write to z what `gathered` returns."""
    how = (library.ADDS if adds else 0) | (library.TURNED if turned else 0)
    operands = [len(rows), n, len(columns), x, rows, columns, y, y.shape[1], z, to, how]
    places = [v.ctypes.data if isinstance(v, np.ndarray) else v for v in operands]
    address = cache.load(library.PRODUCT, 8 * x.itemsize)
    row = np.array(places, dtype=np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)(row.ctypes.data)


def gathered(x, rows, columns, y, z, to, n, *, adds=False, turned=False):
    """Return z as it has to be afterwards, all of it, by NumPy."""
    k, z = len(columns), z.copy()
    right = y[:n, :k].T if turned else y[:k, :n]
    places = np.add.outer(to, np.arange(n))
    before = z[places] if adds else np.zeros((), z.dtype)
    z[places] = before + x[np.add.outer(rows, columns)] @ right
    return z


def check(arguments, **how):
    """Compare, and see that nothing is written beside the result."""
    x, _, _, y, z, *_ = arguments
    kept_x, kept_y, wanted = x.copy(), y.copy(), gathered(*arguments, **how)
    multiply(*arguments, **how)
    m, n, k = (len(arguments[1]), arguments[6], len(arguments[2]))
    told = f"{m} rows, {n} columns, {k} between, {how}"
    np.testing.assert_array_equal(z, wanted, told)
    np.testing.assert_array_equal(x, kept_x, told)
    np.testing.assert_array_equal(y, kept_y, told)


def put(values, dtype, memory):
    found = memory(values.size, dtype)
    found[:] = values
    return found


def whole_numbers(r, count, dtype, memory=np.empty):
    return put(r.integers(-8, 9, count), dtype, memory)


def matrices(r, m, n, k, dtype, form, memory=np.empty):
    """Return the arguments of a product of two matrices; N is as it is, T is turned.

    All are part of wider matrices, some so wide that the right side will be copied.
    """
    gap_x, gap_y, gap_z = map(int, r.choice([0, 0, 1, 400], 3))
    long_x = gap_x + (m if form[0] == "T" else k)
    long_y = gap_y + (k if form[1] == "T" else n)
    high_y = n if form[1] == "T" else k
    step, other = (1, long_x) if form[0] == "T" else (long_x, 1)
    steps = ((step, m), (other, k), (n + gap_z, m))
    rows, columns, to = (
        put(step * np.arange(count), np.int64, memory) for step, count in steps
    )
    x = whole_numbers(r, last(rows) + last(columns) + 1, dtype, memory)
    y = whole_numbers(r, high_y * long_y, dtype, memory).reshape(high_y, long_y)
    z = whole_numbers(r, last(to) + n, dtype, memory)
    return x, rows, columns, y, z, to, n


def last(table):
    return int(table.max(initial=0))


def guarded(arguments):
    """Return the arguments with memory before and behind z that must stay as it is."""
    x, rows, columns, y, z, to, n = arguments
    around = np.full(64, 77, z.dtype)
    return x, rows, columns, y, np.concatenate([around, z, around]), to + 64, n


EDGES = (
    (48, 90, 600),
    (48, 111, 601),
    (90, 1, 600),
    (1, 90, 600),
    (0, 3, 2),
    (3, 0, 2),
)


def many_sizes(dtype, trials=TRIALS, memory=np.empty):
    """Yield arguments of products, and how they are called: the edges, then any."""
    r = np.random.default_rng(0)
    for trial in range(trials):
        m, n, k = *map(int, r.integers(1, 91, 2)), int(r.choice(INNER))
        if trial < 8 * len(EDGES):
            m, n, k = EDGES[trial // 8]
        how = {"adds": bool(trial & 1), "turned": bool(trial & 2)}
        form = ("T" if trial & 4 else "N") + ("T" if how["turned"] else "N")
        yield matrices(r, m, n, k, dtype, form, memory), how


@TYPES
def test_products_of_any_size_and_form(dtype):
    copied = 0
    for arguments, how in many_sizes(dtype):
        _, rows, columns, y, *_ = arguments
        check(guarded(arguments), **how)
        large = len(rows) >= 48 and len(columns) * y.shape[1] > 2**16
        copied += large and not how["turned"]
    assert copied > 5


@TYPES
def test_rounding(dtype):
    r = np.random.default_rng(1)
    for m, n, k in ((7, 33, 100), (64, 40, 2500), (50, 260, 300)):
        x, y = (r.normal(size=size).astype(dtype) for size in ((m, k), (k, n)))
        z = np.empty((m, n), dtype)
        tables = k * np.arange(m), np.arange(k)
        multiply(x, *tables, y, z, n * np.arange(m), n)
        error = np.abs(z - x.astype(np.longdouble) @ y.astype(np.longdouble))
        assert (error <= k * np.finfo(dtype).eps * (np.abs(x) @ np.abs(y))).all()


@TYPES
def test_patches_of_an_image(dtype):
    # The rows of the left side overlap, as those of a convolution do.
    r = np.random.default_rng(2)
    high, wide, deep, n = 9, 11, 5, 21
    image = whole_numbers(r, high * wide * deep, dtype)
    i, j = np.mgrid[: high - 2, : wide - 2]
    rows = ((i * wide + j) * deep).ravel()
    columns = np.add.outer(wide * deep * np.arange(3), np.arange(3 * deep)).ravel()
    y = whole_numbers(r, len(columns) * n, dtype).reshape(-1, n)
    z = whole_numbers(r, len(rows) * n, dtype)
    arguments = image, rows, columns, y, z, n * np.arange(len(rows)), n
    check(arguments)
    check(arguments, adds=True)
    windows = np.lib.stride_tricks.sliding_window_view(
        image.reshape(high, wide, deep), (3, 3), axis=(0, 1)
    )
    wanted = np.einsum("ijcab,abcn->ijn", windows, y.reshape(3, 3, deep, n))
    multiply(*arguments)
    np.testing.assert_array_equal(z, wanted.ravel())


@TYPES
def test_rows_from_anywhere_to_anywhere(dtype):
    r = np.random.default_rng(3)
    for m, n, k in ((5, 20, 9), (31, 70, 40), (64, 19, 300), (2, 300, 3)):
        x = whole_numbers(r, 900, dtype)
        rows, columns = r.integers(0, 400, m), r.integers(0, 500, k)  # some twice
        y = whole_numbers(r, k * n, dtype)
        to = (n + 3) * r.permutation(2 * m)[:m]
        for turned in (False, True):
            z = whole_numbers(r, last(to) + n, dtype)
            right = y.reshape((n, k) if turned else (k, n))
            arguments = guarded((x, rows, columns, right, z, to, n))
            check(arguments, turned=turned)
            check(arguments, turned=turned, adds=True)


@TYPES
def test_what_is_not_finite_is_kept(dtype):
    r = np.random.default_rng(4)
    for form in ("NN", "NT"):
        for m, n, k in ((3, 5, 4), (13, 70, 33), (60, 90, 300)):
            arguments = matrices(r, m, n, k, dtype, form)
            x, rows, columns, y, z, to, _ = arguments
            x[rows[0] + columns[k // 2]] = np.nan
            x[rows[1] + columns[k - 1]] = np.inf
            y[(0, k // 2) if form == "NT" else (k // 2, 0)] = -np.inf
            y[(n - 1, 0) if form == "NT" else (0, n - 1)] = np.nan
            turned = form == "NT"
            with np.errstate(invalid="ignore"):
                wanted = gathered(*arguments, turned=turned)
            multiply(*arguments, turned=turned)
            np.testing.assert_array_equal(z, wanted)
            assert np.isfinite(z[to[2] + 1 : to[2] + n - 1]).all()
            z[to[2] + 1] = np.nan  # what is added to
            multiply(*arguments, turned=turned, adds=True)
            assert np.isnan(z[to[2] + 1])


@TYPES
def test_the_same_bits_at_any_place_and_in_any_company(dtype):
    r = np.random.default_rng(5)
    m, n, k = 61, 90, 600
    x, y = (r.normal(size=size).astype(dtype) for size in ((m, k), (k, n)))
    y = np.concatenate([y, r.normal(size=(k, 50)).astype(dtype)], axis=1)
    tables, z = (k * np.arange(m), np.arange(k)), np.zeros((m, n), dtype)
    multiply(x, *tables, y, z, n * np.arange(m), n)

    def shifted(array, offset):
        memory = np.empty(array.size + 16, dtype)
        memory[offset : offset + array.size] = array.ravel()
        return memory[offset : offset + array.size].reshape(array.shape)

    for offset in (1, 3, 8, 15):
        here = shifted(np.zeros_like(z), 15 - offset)
        there = shifted(x, offset), *tables, shifted(y, (5 * offset) % 16)
        multiply(*there, here, n * np.arange(m), n)
        assert here.tobytes() == z.tobytes()
    turned, here = np.ascontiguousarray(y[:, :n].T), np.zeros_like(z)
    multiply(x, *tables, turned, here, n * np.arange(m), n, turned=True)
    assert here.tobytes() == z.tobytes()
    for i in (0, 1, m - 1):  # a row alone, and a part of it
        row = np.zeros(n, dtype)
        multiply(x, tables[0][i : i + 1], tables[1], y, row, np.array([0]), n)
        assert row.tobytes() == z[i].tobytes()
        multiply(x, tables[0][i : i + 1], tables[1], y, row, np.array([0]), 7)
        assert row.tobytes() == z[i].tobytes()


# -- registers of other processors -----------------------------------------------------


def between_walls(count, dtype):
    """Return memory beside pages that cannot be touched: behind it or before it."""
    size, page = count * np.dtype(dtype).itemsize, mmap.PAGESIZE
    pages = max(1, -(-size // page))
    memory = mmap.mmap(-1, (pages + 2) * page)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None).mprotect
    for wall in (begin, begin + (pages + 1) * page):
        assert protect(ctypes.c_void_p(wall), ctypes.c_size_t(page), 0) == 0
    at_the_end = count % 2
    offset = (pages + 1) * page - size if at_the_end else page
    return np.frombuffer(memory, dtype, count, offset)


IN_REGISTERS = """
import sys
from pellucid.engines.compiled import vectors
vectors.register_bytes = lambda: int(sys.argv[1])
sys.path.append(sys.argv[2])
import test_compiled_products as tests
memory = tests.np.empty if sys.platform == "win32" else tests.between_walls
for dtype in ("float32", "float64"):
    for arguments, how in tests.many_sizes(dtype, 150, memory):
        tests.check(arguments, **how)
"""


@pytest.mark.parametrize("size", [16, 32, 64])
def test_registers_of_any_size(size, tmp_path):
    """Right results, and no read or write outside the arrays, which would be fatal."""
    done = subprocess.run(
        [sys.executable, "-c", IN_REGISTERS, str(size), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PELLUCID_CACHE": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr or done.returncode


@TYPES
def test_sums_stay_in_registers(dtype):
    from numba import cfunc

    from pellucid.engines.compiled import products, words32, words64
    from pellucid.engines.compiled.runtime import FLAGS, SIGNATURE

    names = dict(vars({"float32": words32, "float64": words64}[dtype]))
    exec(library.PRODUCT, names)
    made = cfunc(SIGNATURE, fastmath=FLAGS, error_model="numpy")(names["run"])
    sums = products.ROWS[0] * products.VECTORS[0]
    bits = int(dtype[-2:])
    width = products.register_bytes() * 8 // bits
    fused = f"call <{width} x {'float' if bits == 32 else 'double'}> @llvm.fma."
    blocks = made.inspect_llvm().split("\n\n")
    hot = max(blocks, key=lambda block: block.count(fused))
    rounds, rest = divmod(hot.count(fused), sums)  # LLVM may unroll the loop
    assert rounds
    assert not rest
    assert "store" not in hot
    if platform.machine() not in ("x86_64", "AMD64") or width * bits < 256:
        return
    blocks = re.split(r"\n(?=\.?LBB)", made._library.get_asm_str())
    hot = max(blocks, key=lambda block: block.count("vfmadd"))
    loop = re.split(r"\n\tj\w+", hot)[0]
    register = {512: "%zmm", 256: "%ymm"}[width * bits]
    additions = [line for line in loop.splitlines() if "vfmadd" in line]
    assert len(additions) == rounds * sums
    assert all(register in line for line in additions)
    # No sum waits in memory for a register; an address may.
    assert not [x for x in loop.splitlines() if "(%rsp)" in x and "mm" in x]
