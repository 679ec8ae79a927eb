import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import (
    BinaryCrossEntropy,
    ConfigurationError,
    CrossEntropy,
    Cutout,
    Flip,
    Focal,
    Mixup,
    Noise,
    Rotate,
    Scale,
    Shift,
)
from pellucid.augmentations import Draws, as_augmentations, augment

RNG = np.random.default_rng(0)
LOSS = CrossEntropy()


def images(m=9, height=7, width=6, channels=2):
    levels = RNG.integers(0, 256, (m, height, width, channels))
    return levels.astype(np.float32)


def changed(x, *augmentations, epoch=0, key=1, rows=None):
    y = x.copy()
    augment(y, augmentations, key, epoch, np.arange(len(x)) if rows is None else rows)
    return y


# ---- random numbers


@given(rows=st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_draws_depend_on_the_row_and_not_on_its_place(rows):
    rows = np.array(rows)
    together = Draws(3, 5, rows)
    first, second, third = together.uniform(), together.uniform(4), together.normal(3)
    for place, row in enumerate(rows):
        alone = Draws(3, 5, np.array([row]))
        assert alone.uniform() == first[place]
        assert (alone.uniform(4) == second[place]).all()
        assert (alone.normal(3) == third[place]).all()


def test_draws_differ_by_key_epoch_row_and_call():
    rows = np.arange(50)
    draws = Draws(1, 0, rows)
    several = [draws.uniform(), draws.uniform()]
    several += [Draws(2, 0, rows).uniform(), Draws(1, 1, rows).uniform()]
    every = np.concatenate(several)
    assert len(np.unique(every)) == every.size


def test_draws_have_the_right_distribution():
    draws = Draws(7, 0, np.arange(1000))
    u, z = draws.uniform(100), draws.normal(101)
    assert (u.min() >= 0) & (u.max() < 1)
    assert u.mean() == pytest.approx(0.5, abs=0.005)
    assert u.var() == pytest.approx(1 / 12, abs=0.002)
    assert z.mean() == pytest.approx(0, abs=0.015)
    assert z.var() == pytest.approx(1, abs=0.02)
    assert (z**4).mean() == pytest.approx(3, abs=0.2)
    assert abs(np.corrcoef(z[:, :50].ravel(), z[:, 51:].ravel())[0, 1]) < 0.02


# ---- movements


@pytest.mark.parametrize(
    "still",
    [
        Shift(0.0),
        Flip(probability=0.0),
        Rotate(0.0),
        Scale(0.0),
        Noise(0.0),
        Cutout(0.0),
        Cutout(probability=0.0),
        Mixup(),
    ],
    ids=repr,
)
def test_no_change_changes_no_bit(still):
    x = images()
    assert changed(x, still).tobytes() == x.tobytes()


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_flip_mirrors_and_twice_is_nothing(direction):
    x = images()
    flip = Flip(direction, 1.0)
    mirrored = x[:, :, ::-1] if direction == "horizontal" else x[:, ::-1]
    assert (changed(x, flip) == mirrored).all()
    assert (changed(x, flip, flip) == x).all()
    assert (changed(changed(x, flip), flip) == x).all()


def test_half_of_the_images_are_flipped():
    x = images(m=400, height=2, width=3)
    flipped = (changed(x, Flip()) == x[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (changed(x, Flip()) == x).all(axis=(1, 2, 3))
    assert (flipped | same).all()
    assert 150 < flipped.sum() < 250


def test_shift_moves_by_whole_pixels_and_repeats_the_edge():
    x = images(m=200, height=10, width=20)
    y = changed(x, Shift(0.2))
    seen = set()
    for before, after in zip(x, y, strict=True):
        found = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-4, 5)
            if (_shifted(before, down, right) == after).all()
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert {down for down, _ in seen} == set(range(-2, 3))
    assert {right for _, right in seen} == set(range(-4, 5))


def _shifted(x, down, right):
    """Move one image pixel by pixel, as obviously as possible."""
    height, width = x.shape[:2]
    y = np.empty_like(x)
    for row in range(height):
        for column in range(width):
            from_row = min(max(row + down, 0), height - 1)
            from_column = min(max(column + right, 0), width - 1)
            y[row, column] = x[from_row, from_column]
    return y


class Turn(Rotate, abstract=True):
    """Always by the same angle, in degrees."""

    def matrix(self, draws, height, width):
        angle = np.radians(self.most)
        return np.cos(angle), -np.sin(angle), 0.0, np.sin(angle), np.cos(angle), 0.0


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_move_every_pixel_to_another_place(quarters):
    x = images(height=6, width=6)
    turned = changed(x, Turn(min(90.0 * quarters, 180.0)))
    if quarters == 3:
        turned = changed(turned, Turn(90.0))
    expected = np.rot90(x, -quarters, axes=(1, 2))  # clockwise
    np.testing.assert_allclose(turned, expected, atol=1e-3)


def test_a_turned_ramp_is_the_turned_ramp():
    # Linear interpolation is exact for a plane, away from the edge.
    row, column = np.mgrid[0:21, 0:21] - 10.0
    plane = (3 * row + 2 * column + 100)[None, :, :, None].astype(np.float64)
    sin, cos = np.sin(np.radians(30)), np.cos(np.radians(30))
    expected = 3 * (cos * row - sin * column) + 2 * (sin * row + cos * column) + 100
    inside = row**2 + column**2 <= 81
    turned = changed(plane, Turn(30.0))[0, :, :, 0]
    np.testing.assert_allclose(turned[inside], expected[inside], atol=1e-9)


def test_scale_keeps_the_middle_and_magnifies_around_it():
    row, _ = np.mgrid[0:21, 0:21] - 10.0
    plane = np.repeat(row[None, :, :, None], 50, axis=0)
    y = changed(plane, Scale(0.5))
    np.testing.assert_allclose(y[:, 10], 0, atol=1e-12)
    steps = y[:, 11, 10, 0] - y[:, 10, 10, 0]  # pixels of before to a pixel of after
    assert (steps >= 1 / 1.5).all()
    assert (steps <= 1 / 0.5).all()
    assert steps.std() > 0.1


def test_movements_in_a_row_are_one_movement():
    x = images(m=5, height=24, width=24)
    x = np.cumsum(np.cumsum(x, axis=1), axis=2) / 100  # smooth enough to compare
    rows = np.arange(5)
    draws = Draws(1, 0, rows)
    apart = Rotate(20.0).apply(Flip().apply(x, draws), draws)
    np.testing.assert_allclose(
        changed(x, Flip(), Rotate(20.0))[:, 8:16, 8:16], apart[:, 8:16, 8:16], rtol=0.02
    )


def test_images_of_one_pixel_can_be_moved():
    x = images(height=1, width=1)
    assert (changed(x, Shift(1.0), Flip(), Rotate(90.0), Scale(0.5)) == x).all()


# ---- the others


def test_noise_has_the_deviation_that_was_asked_for():
    x = images(m=50, height=30, width=31)
    noise = changed(x, Noise(12.0)) - x
    assert noise.std() == pytest.approx(12.0, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.2)


@given(
    height=st.integers(1, 12), width=st.integers(1, 12), size=st.floats(0, 1, width=16)
)
def test_cutout_covers_exactly_its_area_with_the_mean(height, width, size):
    x = images(m=4, height=height, width=width, channels=3)
    y = changed(x, Cutout(size))
    mean = x.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
    hole = (y == mean).all(axis=-1) & (x != mean).any(axis=-1)
    already = (x == mean).all(axis=-1)
    assert (y[~hole] == x[~hole]).all()
    area = round(size * height) * round(size * width)
    for covered, equal in zip(hole, already, strict=True):
        assert area - equal.sum() <= covered.sum() <= area
        if covered.any():
            rows, columns = covered.any(axis=1), covered.any(axis=0)
            assert np.ptp(np.flatnonzero(rows)) < round(size * height)
            assert np.ptp(np.flatnonzero(columns)) < round(size * width)


@given(m=st.integers(1, 40), alpha=st.floats(0.01, 1.0), key=st.integers(0, 99))
def test_mixup_mixes_each_row_with_another_one(m, alpha, key):
    partner, share = Mixup(alpha).partners(Draws(2 * key + 1, 0, np.arange(m)))
    assert sorted(partner) == list(range(m))
    assert m == 1 or (partner != np.arange(m)).all()
    assert ((share >= 0) & (share <= 1)).all()


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5, 1.0])
def test_mixup_shares_are_beta_distributed(alpha):
    _, share = Mixup(alpha).partners(Draws(1, 0, np.arange(60_000)))
    assert share.mean() == pytest.approx(0.5, abs=0.01)
    assert share.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.02)


# ---- batches


def test_an_image_is_changed_the_same_way_in_any_batch():
    x = images(m=60, height=40, width=40, channels=3)  # more than one piece of work
    every = (Shift(), Flip(), Rotate(), Cutout(), Scale(), Noise(3.0))
    whole = changed(x, *every, epoch=4)
    order = RNG.permutation(60)
    for rows in np.array_split(order, 4):
        part = changed(x[rows], *every, epoch=4, rows=rows)
        assert part.tobytes() == whole[rows].tobytes()


def test_every_epoch_and_seed_gives_other_images():
    x = images()
    versions = [
        changed(x, Noise(1.0), epoch=e, key=k) for e, k in ((0, 1), (1, 1), (0, 3))
    ]
    assert len({version.tobytes() for version in versions}) == 3


# ---- what cannot be


def test_names_and_single_ones_will_do():
    assert as_augmentations("flip", (3, 4, 1), LOSS) == (Flip(),)
    assert as_augmentations([Shift(), "mixup"], (3, 4, 1), LOSS) == (Shift(), Mixup())
    assert as_augmentations((), {"a": (3,)}, LOSS) == ()
    assert as_augmentations([Noise(1.0), Mixup()], (5,), BinaryCrossEntropy())


@pytest.mark.parametrize(
    ("given", "shape", "loss", "told"),
    [
        ("flop", (3, 4, 1), LOSS, "no augmentation named 'flop'. Did you mean 'flip'"),
        ("noise", (3, 4, 1), LOSS, r"needs settings \(deviation\)"),
        (3, (3, 4, 1), LOSS, r"augment as a list such as \[Shift"),
        ([Flip], (3, 4, 1), LOSS, r"write Flip\(...\) with brackets"),
        (
            ["flip"],
            (12,),
            LOSS,
            r"Flip\(\) changes images of shape .* \(12,\): reshape",
        ),
        (["flip"], (3, 4), LOSS, r"with 1 channel for grey images"),
        (["flip"], {"a": (3, 4, 1)}, LOSS, r"named inputs \['a'\]"),
        (["mixup", "flip"], (3, 4, 1), LOSS, "Mixup stands once in augment, and last"),
        (["mixup", "mixup"], (3, 4, 1), LOSS, "Mixup stands once in augment, and last"),
        (["mixup"], (3, 4, 1), Focal(), "loss='focal' takes a single one"),
    ],
)
def test_augmentations_that_cannot_work(given, shape, loss, told):
    with pytest.raises(ConfigurationError, match=told):
        as_augmentations(given, shape, loss)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Shift(1.5), r"most in \[0, 1\], got 1.5"),
        (lambda: Flip("diagonal"), "'horizontal' or 'vertical', got 'diagonal'"),
        (lambda: Flip(probability=-0.1), r"probability in \[0, 1\]"),
        (lambda: Rotate(181), r"in \[0, 180\] degrees, got 181"),
        (lambda: Scale(1.0), "most below 1"),
        (lambda: Noise(-1.0), "deviation >= 0"),
        (lambda: Cutout(2.0), r"size in \[0, 1\]"),
        (lambda: Mixup(0.0), r"alpha in \(0, 1\]"),
        (lambda: Mixup(1.1), r"alpha in \(0, 1\]"),
    ],
)
def test_settings_that_cannot_be(make, told):
    with pytest.raises(ConfigurationError, match=told):
        make()
