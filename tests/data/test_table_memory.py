"""Large files: read and encoded in memory that does not grow with them."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

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
