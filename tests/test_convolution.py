"""Sliding windows against loops, each other, and what pixels say by themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from pellucid import convolution
from pellucid.convolution import (
    Window,
    convolve,
    convolve_back,
    convolve_weights,
    max_windows,
    max_windows_back,
    spread_windows,
    sum_windows,
)
from pellucid.errors import ShapeError

CLOSE = {
    "float64": {"rtol": 1e-12, "atol": 1e-12},
    "float32": {"rtol": 1e-4, "atol": 1e-5},
}
DTYPES = st.sampled_from(sorted(CLOSE))


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def problems(draw):
    """Draw a window, a size of images in which it fits, and a source of numbers."""
    window = Window(
        draw(pairs(1, 3)),
        draw(pairs(1, 3)),
        draw(st.tuples(pairs(0, 2), pairs(0, 2))),
        draw(pairs(1, 2)),
    )
    sides = zip(window.reach, window.padding, strict=True)
    least = (max(1, reach - sum(side)) for reach, side in sides)
    height, width = (length + draw(st.integers(0, 3)) for length in least)
    return window, (height, width), np.random.default_rng(draw(st.integers(0, 2**32)))


def loops(window):
    """Return the window as naive.py takes it."""
    return naive.window(window.size, window.stride, window.padding, window.dilation)


def close(found, wanted, dtype="float64"):
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, **CLOSE[dtype])


# ---- convolution


@given(
    problem=problems(),
    n=st.integers(1, 3),
    each=st.integers(1, 3),
    more=st.integers(1, 2),
    groups=st.integers(1, 3),
    dtype=DTYPES,
)
def test_convolution_and_its_adjoints_agree_with_loops(
    problem, n, each, more, groups, dtype
):
    window, size, random = problem
    x = random.normal(size=(n, *size, each * groups)).astype(dtype)
    W = random.normal(size=(*window.size, each, more * groups)).astype(dtype)
    z = convolve(x, W, window, groups)
    dz = random.normal(size=z.shape).astype(dtype)
    how = loops(window)
    close(z, naive.convolve(x.tolist(), W.tolist(), how, groups), dtype)
    wanted = naive.convolve_back(dz.tolist(), W.tolist(), how, *size, groups)
    close(convolve_back(dz, W, window, size, groups), wanted, dtype)
    wanted = naive.convolve_weights(x.tolist(), dz.tolist(), how, groups)
    close(convolve_weights(x, dz, window, groups), wanted, dtype)


@given(problem=problems(), groups=st.integers(1, 2))
def test_the_ways_back_are_adjoints(problem, groups):
    window, size, random = problem
    x = random.normal(size=(2, *size, 2 * groups))
    W = random.normal(size=(*window.size, 2, 3 * groups))
    z = convolve(x, W, window, groups)
    dz = random.normal(size=z.shape)
    total = pytest.approx((z * dz).sum(), rel=1e-9, abs=1e-9)
    assert (x * convolve_back(dz, W, window, size, groups)).sum() == total
    assert (W * convolve_weights(x, dz, window, groups)).sum() == total
    y = sum_windows(x, window)
    dy = random.normal(size=y.shape)
    total = pytest.approx((y * dy).sum(), rel=1e-9, abs=1e-9)
    assert (x * spread_windows(dy, window, size)).sum() == total


@pytest.mark.parametrize("block", [1, 100, 400])
def test_blocks_of_samples_make_no_difference(monkeypatch, block):
    random, window = np.random.default_rng(0), Window((3, 2), (1, 2), ((1, 1), (0, 1)))
    x, W = random.normal(size=(7, 4, 5, 2)), random.normal(size=(3, 2, 2, 3))
    z = convolve(x, W, window)
    dz = random.normal(size=z.shape)
    dx, dW = convolve_back(dz, W, window, (4, 5)), convolve_weights(x, dz, window)
    monkeypatch.setattr(convolution, "BLOCK", block)
    close(convolve(x, W, window), z)
    close(convolve_back(dz, W, window, (4, 5)), dx)
    close(convolve_weights(x, dz, window), dW)


def test_the_columns_of_a_block_are_bounded(monkeypatch):
    seen = []
    columns = convolution._columns

    def watched(x, window, groups):
        found = columns(x, window, groups)
        seen.append(found.size)
        return found

    monkeypatch.setattr(convolution, "_columns", watched)
    monkeypatch.setattr(convolution, "BLOCK", 1000)
    x, W, window = np.ones((50, 6, 6, 2)), np.ones((3, 3, 2, 4)), Window((3, 3))
    z = convolve(x, W, window)
    convolve_weights(x, z, window)
    assert max(seen) <= 1000
    assert sum(seen) == 2 * 50 * 16 * 18


def test_a_known_convolution():
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    W = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    # 1*0 + 2*1 + 3*3 + 4*4 = 27, and so on: the filter is not turned around
    assert convolve(x, W, Window((2, 2)))[0, :, :, 0].tolist() == [[27, 37], [57, 67]]
    # at the corners: 4*0, 3*2, 2*6, 1*8
    corners = convolve(x, W, Window((2, 2), (3, 3), ((1, 1), (1, 1))))
    assert corners[0, :, :, 0].tolist() == [[0, 6], [12, 8]]


def test_no_samples_and_no_writing():
    window, W = Window((2, 2)), np.ones((2, 2, 1, 3))
    x, dz = np.ones((0, 4, 4, 1)), np.ones((0, 3, 3, 3))
    assert convolve(x, W, window).shape == (0, 3, 3, 3)
    assert convolve_back(dz, W, window, (4, 4)).shape == (0, 4, 4, 1)
    assert convolve_weights(x, dz, window).tolist() == np.zeros((2, 2, 1, 3)).tolist()
    assert max_windows(x, window).shape == sum_windows(x, window).shape == (0, 3, 3, 1)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 1))
    for array in (x, W):
        array.flags.writeable = False
    z = convolve(x, W, window)
    z.flags.writeable = False
    convolve_back(z, W, window, (4, 4))
    convolve_weights(x, z, window)
    max_windows_back(x, max_windows(x, window), window)
    spread_windows(sum_windows(x, window), window, (4, 4))


def test_transposed_arrays_give_the_same_numbers():
    random = np.random.default_rng(0)
    x, window = (
        random.normal(size=(2, 5, 4, 3)),
        Window((2, 3), padding=((1, 0), (1, 1))),
    )
    turned = np.asfortranarray(x)
    W = random.normal(size=(2, 3, 3, 2))
    assert np.array_equal(convolve(turned, W, window), convolve(x, W, window))
    assert np.array_equal(max_windows(turned, window), max_windows(x, window))


# ---- pooling


@given(problem=problems(), ties=st.booleans(), dtype=DTYPES)
def test_pooling_agrees_with_loops(problem, ties, dtype):
    window, size, random = problem
    # No window may lie in the border alone.
    padding = tuple(
        tuple(min(width, reach - 1) for width in side)
        for side, reach in zip(window.padding, window.size, strict=True)
    )
    window = Window(window.size, window.stride, padding)
    least = (
        max(0, reach - sum(side) - length)
        for reach, side, length in zip(window.size, padding, size, strict=True)
    )
    height, width = (n + more for n, more in zip(size, least, strict=True))
    x = random.normal(size=(2, height, width, 2))
    x = (np.round(x) if ties else x).astype(dtype)
    y = max_windows(x, window)
    how, size = loops(window), (height, width)
    assert np.array_equal(y, naive.max_windows(x.tolist(), how))
    dy = random.normal(size=y.shape).astype(dtype)
    wanted = naive.max_windows_back(x.tolist(), dy.tolist(), how)
    close(max_windows_back(x, dy, window), wanted, dtype)
    wanted = naive.mean_windows(x.tolist(), how, sums=True)
    close(sum_windows(x, window), wanted, dtype)
    wanted = naive.mean_windows_back(dy.tolist(), how, *size, sums=True)
    close(spread_windows(dy, window, size), wanted, dtype)


def image(*rows):
    return np.array([rows], dtype=np.float64)[..., None]


def rows(x):
    return x[0, :, :, 0].tolist()


def test_of_equal_pixels_the_first_one_row_by_row_takes_it_all():
    x = image([1, 2, 2], [2, 2, 0], [0, 0, 0])
    dy = image([10, 20], [30, 40])
    back = max_windows_back(x, dy, Window((2, 2)))
    assert rows(back) == [[0, 10 + 20, 0], [30, 40, 0], [0, 0, 0]]
    assert rows(max_windows_back(image([3, 3, 3]), image([1, 1]), Window((1, 2)))) == [
        [1, 1, 0]
    ]


def test_the_border_is_never_the_largest():
    x = image([-5, -7], [-9, -6])
    window = Window((2, 2), (2, 2), ((1, 1), (1, 1)))
    assert rows(max_windows(x, window)) == [[-5, -7], [-9, -6]]
    assert rows(max_windows_back(x, image([1, 2], [3, 4]), window)) == [[1, 2], [3, 4]]
    lowest = np.full((1, 2, 2, 1), -np.inf)
    assert rows(max_windows_back(lowest, image([1, 2], [3, 4]), window)) == [
        [1, 2],
        [3, 4],
    ]


def test_what_is_not_a_number_stays():
    x = image([1, np.nan, 3], [4, 5, 6])
    y = max_windows(x, Window((1, 2)))
    assert np.isnan(y[0, 0]).all()
    assert rows(y)[1] == [5, 6]
    dx = max_windows_back(x, np.ones_like(y), Window((1, 2)))
    assert rows(dx) == [[0, 2, 0], [0, 1, 1]]


# ---- windows and shapes


def test_where_a_window_goes():
    assert Window((3, 3)).outputs(3, 5) == (1, 3)
    assert Window((3, 3), (2, 2)).outputs(6, 7) == (2, 3)
    assert Window((3, 3), (2, 2), ((0, 1), (1, 1))).outputs(6, 7) == (3, 4)
    assert Window((2, 3), dilation=(3, 2)).reach == (4, 5)
    assert Window((2, 3), dilation=(3, 2)).outputs(4, 6) == (1, 2)


@given(problem=problems())
def test_places_are_counted_as_by_trying(problem):
    window, (height, width), _ = problem
    how = loops(window)
    found = [naive.count_places(how, 0, height), naive.count_places(how, 1, width)]
    assert list(window.outputs(height, width)) == found


def test_a_window_in_print_says_what_is_not_as_usual():
    assert str(Window((3, 3))) == "3x3"
    assert str(Window((1, 2), (2, 2), ((0, 1), (0, 0)), (1, 3))) == (
        "1x2 stride (2, 2) padding ((0, 1), (0, 0)) dilation (1, 3)"
    )


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda x, W: convolve(x[0], W, Window((2, 2))),
            "images (n, height, width, channels); got (3, 4, 2)",
        ),
        (
            lambda x, W: convolve(x, W, Window((3, 2))),
            "have shape (3, 2, channels, fil",
        ),
        (lambda x, W: convolve(x, W[:, :, :1], Window((2, 2))), "have 2 channels"),
        (lambda x, W: convolve(x, W[:, :, :1], Window((2, 2)), 2), "multiple of 2"),
        (
            lambda x, W: convolve(x[:, :1], W, Window((2, 2))),
            "A window of 2 x 2 pixels does not fit into an image of 1 x 4.",
        ),
        (
            lambda x, W: max_windows(x, Window((9, 1), padding=((1, 1), (0, 0)))),
            "window of 9 x 1 pixels does not fit into an image of 5 x 4 with its bord",
        ),
        (
            lambda x, W: convolve_back(x[..., :1], W[..., :1], Window((2, 2)), (3, 4)),
            "Over images of 3 x 4 the window gives (5, 2, 3, 1); got (5, 3, 4, 1).",
        ),
        (lambda x, W: convolve_back(x, W[0], Window((2, 2)), (3, 4)), "got (2, 2, 3)"),
        (lambda x, W: convolve_weights(x, x, Window((2, 2))), "gives (5, 2, 3, 2)"),
        (lambda x, W: max_windows_back(x, x, Window((2, 2))), "got (5, 3, 4, 2)"),
        (lambda x, W: spread_windows(x, Window((2, 2)), (3, 4)), "got (5, 3, 4, 2)"),
        (lambda x, W: sum_windows(x[0], Window((2, 2))), "got (3, 4, 2)"),
    ],
)
def test_shapes_that_do_not_fit(call, told):
    with pytest.raises(ShapeError) as error:
        call(np.ones((5, 3, 4, 2)), np.ones((2, 2, 2, 3)))
    assert told in str(error.value)
