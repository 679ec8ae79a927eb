import numpy as np
import pytest

from pellucid import data
from pellucid.errors import ConfigurationError

CLASSES = [data.xor, data.moons, data.circles, data.spirals, data.blobs]
CLASSES = [*CLASSES, data.checkerboard, data.rings]
NUMBERS = [data.sine, data.friedman1]
GENERATORS = CLASSES + NUMBERS


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_same_seed_gives_the_same_bits(generator):
    first, second = generator(n=60, seed=3), generator(n=60, seed=3)
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.y, second.y)


@pytest.mark.parametrize("generator", GENERATORS)
def test_another_seed_gives_other_rows(generator):
    first, second = generator(n=60, seed=3), generator(n=60, seed=4)
    assert not np.isin(first.x[:, 0], second.x[:, 0]).any()


@pytest.mark.parametrize("generator", GENERATORS)
def test_names_and_types(generator):
    made = generator(n=50)
    assert made.name == generator.__name__
    assert made.x.dtype == np.float64
    assert len(made) == 50
    assert made.y.shape == (50,)
    assert made.y.dtype == (np.int64 if made.classes else np.float64)
    assert made.task == ("classes" if generator in CLASSES else "numbers")
    assert np.isfinite(made.x).all()


@pytest.mark.parametrize("generator", CLASSES)
@pytest.mark.parametrize("n", [7, 50, 101])
def test_classes_are_balanced(generator, n):
    counts = generator(n=n).counts.values()
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("generator", CLASSES)
def test_rows_are_shuffled(generator):
    y = generator(n=100).y
    assert len(set(map(tuple, y.reshape(-1, 4)))) > 3


@pytest.mark.parametrize("generator", [*CLASSES, data.sine])
def test_noise_is_the_standard_deviation(generator):
    quiet, loud = generator(n=4000, noise=0.0), generator(n=4000, noise=0.2)
    noise = loud.y - quiet.y if generator is data.sine else loud.x - quiet.x
    assert noise.std() == pytest.approx(0.2, rel=0.05)
    assert noise.mean() == pytest.approx(0.0, abs=0.01)


def test_the_truth_table():
    table = data.truth_table()
    assert table.x.tolist() == [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    assert table.y.tolist() == [[0], [1], [1], [0]]
    assert table.x.dtype == table.y.dtype == np.float64
    assert table.task == "numbers"


def test_xor_without_noise_is_its_four_corners():
    made = data.xor(n=8, noise=0.0)
    assert sorted(map(tuple, made.x.tolist())) == sorted(
        2 * [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]
    )
    np.testing.assert_array_equal(made.y, made.x[:, 0] != made.x[:, 1])


def test_moons_without_noise_are_half_circles():
    made = data.moons(n=200, noise=0.0)
    centre = np.where(made.y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    np.testing.assert_allclose(np.hypot(*(made.x - centre).T), 1.0)
    assert (made.x[made.y == 0, 1] >= 0.0).all()
    assert (made.x[made.y == 1, 1] <= 0.5).all()


def test_circles_without_noise_have_radius_one_and_a_half():
    made = data.circles(n=200, noise=0.0)
    np.testing.assert_allclose(np.hypot(*made.x.T), np.where(made.y == 0, 1.0, 0.5))


@pytest.mark.parametrize("rings", [2, 3, 5])
def test_rings_without_noise_have_radii_that_are_evenly_spread(rings):
    made = data.rings(n=200, noise=0.0, rings=rings)
    assert len(made.classes) == rings
    np.testing.assert_allclose(np.hypot(*made.x.T), (made.y + 1) / rings)
    quarters = np.histogram(np.arctan2(*made.x.T), 4, (-np.pi, np.pi))[0]
    assert quarters.min() > 30


@pytest.mark.parametrize("arms", [2, 3, 5])
def test_the_angle_of_a_spiral_grows_with_its_radius(arms):
    made = data.spirals(n=300, noise=0.0, arms=arms)
    assert len(made.classes) == arms
    radius = np.hypot(*made.x.T)
    turns = np.arctan2(made.x[:, 1], made.x[:, 0]) / (2.0 * np.pi)
    difference = turns - radius - made.y / arms
    np.testing.assert_allclose(difference, difference.round(), atol=1e-12)
    assert radius.min() >= 0.1
    assert radius.max() <= 1.0


def test_blobs_without_noise_are_as_many_places_as_classes():
    made = data.blobs(n=70, noise=0.0, classes=7, dimensions=3)
    places = [np.unique(made.x[made.y == y], axis=0) for y in range(7)]
    assert [place.shape for place in places] == 7 * [(1, 3)]
    centres = np.concatenate(places)
    assert np.abs(centres).max() <= 1.0
    distances = np.linalg.norm(centres[:, None] - centres, axis=2) + np.eye(7)
    assert distances.min() > 0.5


@pytest.mark.parametrize("squares", [2, 3, 4, 7])
def test_the_squares_of_a_checkerboard_take_turns(squares):
    made = data.checkerboard(n=500, squares=squares)
    assert np.abs(made.x).max() <= 1.0
    cell = np.floor((made.x + 1.0) / 2.0 * squares)
    np.testing.assert_array_equal(made.y, cell.sum(axis=1) % 2)
    assert len(np.unique(cell, axis=0)) == squares**2


def test_sine_without_noise():
    made = data.sine(n=200, noise=0.0)
    np.testing.assert_array_equal(made.y, np.sin(made.x[:, 0]))
    assert made.x.shape == (200, 1)
    assert np.abs(made.x).max() <= np.pi


def test_friedman1_without_noise():
    made = data.friedman1(n=50, noise=0.0, features=7)
    assert made.x.shape == (50, 7)
    for row, y in zip(made.x, made.y, strict=True):
        expected = 10 * np.sin(np.pi * row[0] * row[1]) + 20 * (row[2] - 0.5) ** 2
        assert y == pytest.approx(expected + 10 * row[3] + 5 * row[4], rel=1e-12)


@pytest.mark.parametrize("generator", GENERATORS)
def test_numpy_numbers_are_arguments_too(generator):
    made = generator(n=np.int32(20), noise=np.float32(0.5), seed=np.int64(2))
    np.testing.assert_array_equal(made.x, generator(n=20, noise=0.5, seed=2).x)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("n", [0, -3, 10.0, "ten", None, True])
def test_a_wrong_number_of_rows(generator, n):
    with pytest.raises(
        ConfigurationError,
        match=rf"{generator.__name__}: n is {n!r}, expected an integer of \d or more",
    ):
        generator(n=n)


@pytest.mark.parametrize(
    ("generator", "n"), [(data.xor, 3), (data.moons, 1), (data.blobs, 2)]
)
def test_every_class_needs_a_row(generator, n):
    with pytest.raises(
        ConfigurationError, match=f"n is {n}, expected an integer of {n + 1} or more"
    ):
        generator(n=n)
    assert min(generator(n=n + 1).counts.values()) >= 1


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(
    "noise", [-0.1, float("nan"), float("inf"), "loud", None, True]
)
def test_a_wrong_noise(generator, noise):
    with pytest.raises(
        ConfigurationError,
        match=f"{generator.__name__}: noise is {noise!r}, expected a standard "
        "deviation, a finite number of 0 or more",
    ):
        generator(noise=noise)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("seed", [1.5, "1", None])
def test_a_wrong_seed(generator, seed):
    with pytest.raises(
        ConfigurationError,
        match=f"{generator.__name__}: seed is {seed!r}, expected an integer$",
    ):
        generator(seed=seed)


@pytest.mark.parametrize(
    ("generator", "argument", "least"),
    [
        (data.spirals, "arms", 2),
        (data.blobs, "classes", 2),
        (data.blobs, "dimensions", 1),
        (data.checkerboard, "squares", 2),
        (data.friedman1, "features", 5),
    ],
)
def test_other_counts_have_a_least_value(generator, argument, least):
    assert len(generator(**{argument: least})) > 0
    with pytest.raises(
        ConfigurationError,
        match=f"{generator.__name__}: {argument} is {least - 1}, "
        f"expected an integer of {least} or more",
    ):
        generator(**{argument: least - 1})
