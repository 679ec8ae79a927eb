"""The README: its code runs, and its numbers are those of the benchmark."""

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt

from image_files import stripes_folder

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_code_runs_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stripes_folder("photos")
    names = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    plt.close("all")
    printed = capsys.readouterr().out
    assert printed.startswith("[0. 1. 1. 0.]\n(4, 1)\n")
    assert "all agree" in printed
    assert names["again"].evaluate(names["x_test"], names["y_test"])["accuracy"] > 0.9


def test_its_numbers_are_those_that_were_measured():
    measured = json.loads(
        (ROOT / "benchmarks" / "results" / "real_data.json").read_text()
    )
    for name in ("breast_cancer", "iris", "wine", "digits"):
        accuracy, target = measured[name]["accuracy"], measured[name]["target"]
        assert f"| {name} | accuracy {accuracy:.3f} | {target} |" in TEXT
        assert accuracy >= target
    assert f"RMSE {measured['diabetes']['rmse']:.1f}" in TEXT
    assert measured["diabetes"]["ratio"] <= measured["diabetes"]["target"]
