"""Real data that come with pellucid: small tables, each with its source and license."""

import csv
import gzip
import io
from importlib.resources import files

import numpy as np

from pellucid.data.dataset import Dataset

_CC_BY = "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"


def breast_cancer() -> Dataset:
    """Breast cancer Wisconsin (diagnostic): is a tumour malignant or benign?

    Thirty measures of the cell nuclei in the image of a fine needle aspirate: mean,
    standard error and worst of ten properties such as radius and texture.

    Returns
    -------
    Dataset
        x of shape (569, 30); classes malignant (212 rows) and benign (357 rows).

    References
    ----------
    W. Wolberg, O. Mangasarian, N. Street and W. Street (1993), "Breast Cancer Wisconsin
    (Diagnostic)", UCI Machine Learning Repository, doi:10.24432/C5DW2B. CC BY 4.0.

    Examples
    --------
    >>> from pellucid.data import breast_cancer
    >>> breast_cancer().counts
    {'malignant': 212, 'benign': 357}
    """
    return _read(
        "breast_cancer",
        classes=("malignant", "benign"),
        description="Is a tumour of the breast malignant or benign? Measures of cell "
        "nuclei in images of fine needle aspirates.",
        source="W. Wolberg, O. Mangasarian, N. Street and W. Street (1993), Breast "
        "Cancer Wisconsin (Diagnostic), UCI Machine Learning Repository, "
        "doi:10.24432/C5DW2B; without the column of patient numbers",
        license=_CC_BY,
    )


def wine() -> Dataset:
    """Wine recognition: which of three cultivars is a wine made from?

    Thirteen results of a chemical analysis of wines grown in one region of Italy.

    Returns
    -------
    Dataset
        x of shape (178, 13); three classes of 59, 71 and 48 rows.

    References
    ----------
    S. Aeberhard and M. Forina (1992), "Wine", UCI Machine Learning Repository,
    doi:10.24432/C5PC7J. CC BY 4.0.

    Examples
    --------
    >>> from pellucid.data import wine
    >>> wine().counts
    {'cultivar 1': 59, 'cultivar 2': 71, 'cultivar 3': 48}
    """
    return _read(
        "wine",
        classes=("cultivar 1", "cultivar 2", "cultivar 3"),
        description="Which of three cultivars is a wine made from? Chemical analyses "
        "of wines from one region of Italy.",
        source="S. Aeberhard and M. Forina (1992), Wine, UCI Machine Learning "
        "Repository, doi:10.24432/C5PC7J; with the class as the last column",
        license=_CC_BY,
    )


def iris() -> Dataset:
    """Iris: which of three species is a flower?

    Length and width of sepal and petal of 150 flowers, in centimetres. The values are
    those of Fisher's paper; the UCI copy has errors in its rows 35 and 38.

    Returns
    -------
    Dataset
        x of shape (150, 4); three classes of 50 rows.

    References
    ----------
    R. A. Fisher (1936), "The use of multiple measurements in taxonomic problems",
    Annals of Eugenics 7, 179-188; UCI Machine Learning Repository,
    doi:10.24432/C56C76. CC BY 4.0.

    Examples
    --------
    >>> from pellucid.data import iris
    >>> iris().counts
    {'setosa': 50, 'versicolor': 50, 'virginica': 50}
    """
    return _read(
        "iris",
        classes=("setosa", "versicolor", "virginica"),
        description="Which of three species of iris is a flower? Length and width of "
        "its sepals and petals.",
        source="R. A. Fisher (1936), The use of multiple measurements in taxonomic "
        "problems, Annals of Eugenics 7; UCI Machine Learning Repository, "
        "doi:10.24432/C56C76, with rows 35 and 38 corrected to Fisher's values",
        license=_CC_BY,
    )


def digits() -> Dataset:
    """Optical recognition of handwritten digits: which digit does an image show?

    Images of 8 x 8 pixels, each pixel the number of ink dots, 0 to 16, in a square of
    4 x 4 dots; the 1797 images that 13 people wrote for the test set of the source.

    Returns
    -------
    Dataset
        x of shape (1797, 64), image_shape (8, 8); ten classes.

    References
    ----------
    E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI
    Machine Learning Repository, doi:10.24432/C50P49. CC BY 4.0.

    Examples
    --------
    >>> from pellucid.data import digits
    >>> images = digits()
    >>> images.x.reshape(-1, *images.image_shape).shape
    (1797, 8, 8)
    """
    return _read(
        "digits",
        classes=tuple("0123456789"),
        description="Which digit did a person write? Images of 8 x 8 pixels with "
        "values from 0 to 16.",
        source="E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten "
        "Digits, UCI Machine Learning Repository, doi:10.24432/C50P49; its test set",
        license=_CC_BY,
        image_shape=(8, 8),
    )


def diabetes() -> Dataset:
    """Diabetes: how far has the disease progressed after one year?

    Ten measures of 442 patients in their own units, not scaled: age in years, sex
    (coded 1 and 2), body mass index, mean blood pressure, and six measures of the blood
    serum: s1 total cholesterol, s2 low-density and s3 high-density lipoproteins, s4
    total cholesterol over s3, s5 probably the logarithm of triglycerides, s6 sugar.

    Returns
    -------
    Dataset
        x of shape (442, 10); y, numbers from 25 to 346, of shape (442,).

    References
    ----------
    B. Efron, T. Hastie, I. Johnstone and R. Tibshirani (2004), "Least Angle
    Regression", The Annals of Statistics 32, 407-499, doi:10.1214/009053604000000067.
    Published by its authors without a formal license text.

    Examples
    --------
    >>> from pellucid.data import diabetes
    >>> diabetes().y[:4].tolist()
    [151.0, 75.0, 141.0, 206.0]
    """
    return _read(
        "diabetes",
        classes=(),
        description="How far has diabetes progressed one year later? Ten measures of "
        "every patient.",
        source="B. Efron, T. Hastie, I. Johnstone and R. Tibshirani (2004), Least "
        "Angle Regression, The Annals of Statistics 32, "
        "doi:10.1214/009053604000000067; also distributed with R's package lars and "
        "with scikit-learn",
        license="published by its authors without a formal license text",
    )


def _read(
    name: str,
    *,
    classes: tuple[str, ...],
    description: str,
    source: str,
    license: str,  # noqa: A002  the word for it
    image_shape: tuple[int, int] | None = None,
) -> Dataset:
    """Return one of the files beside this module; its last column is the target."""
    packed = files(__package__) / "files" / f"{name}.csv.gz"  # in a zip file as well
    text = gzip.decompress(packed.read_bytes()).decode()
    header, *rows = csv.reader(io.StringIO(text))
    targets = [row.pop() for row in rows]
    index = {label: number for number, label in enumerate(classes)}
    y = [index[label] for label in targets] if classes else targets
    return Dataset(
        x=np.array(rows, dtype=np.float64),
        y=np.array(y, dtype=np.int64 if classes else np.float64),
        features=tuple(header[:-1]),
        classes=classes,
        name=name,
        description=description,
        source=source,
        license=license,
        target=header[-1],
        image_shape=image_shape,
    )
