"""`pellucid info`: what the machine offers the engines."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

import pellucid
from pellucid.cli import main
from pellucid.engines import missing_for_compiled
from pellucid.info import machine_table, processor_name

needs_compiled = pytest.mark.skipif(
    bool(missing_for_compiled()), reason=missing_for_compiled()
)


def facts():
    return {what: (here, advice) for what, here, advice in machine_table()}


def test_every_fact_comes_with_advice():
    table = machine_table()
    assert pellucid.__version__ in table.title
    for what, here, advice in table:
        assert what
        assert here
        assert advice.endswith(".")


@needs_compiled
def test_the_compiled_engine_is_described():
    from pellucid.engines.compiled import cache, machine

    found = facts()
    assert found["compiled engine"][0] == "yes"
    assert found["threads"][0].startswith(f"{machine.available()} of ")
    assert found["kernels kept in"][0] == str(cache.folder())
    speed = float(found["matrix products"][0].split()[0])
    assert speed > 0.1


def test_without_numba_it_says_so(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert facts()["compiled engine"][0] == "no"
    assert "NUMBA_DISABLE_JIT" in facts()["compiled engine"][1]


def test_a_limit_of_threads_is_named(monkeypatch):
    if missing_for_compiled():
        pytest.skip(missing_for_compiled())
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert "limit" in facts()["threads"][1]


def test_the_command_prints_every_fact():
    result = CliRunner().invoke(main, ["info"])
    assert result.exit_code == 0, result.output
    for what, here, _ in machine_table():
        if what not in ("matrix products", "readable engine"):  # they are measured
            assert f"{what}: {here}" in result.output


def test_help_needs_no_numpy():
    code = (
        "import sys; from pellucid.cli import main\n"
        "try: main(['info', '--help'])\n"
        "except SystemExit: pass\n"
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("False")


def test_the_processor_has_a_name():
    assert processor_name()
