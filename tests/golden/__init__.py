"""Golden data made by PyTorch, stored as data: see README.md in this folder."""

import json
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
NAMES = ("activations", "images", "losses", "networks", "optimizers")
NAMES += ("minima", "plateaus", "schedules")


@cache
def load(name):
    """Cases of one kind, by name: ``load("losses")["huber"]["gradient"]``.

    Parameters
    ----------
    name : str
        One of ``NAMES``.

    Returns
    -------
    dict
        Case name to a dictionary of its fields: read-only arrays (float64, labels
        int64), numbers, words, lists and dictionaries of these. README.md lists the
        fields. A field without a value (no sample weights, say) is None.

    Examples
    --------
    >>> float(load("activations")["relu"]["value"].min())
    0.0

    Parametrise a test over all cases of a kind::

        @pytest.mark.parametrize("case", load("losses"))
        def test_loss(case):
            golden = load("losses")[case]
    """
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    cases = json.loads(text)["cases"]
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        for path, array in arrays.items():
            *parents, field = path.split("/")
            place = cases
            for parent in parents:
                place = place[parent]
            array.flags.writeable = False
            place[field] = array
    return cases
