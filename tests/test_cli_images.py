"""Training on a folder of images, and asking the network about others."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pellucid
from image_files import damage, save, stripes, stripes_folder
from pellucid.cli import main
from pellucid.image_training import EPOCHS

PROGRAM = [sys.executable, "-c", "from pellucid.cli import main; main()"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def one_line(done: Result) -> str:
    """Return the error, which is one line, and nothing else."""
    assert done.stdout == ""
    assert done.stderr.startswith("pellucid: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """What a training tells in a process of its own; the images; the results."""
    folder = tmp_path_factory.mktemp("training")
    source = stripes_folder(folder / "stripes", 14)
    (source / "up" / "notes.txt").write_text("")
    done = subprocess.run(
        [*PROGRAM, "train", "stripes", "--epochs", "12"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout, source, folder / "pellucid-train-stripes"


def test_a_training_tells_what_it_does(trained: tuple[str, Path, Path]) -> None:
    told = trained[0]
    assert re.findall(r"^(The \w+) [-─]+$", told, re.MULTILINE) == [
        "The data",
        "The network",
        "The training",
        "The test",
        "The files",
    ]
    flat = " ".join(told.split())
    for sentence in (
        "28 images of 2 classes: down (14), up (14).",
        "28 x 8 x 8 x 3 bytes",
        "Not read: 1 no PNG or JPEG.",
        "4 images, the same share of every class, are put aside for the test",
        "Every epoch sees other versions of the images",
        "Shown 4 images that it had never seen, the network got 4 right: 100 %.",
        "The confusion matrix",
        "pellucid predict pellucid-train-stripes/model.pellucid photo.jpg",
    ):
        assert sentence in flat, sentence
    assert not re.search(r"\brows? (that|of the test|for)\b", flat)
    assert max(map(len, told.splitlines())) <= 88
    assert "\x1b" not in told


def test_the_files_are_written(trained: tuple[str, Path, Path]) -> None:
    folder = trained[2]
    names = {"model.pellucid", "settings.json", "history.csv", "report.html"}
    assert {path.name for path in folder.iterdir()} == names
    report = (folder / "report.html").read_text("utf-8")
    assert "Where it was wrong" in report
    assert report.count("data:image/png;base64,") > 14


def test_the_network_is_asked_about_images(trained: tuple[str, Path, Path]) -> None:
    _, source, folder = trained
    model = folder / "model.pellucid"
    files = [source / "up" / "01.png", source / "down" / "00.jpg"]
    done = run("predict", model, *files)
    assert done.exit_code == 0
    header, _, *rows = done.stdout.splitlines()
    assert header.split() == ["file", "class", "probability", "next"]
    network = pellucid.load(model)
    x = np.stack([network.reader.read(path) for path in files])
    for row, path, label in zip(rows, files, network.predict(x), strict=True):
        assert row.split()[:2] == [str(path), label]
        assert " %" in row
    done = run("predict", model, *files, "--json")
    document = json.loads(done.stdout)
    assert [entry["file"] for entry in document] == list(map(str, files))
    for entry, p in zip(document, network.predict_proba(x), strict=True):
        assert list(entry["probabilities"]) == ["down", "up"]
        assert (np.float32(list(entry["probabilities"].values())) == p).all()
        assert entry["class"] == network.classes[p.argmax()]


def test_other_sizes_and_colours_are_brought_to_the_networks(
    trained: tuple[str, Path, Path], tmp_path: Path
) -> None:
    model = trained[2] / "model.pellucid"
    grey = save(tmp_path / "grey.png", stripes(64, 64, channels=1))
    clear = np.full((20, 30, 4), 100)
    done = run("predict", model, grey, save(tmp_path / "clear.png", clear))
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 4


def test_many_images_are_read_in_parts(
    trained: tuple[str, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source, folder = trained
    monkeypatch.setattr("pellucid.cli.prediction._TOGETHER", 3)
    files = sorted(source.glob("*/*.*g"))
    done = run("predict", folder / "model.pellucid", *files, "--json")
    assert [entry["file"] for entry in json.loads(done.stdout)] == list(map(str, files))


def test_a_broken_image_does_not_keep_the_others_from_being_told_of(
    trained: tuple[str, Path, Path], tmp_path: Path
) -> None:
    _, source, folder = trained
    model = folder / "model.pellucid"
    broken = damage(save(tmp_path / "broken.png", stripes(50, 50)))
    good, missing = source / "up" / "01.png", tmp_path / "missing.png"
    done = run("predict", model, broken, good, missing)
    assert done.exit_code == 3
    assert len(done.stdout.splitlines()) == 3
    assert re.fullmatch(
        r"pellucid: \S+broken\.png cannot be read as an image \(.*\n"
        r"pellucid: \S+missing\.png: there is no such file\.\n",
        done.stderr,
    )
    done = run("predict", model, broken, good, "--json")
    assert done.exit_code == 3
    first, second = json.loads(done.stdout)
    assert set(first) == {"file", "error"}
    assert second["class"] in ("down", "up")
    done = run("predict", model, missing)
    assert done.exit_code == 3
    assert "no such file" in one_line(done)


def test_models_that_take_no_files(tmp_path: Path) -> None:
    network = pellucid.NeuralNetwork(
        [pellucid.Dense(2)], loss="cross_entropy", input_shape=3
    )
    network.save(tmp_path / "net.pellucid")
    done = run("predict", tmp_path / "net.pellucid", "a.png")
    assert done.exit_code == 2
    assert "takes no files: it was not trained on a folder of images" in one_line(done)
    done = run("predict", tmp_path / "none.pellucid", "a.png")
    assert done.exit_code == 4
    assert "there is no such file" in one_line(done)
    done = run("predict", tmp_path / "net.pellucid")
    assert done.exit_code == 2
    assert "Missing argument 'FILE...'" in one_line(done)


def test_options_reach_the_training(tmp_path: Path) -> None:
    source = stripes_folder(tmp_path / "stripes", 8)
    damage(source / "up" / "01.png")
    folder = tmp_path / "results"
    options = ["--size", "6x5", "--colour", "grey", "--aspect", "pad", "--skip-broken"]
    options += ["--no-augment", "--seed", 3, "--epochs", 1, "-o", folder, "-q"]
    done = run("train", source, *options)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{folder / 'report.html'}\n"
    network = pellucid.load(folder / "model.pellucid")
    assert network.reader == pellucid.ImageReader((6, 5), "grey", "pad")
    assert network.seed == 3
    assert network.history.epochs == 1
    assert network.training.augment == ()
    settings = json.loads((folder / "settings.json").read_text())
    assert list(settings["not read"]) == ["up/01.png"]
    again = run("train", source, *options)  # its own results may be replaced
    assert again.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (
            ["none"],
            3,
            "none: there is no such file or folder; expected the file of a table, or",
        ),
        (["a.png"], 3, "a.png is an image; expected a folder with a folder of images"),
        (["stripes/up"], 3, "has no folders, but images such as '00.jpg'"),
        (["stripes", "--size", "big"], 2, "'big' is no number of pixels such as 64"),
        (["stripes", "--size", "0"], 2, r"Expected size as \(height, width\)"),
        (
            ["stripes", "--size", "9999", "--memory", "1"],
            2,
            "than the 1.0 MiB that are",
        ),
        (["stripes", "--colour", "blue"], 2, "'blue' is not one of 'rgb', 'grey'"),
        (["stripes", "--output", "taken"], 2, "report.html that no train wrote"),
        (["broken"], 3, r"00\.jpg cannot be read as an image .*--skip-broken"),
        ([], 2, r"Missing argument 'FILE\|FOLDER'"),
    ],
)
def test_errors_are_one_line_and_leave_nothing_behind(
    arguments: list[str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    stripes_folder("stripes", 4)
    stripes_folder("broken", 4)
    damage(Path("broken", "down", "00.jpg"))
    save(Path("a.png"), stripes())
    Path("taken").mkdir()
    Path("taken", "report.html").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    done = run("train", *arguments)
    assert done.exit_code == code, done.output
    assert re.search(told, one_line(done))
    assert sorted(tmp_path.rglob("*")) == before


def test_help_has_the_numbers_of_the_recipe() -> None:
    told = run("train", "--help").stdout
    assert f"[default: images {EPOCHS}, tables by the recipe]" in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 80


def test_help_comes_without_anything_heavy() -> None:
    for command in ("train", "predict"):
        program = f"""
import sys
from pellucid.cli import main
try:
    main(["{command}", "--help"])
except SystemExit as end:
    assert not end.code
heavy = {{"numpy", "matplotlib", "rich", "numba", "safetensors", "PIL"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
