"""`pellucid export`: what it writes, and how it ends."""

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pellucid.cli import main
from pellucid.data import table
from pellucid.encoder import Encoder
from pellucid.export import KINDS
from pellucid.files import load, save
from pellucid.layers import Dense
from pellucid.network import NeuralNetwork


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file."""
    network = NeuralNetwork(
        [Dense(3, "tanh"), Dense(2, "softmax")], loss="cross_entropy", input_shape=2
    )
    path = tmp_path / "small.pellucid"
    save(network, path)
    return path


def test_a_program_is_written_and_runs(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "twin.py"
    done = run(model, "--to", "python", "--output", target)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{target}: ")
    command = [sys.executable, str(target)]
    proof = subprocess.run(command, capture_output=True, text=True, check=False)
    assert proof.returncode == 0, proof.stderr


def test_the_ending_says_what_it_becomes(model: Path, tmp_path: Path) -> None:
    done = run(model, "-o", tmp_path / "small.tex")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "small.tex").read_text().startswith(r"\documentclass")


def test_text_can_be_printed(model: Path) -> None:
    done = run(model, "--to", "latex", "-o", "-")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("\\end{document}\n")


def test_without_a_name_it_takes_that_of_the_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(model, "--to", "latex")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "small.tex").is_file()


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """A model file of a network that takes a table."""
    people = table(
        {
            "height": [150.0, None, 171.5, 180.0, 165.0, 190.0],
            "city": ["Rome", "Oslo", "Rome", "Bari", "Oslo", "Rome"],
            "state": ["ill", "well", "ill", "well", "ill", "well"],
        },
        "state",
    )
    encoder = Encoder.fit(people)
    network = NeuralNetwork(
        encoder.layers([Dense(3, "tanh"), Dense(2)]),
        loss="cross_entropy",
        input_shape=encoder.input_shape,
    )
    network.reader = encoder
    network.classes = people.classes
    path = tmp_path / "judge.pellucid"
    save(network, path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_of_a_table_becomes_anything(
    kind: str, judge: Path, require_package: Callable[[str], Any]
) -> None:
    if kind == "onnx":
        require_package("onnx")
    done = run(judge, "--to", kind, "--output", judge.with_suffix(KINDS[kind][1]))
    assert done.exit_code == 0, done.output


def test_the_program_of_a_table_takes_rows(judge: Path) -> None:
    row: dict[str, Any] = {"height": None, "city": "Oslo"}
    program = judge.with_suffix(".py")
    for kind in ("python", "python-plain"):
        assert run(judge, "--to", kind, "--output", program).exit_code == 0
        found = runpy.run_path(str(program))
        if kind == "python":
            (answer,) = found["predict_class"](found["Network"](), [row])
        else:
            answer = found["predict_class"](row)
        assert answer == load(judge).predict(row)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["MODEL"], 2, "add --to with one of python"),
        (["MODEL", "--to", "fortran"], 2, "'fortran' is not one of"),
        (["MODEL", "-o", "FOLDER/model.xyz"], 2, "cannot be told from its ending"),
        (["MODEL", "--to", "latex", "-o", "MODEL"], 2, "is the model itself"),
        (["MODEL", "--to", "onnx", "-o", "-"], 2, "is a file of bytes"),
        (["MODEL", "-o", "FOLDER/no/model.tex"], 5, "No such file or directory"),
        (["FOLDER/none.pellucid", "--to", "python"], 4, "there is no such file"),
        (["FOLDER/other.pellucid", "--to", "python"], 4, "other.pellucid"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    model: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "other.pellucid").write_text("no model")
    before = model.read_bytes()
    known = {"MODEL": str(model), "FOLDER": str(tmp_path)}
    for name, path in known.items():
        arguments = [each.replace(name, path) for each in arguments]
    done = run(*arguments)
    assert done.exit_code == code, done.output
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert model.read_bytes() == before
