"""Results of short trainings, and their pages, made once for all tests here."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

import pellucid
from image_files import save, stripes, stripes_folder
from pellucid.data import images
from pellucid.demo import Demo
from pellucid.image_training import ImageTraining
from pellucid.report import Result, page
from pellucid.report.table_run import TableRun
from pellucid.table_training import TableTraining
from pellucid.tabular import recipe_for

# One of each kind: many columns, images, numbers, the plane, a curve, the tutorials'.
KINDS = {
    "breast_cancer": 8,
    "digits": 3,
    "diabetes": 3,
    "moons": 3,
    "sine": 3,
    "xor": 1500,
}


@cache
def _result(name: str) -> Result | TableRun:
    if name == "stripes":
        return _images()
    if name.startswith("table"):
        return table_run(name.removeprefix("table of "))
    demo = Demo(name, epochs=KINDS[name])
    demo.fit()
    return demo.result()


def table_run(kind: str) -> TableRun:
    """A table with columns of all kinds, learned from by a bag or by one network."""
    if kind in OTHERS:
        return _other(kind)
    random = np.random.default_rng(0)
    n = 300
    age, noise = random.uniform(18, 80, n), random.normal(size=n)
    shop = random.integers(0, 14, n)
    made = {
        "age": np.where(random.uniform(size=n) < 0.1, np.nan, age),
        "months": 12 * age + random.normal(0, 9, n),
        "smokes": random.choice(["yes", "no"], n),
        "shop": np.array([f"shop <{k}>" for k in shop]),
        "since": np.datetime64("2020-01-01") + random.integers(0, 900, n),
        "$noise & more$": noise,
        "row": np.arange(n),
    }
    score = age / 10 + shop + random.normal(0, 1, n)
    if kind == "classes":
        made["state"] = np.where(score > np.median(score), "<ill>", "$well$")
        rows, target = pellucid.data.table(made, "state"), "classes"
        recipe = replace(recipe_for(240, target), epochs=3, hidden=(16,), folds=2)
    else:
        made["price"] = 100 * score
        rows, target = pellucid.data.table(made, "price"), "numbers"
        recipe = replace(recipe_for(240, target), epochs=6, hidden=(16,), folds=0)
    job = TableTraining(rows, recipe=recipe)
    job.fit()
    return job.run("pellucid train people.csv --target state")


SCRIPT = '<script>alert("1")</script>'
OTHERS = ("few", "many")


def _other(kind: str) -> TableRun:
    """A tiny table, or many columns and classes with names that look like HTML."""
    random = np.random.default_rng(0)
    target = "</style>"
    made: dict[str, Any]
    if kind == "few":
        x = np.arange(12.0) + 0.5
        made = {"height": x, "colour": ["red", "blue"] * 6, target: x % 3}
    else:
        evil = [SCRIPT, '"><img src=x onerror=alert(1)>', "</details>", "a & b"]
        x = random.normal(size=(400, 97))
        made = {f"a column with a long name, number {k}": x[:, k] for k in range(97)}
        made[SCRIPT] = np.arange(400) % 20 + x[:, 0]
        made["$a & <b>bold</b>$"] = random.choice(evil, 400)
        made["shop"] = [f"{SCRIPT}{k}" for k in random.integers(0, 12, 400)]
        made[target] = [f"{SCRIPT} & {k % 20}" for k in range(400)]
    rows = pellucid.data.table(made, target)
    assert rows.task is not None
    recipe = replace(
        recipe_for(80, rows.task), epochs=3, hidden=(8,), folds=5 * (kind == "few")
    )
    job = TableTraining(rows, recipe=recipe)
    job.fit()
    return job.run(f"pellucid train {SCRIPT}.csv")


def _images() -> Result:
    """A folder of images, of which some cannot be read."""
    with TemporaryDirectory() as name:
        folder = stripes_folder(Path(name, "stripes"), 16)
        folder.joinpath("up", "notes.txt").write_text("")
        save(folder / "up" / "<b>copy.png", stripes())
        save(folder / "up" / "copy of it.png", stripes())
        training = ImageTraining(images(folder, validation=0.2, test=0.3), epochs=4)
        training.fit()
        return training.result()


@cache
def _page(name: str) -> str:
    return page(_result(name))


@pytest.fixture(scope="session")
def result_of() -> Callable[[str], Result]:
    """Return a function that gives the result of a demonstration."""
    return _result


@pytest.fixture(scope="session")
def page_of() -> Callable[[str], str]:
    """Return a function that gives the page about a demonstration."""
    return _page
