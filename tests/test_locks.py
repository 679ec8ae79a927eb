import os
import subprocess
import sys

import pytest

from pellucid import ModelFileError
from pellucid.container import tidy
from pellucid.locks import FileLock, beside, claim

pytest.importorskip("fcntl", reason="this system has no locks on files")


def test_a_lock_is_held_once(tmp_path):
    path = tmp_path / "lock"
    first = FileLock(path)
    assert first.sure
    with pytest.raises(BlockingIOError):
        FileLock(path)
    first.close()
    second = FileLock(path)
    second.remove()
    assert not path.exists()
    second.close()  # once more does no harm


HOLDER = """
import sys, time
from pathlib import Path
from pellucid.locks import claim
claim(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_ends_with_its_process(tmp_path):
    place = tmp_path / "net.pellucid"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        message = (
            rf"net.pellucid is in use: another training \(process {process.pid}\) saves"
        )
        with pytest.raises(ModelFileError, match=message):
            claim(place)
        process.kill()
    lock = claim(place)
    assert (tmp_path / ".net.pellucid.lock").read_text() == f"{os.getpid()}\n"
    lock.remove()
    assert list(tmp_path.iterdir()) == []


def test_two_names_of_one_place_are_one_place(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "net")
    lock = claim(tmp_path / "net")
    with pytest.raises(ModelFileError, match="link is in use"):
        claim(tmp_path / "link")
    lock.remove()


def test_a_place_that_is_not_there(tmp_path):
    with pytest.raises(ModelFileError, match="could not be written: No such file"):
        claim(tmp_path / "absent" / "net")


def test_a_system_without_locks(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    locks = [FileLock(tmp_path / "lock") for _ in range(2)]
    assert [lock.sure for lock in locks] == [False, False]
    locks[0].remove()
    locks[1].remove()
    assert list(tmp_path.iterdir()) == []


def test_what_was_removed_with_its_lock_is_made_anew(tmp_path, monkeypatch):
    """Whoever waited for the lock must not hold a file that nobody can see."""
    path, real = tmp_path / "lock", os.open

    def removed_meanwhile(*arguments):
        handle = real(*arguments)
        monkeypatch.undo()
        path.unlink()
        return handle

    monkeypatch.setattr(os, "open", removed_meanwhile)
    lock = FileLock(path)
    assert path.exists()
    with pytest.raises(BlockingIOError):
        FileLock(path)
    lock.remove()


def test_tidying_leaves_what_is_alive(tmp_path):
    place = tmp_path / "net.pellucid"
    partial = tmp_path / (".net.pellucid." + "0" * 16 + ".partial")
    for path in (place, partial, beside(place)):
        path.write_text("0\n")
    lock = claim(place)
    tidy(place)
    assert sorted(tmp_path.iterdir()) == [beside(place), place]
    lock.close()  # as when its process dies
    tidy(place)
    assert list(tmp_path.iterdir()) == [place]
    tidy(place)
