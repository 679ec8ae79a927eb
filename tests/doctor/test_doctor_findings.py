"""Findings and diagnoses: as text, as data, in colors, as HTML."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from doctor_cases import network, table

from pellucid import Diagnosis, Finding
from pellucid.doctor import thresholds
from pellucid.errors import ConfigurationError, UnknownNameError

NOTE = Finding("small", "note", "It is small.", "Nothing.")
SEVERE = Finding(
    "large",
    "severe",
    "It is <large>.",
    "Make it small: x = x / 10.",
    "dense_1",
    {"size": 123.456789, "units": list(range(9)), "each": {"a": np.inf}},
)


def test_the_worst_comes_first():
    found = Diagnosis([NOTE, SEVERE, NOTE], 10, 5)
    assert found.codes == ("large", "small")
    assert [each.severity for each in found] == ["severe", "note", "note"]
    assert (len(found), found.ok, found["small"]) == (3, False, [NOTE, NOTE])
    assert "large" in found
    assert "other" not in found
    with pytest.raises(UnknownNameError, match="other"):
        found["other"]
    assert Diagnosis([NOTE], 10, 5).ok


def test_the_text_of_a_finding():
    assert str(SEVERE).splitlines() == [
        "severe large (dense_1)",
        "  It is <large>.",
        "  measured: size 123, units 0, 1, 2, 3, 4, 5 and 3 more, each a: inf",
        "  do: Make it small: x = x / 10.",
    ]


def test_the_text_of_a_diagnosis():
    found = Diagnosis([NOTE, SEVERE, NOTE], 1000, 5, {"the course": "there was none"})
    lines = str(found).splitlines()
    assert lines[0] == "1 severe finding, 2 notes: 5 checks on 1,000 rows."
    assert lines[-1] == "Not looked at: the course (there was none)."
    assert str(Diagnosis([], 9, 5)) == "Nothing found: 5 checks on 9 rows."


def test_lines_fit_a_terminal():
    x, y = table()
    x[:, 3] = np.nan
    texts = [str(network().diagnose(1000 * x, y)), str(network().diagnose(x * 0, y))]
    x, y = table()
    texts.append(str(network().diagnose(1000 * x, y)))
    assert max(len(line) for text in texts for line in text.splitlines()) <= 88


def test_as_data():
    x, y = table()
    x[3, 1], x[:, 2] = np.inf, 7.0
    data = network().diagnose(100 * x, y).to_dict()
    again = json.loads(json.dumps(data))
    assert again == json.loads(json.dumps(data, allow_nan=False))
    assert not again["ok"]
    assert {each["code"] for each in again["findings"]} >= {"missing_inputs"}
    assert SEVERE.to_dict()["evidence"]["each"] == {"a": "inf"}


def test_in_colors():
    from io import StringIO

    from rich.console import Console

    found = Diagnosis([NOTE, SEVERE], 1000, 5)
    out = StringIO()
    Console(file=out, force_terminal=True, width=100).print(found)
    assert re.search(r"\x1b\[1;31msevere large \(dense_1\)", out.getvalue())
    out = StringIO()
    Console(file=out, width=100).print(found)
    assert out.getvalue().strip() == str(found)


def test_in_a_notebook_nothing_is_taken_for_markup():
    page = Diagnosis([SEVERE], 1000, 5, {"<course>": "none"})._repr_html_()
    assert "It is &lt;large&gt;." in page
    assert "<course>" not in page
    assert page.count("<div") == page.count("</div>")


def test_a_severity_that_does_not_exist():
    with pytest.raises(ConfigurationError, match="severe"):
        Finding("a", "sever", "b", "c")


def test_validation_is_data():
    x, y = table()
    with pytest.raises(ConfigurationError, match="float"):
        network().diagnose(x, y, validation=0.2)


def test_sample_weights_count():
    x, y = table()
    net = network("relu", input_shape=4)
    x[:10] *= 0.01
    net.parameters["dense_1.b"][:] = -0.5
    weight = np.where(np.arange(200) < 10, 1.0, 0.0)
    assert net.diagnose(x, y).codes == ()
    assert net.diagnose(x, y, sample_weight=weight).codes == ("dead_units",)


def test_every_threshold_has_its_reason():
    source = Path(thresholds.__file__).read_text("utf-8")
    values = re.findall(r"^([A-Z_]+) = ", source, re.MULTILINE)
    assert len(values) == len(set(values)) > 30
    for block in source.split("\n\n"):
        if re.search(r"^[A-Z_]+ = ", block, re.MULTILINE):
            assert "# " in block
