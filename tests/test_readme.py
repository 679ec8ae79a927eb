"""The README: its code runs, and its numbers are those of the benchmark."""

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from image_files import stripes_folder
from pellucid import (
    Activation,
    Augmentation,
    Layer,
    Loss,
    Metric,
    Minimizer,
    Optimizer,
    Schedule,
)
from pellucid.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
# Code, and what it prints where that stands right behind it.
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, re.DOTALL)


def people(path):
    """Write a table of the columns that the README shows."""
    chance = np.random.default_rng(0)
    rows = ["age,city,smokes,state"]
    for age in chance.integers(18, 90, 60):
        city, smokes = chance.choice(["Rome", "Oslo"]), chance.choice(["yes", "no"])
        state = "ill" if age + 20 * (smokes == "yes") > 55 else "well"
        rows.append(f"{age if age % 10 else ''},{city},{smokes},{state}")
    path.write_text("\n".join(rows))


def test_the_code_runs_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stripes_folder("photos")
    people(tmp_path / "people.csv")
    names, printed, shown = {}, "", 0
    for block, output in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
        told = capsys.readouterr().out
        if output:  # differences agree to a digit more or less on other processors
            assert re.sub(r"\d+ digits", "", told) == re.sub(r"\d+ digits", "", output)
            shown += 1
        printed += told
    plt.close("all")
    assert shown == 1
    assert printed.startswith("[0. 1. 1. 0.]\n(4, 1)\n")
    assert "all agree" in printed
    assert "\nill\n" in printed
    assert names["again"].evaluate(names["x_test"], names["y_test"])["accuracy"] > 0.9


def test_what_it_links_to_is_there():
    for page in (ROOT / "README.md", ROOT / "docs" / "README.md"):
        links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        assert len(links) > 5
        for link in links:
            file, _, section = link.partition("#")
            target = page.parent / file
            assert target.exists(), link
            if section:
                headings = re.findall(
                    r"^## (.*)", target.read_text("utf-8"), re.MULTILINE
                )
                known = [re.sub(r"[^\w ]", "", each).lower() for each in headings]
                assert section in [each.replace(" ", "-") for each in known], link


def test_every_page_is_in_the_index():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert pages <= set(re.findall(r"\]\(([\w.]+)\)", index))


@pytest.mark.parametrize(
    "kind",
    [Activation, Augmentation, Layer, Loss, Metric, Minimizer, Optimizer, Schedule],
)
def test_it_names_every_part(kind):
    told = set(re.findall(r"\w+", TEXT.partition("## What there is")[2]))
    for name, known in kind.registered().items():
        if known.__module__.startswith("pellucid."):
            names = {name, known.label, known.__name__}
            assert names & told, f"the README does not name {name}"


def test_its_commands_are_there():
    named = set(re.findall(r"pellucid (?!demo)([a-z]+) \w", TEXT))
    assert {"train", "predict", "export"} <= named & set(main.commands)


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
