"""Put the measured figures into the project's README.

    python benchmarks/readme.py

Its places are marked ``<!-- NAME: made by SCRIPT -->`` ... ``<!-- end -->``.
"""

import json
import re
from pathlib import Path

import quality_report
from cases import CASES, IMAGE_TRAININGS, TRAININGS

from report import at_least_equal, digits, seconds

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PYTORCH = ("pytorch", "pytorch_channels_last")


def real_data():
    """Return the table of accuracies on the bundled data."""
    found = json.loads((HERE / "results" / "real_data.json").read_text())
    lines = [
        "One architecture (two hidden layers of 64 ReLU neurons with dropout), default",
        "settings, a quarter of the rows held out, mean of five seeds; the digits also",
        "as images of 8 x 8 pixels, by `models.cnn`:",
        "",
        "| data | test result | to reach | seconds a training |",
        "|---|---|---|---|",
    ]
    for name in ("breast_cancer", "iris", "wine", "digits", "digits, convolutional"):
        row = found[name]
        result = f"accuracy {row['accuracy']:.3f}"
        lines.append(f"| {name} | {result} | {row['target']} | {row['seconds']:.2f} |")
    row = found["diabetes"]
    result = f"RMSE {row['rmse']:.1f}, {row['ratio']:.2f} times ridge regression's"
    lines.append(f"| diabetes | {result} | {row['target']} | {row['seconds']:.2f} |")
    return "\n".join(lines)


def speed():
    """Return the table of speeds, or None where not all was measured at leisure."""
    measured, machine = (
        json.loads((HERE / "results" / f"{name}.json").read_text())
        for name in ("cases", "machine")
    )
    if any(name not in measured or measured[name]["quick"] for name in CASES):
        return None
    if any("pellucid" not in case["seconds"] for case in measured.values()):
        return None  # the compiled engine is missing
    lines = [
        "How many times as long an iteration of training takes elsewhere (Adam, ReLU;",
        "the truth table: gradient descent, sigmoids), by the shortest times of one",
        "run. PyTorch is eager, with the faster order of axes for images.",
        "",
        "| network, batch | pellucid | PyTorch | JAX | scikit-learn |",
        "|---|---|---|---|---|",
    ]
    for case in (*TRAININGS, *IMAGE_TRAININGS):
        taken = measured[case.name]["seconds"]
        ours = taken["pellucid"]["min"]
        row = [f"{case.name}, {case.batch}", seconds(ours)]
        for names in (PYTORCH, ("jax",), ("scikit_learn",)):
            others = [taken[name]["min"] for name in names if name in taken]
            row.append(f"{digits(min(others) / ours)}x" if others else "-")
        lines.append(f"| {' | '.join(row)} |")
    truth_table = measured[TRAININGS[0].name]["seconds"]
    tutorial = truth_table["tutorial"]["min"] / truth_table["pellucid"]["min"]
    before = machine["load"][0]
    load = "not known" if before is None else f"{before:.1f}"
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"
    lines += [
        "",
        f"The tutorials' own NumPy code takes {digits(tutorial)} times as long on the",
        "truth table. Predictions of the image networks:",
        "",
        at_least_equal(measured),
        "",
        f"Machine: {where}; load before the run: {load}.",
    ]
    return "\n".join(lines)


def quality():
    """Return the table of the preset for tables, or None before it is measured."""
    path = HERE / "results" / "quality.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        'Tables with `preset="tabular"` beside scikit-learn\'s linear models, its',
        "MLP (with scaled inputs and targets) and `HistGradientBoosting`, mean of five",
        "splits; `grid`, `shops`, `rare` and `nearest` were invented before any result",
        "on them was seen:",
        "",
        quality_report.short(found),
    ]
    return "\n".join(lines)


SECTIONS = {"real_data": real_data, "quality": quality, "speed": speed}


def filled(text):
    """Return a README with its marked places filled in, as far as it is measured."""

    def fill(found):
        section = SECTIONS[found[2]]()
        return f"{found[1]}\n{section}\n\n<!-- end -->" if section else found[0]

    pattern = r"(<!-- (\w+): made by [^>]+ -->)\n.*?<!-- end -->"
    return re.sub(pattern, fill, text, flags=re.DOTALL)


def write():
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
