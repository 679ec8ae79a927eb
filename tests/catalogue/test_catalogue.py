"""docs/reliability.md names every test of the catalogue, and no other."""

import doctest
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reliability.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_the_code_of_the_page_runs():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=FLAGS)
    assert found.attempted > 15
    assert not found.failed


def test_the_page_and_the_tests_name_the_same_failures():
    cells = re.findall(r"^\|.*\|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    tests = {
        name
        for path in HERE.glob("test_catalogue_*.py")
        for name in re.findall(
            r"^def test_(\w+)", path.read_text("utf-8"), re.MULTILINE
        )
    }
    assert told == tests


def test_no_failure_is_put_off():
    """A row that does not hold fails; it is not marked, and not passed over."""
    for path in HERE.glob("test_catalogue_*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r"xfail|mark\.skip\(|pytest\.skip\(", text), path.name
