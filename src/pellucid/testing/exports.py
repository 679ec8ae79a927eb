"""Exports of a part: the programs that need nothing but Python, beside the network."""

import io
import runpy
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pellucid.export import export
from pellucid.network import NeuralNetwork
from pellucid.part import Part
from pellucid.testing.arrays import check_agreement
from pellucid.testing.parts import expecting


def check_exports(part: Part, network: NeuralNetwork, x: Any) -> None:
    """Check that a network with the part can be exported, and computes the same.

    Two programs are written and run, which need no compiler: the NumPy program, which
    trains and proves itself, and the one in plain Python, which is made of the same
    loops as those in C and JavaScript.

    Parameters
    ----------
    part : Part
        What is checked.
    network : NeuralNetwork
        Of float64, with its input shape, and a loss that learns its outputs as numbers.
    x : ndarray, or mapping of such
        Samples.
    """
    samples = list(x)
    if isinstance(x, dict):
        rows = zip(*x.values(), strict=True)
        samples = [dict(zip(x, row, strict=True)) for row in rows]
    wanted = network.feedforward(x)
    with tempfile.TemporaryDirectory() as folder:
        with expecting(part, "its export to plain Python"):
            path = Path(folder) / "plain.py"
            export(network, path, "python-plain")
            predict = runpy.run_path(str(path))["predict"]
            found = [predict(sample) for sample in samples]
        check_agreement(
            part,
            "predicted by its export to plain Python",
            found,
            wanted.reshape(len(samples), -1),
            1e-9,
        )
        with expecting(part, "its export to NumPy"), redirect_stdout(io.StringIO()):
            path = Path(folder) / "program.py"
            export(network, path, "python", optimizer="gradient_descent", epochs=2)
            program = runpy.run_path(str(path), run_name="__main__")
            output = program["Network"]().feedforward(x)
    check_agreement(part, "predicted by its export to NumPy", output, wanted, 1e-9)
