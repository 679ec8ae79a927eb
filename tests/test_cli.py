import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import pellucid
from pellucid import demo as demonstrations
from pellucid.cli import DEMOS, explain, main
from pellucid.errors import (
    ConfigurationError,
    DataError,
    ModelFileError,
    NonFiniteError,
)

PROGRAM = [sys.executable, "-c", "from pellucid.cli import main; main()"]


def run(*arguments: object, **settings: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], **settings)


def start(*arguments: object, **settings) -> subprocess.Popen:
    """Start the command as a process of its own."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], text=True, encoding="utf-8", **settings
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a demonstration tells, and its folder."""
    folder = tmp_path_factory.mktemp("demo") / "results"
    done = run("demo", "iris", "--epochs", 12, "--output", folder)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    return done.stdout, folder


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the files out, which take longer than all the rest."""
    monkeypatch.setattr("pellucid.cli.telling.write", lambda result, folder: None)


without_files = pytest.mark.usefixtures("no_files")


# ---- help


def test_help_comes_without_anything_heavy() -> None:
    for arguments in ([], ["--help"], ["demo", "--help"], ["--version"]):
        program = f"""
import sys
from pellucid.cli import main
try:
    main({arguments})
except SystemExit as end:
    assert not end.code
heavy = {{"numpy", "matplotlib", "rich", "numba", "safetensors"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_help_tells_of_every_demonstration() -> None:
    assert tuple(DEMOS) == demonstrations.demo_names()
    told = run("demo", "--help").stdout
    assert all(re.search(rf"^    {name} +\w", told, re.MULTILINE) for name in DEMOS)
    assert max(map(len, told.splitlines())) <= 80


def test_help_has_the_numbers_of_the_recipe() -> None:
    told = " ".join(run("demo", "--help").stdout.split())
    assert f"{demonstrations.EPOCHS}; xor {demonstrations.ITERATIONS}" in told


def test_version() -> None:
    assert run("--version").stdout == f"pellucid {pellucid.__version__}\n"


# ---- the story


def test_a_demonstration_tells_what_it_does(story: tuple[str, Path]) -> None:
    told = story[0]
    headings = re.findall(r"^(The \w+) [-─]+$", told, re.MULTILINE)
    assert headings == [
        "The data",
        "The network",
        "The training",
        "The test",
        "The files",
    ]
    for sentence in (
        "Which of three species of iris is a flower?",
        "150 rows with 4 columns",
        "License: CC BY 4.0",
        "Two hidden layers of 128 neurons each",
        "dense_1       Dense(128, 'relu')  (n, 128)         640",
        "Shown 38 rows that it had never seen",
        "The confusion matrix",
    ):
        assert sentence in told
    epochs = re.findall(r"^ +(\d+)  +[\d.]+  +[\d.]+  +[\d.]+$", told, re.MULTILINE)
    assert epochs == ["1", "2", "5", "10", "12"]


def test_the_confusion_matrix_adds_up(story: tuple[str, Path]) -> None:
    rows = re.findall(
        r"^(?:setosa|versicolor|virginica) +([\d.]+) +([\d.]+) +([\d.]+) +.* %$",
        story[0],
        re.MULTILINE,
    )
    counts = [[0 if cell == "." else int(cell) for cell in row] for row in rows]
    assert sum(map(sum, counts)) == 38
    right = sum(counts[index][index] for index in range(3))
    assert f"the network got {right} right" in story[0]


def test_output_that_is_no_terminal_has_no_bar_and_no_colour(
    story: tuple[str, Path],
) -> None:
    assert "\x1b" not in story[0]
    assert "\r" not in story[0]
    assert "━" not in story[0]
    told = story[0][: story[0].index("The files")]
    assert max(map(len, told.splitlines())) <= 88


def test_the_files_are_where_it_says(story: tuple[str, Path]) -> None:
    told, folder = story
    named = re.findall(r"^(.*results.(?:\w+\.\w+))$", told, re.MULTILINE)
    assert {Path(name) for name in named} == set(folder.iterdir())
    assert json.loads((folder / "settings.json").read_text())["epochs"] == 12


def test_the_lines_of_python_at_the_end_work(story: tuple[str, Path]) -> None:
    program = story[0][story[0].index("import json") :]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"\['\w+' '\w+' '\w+'\]\n", done.stdout)


@without_files
def test_numbers_are_told_in_their_units(tmp_path: Path) -> None:
    told = run("demo", "diabetes", "--epochs", 3, "-o", tmp_path / "d").stdout
    assert "a number from 25 to 346" in told
    assert "off by" in told
    assert re.search(r"^RMSE +\d\d\.\d +\d\d\.\d ", told, re.MULTILINE)
    assert "The largest error" in told
    assert "confusion" not in told


@without_files
def test_the_truth_table_is_told_as_in_the_tutorials(tmp_path: Path) -> None:
    told = run("demo", "XOR", "-o", tmp_path / "x").stdout
    assert "outputs for the four rows are 0.744, 0.779, 0.783, 0.806" in told
    losses = re.findall(r"^ +([\d,]+) +(\d\.\d{6})$", told, re.MULTILINE)
    assert losses == [
        ("1", "1.298104"),
        ("2", "1.027281"),
        ("10", "0.997835"),
        ("100", "0.793232"),
        ("500", "0.015431"),
        ("1,000", "0.004985"),
        ("1,500", "0.002800"),
    ]
    assert re.search(r"^1 0 1 +1 +0\.78271057 +0\.97167813", told, re.MULTILINE)


def test_the_default_is_the_breast_cancer_data(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("demo", "--epochs", 1, "--quiet")
    folder = Path("pellucid-demo-breast_cancer")
    assert done.output == f"{folder / 'report.html'}\n"
    assert (folder / "report.html").is_file()


@without_files
def test_a_name_may_have_hyphens(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    done = run("demo", "Breast-Cancer", "--epochs", 1, "-q", "-o", folder)
    assert done.exit_code == 0


@without_files
def test_a_seed_gives_other_rows(tmp_path: Path) -> None:
    told = [
        run("demo", "moons", "--epochs", 1, "--seed", seed, "-o", tmp_path / f"{i}")
        for i, seed in enumerate((3, 3, 4))
    ]
    course = [re.findall(r"^ +1 +[\d. ]+$", done.stdout, re.MULTILINE) for done in told]
    assert course[0] == course[1] != course[2]


# ---- terminals


@without_files
@pytest.mark.parametrize("columns", [1, 30, 60])
def test_narrow_terminals(columns: int, tmp_path: Path) -> None:
    done = run(
        *("demo", "wine", "--epochs", 1, "-o", tmp_path / "w"),
        env={"COLUMNS": str(columns)},
    )
    assert done.exit_code == 0
    story = done.stdout[: done.stdout.index("The files")]
    assert max(map(len, story.splitlines())) <= max(columns, 20)


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    folder = tmp_path / "ü"
    done = start(
        *("demo", "iris", "--epochs", "1", "-o", folder),
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    told, errors = done.communicate()
    assert done.returncode == 0, errors
    assert told.isascii()
    assert "\\xfc" in told
    assert "The data ---" in told


def on_a_terminal(*arguments: object, **environment: str) -> str:
    """Return what the command writes to a terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    process = start(
        *arguments,
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
        env=clean | {"TERM": "xterm-256color", "COLUMNS": "80"} | environment,
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert process.wait() == 0
    return b"".join(pieces).decode()


def test_a_terminal_shows_a_bar_and_colours_unless_asked_not_to(tmp_path: Path) -> None:
    arguments = ("demo", "iris", "--epochs", "5", "-o", tmp_path / "i")
    colourful = on_a_terminal(*arguments)
    assert re.search("epoch \x1b?.*0/5", colourful)
    assert "━" in colourful
    colours = "\x1b\\[[0-9;]*3[0-9][0-9;]*m"
    assert re.search(colours, colourful)
    plain = on_a_terminal(*arguments, NO_COLOR="1")
    assert "━" in plain
    assert not re.search(colours, plain)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    process = start("demo", "iris", "--epochs", "1", "-o", tmp_path / "i")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert errors == ""


# ---- errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (click.Abort(), 130),
        (click.UsageError("no"), 2),
        (ConfigurationError("no"), 2),
        (DataError("no"), 3),
        (NonFiniteError("no"), 3),
        (ModelFileError("no"), 4),
        (PermissionError(errno.EACCES, "no", "file"), 5),
        (ZeroDivisionError("no"), 1),
    ],
)
def test_exit_codes(error: Exception, code: int) -> None:
    text, found = explain(error)
    assert found == code
    assert "no" in text or "interrupted" in text


def test_a_model_file_that_a_disk_refused_is_an_error_of_the_disk() -> None:
    error = ModelFileError("could not be written")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert explain(error)[1] == 5


def one_line(done: Result) -> str:
    """Return the only line of an error."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("pellucid: ")
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["demo", "brest_cancer"], "Did you mean 'breast_cancer'?"),
        (["demo", "zzz"], "Known names: blobs,"),
        (["dmo"], "No such command 'dmo'"),
        (["demo", "--sed", "1"], "See 'pellucid demo --help'"),
        (["demo", "--epochs", "0"], "0 is not in the range"),
        (["demo", "--epochs", "ten"], "'ten' is not a valid integer"),
        (["demo", "--seed", "-1"], "-1 is not in the range"),
        (["demo", "iris", "wine"], "unexpected extra argument"),
        (["--no"], "No such option"),
    ],
)
def test_a_wrong_question_is_answered_in_one_line(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, prog_name="pellucid")
    assert done.exit_code == 2
    assert told in one_line(done)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    done = run("demo", "-o", file)
    assert (done.exit_code, "is a file" in one_line(done)) == (2, True)
    done = run("demo", "-o", file / "folder")
    assert (done.exit_code, "file" in one_line(done)) == (5, True)
    assert file.read_text() == "mine"


def test_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    done = run("demo", "iris", "-o", tmp_path)
    assert done.exit_code == 2
    assert "report.html that no demo wrote" in one_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # the system's administrator may write anywhere
        folder = Path("/proc/locked")
        if not folder.parent.is_dir():
            pytest.skip("no folder here is closed to the administrator")
    done = run("demo", "iris", "--epochs", 1, "-q", "-o", folder / "results")
    assert done.exit_code == 5
    assert "locked" in one_line(done)


def test_a_full_disk_leaves_the_earlier_results(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    folder = tmp_path / "i"
    assert run("demo", "iris", "--epochs", 2, "-q", "-o", folder).exit_code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))

    # Without compiled code, which would be stored too.
    process = start(
        *("demo", "iris", "--epochs", "1", "-q", "-o", folder),
        preexec_fn=limit,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )
    _, errors = process.communicate()
    assert process.returncode == 5, errors
    assert "model.pellucid could not be written: File too large" in errors
    assert "The old file is unchanged" in errors
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("model.pellucid", "history.csv", "report.html"):
        assert after[name] == before[name]
    assert set(after) == set(before)


def test_debug_shows_where(tmp_path: Path, monkeypatch) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("pellucid.cli.telling.write", fail)
    arguments = ("demo", "iris", "--epochs", 1, "-q", "-o", tmp_path / "i")
    done = run(*arguments)
    assert done.exit_code == 1
    assert "unexpected ZeroDivisionError: oh (--debug shows where" in one_line(done)
    done = run(*arguments, "--debug")
    assert done.exit_code == 1
    assert done.stderr.startswith("Traceback")
    assert "in fail" in done.stderr


# ---- Ctrl-C


@pytest.mark.skipif(os.name == "nt", reason="there SIGINT cannot be sent to a process")
@pytest.mark.parametrize("name", ["iris", "xor"])
def test_ctrl_c_ends_the_training_and_keeps_the_results(
    name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "i"
    process = start("demo", name, "--epochs", str(10**7), "-o", folder)
    for line in process.stdout:
        if line.split()[:1] == ["10"]:  # its line in the table of epochs
            process.send_signal(signal.SIGINT)
            break
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == ""
    assert "Ctrl-C ended the training" in told
    assert {path.name for path in folder.iterdir()} == {
        "model.pellucid",
        "settings.json",
        "history.csv",
        "report.html",
    }
    history = pellucid.load(folder / "model.pellucid").history
    assert history.interrupted
    assert 10 <= history.epochs < 10**7


@pytest.mark.skipif(os.name == "nt", reason="there SIGINT cannot be sent to a process")
def test_ctrl_c_elsewhere_ends_at_once(tmp_path: Path, monkeypatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pellucid.cli.telling.write", interrupted)
    done = run("demo", "iris", "--epochs", 1, "-q", "-o", tmp_path / "i")
    assert done.exit_code == 130
    assert done.stderr.strip() == "pellucid: interrupted"
