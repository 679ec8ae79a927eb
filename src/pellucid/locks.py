"""Locks on files, which end with the process that holds them, however it ends.

They are advice: they stop those who ask, here another training with the same checkpoint
and a save that tidies up. Where a system has none (Windows, some network file systems)
everything goes on without them.
"""

import os
from contextlib import suppress
from pathlib import Path

from pellucid.errors import ModelFileError


class FileLock:
    """The lock on a file; closing it, or the end of the process, gives it back.

    Parameters
    ----------
    path : Path
        The file, which is made if it is not there.

    Attributes
    ----------
    sure : bool
        Whether nobody else has the lock. False where the system has no locks.

    Raises
    ------
    BlockingIOError
        If another has the lock: another process, or another `FileLock` of this one.
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.sure = path, False
        self._handle: int | None = None
        while self._handle is None:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                self.sure = _lock(handle)
                # Who had the lock until now may have removed the file with it.
                if os.fstat(handle).st_nlink:
                    self._handle = handle
            finally:
                if self._handle is None:
                    os.close(handle)
        if not self.sure:  # an open file could not be replaced on Windows
            self.close()

    def close(self) -> None:
        """Give the lock back; the file stays."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        """Remove the file, and give the lock back."""
        with suppress(OSError):
            self.path.unlink()
        self.close()


def _lock(handle: int) -> bool:
    """Lock an open file; return whether the system has such locks."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def beside(path: Path) -> Path:
    """Return the file whose lock claims a place.

    Parameters
    ----------
    path : Path
        The place.

    Returns
    -------
    Path
        ``.NAME.lock`` in the same folder; it holds the number of the process.
    """
    target = Path(os.path.realpath(path))
    return target.with_name(f".{target.name}.lock")


def claim(path: Path) -> FileLock:
    """Lock a place where files will be written again and again.

    Parameters
    ----------
    path : Path
        The place.

    Returns
    -------
    FileLock
        To be removed when all is written.

    Raises
    ------
    ModelFileError
        If another training has claimed it, or nothing can be written there.
    """
    place = beside(path)
    try:
        lock = FileLock(place)
        place.write_text(f"{os.getpid()}\n", "ascii")
    except BlockingIOError as error:
        holder = ""
        with suppress(OSError, ValueError):
            holder = f" (process {int(place.read_text('ascii'))})"
        raise ModelFileError(
            f"{path} is in use: another training{holder} saves its checkpoints there. "
            "Wait for it, end it, or choose another place."
        ) from error
    except OSError as error:
        raise ModelFileError(
            f"{path} could not be written: {error.strerror or error}."
        ) from error
    return lock
