import numpy as np
import pytest

from pellucid import data
from pellucid.errors import ConfigurationError


def test_every_name_loads_the_data_of_that_name():
    assert len(data.names()) == 15
    for name in data.names():
        assert data.load(name).name == name
        assert name in data.__all__


def test_arguments_reach_the_generator():
    made = data.load("spirals", n=30, noise=0.0, seed=5, arms=3)
    np.testing.assert_array_equal(
        made.x, data.spirals(n=30, noise=0.0, seed=5, arms=3).x
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("moon", "Did you mean 'moons'"),
        ("breast-cancer", "Did you mean 'breast_cancer'"),
        ("Iris", "Did you mean 'iris'"),
        ("titanic", "Known names: blobs, breast_cancer, checkerboard"),
        (3, "Known names: blobs"),
        (None, "Known names: blobs"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(name, hint):
    with pytest.raises(
        ConfigurationError, match=f"there are no data with the name {name!r}. {hint}"
    ):
        data.load(name)
