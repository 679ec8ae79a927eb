"""The page about tables says what happens."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_the_page_about_tables_says_what_happens():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=FLAGS)
    assert found.attempted > 15
    assert found.failed == 0
