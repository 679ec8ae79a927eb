"""What the doctor says about a training, in sentences and for the page."""

from pellucid.doctor import Diagnosis
from pellucid.report.markup import Markup, join, tag
from pellucid.report.result import Result

_SAYS = {
    "note": "The doctor notes",
    "warning": "The doctor warns",
    "severe": "The doctor says that this is severe",
}


def sentences(result: Result) -> list[str]:
    """Return what the doctor found, a finding each, or one line that all is well.

    Parameters
    ----------
    result : Result
        After training.

    Returns
    -------
    list of str
    """
    found = result.diagnosis
    if not len(found):
        return [_all_is_well(found)]
    return [f"{_SAYS[f.severity]}: {f.sentence} {f.remedy}" for f in found]


def _all_is_well(found: Diagnosis) -> str:
    return f"The doctor made {found.checks} checks and found nothing wrong."


def checkup(result: Result) -> Markup:
    """Return what the doctor found, with the numbers that it rests on.

    Parameters
    ----------
    result : Result
        After training.

    Returns
    -------
    Markup
    """
    found = result.diagnosis
    heading = tag("h3", "What the doctor found") if len(found) else None
    return join([heading, findings(found)])


def findings(found: Diagnosis) -> Markup:
    """Return findings with their evidence and what to do.

    Parameters
    ----------
    found : Diagnosis
        What the doctor found.

    Returns
    -------
    Markup
    """
    if not len(found):
        return tag("p", _all_is_well(found))
    each = [
        tag(
            "li",
            tag("strong", finding.severity.capitalize()),
            tag("code", finding.code, class_="note"),
            tag("p", finding.sentence),
            tag("p", f"Measured: {finding.numbers}.", class_="note"),
            tag("p", tag("strong", "Do: "), finding.remedy),
            class_=f"is-{finding.severity}",
        )
        for finding in found
    ]
    return tag("ul", *each, class_="findings")
