"""The container of files: one safetensors file, checked, written all or nothing.

Any safetensors reader can read it: flat vectors of numbers, and in the metadata the
format, its version, a JSON document that says what the numbers are, and the SHA-256 of
document and numbers.
"""

import hashlib
import json
import math
import os
import re
import secrets
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid._version import __version__
from pellucid.errors import ModelFileError
from pellucid.locks import FileLock, beside, claim

# What describes a network takes at most so many bytes and pieces, so that a file that
# somebody made up is refused soon, and takes no 64 MB more than it has.
HEADER_LIMIT, PIECES_LIMIT = 4 * 2**20, 200_000
VECTORS_LIMIT = 10_000
LONGEST_MESSAGE = 1000  # characters
_KINDS: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
}
_WRITER = re.compile(r'"pellucid": "(\d[0-9a-z.+]{0,30})"')
_VECTOR = {"dtype": str, "shape": list, "data_offsets": list}
# What the formats are for, and what reads them.
_FORMATS = {
    "pellucid": ("a network", "pellucid.load"),
    "pellucid recording": ("a recording", "pellucid.load_recording"),
}


# -- writing ---------------------------------------------------------------------------


def packed(
    path: Path,
    kind: str,
    schema: int,
    document: dict[str, Any],
    vectors: Mapping[str, NDArray[Any]],
) -> bytes:
    """Return the content of a file with a document and vectors.

    Parameters
    ----------
    path : Path
        Where it will be written; named in messages.
    kind : str
        The format: what reads it.
    schema : int
        Version of the format.
    document : dict
        What the vectors are, in plain values.
    vectors : mapping of str to ndarray, shape (size,)
        Contiguous.

    Returns
    -------
    bytes

    Raises
    ------
    ModelFileError
        If a file cannot hold it.
    """
    from safetensors.numpy import save as pack

    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} cannot be written, because a layer, the loss or the optimizer has "
            f"a setting that is no plain number, text or list of such: {error}."
        ) from error
    metadata = {
        "format": kind,
        "schema": str(schema),
        "document": text,
        "sha256": _digest(text, vectors),
    }
    content = pack(dict(vectors), metadata)
    (length,) = struct.unpack("<Q", content[:8])
    pieces = _pieces(content[8 : 8 + length])
    if length > HEADER_LIMIT or pieces > PIECES_LIMIT:
        raise ModelFileError(
            f"{path} cannot be written: what describes the network takes {length:,} "
            f"bytes in {pieces:,} pieces, and at most {HEADER_LIMIT:,} in "
            f"{PIECES_LIMIT:,} can be read again."
        )
    return content


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files so that, whatever happens, the old or the new ones are complete.

    All are written beside their places before the first one takes its place. A process
    that dies meanwhile leaves hidden files ``.NAME.partial``; the next one that writes
    the same file removes them.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What, and where.

    Raises
    ------
    ModelFileError
        If one cannot be written; old files are then unchanged.
    """
    with ExitStack() as held:
        ready = []
        for path, content in contents.items():
            target = Path(os.path.realpath(path))
            with _named(path, target):
                _remove_left_over(target)
                temporary = held.enter_context(_temporary(target))
                with temporary.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                if target.exists():
                    temporary.chmod(target.stat().st_mode & 0o7777)
            ready.append((path, target, temporary))
        for path, target, temporary in ready:
            with _named(path, target):
                temporary.replace(target)
    for folder in {target.parent for _, target, _ in ready}:
        with suppress(OSError):  # not every system lets a folder be synchronized
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@contextmanager
def _named(path: Path, target: Path) -> Iterator[None]:
    """Say of which file it is, when the system cannot do something."""
    try:
        yield
    except OSError as error:
        old = " The old file is unchanged." if target.is_file() else ""
        raise ModelFileError(
            f"{path} could not be written: {error.strerror or error}.{old}"
        ) from error


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Give a new file beside the target, locked, and removed if it is still there."""
    while True:
        token = secrets.token_hex(8)
        temporary = target.with_name(f".{target.name}.{token}.partial")
        try:
            lock = FileLock(temporary)
        except BlockingIOError:  # taken for a left-over one before it was locked
            continue
        break
    try:
        yield temporary
    finally:
        # After the replacement there is nothing of this name.
        lock.remove()


def tidy(path: Path) -> None:
    """Remove what processes that died have left beside a file.

    Parameters
    ----------
    path : Path
        The file; it stays, and so does what a living process needs.
    """
    target = Path(os.path.realpath(path))
    _remove_left_over(target)
    if beside(target).exists():
        with suppress(ModelFileError):
            claim(target).remove()


def _remove_left_over(target: Path) -> None:
    """Remove what processes that died while they wrote the target have left."""
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{16}}\.partial")
    left: list[Path] = []
    with suppress(OSError):  # there are folders to be written and not to be listed
        left = [each for each in target.parent.iterdir() if name.fullmatch(each.name)]
    for each in left:
        with suppress(OSError):  # somebody writes it now, or has just removed it
            lock = FileLock(each)
            if lock.sure:
                lock.remove()


def _digest(text: str, vectors: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(vectors):
        digest.update(f"\0{name}\0{vectors[name].dtype.str}\0".encode())
        digest.update(np.ascontiguousarray(vectors[name]).data.cast("B"))
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """Return JSON values, with ``{"float": "inf"}`` for numbers that JSON lacks.

    Parameters
    ----------
    value : object
        Lists, mappings, texts and numbers.

    Returns
    -------
    object
    """
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def unplain(value: Any) -> Any:
    """Return what `plain` was given.

    Parameters
    ----------
    value : object
        From a file.

    Returns
    -------
    object
    """
    if isinstance(value, dict) and value.get("float") in ("inf", "-inf", "nan"):
        return float(value["float"])
    if isinstance(value, dict):
        return {key: unplain(item) for key, item in value.items()}
    return [unplain(item) for item in value] if isinstance(value, list) else value


# -- reading ---------------------------------------------------------------------------


def read(
    path: Path, kind: str, schema: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return document and vectors of a file.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        The format that is expected.
    schema : int
        The version that can be read.

    Returns
    -------
    document : dict
        Not looked at yet, but for its checksum.
    vectors : dict of str to ndarray, shape (size,)

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too new, or of another format.
    """
    if path.exists() and not path.is_file():  # a pipe, say, might never end
        what = "a folder" if path.is_dir() else "no usual file"
        raise ModelFileError(f"this is {what}; expected a model file.")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            header, start = _header(file, size)
            metadata = _metadata(header, kind)
            vectors = {}
            for name, vector in _empty_vectors(header, size - start).items():
                room: Any = vector.view(np.uint8)
                if file.readinto(room) != vector.nbytes:
                    raise ModelFileError("the file was changed while it was read.")
                vectors[name] = vector
    except FileNotFoundError:
        raise ModelFileError("there is no such file.") from None
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror or error}.") from error
    return _checked_document(metadata, schema, vectors), vectors


def _header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """Return the header of a safetensors file, and where its vectors start."""
    start = file.read(8)
    if len(start) < 8:
        raise ModelFileError("the file is too short to be a model file.")
    (length,) = struct.unpack("<Q", start)
    if length > min(HEADER_LIMIT, size - 8):
        raise ModelFileError(
            "this is not a pellucid model file, or its end is missing."
        )
    text = file.read(length)
    if _pieces(text) > PIECES_LIMIT:
        raise ModelFileError("what describes the network has too many pieces.")
    try:
        header = _json(text.decode())
        if not isinstance(header, dict) or text.rstrip(b" ")[-1:] != b"}":
            raise ValueError("its header is no mapping")
    except (ValueError, RecursionError) as error:
        raise _damaged(size, error) from error
    return header, 8 + length


def _pieces(text: bytes) -> int:
    """Return how many lists, mappings and entries a text in JSON can have."""
    return text.count(b"[") + text.count(b"{") + text.count(b",")


def _damaged(size: int, why: object) -> ModelFileError:
    return ModelFileError(
        f"the file is cut off or damaged; it has {size:,} bytes ({why})."
    )


def _metadata(header: dict[str, Any], kind: str) -> dict[str, str]:
    """Return the texts in a header, if they are of this format."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.get("format") not in [*_FORMATS]:
        raise ModelFileError(
            "this is a safetensors file, but not one that pellucid wrote."
        )
    found = metadata["format"]
    if found != kind:
        holds, reader = _FORMATS[found]
        raise ModelFileError(f"it holds {holds}: {reader}(path) reads it.")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ModelFileError("the file has metadata that are no texts.")
    return metadata


def _empty_vectors(header: dict[str, Any], room: int) -> dict[str, NDArray[Any]]:
    """Return vectors to be read in this order, which fill the rest of the file."""
    if len(header) > VECTORS_LIMIT:
        raise ModelFileError(f"the file has {len(header):,} vectors.")
    places = []
    for name, about in header.items():
        must_have(about, _VECTOR, f"the vector {name!r}")
        shape, offsets = about["shape"], about["data_offsets"]
        if len(offsets) != 2 or not all(type(n) is int for n in shape + offsets):
            raise ModelFileError(f"the vector {name!r} has no place in the file.")
        places.append((*offsets, name, about["dtype"], shape))
    vectors, end = {}, 0
    for begin, stop, name, kind, shape in sorted(places):
        dtype = _KINDS.get(kind)
        if dtype is None or len(shape) != 1:
            raise ModelFileError(f"the vector {name!r} is of an unknown kind.")
        full = stop - begin == shape[0] * dtype.itemsize
        if not full or begin != end or not begin <= stop <= room:
            raise _damaged(room, f"the vector {name!r} has another size")
        vectors[name], end = np.empty(shape, dtype), stop
    if end != room:
        raise _damaged(room, f"its vectors take {end:,} bytes")
    return vectors


def _checked_document(
    metadata: dict[str, str], schema: int, vectors: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    version = metadata.get("schema", "none")
    if version != str(schema):
        writer = _WRITER.search(metadata.get("document", ""))
        needed = f">= {writer[1]}" if writer else "newer than this"
        raise ModelFileError(
            f"the file has schema version {version[:20]}; this pellucid {__version__} "
            f"reads up to {schema}. It needs pellucid {needed}."
        )
    if set(metadata) != {"format", "schema", "document", "sha256"}:
        raise ModelFileError(f"the file has unknown metadata {sorted(metadata)}.")
    if _digest(metadata["document"], vectors) != metadata["sha256"]:
        raise ModelFileError(
            "the checksum does not match: the file is damaged or was changed."
        )
    try:
        document: dict[str, Any] = _json(metadata["document"])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its description is not JSON ({error}).") from error
    return document


def _json(text: str) -> Any:
    """Return JSON values, of finite numbers, where no name stands twice."""
    return json.loads(
        text,
        parse_constant=_finite,
        parse_float=_finite,
        object_pairs_hook=_mapping,
    )


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number in JSON")
    return value


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands there twice")
    return values


def told(error: Exception) -> str:
    """Return what an error says, cut where it quotes a whole file.

    Parameters
    ----------
    error : Exception
        What went wrong while a file was read.

    Returns
    -------
    str
    """
    text = str(error)
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} ..."


def must_have(values: Any, kinds: Mapping[str, Any], what: str) -> None:
    """Raise unless a mapping from a file has just these entries, of these kinds.

    Parameters
    ----------
    values : object
        Perhaps a mapping.
    kinds : mapping of str to type
        What it must have.
    what : str
        Its name in messages.

    Raises
    ------
    ModelFileError
        If it has not.
    """
    if not isinstance(values, dict) or set(values) != set(kinds):
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise ModelFileError(
            f"{what} has the entries {found}; expected {sorted(kinds)}."
        )
    for key, kind in kinds.items():
        wrong = isinstance(values[key], bool) and kind is int
        if wrong or not isinstance(values[key], kind):
            raise ModelFileError(
                f"{what} has {key!r} of kind {type(values[key]).__name__}."
            )
