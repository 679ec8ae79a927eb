"""What the doctor says on a page and in the terminal."""

from dataclasses import replace

import pytest

from pellucid.report.checkup import checkup, sentences


@pytest.mark.parametrize("name", ["moons", "diabetes", "xor", "stripes"])
def test_where_all_is_well_there_is_one_quiet_line(name, result_of):
    result = result_of(name)
    assert result.diagnosis.rows >= 4
    if len(result.diagnosis):  # a training of a few epochs has learned little
        assert set(result.diagnosis.codes) <= {"nothing_learned", "rate_too_low"}
        return
    (line,) = sentences(result)
    made = f"The doctor made {result.diagnosis.checks} checks"
    assert line == f"{made} and found nothing wrong."
    assert checkup(result) == f"<p>{line}</p>"


def test_a_finding_is_told_with_its_numbers(result_of, page_of):
    result = result_of("digits")  # the pixels at the border never vary
    (finding,) = result.diagnosis["constant_features"]
    (line,) = sentences(result)
    assert line.startswith("The doctor notes: ")
    assert finding.sentence in line
    page = page_of("digits")
    assert "What the doctor found" in page
    assert "Measured: columns" in page


def test_nothing_is_taken_for_markup(result_of):
    result = replace(result_of("digits"))
    result.diagnosis.findings = [
        replace(each, sentence="<b>", remedy="x < 3 & y") for each in result.diagnosis
    ]
    told = checkup(result)
    assert "<b>" not in told
    assert "x &lt; 3 &amp; y" in told
