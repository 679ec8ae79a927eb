"""Failures of files: what is left when writing fails, and what reading refuses."""

import errno
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pytest
import safetensors.numpy

import pellucid
from pellucid import Checkpoint, CheckpointWarning, Dense, ModelFileError, NeuralNetwork
from pellucid.data import table
from pellucid.encoder import Encoder
from snapshots import bits

QUICK = {"epochs": 1, "progress": False}


def files_of(folder):
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("reason", ["ENOSPC", "EROFS", "EDQUOT", "EIO"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_disk_full_read_only_quota_or_broken_while_saving(
    x, y, classifier, tmp_path, monkeypatch, reason, call
):
    """The old file stays, nothing else does, and a training says what went wrong."""
    code = getattr(errno, reason)
    path = tmp_path / "net.pellucid"
    net = classifier()
    net.fit(x, y, **QUICK)
    net.save(path)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        told = f"could not be written: {os.strerror(code)}. The old file is unchanged."
        with pytest.raises(ModelFileError, match=told) as found:
            net.save(path)
        assert found.value.__cause__.errno == code
        with pytest.raises(ModelFileError, match=told) as found:
            net.fit(x, y, callbacks=Checkpoint(path), **QUICK)
        assert "Checkpoint" in found.value.__notes__[0]
    assert files_of(tmp_path) == ["net.pellucid"]
    assert path.read_bytes() == before
    assert np.isfinite(net.predict_proba(x)).all()


def test_disk_full_where_checkpoints_are_not_needed(
    x, y, classifier, tmp_path, monkeypatch
):
    """Training goes on as asked, not in silence, and saves when there is room."""
    path, real, calls = tmp_path / "net.pellucid", os.fsync, []

    def fail_twice(handle):
        calls.append(handle)
        if len(calls) <= 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", fail_twice)
    net, undisturbed = classifier(), classifier()
    save = Checkpoint(path, needed=False)
    told = r"no checkpoint of iteration \d+: .*net\.pellucid could not be written: No"
    with pytest.warns(CheckpointWarning, match=told) as warned:
        net.fit(x, y, epochs=4, callbacks=save, progress=False)
    assert len(warned) == 2
    undisturbed.fit(x, y, epochs=4, progress=False)
    assert bits(net.weights) == bits(undisturbed.weights)
    assert bits(pellucid.load(path).weights) == bits(net.weights)
    assert files_of(tmp_path) == ["net.pellucid"]


KILLED = """
import sys
import numpy as np
import pellucid
from pellucid import Call, Checkpoint, Dense, NeuralNetwork

x = np.arange(120.0).reshape(40, 3) % 7 - 3
y = np.arange(40) % 2
net = NeuralNetwork([Dense(4, "tanh"), Dense(2)], loss="cross_entropy")
calls = [Checkpoint(sys.argv[1], every=1)]
calls.append(Call(lambda run: print("on", flush=True), every=1))
net.fit(x, y, epochs=2000, batch_size=10, callbacks=calls, engine="readable")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_kill_nine_while_saving(tmp_path):
    """A complete checkpoint is left, and what goes on from it ends in the same bits."""
    path = tmp_path / "net.pellucid"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        for _ in range(3):
            assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    net = pellucid.load(path)
    assert net.training.step >= 3
    x, y = np.arange(120.0).reshape(40, 3) % 7 - 3, np.arange(40) % 2
    plan = {"batch_size": 10, "engine": "readable", "progress": False}
    steps = net.training.step + 20
    net.fit(x, y, iterations=steps, resume=True, **plan)
    undisturbed = NeuralNetwork([Dense(4, "tanh"), Dense(2)], loss="cross_entropy")
    undisturbed.fit(x, y, iterations=steps, **plan)
    assert bits(net.weights) == bits(undisturbed.weights)
    net.save(path)
    assert files_of(tmp_path) in (["net.pellucid"], [".net.pellucid.lock", path.name])


def remade(content, **changes):
    """Return a model file with other metadata."""
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    vectors = safetensors.numpy.load(content)
    return safetensors.numpy.save(vectors, metadata | changes)


@pytest.fixture
def content(x, y, classifier, tmp_path):
    """The bytes of a model file."""
    net = classifier()
    net.fit(x, y, **QUICK)
    net.save(tmp_path / "net.pellucid")
    return (tmp_path / "net.pellucid").read_bytes()


def test_truncated_corrupt_or_hostile_file(content, tmp_path):
    """Refused at once, in little memory; no code runs, and nothing is written."""
    random = np.random.default_rng(0)
    flipped = []
    for place in random.integers(0, len(content), 20):
        wrong = bytearray(content)
        wrong[place] ^= 1 << random.integers(8)
        flipped.append(bytes(wrong))
    huge = {"weights": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    lying = json.dumps({"__metadata__": {"format": "pellucid"}} | huge).encode()
    hostile = [
        b"",
        b"\x80\x04\x95 pickle",
        b"PK\x03\x04 keras",
        struct.pack("<Q", 2**63) + b"{",
        struct.pack("<Q", len(lying)) + lying + b"\0" * 64,
        struct.pack("<Q", 20_000) + b"[" * 20_000,
        remade(content, document="__import__('os').system('touch was_here')"),
        *(content[:end] for end in range(0, len(content), len(content) // 20)),
        *flipped,
    ]
    path = tmp_path / "bad.pellucid"
    tracemalloc.start()
    try:
        for bad in hostile:
            path.write_bytes(bad)
            start = time.process_time()
            with pytest.raises(ModelFileError, match=r"bad\.pellucid: "):
                pellucid.load(path)
            assert time.process_time() - start < 1
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    assert files_of(tmp_path) == ["bad.pellucid", "net.pellucid"]
    with pytest.raises(ModelFileError, match="there is no such file"):
        pellucid.load(tmp_path / "absent.pellucid")
    with pytest.raises(ModelFileError, match="this is a folder"):
        pellucid.load(tmp_path)


def test_version_skew(content, tmp_path):
    """A newer file is refused with what it needs; so are keys that nobody knows."""
    path = tmp_path / "new.pellucid"
    path.write_bytes(remade(content, schema="2"))
    with pytest.raises(ModelFileError) as found:
        pellucid.load(path)
    for told in (
        "schema version 2",
        f"this pellucid {pellucid.__version__} reads up to 1",
        f"needs pellucid >= {pellucid.__version__}.",  # which wrote this one
    ):
        assert told in str(found.value)
    path.write_bytes(remade(content, extra="1"))
    with pytest.raises(ModelFileError, match="unknown metadata"):
        pellucid.load(path)


def test_two_processes_on_one_checkpoint(x, y, classifier, tmp_path, python):
    """The second is refused, with the number of the first; afterwards it may."""
    path = tmp_path / "net.pellucid"
    program = """
        import sys
        import numpy as np
        from pellucid import Checkpoint, Dense, ModelFileError, NeuralNetwork

        net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
        try:
            net.fit(np.ones((4, 2)), np.ones(4), callbacks=Checkpoint(sys.argv[1]))
        except ModelFileError as error:
            print(error)
    """
    told = []

    def other(run):
        if run.epoch == 1:
            told.append(python(program, path, NUMBA_DISABLE_JIT="1").stdout)

    net = classifier()
    net.fit(x, y, epochs=2, callbacks=[Checkpoint(path), other], progress=False)
    assert f"{path} is in use: another training (process {os.getpid()})" in told[0]
    assert pellucid.load(path).training.step == net.training.step
    net.fit(x, y, callbacks=Checkpoint(path), **QUICK)
    assert files_of(tmp_path) == ["net.pellucid"]


# ---- names from the data in what is written

NAMES = (
    "</script><script>alert(1)</script>",
    "=cmd()|'/c calc'!A0",
    "*/ \"'\\\n<marquee>",
)


class Tags(HTMLParser):
    """Which elements a page really has."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)


@pytest.fixture
def named(x):
    """A network whose classes and columns have hostile names."""
    import pandas as pd

    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    columns = ["<img src=x onerror=alert(2)>", "b\nimport os", '"; alert(3); "']
    net.fit(pd.DataFrame(x, columns=columns), np.resize(NAMES, len(x)), **QUICK)
    return net


@pytest.mark.parametrize("kind", ["python", "python-plain", "c", "javascript", "latex"])
def test_code_from_names_in_data(named, kind, tmp_path):
    """Names are texts in exported programs, never code."""
    text = named.source(kind)
    if kind in ("python", "python-plain"):
        namespace = {}
        exec(compile(text, "<exported>", "exec"), namespace)
        assert "os" not in namespace
    for line in text.splitlines():
        assert not line.lstrip().startswith(("import os", "<script>", "alert("))
    if kind == "javascript":  # it may stand within a page
        assert "</script>" not in text


def test_page_from_names_in_data(named, x):
    """Names are escaped in every page that is written."""
    hostile = {NAMES[0]: x[:, 0], NAMES[2]: np.resize(NAMES, len(x)), "y": x[:, 1]}
    encoder = Encoder.fit(table(hostile, "y"))
    step = named.trace(x, np.resize(NAMES, len(x)))
    pages = [encoder._repr_html_(), step.why("output[0, 0]")._repr_html_()]
    pages.append(named.diagnose(x, np.resize(NAMES, len(x)))._repr_html_())
    for page in pages:
        assert not {"script", "img", "marquee"} & set(Tags(page).found), page[:500]


def test_threads_while_saving(x, y, classifier, tmp_path):
    """Saves at once from many threads leave one complete file."""
    path = tmp_path / "net.pellucid"
    net = classifier()
    net.fit(x, y, **QUICK)
    errors = []

    def save():
        try:
            for _ in range(5):
                net.save(path)
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=save) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    assert bits(pellucid.load(path).weights) == bits(net.weights)
    assert files_of(tmp_path) == ["net.pellucid"]
