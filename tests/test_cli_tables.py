"""Training on the file of a table, and asking the network about others."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import pellucid
from pellucid.cli import main
from pellucid.cli.table_judging import first_of
from pellucid.table_training import TableTraining

PROGRAM = [sys.executable, "-c", "from pellucid.cli import main; main()"]


def run(*arguments: object, **settings: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], **settings)


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.results.page", lambda run: "<html>")


def one_line(done: Result) -> str:
    """Return the error, which is one line, and nothing else."""
    assert done.stdout == ""
    assert done.stderr.startswith("pellucid: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def write_patients(path: Path, n: int = 120, seed: int = 0) -> Path:
    """Write a table with a bit of everything, from which something can be learned."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 90, n)
    smokes = random.choice(["yes", "no"], n)
    area = random.choice(["north", "south", "east"], n)
    score = (age - 50) / 10 + 2.0 * (smokes == "yes") - 1 + random.normal(size=n)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        names = ["patient", "age", "smokes", "area", "ill", "cost", "visits"]
        rows.writerow(names)
        for k in range(n):
            shown = "" if k % 17 == 3 else int(age[k])
            ill = "ill" if score[k] > 0 else "well"
            cost = round(float(100 + 20 * score[k]), 1)
            visits = 1 + k % 3
            rows.writerow([f"P{k:04d}", shown, smokes[k], area[k], ill, cost, visits])
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """What a training tells in a process of its own; the table; the results."""
    folder = tmp_path_factory.mktemp("tables")
    source = write_patients(folder / "patients.csv")
    done = subprocess.run(
        [
            *(*PROGRAM, "train", "patients.csv", "--target", "ill", "--epochs", "6"),
            *("--columns", "cost=ignore,visits=ignore"),
        ],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout, source, folder / "pellucid-train-patients"


@pytest.fixture(scope="module")
def model(trained: tuple[str, Path, Path]) -> Path:
    return trained[2] / "model.pellucid"


@pytest.fixture(scope="module")
def source(trained: tuple[str, Path, Path]) -> Path:
    return trained[1]


# ---- train


def test_a_training_tells_what_it_does(trained: tuple[str, Path, Path]) -> None:
    told = trained[0]
    assert re.findall(r"^([A-Z][a-z ]+) [-─]+$", told, re.MULTILINE) == [
        "The data",
        "How columns become numbers",
        "The network",
        "The training",
        "The test",
        "The files",
    ]
    for words in (
        "Table 'patients': 120 rows, 3 columns",
        "number: age",
        "category: area",
        "boolean: smokes",
        "left out: patient (an identifier",
        "left out: cost (ignored, as asked)",
        "24 rows are put aside for the test",
        "5 networks are trained",
        "logistic regression",
        "no model",
    ):
        assert words in told
    assert re.findall(r"^ +(\d of 5) +6 ", told, re.MULTILINE) == [
        f"{k} of 5" for k in range(1, 6)
    ]


def test_it_has_no_bar_and_no_colour_and_fits_80_columns(
    trained: tuple[str, Path, Path],
) -> None:
    told = trained[0]
    assert "\x1b" not in told
    assert "\r" not in told
    assert max(map(len, told[: told.index("The files")].splitlines())) <= 80


def test_it_says_how_the_network_and_the_linear_model_compare(
    trained: tuple[str, Path, Path],
) -> None:
    told = " ".join(trained[0].split())
    found = re.search(
        r"The network is right on (\d+) rows of the test where logistic regression, "
        r"the linear model, is wrong, and wrong on (\d+) where that is right",
        told,
    )
    assert found
    ahead = int(found[1]) > int(found[2])
    assert ("NOT beat the linear model" in told) != ahead


def test_the_files_are_where_it_says(trained: tuple[str, Path, Path]) -> None:
    told, _, folder = trained
    named = re.findall(r"^pellucid-train-patients.(\w+\.\w+)$", told, re.MULTILINE)
    assert set(named) == {path.name for path in folder.iterdir()}
    settings = json.loads((folder / "settings.json").read_text("utf-8"))
    assert settings["recipe"]["epochs"] == 6
    assert settings["columns"] == {
        "age": "number",
        "smokes": "boolean",
        "area": "category",
    }
    lines = (folder / "history.csv").read_text("utf-8").splitlines()
    assert lines[0].startswith("network,epoch,loss,")
    assert len(lines) == 1 + 5 * 6
    assert "<html" in (folder / "report.html").read_text("utf-8")


def test_the_stored_command_line_gives_the_same_bits(
    trained: tuple[str, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source, folder = trained
    settings = json.loads((folder / "settings.json").read_text("utf-8"))
    words = settings["command"].split()
    assert words[:2] == ["pellucid", "train"]
    monkeypatch.chdir(source.parent)
    done = run(*words[1:], "-o", tmp_path / "again", "--quiet")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'again' / 'report.html'}\n"
    weights = [
        pellucid.load(where / "model.pellucid").weights
        for where in (folder, tmp_path / "again")
    ]
    assert np.array_equal(*weights)


def test_numbers_are_predicted_in_their_units_and_told_as_json(tmp_path: Path) -> None:
    source = write_patients(tmp_path / "p.csv", 60)
    done = run(
        *("train", source, "--target", "cost", "--epochs", 3, "--json"),
        *("--columns", "ill=ignore,visits=ignore", "-o", tmp_path / "r", "--seed", 3),
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["task"] == "numbers"
    assert set(told["scores"]) == {"network", "ridge regression", "constant"}
    assert abs(told["scores"]["constant"]["r2"]) < 0.3
    assert told["scores"]["ridge regression"]["r2"] > 0.3
    assert "--seed 3" in told["command"]
    assert Path(told["files"]["model"]).is_file()
    # Three epochs teach nothing, and it says so.
    assert "NOT beat" in told["verdict"][1]
    network = pellucid.load(told["files"]["model"])
    y_hat = network.predict(source)
    assert 50 < float(np.mean(y_hat)) < 200


def test_an_ensemble_and_weights(tmp_path: Path) -> None:
    source = write_patients(tmp_path / "p.csv", 60)
    done = run(
        *("train", source, "--target", "ill", "--ensemble", 4, "--epochs", 2),
        *("--weight", "patient", "-o", tmp_path / "r"),
    )
    assert done.exit_code == 3
    assert "'patient'" in one_line(done)
    done = run(
        *("train", source, "--target", "ill", "--ensemble", 4, "--epochs", 2),
        *("--weight", "age", "-o", tmp_path / "r"),
    )
    assert done.exit_code == 3
    assert "expected a weight of 0 or more" in one_line(done)
    done = run(
        *("train", source, "--target", "ill", "--ensemble", 4, "--epochs", 2),
        *("--weight", "visits", "-o", tmp_path / "r"),
    )
    assert done.exit_code == 0, done.output
    assert "One network with 4 members" in done.stdout
    assert "At most 2 epochs" in done.stdout


# ---- interrupted, killed, resumed


LONG = ["--target", "ill", "--epochs", "100"]


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, np.ndarray]:
    """A table, and the weights of a training that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    source = write_patients(folder / "p.csv")
    data = pellucid.data.table(source, "ill")
    job = TableTraining(data, epochs=int(LONG[-1]))
    return source, job.fit().network.weights


# A signal to itself at a moment that no clock decides, in the third of five networks.
STOPPED = """
import os, signal, sys
import pellucid.cli.table_training as told
import pellucid.results
from pellucid.cli import main
from pellucid.cli.table_course import TableCourse

class Stopped(TableCourse):
    def begin(self, run):
        self.networks = getattr(self, "networks", 0) + 1

    def call(self, run):
        super().call(run)
        if self.networks == 3 and run.epoch == 40:
            os.kill(os.getpid(), int(number))

pellucid.results.page = lambda run: "<html>"
told.TableCourse = Stopped
number = sys.argv.pop(1)
main()
"""


def stopped(
    by: signal.Signals, source: Path, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a training to the middle, where a signal ends it."""
    arguments = [str(int(by)), "train", str(source), *LONG, "-o", str(folder), *more]
    return subprocess.run(
        [sys.executable, "-c", STOPPED, *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


@pytest.mark.skipif(os.name == "nt", reason="there signals end a process otherwise")
def test_a_killed_training_goes_on_to_the_same_bits(
    undisturbed: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    source, weights = undisturbed
    often = ("--checkpoint-epochs", "10")
    killed = stopped(signal.SIGKILL, source, tmp_path, *often)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = sorted(path.name for path in (tmp_path / "checkpoints").glob("network*"))
    assert kept == [f"network_{number}.pellucid" for number in (1, 2, 3)]
    half = pellucid.load(tmp_path / "checkpoints" / kept[-1])
    assert 30 <= half.history.epochs < 40
    assert not (tmp_path / "model.pellucid").exists()
    arguments = ["train", source, *LONG, "-o", tmp_path]
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "--resume goes on with it" in one_line(refused)
    other = run(*arguments, "--resume", "--seed", 1)
    assert (other.exit_code, "seed" in one_line(other)) == (2, True)
    done = run(*arguments, "--resume")
    assert done.exit_code == 0, done.output
    assert "It goes on where it was interrupted" in done.stdout
    assert not (tmp_path / "checkpoints").exists()
    found = pellucid.load(tmp_path / "model.pellucid").weights
    assert np.array_equal(found, weights)
    again = run(*arguments, "--resume")
    assert again.exit_code == 0
    assert "is complete" in again.stdout


@pytest.mark.skipif(os.name == "nt", reason="there signals end a process otherwise")
def test_ctrl_c_keeps_what_was_learned_and_resume_ends_in_the_same_bits(
    undisturbed: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    source, weights = undisturbed
    ended = stopped(signal.SIGINT, source, tmp_path)
    assert ended.returncode == 130, ended.stderr
    assert "Ctrl-C ended the training" in " ".join(ended.stdout.split())
    assert pellucid.load(tmp_path / "model.pellucid").predict(source).size == 120
    done = run("train", source, *LONG, "-o", tmp_path, "--resume", "-q")
    assert done.exit_code == 0, done.output
    found = pellucid.load(tmp_path / "model.pellucid").weights
    assert np.array_equal(found, weights)


# ---- predict


def test_predictions_are_those_of_the_network(model: Path, source: Path) -> None:
    done = run("predict", model, source, "--probabilities", "--keep", "patient,ill")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(done.stdout.splitlines()))
    network = pellucid.load(model)
    p = network.predict_proba(source)
    assert [row["prediction"] for row in rows] == network.predict(source).tolist()
    assert [row["patient"] for row in rows] == [f"P{k:04d}" for k in range(120)]
    found = [
        [float(row[f"probability of {c}"]) for c in ("ill", "well")] for row in rows
    ]
    assert np.array_equal(np.array(found, np.float32), p)


def test_all_columns_can_be_kept_and_files_written(
    model: Path, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    done = run("predict", model, source, "--keep", "all", "-o", out)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert done.stderr == f"{out}: 120 rows\n"
    before = source.read_text("utf-8").splitlines()
    after = out.read_text("utf-8").splitlines()
    assert after[0] == before[0] + ",prediction"
    assert all(
        line.startswith(f"{first},") for first, line in zip(before, after, strict=True)
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_parquet_comes_in_and_goes_out(
    model: Path, source: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    frame = pd.read_csv(source)
    frame.to_parquet(tmp_path / "in.parquet")
    done = run(
        "predict", model, tmp_path / "in.parquet", "-o", tmp_path / "out.parquet"
    )
    assert done.exit_code == 0, done.output
    found = pd.read_parquet(tmp_path / "out.parquet")["prediction"].tolist()
    assert found == pellucid.load(model).predict(source).tolist()


def test_predictions_as_json(model: Path, source: Path) -> None:
    done = run("predict", model, source, "--json", "--keep", "patient")
    told = json.loads(done.stdout)
    assert len(told) == 120
    assert set(told[0]) == {"patient", "prediction"}


def test_of_no_rows_there_are_no_answers(model: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text("area,smokes,age\n")
    done = run("predict", model, new, "--keep", "area", "--probabilities")
    assert done.stdout == "area,prediction,probability of ill,probability of well\n"
    assert run("predict", model, new, "--json").stdout == "[]\n"


def test_a_file_is_read_in_pieces(
    model: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run("predict", model, source, "--keep", "patient").stdout
    monkeypatch.setattr("pellucid.cli.table_answers.ROWS", 7)
    assert run("predict", model, source, "--keep", "patient").stdout == whole


def test_columns_may_come_in_any_order_and_unseen_categories_are_noted(
    model: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.csv"
    new.write_text("area,more,smokes,age\nnorth,1,yes,80\nwest,2,no,20\n")
    done = run("predict", model, new)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "prediction"
    assert done.stderr.startswith("pellucid: note: ")
    assert done.stderr.count("\n") == 1
    assert "west" in done.stderr
    strict = run("predict", model, new, "--strict")
    assert (strict.exit_code, "west" in strict.stderr) == (3, True)


def test_an_output_that_fails_leaves_no_file(
    model: Path, source: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("area,smokes,age\nnorth,yes,80\nnorth,yes,old\n")
    done = run("predict", model, bad, "-o", tmp_path / "out.csv")
    assert done.exit_code == 3
    assert "line 3" in one_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]
    done = run("predict", model, source, "-o", tmp_path / "nowhere" / "out.csv")
    assert done.exit_code == 5
    assert f"{tmp_path / 'nowhere' / 'out.csv'}: No such file" in one_line(done)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(source.read_bytes())
    done = run("predict", model, copy, "-o", copy)
    assert done.exit_code == 2
    assert copy.read_bytes() == source.read_bytes()


# ---- evaluate, explain, info


def test_evaluation(model: Path, source: Path) -> None:
    done = run("evaluate", model, source, "--json")
    told = json.loads(done.stdout)
    network = pellucid.load(model)
    ill = [row["ill"] for row in csv.DictReader(source.read_text().splitlines())]
    accuracy = float(np.mean(network.predict(source) == np.array(ill)))
    assert told["scores"]["network"]["accuracy"] == pytest.approx(accuracy)
    assert told["rows"] == 120
    words = run("evaluate", model, source).stdout
    assert "120 rows of patients.csv" in words
    assert "balanced accuracy" in words


def test_an_explanation_adds_up(model: Path, source: Path) -> None:
    done = run("explain", model, source, "--row", 5, "--json", "--class", "ill")
    told = json.loads(done.stdout)
    assert [each["column"] for each in told["contributions"]] == [
        "age",
        "smokes",
        "area",
    ]
    total = told["usual"] + sum(each["adds"] for each in told["contributions"])
    assert total == pytest.approx(told["answer"], abs=1e-6)
    p = pellucid.load(model).predict_proba(source)[5]
    assert told["answer"] == pytest.approx(float(p[0]), abs=1e-6)
    assert told["probabilities"]["ill"] == pytest.approx(float(p[0]), abs=1e-6)


def test_an_explanation_in_words(model: Path, source: Path) -> None:
    done = run("explain", model, source, "--row", 3, "--computation")
    assert done.exit_code == 0, done.output
    for words in (
        "The network says ill = ",
        "What each column adds",
        "mean of the rows",
        "missing",
        "How its cells become numbers",
        "age is missing",
        "The computation",
        "output[0, ",
        "output  answer",
        "\nmean ",
        "\ndense_4.z[0, ",
        "\ndense_1.z[0, ",
    ):
        assert words in done.stdout


def test_the_first_of_a_bag_is_worked_out(model: Path, source: Path) -> None:
    network = pellucid.load(model)
    outputs = network.feedforward(source)
    first = first_of(network)
    np.testing.assert_allclose(first.feedforward(source), outputs[:, :2], rtol=1e-5)


def test_few_rows_are_compared_with_a_typical_one(model: Path, tmp_path: Path) -> None:
    new = tmp_path / "one.csv"
    new.write_text("area,smokes,age\nnorth,yes,80\n")
    done = run("explain", model, new)
    assert done.exit_code == 0, done.output
    assert "mean of a typical row" in done.stdout


def test_info_about_a_model(model: Path) -> None:
    told = json.loads(run("info", model, "--json").stdout)
    assert told["bytes"] == model.stat().st_size
    assert told["classes"] == ["ill", "well"]
    assert told["target"] == "ill"
    assert told["columns"] == {"age": "number", "smokes": "boolean", "area": "category"}
    assert told["parameters"] == len(pellucid.load(model).parameters.vector)
    words = run("info", model).stdout
    assert "the same layers as" in words
    assert "tables with 3 columns" in words


def test_info_about_a_model_of_another_kind(tmp_path: Path) -> None:
    network = pellucid.NeuralNetwork([pellucid.Dense(2)], loss="cross_entropy")
    network.build(3).save(tmp_path / "n.pellucid")
    words = run("info", tmp_path / "n.pellucid").stdout
    assert "dense_1" in words
    assert "numbers of shape" in words


# ---- tune


def test_a_search_is_resumable_and_ends_with_the_best(tmp_path: Path) -> None:
    source = write_patients(tmp_path / "p.csv", 60)
    arguments = ["tune", source, "--target", "ill", "--epochs", 2, "-o", tmp_path / "t"]
    arguments += ["--columns", "cost=ignore,visits=ignore"]
    done = run(*arguments, "--trials", 2)
    assert done.exit_code == 0, done.output
    assert "preset" in done.stdout
    names = {path.name for path in (tmp_path / "t").iterdir()}
    assert {"trials.jsonl", "tuning.png", "report.html", "model.pellucid"} <= names
    first = (tmp_path / "t" / "trials.jsonl").read_text().splitlines()
    assert len(first) == 3
    refused = run(*arguments, "--trials", 3)
    assert (refused.exit_code, "--resume" in one_line(refused)) == (2, True)
    # A line that was half written when the power failed is made again.
    with (tmp_path / "t" / "trials.jsonl").open("a") as file:
        file.write('{"number": 2, "rec')
    assert run(*arguments, "--trials", 3, "--resume").exit_code == 0
    after = (tmp_path / "t" / "trials.jsonl").read_text().splitlines()
    assert after[:3] == first
    trials = [json.loads(line) for line in after[1:]]
    assert [trial["number"] for trial in trials] == [0, 1, 2]
    best = min(trials, key=lambda trial: trial["scores"]["log_loss"])["recipe"]
    settings = json.loads((tmp_path / "t" / "settings.json").read_text())
    assert settings["recipe"] == best | {"folds": 5}


# ---- completion, errors


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if shell == "bash":  # click asks the bash that is there for its version
        monkeypatch.setattr(
            "click.shell_completion.BashComplete._check_version", lambda *_: None
        )
    done = run("completion", shell)
    assert done.exit_code == 0, done.output
    assert "_PELLUCID_COMPLETE" in done.stdout
    completed = subprocess.run(
        PROGRAM,
        env={
            **os.environ,
            "_PELLUCID_COMPLETE": "bash_complete",
            "COMP_WORDS": "pellucid ev",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
    )
    assert "evaluate" in completed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["train", "p.csv"], 2, "--target COLUMN says what to predict"),
        (["train", "p.csv", "--target", "il"], 3, "Did you mean 'ill'?"),
        (["train", "no.csv", "--target", "ill"], 3, "no.csv: there is no such file"),
        (["train", "p.csv", "--target", "ill", "--size", "8"], 2, "--size is not for"),
        (["train", ".", "--target", "ill"], 2, "--target is not for a folder"),
        (["train", "p.csv", "--target", "ill", "--columns", "age"], 2, "no NAME=KIND"),
        (
            ["train", "p.csv", "--target", "ill", "--columns", "age=size"],
            2,
            "expected one of 'number'",
        ),
        (["train", "p.csv", "--target", "ill", "--test", "2"], 2, "not in the range"),
        (
            ["train", "p.csv", "--target", "ill", "--ensemble", "1"],
            2,
            "not in the range",
        ),
        (["train", "ragged.csv", "--target", "b"], 3, "line 3"),
        (["train", "empty.csv", "--target", "b"], 3, "empty.csv"),
        (["train", "few.csv", "--target", "b"], 3, "at least 10"),
        (["train", "rare.csv", "--target", "b"], 3, "'z' has 1 row"),
        (["train", "constant.csv", "--target", "b"], 3, "a single class"),
        (["predict", "p.csv", "p.csv"], 4, "p.csv"),
        (["evaluate", "no.pellucid", "p.csv"], 4, "no.pellucid"),
        (["explain", "p.csv", "p.csv"], 4, "p.csv"),
        (["info", "p.csv"], 4, "p.csv"),
        (["tune", "p.csv"], 2, "Missing option '--target'"),
        (["completion", "tcsh"], 2, "'tcsh' is not one of"),
    ],
)
def test_what_cannot_work_is_told_in_one_line(
    arguments: list[str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_patients(tmp_path / "p.csv", 12)
    (tmp_path / "ragged.csv").write_text("a,b\n1,x\n2\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "few.csv").write_text("a,b\n1,x\n2,y\n3,x\n4,y\n")
    rare = "".join(f"{k},{'x' if k % 2 else 'y'}\n" for k in range(20))
    (tmp_path / "rare.csv").write_text(f"a,b\n{rare}20,z\n")
    same = "".join(f"{k},x\n" for k in range(20))
    (tmp_path / "constant.csv").write_text(f"a,b\n{same}")
    done = run(*arguments)
    assert done.exit_code == code, done.output
    assert told in one_line(done)


def test_questions_that_a_model_cannot_answer(model: Path, source: Path) -> None:
    for arguments, code, told in (
        (["explain", model, source, "--row", 120], 3, "there is no row 120"),
        (["explain", model, source, "--class", "dead"], 2, "expected one of ill, well"),
        (["predict", model, source, source], 2, "takes one file"),
        (["predict", model, source, "--keep", "name"], 3, "'name'"),
    ):
        done = run(*arguments)
        assert done.exit_code == code, done.output
        assert told in one_line(done)


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    from pellucid.locks import claim

    source = write_patients(tmp_path / "p.csv", 30)
    (tmp_path / "r").mkdir()
    lock = claim(tmp_path / "r" / "model.pellucid")
    try:
        done = run("train", source, "--target", "ill", "-o", tmp_path / "r")
    finally:
        lock.remove()
    assert done.exit_code == 5
    assert "is in use" in one_line(done)


def test_help_tells_tables_and_images_apart() -> None:
    told = run("train", "--help").stdout
    tables, images = told.index("For tables:"), told.index("For folders of images:")
    assert tables < told.index("--target COLUMN") < images < told.index("--colour")
    assert max(map(len, told.splitlines())) <= 80


def test_the_page_about_the_command_line_names_what_there_is() -> None:
    page = Path(__file__).parents[1].joinpath("docs", "command_line.md")
    told = page.read_text("utf-8")
    flags = {"--help"}
    for name, command in main.commands.items():
        assert f"`pellucid {name}" in told, name
        flags |= {each for option in command.params for each in option.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", told)) <= flags
