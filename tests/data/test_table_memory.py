"""Large files: read and encoded in memory that does not grow with them."""

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from pellucid import DataError, Encoder
from pellucid.data import table
from pellucid.data.columns import Growing, let_go

# Private memory beyond that of the imported program, for a file of any size: chunks of
# cells, and columns that wait to be written.
ALLOWED = 2**20 * 96

PROGRAM = """
    import json, resource, sys
    import numpy as np
    import pellucid
    from pellucid import Dense, Encoder, NeuralNetwork
    from pellucid.data import table

    path, folder, allowed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    NeuralNetwork([Dense(1)], loss="mean_squared_error", input_shape=3)
    status = open("/proc/self/status").read()
    data_now = int(status.split("VmData:")[1].split()[0]) * 1024
    # Everything but files that are mapped: what the machine must really have.
    resource.setrlimit(resource.RLIMIT_DATA, (data_now + allowed,) * 2)
    data = table(path, "y", memory=2**20, folder=folder)
    encoder = Encoder.fit(data)
    x = encoder.encode(data)
    count = sum(len(piece["numbers"]) for piece in encoder.batches(path))
    print(json.dumps([len(data), count, x["numbers"].shape[1],
        float(x["numbers"].astype("f8")[:1000].sum()), type(x["numbers"]).__name__]))
"""


def write(path, rows):
    """Write 1,000 lines with random numbers again and again."""
    random = np.random.default_rng(0)
    lines = []
    for row in range(1000):
        numbers = ",".join(f"{x:.10f}" for x in random.normal(size=12))
        lines.append(f"{numbers},city {row % 3},street {row % 50},{row / 7:.4f}\n")
    header = ",".join(f"x{n}" for n in range(12)) + ",city,street,y\n"
    with path.open("w") as file:
        file.write(header)
        for _ in range(rows // 1000):
            file.writelines(lines)


LARGE = {"a": np.arange(9.0), "b": list("uvw" * 3)}


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"cannot be written to: No such file.*folder="):
        table(LARGE, memory=8, folder=tmp_path / "none")
    with pytest.raises(DataError, match="cannot be written to: No such file"):
        Encoder.fit(table(LARGE)).encode(LARGE, folder=tmp_path / "none")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_disk_that_is_full(tmp_path, monkeypatch):
    data = table(LARGE)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(DataError, match="No space left"):
        Encoder.fit(data).encode(data, folder=tmp_path)
    monkeypatch.setattr(Growing, "_file", Path("/dev/full"))
    with pytest.raises(DataError, match="/dev/full cannot be written to"):
        table(LARGE, memory=8, folder=tmp_path)
    assert not list(tmp_path.glob("pellucid-*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_leaves_the_folder(tmp_path):
    data = table(LARGE, memory=8, folder=tmp_path)
    child = os.fork()
    if not child:
        del data
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(tmp_path.glob("pellucid-*/*"))
    assert data["b"].cells() == LARGE["b"]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_thirty_megabytes_in_bounded_memory(tmp_path):
    path = tmp_path / "large.csv"
    write(path, 180_000)
    assert path.stat().st_size > 30_000_000
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), path, tmp_path, str(ALLOWED)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "OPENBLAS_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1"},
    )
    assert found.returncode == 0, found.stderr[-2000:]
    rows, streamed, width, total, kind = json.loads(found.stdout)
    assert (rows, streamed) == (180_000, 180_000)
    assert width == 12 + 3
    assert np.isfinite(total)
    assert kind == "memmap"
    assert not list(tmp_path.glob("pellucid-*"))  # taken away with the table


def test_memory_of_a_mapped_file_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "some.values"
    np.arange(2**20, dtype=np.float64).tofile(path)
    values = np.memmap(path, np.float64, "r")
    whole = values.sum()
    let_go(values)
    let_go(values[100:200])
    let_go(np.arange(3.0))  # of what is no file there is nothing to give back
    assert values.sum() == whole
