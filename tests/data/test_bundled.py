import gzip
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import data

BUNDLED = ["breast_cancer", "wine", "iris", "digits", "diabetes"]
FILES = files("pellucid.data") / "files"


@pytest.mark.parametrize("name", BUNDLED)
def test_values_equal_those_of_scikit_learn(name):
    datasets = pytest.importorskip("sklearn.datasets")
    raw = {"scaled": False} if name == "diabetes" else {}
    theirs = getattr(datasets, f"load_{name}")(**raw)
    ours = data.load(name)
    np.testing.assert_array_equal(ours.x, theirs.data)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert list(ours.features) == list(theirs.feature_names)
    if name in ("breast_cancer", "iris"):
        assert list(ours.classes) == list(theirs.target_names)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "target"),
    [
        ("breast_cancer", (569, 30), 2, "diagnosis"),
        ("wine", (178, 13), 3, "cultivar"),
        ("iris", (150, 4), 3, "species"),
        ("digits", (1797, 64), 10, "digit"),
        ("diabetes", (442, 10), 0, "progression"),
    ],
)
def test_shapes(name, shape, classes, target):
    bundled = data.load(name)
    assert bundled.name == name
    assert bundled.x.shape == shape
    assert bundled.y.shape == shape[:1]
    assert bundled.x.dtype == np.float64
    assert bundled.y.dtype == (np.int64 if classes else np.float64)
    assert len(bundled.classes) == classes
    assert bundled.target == target


def test_digits_are_images():
    digits = data.digits()
    assert digits.image_shape == (8, 8)
    assert (digits.x.min(), digits.x.max()) == (0.0, 16.0)
    assert digits.classes == tuple("0123456789")
    assert data.iris().image_shape is None


def test_iris_has_the_values_of_the_paper():
    iris = data.iris()
    assert iris.x[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert iris.x[37].tolist() == [4.9, 3.6, 1.4, 0.1]


@pytest.mark.parametrize("name", BUNDLED)
def test_source_and_license_are_stated(name):
    bundled = data.load(name)
    if name == "diabetes":
        assert "Least Angle Regression" in bundled.source
        assert (
            bundled.license == "published by its authors without a formal license text"
        )
    else:
        assert "UCI Machine Learning Repository, doi:10.24432/" in bundled.source
        assert bundled.license.startswith("CC BY 4.0")
    doi = bundled.source.split("doi:")[1].split(";")[0].split(",")[0]
    readme = (FILES / "README.md").read_text(encoding="utf-8")
    assert f"`{name}.csv.gz`" in readme
    assert doi in readme


@pytest.mark.parametrize("name", BUNDLED)
def test_files_depend_on_their_content_alone(name):
    packed = (FILES / f"{name}.csv.gz").read_bytes()
    no_name_no_time = b"\x00\x00\x00\x00\x00"
    assert packed[3:8] == no_name_no_time
    assert b"\r" not in gzip.decompress(packed)


def test_every_call_gives_arrays_of_its_own():
    data.iris().x[:] = 0.0
    assert data.iris().x.min() > 0.0


def test_data_load_from_a_zip_file(tmp_path):
    package = Path(pellucid.__file__).parent
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        for path in package.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                packed.write(path, Path("pellucid") / path.relative_to(package))
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'packed.zip')!r})\n"
        "import pellucid.data\n"
        "print(pellucid.data.iris().x.sum(), pellucid.data.__file__)\n"
        "print(sorted({'sklearn', 'pandas', 'matplotlib'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    total, _, place = result.stdout.splitlines()[0].partition(" ")
    assert float(total) == data.iris().x.sum()
    assert "packed.zip" in place
    assert result.stdout.splitlines()[1] == "[]"
