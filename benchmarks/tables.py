"""Tables to judge by: bundled ones, and generated ones whose rules are known.

The first nine are those that the recipe for tables was developed on elsewhere. The last
four (`FRESH`) were made up before any result on them was seen, and nothing was changed
because of them.
"""

import numpy as np
import pandas as pd
from sklearn import datasets


def standardized(values):
    return (values - values.mean()) / values.std()


def labelled(codes, levels):
    """Return codes as categories with names, some of them missing where negative."""
    names = [f"L{level:02d}" for level in range(levels)]
    found = [None if code < 0 else names[code] for code in codes]
    return pd.Categorical(found, categories=names)


def friedman1():
    """A smooth function of 5 of 10 columns, and noise."""
    return datasets.make_friedman1(
        n_samples=1000, n_features=10, noise=1.0, random_state=0
    )


def spirals():
    """Two spirals in two columns, and ten columns of noise."""
    r = np.random.default_rng(5)
    n = 1000
    y = np.arange(n) % 2
    t = 2 * np.pi * 1.25 * np.sqrt(r.random(n))
    angle = t + np.pi * y
    arms = np.stack([t * np.cos(angle), t * np.sin(angle)], 1) / 4
    arms = arms + 0.08 * r.normal(size=(n, 2))
    return np.hstack([arms, r.normal(size=(n, 10))]), y


def heavy():
    """Columns with tails as heavy as they come, lognormal and Cauchy."""
    r = np.random.default_rng(3)
    n = 3000
    z = r.normal(size=(n, 10))
    x = z.copy()
    x[:, :4] = np.exp(np.array([1.0, 1.5, 2.0, 2.5]) * z[:, :4])
    x[:, 4:7] = r.standard_cauchy(size=(n, 3))
    rule = z[:, 0] * z[:, 1] + z[:, 2] + np.sin(2 * z[:, 3])
    rule = rule + np.arctan(x[:, 4]) * z[:, 7] + np.arctan(x[:, 5])
    return x, standardized(rule) + 0.2 * r.normal(size=n)


def categories():
    """Five numbers and five categories that interact; one cell in twenty is missing."""
    r = np.random.default_rng(1)
    n, levels = 5000, [3, 5, 8, 15, 40]
    z = r.normal(size=(n, 5))
    c = np.stack([r.integers(0, count, n) for count in levels], 1)
    effects = [r.normal(size=count) for count in levels]
    pairs = r.normal(size=(3, 15))
    slopes = r.normal(size=8)
    rule = z[:, 0] * slopes[c[:, 2]] + pairs[c[:, 0], c[:, 3]]
    rule = rule + 0.7 * effects[4][c[:, 4]] + 0.5 * effects[1][c[:, 1]]
    rule = rule + np.sin(2 * z[:, 1]) + 0.7 * z[:, 2] * z[:, 3]
    y = (r.random(n) < 1 / (1 + np.exp(-2 * standardized(rule)))).astype(int)
    numbers = z.copy()
    numbers[r.random((n, 5)) < 0.05] = np.nan
    known = np.where(r.random((n, 5)) < 0.05, -1, c)
    table = pd.DataFrame(numbers, columns=[f"z{i}" for i in range(5)])
    for j, count in enumerate(levels):
        table[f"c{j}"] = labelled(known[:, j], count)
    return table, y


def grid():
    """Three classes in a turned chessboard of two columns; six say nothing."""
    r = np.random.default_rng(11)
    x = r.uniform(-2, 2, size=(2000, 8))
    turned = (x[:, 0] + x[:, 1]) / np.sqrt(2), (x[:, 0] - x[:, 1]) / np.sqrt(2)
    y = (np.floor(turned[0]) + 2 * np.floor(turned[1])).astype(int) % 3
    wrong = r.random(len(y)) < 0.05
    y[wrong] = r.integers(0, 3, wrong.sum())
    return x, y


def shops():
    """Sales: effects of shop, weekday and weather multiply; with gaps."""
    r = np.random.default_rng(12)
    n = 4000
    shop, day, weather = (r.integers(0, k, n) for k in (60, 7, 4))
    price, size, offer = r.lognormal(size=n), r.gamma(2.0, size=n), r.random(n) < 0.2
    rate = np.exp(
        0.6 * r.normal(size=60)[shop]
        + 0.3 * r.normal(size=7)[day]
        + 0.3 * r.normal(size=4)[weather]
        + 0.4 * offer * (weather == 1)
        - 0.8 * np.log(price)
        + 0.5 * np.log1p(size)
    )
    table = pd.DataFrame({"price": price, "size": size, "offer": offer.astype(float)})
    table.loc[r.random(n) < 0.1, "size"] = np.nan
    for name, codes, count in (
        *(("shop", shop, 60), ("day", day, 7)),
        ("weather", np.where(r.random(n) < 0.05, -1, weather), 4),
    ):
        table[name] = labelled(codes, count)
    return table, np.log1p(r.poisson(10 * rate))


def rare():
    """A rare yes (6 %) in a shell of a ball of five of fifteen columns."""
    r = np.random.default_rng(13)
    x = r.normal(size=(4000, 15))
    radius = np.sqrt((x[:, :5] ** 2).sum(axis=1))
    score = 5 * (radius - 3.0) + 1.5 * x[:, 5] * (x[:, 6] > 0)
    return x, (r.random(4000) < 1 / (1 + np.exp(-score))).astype(int)


def nearest():
    """Six classes by the nearest of thirty points in eight columns of three scales."""
    r = np.random.default_rng(14)
    points = r.normal(size=(30, 8))
    x = r.normal(size=(3000, 8))
    distances = ((x[:, None, :] - points) ** 2).sum(axis=2)
    y = (np.arange(30) % 6)[distances.argmin(axis=1)]
    return x * np.array([1, 100, 0.01] * 3)[:8], y


def bundled(load):
    return lambda: load(return_X_y=True)


TABLES = {  # name: (rows, "classes" or "numbers")
    "iris": (bundled(datasets.load_iris), "classes"),
    "wine": (bundled(datasets.load_wine), "classes"),
    "breast_cancer": (bundled(datasets.load_breast_cancer), "classes"),
    "digits": (bundled(datasets.load_digits), "classes"),
    "diabetes": (bundled(datasets.load_diabetes), "numbers"),
    "friedman1": (friedman1, "numbers"),
    "spirals": (spirals, "classes"),
    "heavy": (heavy, "numbers"),
    "categories": (categories, "classes"),
    "grid": (grid, "classes"),
    "shops": (shops, "numbers"),
    "rare": (rare, "classes"),
    "nearest": (nearest, "classes"),
}
FRESH = ("grid", "shops", "rare", "nearest")
