"""Random numbers: known answers, good quality, nothing but their key.

The statistics are of fixed seeds, so each test passes always or never. Limits are five
standard deviations.
"""

import hashlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import rng
from pellucid.errors import ConfigurationError
from pellucid.rng import Random, make_key, squares, step_key, uniform

MASK = 2**64 - 1
words = st.integers(0, MASK)


def plain_squares(key, position):
    """Squares as in the paper, figure for figure, in Python's whole numbers."""

    def swapped(x):
        return (x >> 32) | (x << 32) & MASK

    x = y = position * key & MASK
    z = y + key & MASK
    x = swapped(x * x + y & MASK)
    x = swapped(x * x + z & MASK)
    x = swapped(x * x + y & MASK)
    return (x * x + z & MASK) >> 32


def plain_mix(x):
    """The finalizer of SplitMix64."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


# ---- known answers


@given(key=words, positions=st.lists(words, min_size=1, max_size=8))
def test_squares_agrees_with_whole_numbers_of_python(key, positions):
    found = squares(key, np.array(positions, dtype=np.uint64))
    assert found.dtype == np.uint64
    assert found.tolist() == [plain_squares(key, position) for position in positions]


def test_squares_of_a_known_key():
    found = squares(0x548C9DECBCE65297, np.arange(4, dtype=np.uint64)).tolist()
    assert found == [0x36D88366, 0x944716E0, 0xC8A8F4E0, 0x35CC666A]


def test_step_keys_are_the_published_numbers_of_splitmix():
    # The first three outputs of SplitMix64 with seed 0.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [step_key(0, step, 0) for step in (1, 2, 3)] == [v | 1 for v in published]


@given(key=words, step=st.integers(0, 2**40), stream=st.integers(0, 1000))
def test_step_keys_agree_with_whole_numbers_of_python(key, step, stream):
    x = key + step * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03
    assert step_key(key, step, stream) == plain_mix(x & MASK) | 1


def test_keys_are_hashes_of_seed_and_purpose():
    digest = hashlib.blake2b(b"7/weights/dense_1.W", digest_size=8).digest()
    expected = int.from_bytes(digest, "little") | 1
    assert make_key(7, "weights", "dense_1.W") == expected
    assert make_key(np.int64(7), "weights", "dense_1.W") == expected
    assert make_key(-7) != make_key(7)


def test_the_bits_of_a_seed_stay_what_they_are():
    # Networks of older versions are made again from their seeds: never change these.
    assert Random(0, "example").uniform(2).tolist() == [
        0.3977402362486142,
        0.3443748195042271,
    ]
    assert Random(0, "example").permutation(5).tolist() == [4, 1, 0, 3, 2]


@pytest.mark.parametrize("seed", [1.0, "1", None, True, np.float64(1)])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ConfigurationError, match="Expected a whole number as seed"):
        make_key(seed)


# ---- uniform numbers


@given(
    key=words,
    first=st.integers(0, 2**40),
    shape=st.lists(st.integers(0, 5), max_size=3),
)
def test_uniform_numbers_are_the_upper_24_bits(key, first, shape):
    numbers = uniform(key, shape, first)
    assert numbers.dtype == np.float32
    assert numbers.shape == tuple(shape)
    expected = [
        (plain_squares(key, first + i) >> 8) / 2**24 for i in range(math.prod(shape))
    ]
    assert numbers.reshape(-1).tolist() == expected
    assert all(0 <= number < 1 for number in expected)


@given(key=words, rows=st.integers(1, 20), cut=st.integers(0, 20))
def test_a_shard_draws_its_own_rows(key, rows, cut):
    cut = min(cut, rows)
    whole = uniform(key, (rows, 3))
    parts = [uniform(key, (cut, 3)), uniform(key, (rows - cut, 3), first=3 * cut)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


COUNT = 2**18
KEYS = {
    "one": make_key(0, "a"),
    "next seed": make_key(1, "a"),
    "other purpose": make_key(0, "b"),
    "step 0": step_key(make_key(0, "a"), 0, 0),
    "step 1": step_key(make_key(0, "a"), 1, 0),
    "stream 1": step_key(make_key(0, "a"), 0, 1),
    "least key": step_key(1, 0, 0),
}
DRAWN = {name: uniform(key, (COUNT,)).astype(float) for name, key in KEYS.items()}
every_key = pytest.mark.parametrize("name", KEYS)


def chi_square(counts, expected):
    """Return how many standard deviations from its mean the statistic is."""
    freedom = counts.size - 1
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - freedom) / math.sqrt(2 * freedom)


@every_key
def test_uniformity(name):
    numbers = DRAWN[name]
    assert abs(numbers.mean() - 0.5) < 5 / math.sqrt(12 * COUNT)
    assert abs(numbers.var() - 1 / 12) < 5 / math.sqrt(180 * COUNT)
    counts, _ = np.histogram(numbers, bins=256, range=(0, 1))
    assert abs(chi_square(counts, COUNT / 256)) < 5


@every_key
def test_each_bit_is_as_often_1_as_0_and_tells_nothing_of_the_others(name):
    whole = (DRAWN[name] * 2**24).astype(np.int64)
    bits = (whole[:, None] >> np.arange(24)) & 1
    limit = 5 * 0.5 / math.sqrt(COUNT)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < limit
    signs = 2.0 * bits - 1.0
    between = signs.T @ signs / COUNT
    assert np.abs(between - np.eye(24)).max() < 5 / math.sqrt(COUNT)


@every_key
def test_neighbours_are_independent(name):
    numbers = DRAWN[name]
    centred = (numbers - 0.5) * math.sqrt(12)
    for lag in (1, 2, 3, 7, 10, 64, 128, 784, 1024):
        correlation = (centred[lag:] * centred[:-lag]).mean()
        assert abs(correlation) < 5 / math.sqrt(COUNT - lag)
    pairs, _, _ = np.histogram2d(
        numbers[::2], numbers[1::2], bins=32, range=[(0, 1), (0, 1)]
    )
    assert abs(chi_square(pairs, COUNT / 2 / 1024)) < 5
    triples, _ = np.histogramdd(
        numbers[: 3 * (COUNT // 3)].reshape(-1, 3), bins=8, range=[(0, 1)] * 3
    )
    assert abs(chi_square(triples, COUNT // 3 / 512)) < 5


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(KEYS, 2)])
def test_streams_are_independent(one, other):
    first, second = DRAWN[one], DRAWN[other]
    correlation = 12 * ((first - 0.5) * (second - 0.5)).mean()
    assert abs(correlation) < 5 / math.sqrt(COUNT)
    pairs, _, _ = np.histogram2d(first, second, bins=32, range=[(0, 1), (0, 1)])
    assert abs(chi_square(pairs, COUNT / 1024)) < 5
    assert (first == second).mean() < 1e-5


def test_the_same_place_from_step_to_step_is_independent_too():
    key = make_key(3, "noise")
    numbers = np.array(
        [uniform(step_key(key, step, 0), (4,)) for step in range(20_000)], dtype=float
    )
    for column in numbers.T:
        counts, _ = np.histogram(column, bins=64, range=(0, 1))
        assert abs(chi_square(counts, len(column) / 64)) < 5
    centred = (numbers - 0.5) * math.sqrt(12)
    along = (centred[1:] * centred[:-1]).mean(axis=0)
    assert np.abs(along).max() < 5 / math.sqrt(len(numbers))
    across = centred.T @ centred / len(numbers)
    assert np.abs(across - np.eye(4)).max() < 6 / math.sqrt(len(numbers))


def test_keys_of_different_purposes_differ():
    keys = [make_key(seed, name) for seed in range(100) for name in ("a", "b", "c")]
    keys += [step_key(keys[0], step, k) for step in range(500) for k in range(10)]
    assert len(set(keys)) == len(keys)
    assert all(key % 2 == 1 and 0 < key <= MASK for key in keys)


# ---- Random


def test_the_same_seed_gives_the_same_numbers():
    for method, *arguments in (
        ("uniform", (3, 2)),
        ("normal", (3, 2)),
        ("integers", 0, 100, (5,)),
        ("permutation", 10),
    ):
        one = getattr(Random(5, "a", 1), method)(*arguments)
        two = getattr(Random(5, "a", 1), method)(*arguments)
        assert one.tobytes() == two.tobytes()
        for others in ((6, "a", 1), (5, "b", 1), (5, "a", 2)):
            three = getattr(Random(*others), method)(*arguments)
            assert one.tobytes() != three.tobytes()


@given(seed=st.integers(), cut=st.integers(0, 10))
def test_a_stream_goes_on(seed, cut):
    random = Random(seed)
    parts = [random.uniform(cut), random.uniform(10 - cut)]
    assert np.concatenate(parts).tobytes() == Random(seed).uniform(10).tobytes()


@given(seed=st.integers(), low=st.integers(-50, 50), size=st.integers(1, 2**40))
def test_whole_numbers_stay_between_their_limits(seed, low, size):
    numbers = Random(seed).integers(low, low + size, (20,))
    assert numbers.dtype == np.int64
    assert (low <= numbers).all()
    assert (numbers < low + size).all()


def test_whole_numbers_are_uniform():
    counts = np.bincount(Random(1).integers(0, 7, (70_000,)), minlength=7)
    assert len(counts) == 7
    assert abs(chi_square(counts, 10_000)) < 5


def test_shapes_of_numbers():
    random = Random(0)
    assert random.uniform().shape == ()
    assert random.uniform(3).shape == (3,)
    assert random.uniform((2, 0)).shape == (2, 0)
    assert random.normal([2, 3]).shape == (2, 3)
    assert random.normal().shape == ()
    assert random.integers(0, 2).shape == ()
    assert random.permutation(0).shape == (0,)


def test_uniform_numbers_have_53_bits():
    numbers = Random(2).uniform(10_000)
    assert numbers.dtype == np.float64
    whole = numbers * 2.0**53
    assert (whole == np.floor(whole)).all()
    assert 0.4 < (whole % 2).mean() < 0.6
    assert (numbers < 1).all()


def test_normal_numbers():
    count = 200_000
    numbers = Random(3).normal(count)
    assert abs(numbers.mean()) < 5 / math.sqrt(count)
    assert abs(numbers.var() - 1) < 5 * math.sqrt(2 / count)
    assert abs((numbers**3).mean()) < 5 * math.sqrt(15 / count)
    assert abs((numbers**4).mean() - 3) < 5 * math.sqrt(96 / count)
    ordered = np.sort(numbers)
    distribution = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in ordered])
    steps = np.arange(1, count + 1) / count
    assert np.abs(distribution - steps).max() < 2.0 / math.sqrt(count)  # Kolmogorov
    assert np.isfinite(numbers).all()


@given(seed=st.integers(), count=st.integers(0, 100))
def test_a_permutation_has_every_number_once(seed, count):
    order = Random(seed).permutation(count)
    assert sorted(order.tolist()) == list(range(count))


def test_all_orders_are_as_frequent():
    orders = list(itertools.permutations(range(4)))
    random = Random(4)
    drawn = [tuple(random.permutation(4).tolist()) for _ in range(24 * 200)]
    counts = np.array([drawn.count(order) for order in orders])
    assert abs(chi_square(counts, 200)) < 5


@given(keys=st.lists(words, min_size=1, max_size=4), count=st.integers(0, 30))
def test_orders_are_those_of_64_bits(keys, count):
    def bits(key, i):
        return plain_squares(key, 2 * i) << 32 | plain_squares(key, 2 * i + 1)

    expected = [sorted(range(count), key=lambda i: bits(key, i)) for key in keys]
    assert rng.permutations(keys, count).tolist() == expected


def test_the_lower_bits_decide_where_the_upper_ones_are_equal(monkeypatch):
    def coarse(key, positions):
        even = positions % np.uint64(2) == 0
        return np.where(
            even, squares(key, positions) & np.uint64(3), squares(key, positions)
        )

    monkeypatch.setattr(rng, "squares", coarse)
    orders = list(itertools.permutations(range(4)))
    keys = [make_key(seed, "coarse") for seed in range(24 * 200)]
    drawn = [tuple(order) for order in rng.permutations(keys, 4).tolist()]
    counts = np.array([drawn.count(order) for order in orders])
    assert abs(chi_square(counts, 200)) < 5


def test_a_large_order_with_equal_upper_bits():
    key, count = make_key(6), 2**19
    positions = np.arange(2 * count, dtype=np.uint64)
    bits = squares(key, positions)
    bits = bits[::2] << np.uint64(32) | bits[1::2]
    assert len(np.unique(bits >> np.uint64(32))) < count  # about 31 pairs
    np.testing.assert_array_equal(Random(6).permutation(count), np.argsort(bits))


@pytest.mark.parametrize("count", [8191, 8192, 8193, 20_000])
def test_blocks_leave_no_trace(count):
    positions = np.arange(5, 5 + count, dtype=np.uint64)
    bits = squares(make_key(0), positions) >> np.uint64(8)
    found = uniform(make_key(0), (count,), first=5)
    assert (found * 2.0**24).tolist() == bits.tolist()


def test_nothing_global_is_used():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - to see it unchanged
    Random(0).normal(10)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert not hasattr(rng, "random")
