"""Write the files of pellucid's bundled data sets from scikit-learn's copies.

    python scripts/make_bundled_data.py

The same values give the same text, and the compressed files carry no time and no
name, so that running this again changes nothing.
"""

import csv
import gzip
import io
from pathlib import Path

from sklearn import datasets

FOLDER = Path(__file__).parents[1] / "src" / "pellucid" / "data" / "files"


def number(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


def write(name: str, target: str, bunch: object, labels: list[str] | None) -> None:
    """Write one table: a header, the columns of x, and the target last."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*bunch.feature_names, target])
    for row, y in zip(bunch.data, bunch.target, strict=True):
        table.writerow([*map(number, row), labels[y] if labels else number(y)])
    path = FOLDER / f"{name}.csv.gz"
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed,
    ):
        packed.write(text.getvalue().encode())
    print(f"{path.name}: {len(bunch.data)} rows, {path.stat().st_size} bytes")


def main() -> None:
    """Write the five files."""
    cancer, iris = datasets.load_breast_cancer(), datasets.load_iris()
    cultivars = [f"cultivar {number}" for number in (1, 2, 3)]
    write("breast_cancer", "diagnosis", cancer, list(cancer.target_names))
    write("wine", "cultivar", datasets.load_wine(), cultivars)
    write("iris", "species", iris, list(iris.target_names))
    write("digits", "digit", datasets.load_digits(), list("0123456789"))
    write("diabetes", "progression", datasets.load_diabetes(scaled=False), None)


if __name__ == "__main__":
    main()
