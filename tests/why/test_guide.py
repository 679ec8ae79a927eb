"""The guide to asking: its code prints what stands there."""

import re
from pathlib import Path

import pytest

from pellucid.why import address

TEXT = (Path(__file__).parents[2] / "docs" / "why.md").read_text(encoding="utf-8")


def test_what_is_printed_is_what_stands_there(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    for block in code:
        exec(compile(block, "why.md", "exec"), names)
    printed = capsys.readouterr().out
    for text in re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL):
        # How far a difference agrees is a matter of the last bits of this machine.
        shown, _, _ = text.partition("  check: ")
        assert shown in printed


@pytest.mark.parametrize("suffix", ["grad", "update", "new", "m", "new_m"])
def test_the_guide_and_the_module_name_the_same_suffixes(suffix):
    assert f".{suffix}" in TEXT
    assert f".{suffix}" in address.__doc__
