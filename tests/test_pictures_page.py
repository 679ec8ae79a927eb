"""The page of example pictures: its code runs, and its pictures are there."""

import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pellucid import plots

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "pictures.py"
    spec = importlib.util.spec_from_file_location("pictures_script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes(script):
    assert (ROOT / "docs" / "pictures.md").read_text("utf-8") == script.page()


def test_its_pictures_are_there_and_small(script):
    files = {path.name: path.stat().st_size for path in script.FOLDER.iterdir()}
    assert sorted(files) == sorted(each.name for each in script.PICTURES)
    assert max(files.values()) < 60_000


def test_its_code_makes_the_pictures(script):
    names = {}
    exec(script.SETUP, names)
    for each in script.PICTURES:
        *before, last = script.statements(each.code)
        exec("\n".join(before), names)
        made = eval(last, names)
        kind = str if each.name.endswith(".svg") else Axes | Figure
        assert isinstance(made, kind)
        assert last.startswith("plots.")
        assert last.split("(")[0].removeprefix("plots.") in plots.__all__
        plt.close("all")
