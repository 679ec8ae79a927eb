"""The end of a NumPy program: data, a training on them, and the proof."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.export.code_text import fitted
from pellucid.export.encoder_python import text
from pellucid.export.literals import MOST, numpy_literal
from pellucid.export.python_table import row_lines
from pellucid.schedules import Schedule

if TYPE_CHECKING:
    from pellucid.export.proof import Proof
    from pellucid.export.python import Twin


def main_text(twin: "Twin", name: str) -> str:
    """Return what the program does when it is run.

    Parameters
    ----------
    twin : Twin
        The program.
    name : str
        Of the file of large data, without its ending.

    Returns
    -------
    str
        Above it stand the learning rates, where they follow a schedule.
    """
    proof = twin.proof
    batch = "" if proof.batch_size is None else f", batch_size={proof.batch_size}"
    first, last = proof.losses[0], proof.losses[-1]
    close = 1e-6 if twin.network.dtype == np.float64 else 1e-3
    lines = [
        'if __name__ == "__main__":',
        *_data(proof, name),
        "    network = Network()",
        f"    history = network.train(x, y, {proof.epochs}{batch})",
        '    print(f"loss {history[0]:.6g} at first, {history[-1]:.6g} at last")',
        "    # what pellucid computed with the same numbers",
        f"    recorded = np.array([{first!r}, {last!r}])",
        f"    assert np.allclose([history[0], history[-1]], recorded, {close}, 0)",
        *row_lines(twin, close),
    ]
    end = "\n".join(map(fitted, lines))
    if not isinstance(proof.optimizer.learning_rate, Schedule):
        return end
    rule = f"# the learning rate of each iteration: {proof.optimizer.learning_rate!r}"
    return f"{rule}\nRATES = {numpy_literal(np.array(proof.rates))}\n\n{end}"


def _data(proof: "Proof", name: str) -> list[str]:
    """Return lines that give x and y their numbers."""
    named = isinstance(proof.x, dict)
    if proof.size > MOST:
        each = (f"{text(key)}: data[{text(f'x.{key}')}]" for key in proof.x if named)
        x = f"{{{', '.join(each)}}}" if named else 'data["x"]'
        return [f"    data = {beside(name)}", f"    x = {x}", '    y = data["y"]']
    y = f"    y = {numpy_literal(proof.y, 4)}"
    if not named:
        return [f"    x = {numpy_literal(proof.x, 4)}", y]
    inputs: dict[str, Any] = proof.x
    each = (
        f"        {text(key)}: {numpy_literal(values, 8)},"
        for key, values in inputs.items()
    )
    return ["    x = {", *each, "    }", y]


def beside(name: str) -> str:
    """Return the expression that reads the numbers in a file next to the program.

    Parameters
    ----------
    name : str
        Of the file, without its ending.

    Returns
    -------
    str
    """
    return f"np.load(Path(__file__).with_name({text(f'{name}.npz')}))"
