"""Files that were damaged or made up: see scripts/fuzz_files.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import Dense, ModelFileError, NeuralNetwork, container

SCRIPTS = Path(__file__).parents[1] / "scripts"
SCRIPT = SCRIPTS / "fuzz_files.py"

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="the script needs a POSIX system"
)


def run(*arguments, program=None):
    """Run the script, or a program instead; return what it prints as JSON."""
    what = [str(SCRIPT), *arguments, "--json"] if program is None else ["-c", program]
    command = [sys.executable, "-W", "error", *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_two_thousand_spoiled_files():
    result = run("--cases", "2000", "--seed", "1")
    assert result["problems"] == []
    ends = result["ends"]
    assert sum(ends.values()) == 2000
    # What the checksum covers is never read after a change of its bytes.
    assert not {"cut_off: read", "flipped: read", "wrong_length: read"} & {*ends}
    assert "repeated_names: read" not in ends
    # Some changes make another network of sense, so that the way in is tried too.
    assert ends["made_up: read"] > 10
    assert result["grown"] < 2 * 64 * 2**20  # of which half is the script's own


PLANTED = """
import json, os, pickle, sys, tempfile
from pathlib import Path
sys.path.insert(0, {scripts!r})
import fuzz_files
import pellucid

calls = []

def load(path):
    calls.append(path)
    turn = len(calls) % 6
    content = path.read_bytes()
    if turn == 0:
        raise ValueError("a bare error")
    if turn == 1:
        eval("1 + 1")
    if turn == 2:
        bytearray(200 * 2**20)
    if turn == 3:
        while True:
            pass
    if turn == 4:
        Path(str(path) + "more").write_text("written")
    raise pellucid.ModelFileError(str(path) + ": refused")

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    (folder / "good").mkdir()
    files = fuzz_files.good_files(folder / "good")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    watch = fuzz_files.Watch(folder / "cnn")
    fuzz_files.tracemalloc.start()
    print(json.dumps([watch.problem(load, 10_000)[1] for _ in range(6)]))
"""


def test_the_script_sees_what_must_not_be():
    found = run(program=PLANTED.format(scripts=str(SCRIPTS)))
    runs_code, memory, hangs, writes, nothing, bare = found
    assert "compile of" in runs_code or "exec of" in runs_code
    assert memory.startswith("200 MB")
    assert "LateError" in hangs
    assert "open of" in writes
    assert nothing == ""
    assert "ValueError: a bare error" in bare


# -- limits ----------------------------------------------------------------------------


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    path = tmp_path / "net"
    net = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=2)
    net.save(path)
    before = path.read_bytes()
    net._names = ["a column with a long name " * 40_000] * 5
    with pytest.raises(ModelFileError, match=r"takes 5,2..,... bytes in .. pieces"):
        net.save(path)
    net._names = [""] * 200_000
    with pytest.raises(ModelFileError, match=r"cannot be written: .*200,0.. pieces"):
        net.save(path)
    assert path.read_bytes() == before


def test_a_long_history_is_saved_and_read(tmp_path):
    net = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=2)
    net.fit(np.eye(2), [0, 1], epochs=1)
    courses = net.history.iterations, net.history.loss, net.history.seconds
    for course in courses:
        course += [0.1] * 1_000_000
    net.save(tmp_path / "net", checkpoint=True)
    again = pellucid.load(tmp_path / "net")
    assert again.history.loss == net.history.loss
    assert again.history == net.history


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "net")
    with pytest.raises(ModelFileError, match="no usual file; expected a model file"):
        pellucid.load(tmp_path / "net")


def test_too_many_vectors(tmp_path):
    vectors = {str(i): np.zeros(0) for i in range(container.VECTORS_LIMIT + 1)}
    path = tmp_path / "net"
    path.write_bytes(container.packed(path, "pellucid", 1, {}, vectors))
    with pytest.raises(ModelFileError, match="the file has 10,001 vectors"):
        pellucid.load(path)


def test_messages_do_not_quote_a_whole_file(tmp_path):
    path = tmp_path / "net"
    layers = [{"type": "a" * 10_000}]
    net = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=2)
    document = pellucid.files.document_of(net, checkpoint=False) | {"layers": layers}
    vectors = {"weights": net.weights}
    path.write_bytes(container.packed(path, "pellucid", 1, document, vectors))
    with pytest.raises(ModelFileError, match=r"a layer 'aaaa.* \.\.\.$") as caught:
        pellucid.load(path)
    assert len(str(caught.value)) < 1200 + len(str(path))
