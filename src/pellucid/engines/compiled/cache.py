"""Kernels on disk: a readable file each, compiled once a machine.

A file is named by the hash of its text and of the modules that give its words their
meaning, and is rewritten only if it is damaged. Numba keeps the machine code beside it,
keyed by the CPU, so a folder can be shared between machines.
"""

import hashlib
import importlib.util
import os
import sys
import tempfile
import threading
import warnings
from errno import ENOENT
from functools import cache
from pathlib import Path
from typing import Any

from pellucid._version import __version__

_HEAD = "from pellucid.engines.compiled.words{bits} import *\n\n\n@kernel\n"
_lock = threading.RLock()
_loaded: dict[tuple[str, int], Any] = {}


@cache
def folder() -> Path:
    """Return the folder of the kernels.

    ``PELLUCID_CACHE``, else the platform's place for caches; a temporary folder where
    that cannot be written.

    Returns
    -------
    Path
    """
    wanted = _wanted() / f"kernels-{__version__}"
    try:
        if not wanted.is_absolute():
            raise FileNotFoundError(ENOENT, "there is no home folder")
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            pass
    except OSError as error:
        instead = Path(tempfile.mkdtemp(prefix="pellucid-kernels-"))
        warnings.warn(
            f"The folder for compiled kernels, {wanted}, cannot be written "
            f"({error.strerror}); they are kept in {instead} for now. Set "
            "PELLUCID_CACHE to a folder that can.",
            stacklevel=2,
        )
        return instead
    return wanted


def _wanted() -> Path:
    """Return the folder to try, made absolute: the working folder may change."""
    given = os.environ.get("PELLUCID_CACHE")
    if given:
        return Path(given).absolute()
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() may raise
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home) / "pellucid" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "pellucid"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "pellucid"


@cache
def _meaning() -> bytes:
    """Return a hash of the modules that give kernels their words."""
    here = Path(__file__).parent
    digest = hashlib.sha1(usedforsecurity=False)
    for name in (
        "elementary",
        "products",
        "runtime",
        "turning",
        "vectors",
        "words32",
        "words64",
    ):
        digest.update((here / f"{name}.py").read_bytes())
    return digest.digest()


def name_of(body: str, bits: int) -> str:
    """Return the name of a kernel's file.

    Parameters
    ----------
    body : str
        Its function.
    bits : int
        32 or 64.

    Returns
    -------
    str
    """
    digest = hashlib.sha1(_meaning(), usedforsecurity=False)
    digest.update(f"{bits}\n{body}".encode())
    return f"kernel_{digest.hexdigest()[:16]}"


def text_of(body: str, bits: int, note: str = "") -> str:
    """Return the whole text of a kernel's file.

    Parameters
    ----------
    body : str
        Its function.
    bits : int
        32 or 64.
    note : str
        The formula in the words of the first network that used it.

    Returns
    -------
    str
    """
    comment = "".join(f"# {line}\n" for line in note.splitlines())
    return comment + _HEAD.format(bits=bits) + body


def load(body: str, bits: int, note: str = "") -> int:
    """Return the address of a kernel, compiled at its first use on this machine.

    Parameters
    ----------
    body : str
        Its function.
    bits : int
        32 or 64.
    note : str
        See `text_of`.

    Returns
    -------
    int
    """
    with _lock:
        if (body, bits) not in _loaded:
            text = text_of(body, bits, note)
            _loaded[body, bits] = _import(name_of(body, bits), text, body)
        address: int = _loaded[body, bits].address
    return address


def _import(name: str, text: str, body: str) -> Any:
    path = folder() / f"{name}.py"
    if not _is_whole(path, body):
        temporary = path.with_name(f".{name}.{os.getpid()}.{threading.get_ident()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    try:
        return _run(path)
    except Exception:
        # Damaged machine code beside it, from a full disk for example: compile anew.
        for file in (path.parent / "__pycache__").glob(f"{name}.*"):
            file.unlink(missing_ok=True)
        return _run(path)


def _is_whole(path: Path, body: str) -> bool:
    try:
        return path.read_text(encoding="utf-8").endswith(body)
    except (OSError, UnicodeDecodeError):
        return False


def _run(path: Path) -> Any:
    """Return the function of a kernel's file."""
    spec = importlib.util.spec_from_file_location(f"pellucid_kernels.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.run
