"""Failures at the command line: exit codes, one line of error, and odd terminals."""

import csv
import errno
import os
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import pellucid
from pellucid.cli import main

NAMES = ("</script><script>alert(1)</script>", "=cmd()|'/c calc'!A0")
PROGRAM = [sys.executable, "-c", "from pellucid.cli import main; main()"]
# Ctrl-C at a moment that no clock decides: after the second epoch of a network.
INTERRUPTED = """
import os, signal
from pellucid.cli import main
from pellucid.cli.table_course import TableCourse

class Interrupted(TableCourse):
    def call(self, run):
        super().call(run)
        if run.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

import pellucid.cli.table_training as told
told.TableCourse = Interrupted
main()
"""


def run(*arguments, **settings):
    return CliRunner().invoke(main, [str(each) for each in arguments], **settings)


def refused(code, *arguments):
    """Return the one line of an error with this exit code."""
    done = run(*arguments)
    assert done.exit_code == code, done.stderr
    assert done.stderr.startswith("pellucid: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a training on a table with hostile names, and the table."""
    folder = tmp_path_factory.mktemp("command_line")
    random = np.random.default_rng(0)
    source = folder / "some.csv"
    with source.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["size", '<img src=x onerror="alert(2)">', "town", "same", "kind"]
        )
        for n in range(60):
            town = random.choice(["Oslo", "Rome"])
            numbers = random.normal(size=2).round(3)
            rows.writerow([*numbers, town, 1, NAMES[n % 2]])
    output = folder / "results"
    done = run("train", source, "--target", "kind", "--epochs", 1, "-q", "-o", output)
    assert done.exit_code == 0, done.stderr
    return source, output


def test_exit_2_for_usage(tmp_path, trained):
    assert "Did you mean 'train'?" in refused(2, "trian")
    assert "--target" in refused(2, "train", trained[0])
    assert "prize" in refused(2, "train", trained[0], "--prize", "x")


def test_exit_3_for_data(write, trained):
    ragged = write("a,b,y\n1,2,u\n1,2\n")
    told = refused(3, "train", ragged, "--target", "y", "-o", ragged.parent / "out")
    assert "line 3 has 2 cells, expected 3" in told.replace(";", ",")
    assert "no such file" in refused(3, "train", "absent.csv", "--target", "y")
    told = refused(3, "train", trained[0], "--target", "knd", "-o", ragged.parent / "o")
    assert "'kind'" in told
    assert not (ragged.parent / "out").exists()


def test_exit_4_for_a_model_file(write, trained):
    bad = write(b"\x80\x04 not a model", "bad.pellucid")
    assert "bad.pellucid" in refused(4, "predict", bad, trained[0])
    refused(4, "predict", "absent.pellucid", trained[0])


def test_exit_5_for_a_disk(trained, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    told = refused(
        *(5, "train", trained[0], "--target", "kind", "--epochs", 1, "-q"),
        *("-o", tmp_path / "out"),
    )
    assert "No space left on device" in told


@pytest.mark.skipif(os.name == "nt", reason="there SIGINT cannot be sent to a process")
def test_exit_130_for_ctrl_c(trained, tmp_path):
    """What was learned is kept, and the training can be resumed."""
    output = tmp_path / "out"
    arguments = ["train", str(trained[0]), "--target", "kind", "--epochs", "1000"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *arguments, "-o", str(output)],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert "Ctrl-C ended the training" in " ".join(done.stdout.split())
    assert "--resume" in done.stdout
    assert (output / "model.pellucid").exists()
    assert list((output / "checkpoints").glob("network_*.pellucid"))


def test_traceback_only_with_debug(tmp_path, monkeypatch):
    def fail(*arguments, **settings):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("pellucid.cli.telling.run", fail)
    assert "unexpected ZeroDivisionError: oh" in refused(1, "demo", "iris")
    done = run("demo", "iris", "--debug")
    assert (done.exit_code, done.stderr[:9]) == (1, "Traceback")


def test_feature_order_at_predict(trained, write):
    """By name, in any order; further columns are passed over, missing ones listed."""
    source, output = trained
    model = output / "model.pellucid"
    with source.open(newline="") as file:
        rows = list(csv.reader(file))
    turned = "\n".join(",".join([*map(quoted, reversed(row)), "more"]) for row in rows)
    wanted = run("predict", model, source)
    assert wanted.exit_code == 0, wanted.stderr
    found = run("predict", model, write(turned + "\n"))
    assert found.stdout == wanted.stdout
    lacking = write("town\nOslo\n", "lacking.csv")
    assert "'size'" in refused(3, "predict", model, lacking)


def quoted(cell):
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def test_unseen_category_at_predict(trained, write):
    """One note with the count; an error with --strict."""
    model = trained[1] / "model.pellucid"
    header = 'size,"<img src=x onerror=""alert(2)"">",town\n'
    path = write(header + "1,1,Oslo\n1,1,Lima\n1,1,Lima\n")
    done = run("predict", model, path)
    assert done.exit_code == 0
    assert done.stderr.count("\n") == 1
    assert "'town': 'Lima' in 2 rows" in done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert "'Lima'" in refused(3, "predict", model, path, "--strict")


def test_missing_values_at_predict(trained, write):
    """A gap where training had none is filled as training would have filled it."""
    model = trained[1] / "model.pellucid"
    header = 'size,"<img src=x onerror=""alert(2)"">",town\n'
    done = run("predict", model, write(header + ",1,Oslo\n1,1,Oslo\n"))
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 3


class Page(HTMLParser):
    """Which elements a page has, and what it shows."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_html_from_names_in_data(trained):
    """The report shows the names, and runs none of them."""
    page = Page((trained[1] / "report.html").read_text("utf-8"))
    assert NAMES[0] in "".join(page.text)
    for tag, attributes in page.tags:
        assert not (tag == "img" and attributes.get("src") == "x")
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert not any(tag == "script" for tag, _ in page.tags)


def test_constant_feature_is_noted_in_the_report(trained):
    page = Page((trained[1] / "report.html").read_text("utf-8"))
    told = " ".join(" ".join(page.text).split())
    assert re.search(r"same\b.{0,80}\bthe same in (all|every)", told)


def test_formulas_in_csv(trained):
    """Cells are the names as they are, also those that a spreadsheet would compute.

    Changing them would give other classes than the table has, so it is documented.
    """
    done = run("predict", trained[1] / "model.pellucid", trained[0])
    answers = [row[0] for row in csv.reader(done.stdout.splitlines()[1:])]
    assert set(answers) <= set(NAMES)
    pages = Path(__file__).parents[2] / "docs" / "tables.md"
    assert "spreadsheet" in pages.read_text("utf-8")


# ---- where the output goes


@pytest.mark.skipif(os.name == "nt", reason="there pipes end otherwise")
def test_output_closed(trained):
    """A reader that goes away, such as head, is no error."""
    arguments = ["predict", str(trained[1] / "model.pellucid"), str(trained[0])]
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        process.stdout.close()
        told = process.stderr.read()
        code = process.wait(60)
    assert told == b""
    assert code in (0, 1, -signal.SIGPIPE)


def test_no_terminal_narrow_and_not_utf_8(trained, tmp_path):
    """Plain text without a bar, any width, and letters that the terminal has not."""
    environment = os.environ | {"COLUMNS": "1", "PYTHONIOENCODING": "ascii"}
    arguments = ["train", str(trained[0]), "--target", "kind", "--epochs", "1"]
    done = subprocess.run(
        [*PROGRAM, *arguments, "-o", str(tmp_path / "größe")],
        capture_output=True,
        timeout=100,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    told = done.stdout.decode("ascii")
    assert "\x1b" not in told
    assert "\r" not in told.replace("\r\n", "\n")
    assert pellucid.load(tmp_path / "größe" / "model.pellucid")
