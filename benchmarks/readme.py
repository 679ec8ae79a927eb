"""Put the measured figures into the project's README.

    python benchmarks/readme.py

Its places are marked ``<!-- NAME: made by SCRIPT -->`` ... ``<!-- end -->``.
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"


def real_data():
    """Return the table of accuracies on the bundled data."""
    found = json.loads((HERE / "results" / "real_data.json").read_text())
    lines = [
        "One architecture (two hidden layers of 64 ReLU neurons with dropout), default",
        "settings, a quarter of the rows held out, mean of five seeds:",
        "",
        "| data | test result | to reach | seconds a training |",
        "|---|---|---|---|",
    ]
    for name in ("breast_cancer", "iris", "wine", "digits"):
        row = found[name]
        result = f"accuracy {row['accuracy']:.3f}"
        lines.append(f"| {name} | {result} | {row['target']} | {row['seconds']:.2f} |")
    row = found["diabetes"]
    result = f"RMSE {row['rmse']:.1f}, {row['ratio']:.2f} times ridge regression's"
    lines.append(f"| diabetes | {result} | {row['target']} | {row['seconds']:.2f} |")
    return "\n".join(lines)


SECTIONS = {"real_data": real_data}


def filled(text):
    """Return a README with its marked places filled in."""

    def fill(found):
        return f"{found[1]}\n{SECTIONS[found[2]]()}\n\n<!-- end -->"

    pattern = r"(<!-- (\w+): made by [^>]+ -->)\n.*?<!-- end -->"
    return re.sub(pattern, fill, text, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
