"""Images in folders: a folder for each class, read into memory as bytes."""

import hashlib
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.data.splits import split_indices
from pellucid.errors import ConfigurationError, DataError
from pellucid.readers import ImageReader, opened

ENDINGS = (".png", ".jpg", ".jpeg")
LONGEST = 64  # pixels of a side when no size is asked for
MEMORY = 2**30  # bytes
_TURNED = (5, 6, 7, 8)  # EXIF orientations in which height and width change places
_ORIENTATION = 0x0112
_FEW = 5  # classes that a title names
_SHOWN = 12  # classes that the text of a data set names


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images of several classes, in the order training, validation, test.

    Parameters
    ----------
    x : ndarray of uint8, shape (n, height, width, channels)
        Pixels from 0 to 255; 1 channel is grey, 3 are red, green and blue.
    y : ndarray of int64, shape (n,)
        Index of the class of each image.
    classes : tuple of str
        The classes: names of the folders, sorted.
    files : tuple of str
        Where each image stands in the folder, such as ``"cat/tom.png"``.
    folder : Path
        Where they were read from.
    reader : ImageReader
        How a file became pixels.
    parts : (int, int, int)
        How many images are for training, validation and test.
    skipped : tuple of (str, str)
        What else was in the folder, and why it was not read.
    copies : tuple of (str, str)
        Files whose bytes are those of another one, and that one; copies are never in
        two parts.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> from pellucid.data import images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, level in (("day", 200), ("night", 30)):
    ...         pathlib.Path(folder, name).mkdir()
    ...         for number in range(4):
    ...             image = Image.new("L", (8, 6), level + number)
    ...             image.save(pathlib.Path(folder, name, f"{number}.png"))
    ...     data = images(folder, validation=0.25)
    >>> data.x.shape, data.x.dtype, data.counts
    ((8, 6, 8, 1), dtype('uint8'), {'day': 4, 'night': 4})
    >>> len(data.train), data.validation.labels.tolist()
    (6, ['day', 'night'])
    """

    x: NDArray[np.uint8]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    files: tuple[str, ...]
    folder: Path
    reader: ImageReader
    parts: tuple[int, int, int]
    skipped: tuple[tuple[str, str], ...] = ()
    copies: tuple[tuple[str, str], ...] = ()

    @property
    def train(self) -> "Images":
        """The images to learn from; their arrays are windows on these, no copies."""
        return self._part(0)

    @property
    def validation(self) -> "Images":
        """The images that tell how training goes, as windows."""
        return self._part(1)

    @property
    def test(self) -> "Images":
        """The images to judge with, as windows."""
        return self._part(2)

    def _part(self, which: int) -> "Images":
        start = sum(self.parts[:which])
        rows = slice(start, start + self.parts[which])
        parts = tuple(n * (place == which) for place, n in enumerate(self.parts))
        return replace(
            self,
            x=self.x[rows],
            y=self.y[rows],
            files=self.files[rows],
            parts=(parts[0], parts[1], parts[2]),
        )

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    @property
    def description(self) -> str:
        """What there is to find out."""
        if len(self.classes) > _FEW:
            return f"Which of {len(self.classes)} classes does an image show?"
        *others, last = self.classes
        return f"{', '.join(others)} or {last}: what does an image show?"

    @property
    def target(self) -> str:
        """What there is to predict."""
        return "class"

    @property
    def task(self) -> Literal["classes"]:
        """What kind of target it is."""
        return "classes"

    @cached_property
    def labels(self) -> NDArray[np.str_]:
        """The class of each image by its name, shape (n,)."""
        return np.array(self.classes)[self.y]

    @property
    def counts(self) -> dict[str, int]:
        """How many images every class has."""
        counts = np.bincount(self.y, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.x)

    def __repr__(self) -> str:
        """Return a few lines that fit into a terminal of 80 columns."""
        height, width, channels = self.reader.shape
        colours = "grey" if channels == 1 else "red, green and blue"
        size = f"{height} x {width} pixels, {colours}, {size_of(self.x.nbytes)}"
        named = [f"{name} ({n:,})" for name, n in self.counts.items()][:_SHOWN]
        more = len(self.classes) - len(named)
        classes = ", ".join(named) + f" and {more} more" * (more > 0)
        train, validation, test = self.parts
        facts = [
            f"Images {self.name!r}: {len(self):,} images of {size}",
            f"  {len(self.classes)} classes: {classes}",
            f"  for training {train:,}, validation {validation:,}, test {test:,}",
        ]
        if self.skipped:
            facts.append(f"  not read: {listed(self.skipped)}")
        if self.copies:
            facts.append(f"  {len(self.copies):,} files are copies of others")
        return "\n".join(
            textwrap.fill(fact, 80, subsequent_indent="    ") for fact in facts
        )


def images(
    folder: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    colour: str | None = None,
    aspect: str = "crop",
    background: int = 255,
    validation: float = 0.2,
    test: float = 0.0,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    broken: str = "error",
    memory: int = MEMORY,
    on_disk: str | Path | None = None,
    progress: bool | None = None,
) -> Images:
    """Read images from a folder that has a folder for each class.

    PNG and JPEG files are read; everything else in the folder is left out and listed in
    ``skipped``, hidden files and folders inside a class too. All images are brought
    to one size and kind of colour, as `ImageReader` says, and stay bytes until a batch
    is made of them: in all ``n x height x width x channels`` bytes.

    Parameters
    ----------
    folder : str or Path
        Where the folders of the classes are.
    size : int or (int, int), optional
        Height and width in pixels. If None, their own where all images have the same
        one and no side has more than 64 pixels; else a square of 64, or of the median
        of the shorter sides where that is less.
    colour : str, optional
        ``"rgb"`` or ``"grey"``. If None, grey where every file is grey.
    aspect, background
        What happens to images of another shape and to transparent ones, as in
        `ImageReader`.
    validation, test : float
        Shares of the images to hold out, with the same share of every class; 0 for
        none. The split is by file; files with the same bytes stay together.
    seed : int
        Same seed, same split.
    classes : sequence of str, optional
        The folders to read, in this order; all, sorted by name, if None.
    broken : str
        What happens to a file that cannot be read: ``"error"``, or ``"skip"``, which
        lists it in ``skipped``.
    memory : int
        How many bytes the images may take.
    on_disk : str or Path, optional
        A new file for the pixels (``.npy``), which then need no memory.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    Images

    Raises
    ------
    DataError
        If there is nothing to learn from, or a file is broken; it names the file.
    ConfigurationError
        If a setting cannot work, the memory is not enough, or Pillow is not installed.
    """

    def reader_of(colour: str, size: Any) -> ImageReader:
        return ImageReader(size, colour, aspect, background)

    # What cannot work is said before anything is read.
    reader_of(colour or "rgb", 1 if size is None else size)
    _check(validation, test, broken)
    root = Path(folder)
    found = _Found(skip=broken == "skip")
    found.look(root, classes)
    progress = sys.stderr.isatty() if progress is None and sys.stderr else progress
    found.look_into_files(bool(progress))
    colour = colour or ("rgb" if found.coloured else "grey")
    reader = reader_of(colour, found.usual_size() if size is None else size)
    needed = len(found.files) * int(np.prod(reader.shape))
    if needed > memory and on_disk is None:
        raise ConfigurationError(_too_much(needed, memory, len(found.files), reader))
    copies = found.copies()
    rows, parts = _split(found, copies, validation, test, seed)
    x, kept = found.read(rows, reader, on_disk, bool(progress))
    order, edges = rows[kept], np.cumsum((0, *parts))
    train, held, tested = (int(kept[a:b].sum()) for a, b in pairwise(edges))
    found.must_be_enough(order)
    root_names = [path.relative_to(root).as_posix() for path in found.files]
    return Images(
        x,
        found.y[order],
        found.classes,
        tuple(root_names[row] for row in order),
        root,
        reader,
        (train, held, tested),
        tuple((path.relative_to(root).as_posix(), why) for path, why in found.skipped),
        tuple((root_names[row], root_names[first]) for row, first in copies.items()),
    )


def size_of(count: int) -> str:
    """Return a number of bytes as people write it.

    Parameters
    ----------
    count : int
        Bytes.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.data.image_folder import size_of
    >>> size_of(120), size_of(3_500_000)
    ('120 bytes', '3.3 MiB')
    """
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def listed(skipped: Sequence[tuple[str, str]]) -> str:
    """Return in words how many files were left out, and why.

    Parameters
    ----------
    skipped : sequence of (str, str)
        Each with its reason.

    Returns
    -------
    str
    """
    reasons = Counter("broken" if why[:6] == "broken" else why for _, why in skipped)
    return ", ".join(f"{count:,} {why}" for why, count in reasons.items())


def _check(validation: float, test: float, broken: str) -> None:
    for name, share in (("validation", validation), ("test", test)):
        number = isinstance(share, int | float) and not isinstance(share, bool)
        if not number or not 0 <= share < 1:
            raise ConfigurationError(f"Expected {name} in [0, 1), got {share!r}.")
    if validation + test >= 1:
        raise ConfigurationError(
            f"validation={validation} and test={test} leave nothing to learn from."
        )
    if broken not in ("error", "skip"):
        raise ConfigurationError(f"Expected broken 'error' or 'skip', got {broken!r}.")


def _too_much(needed: int, memory: int, n: int, reader: ImageReader) -> str:
    height, width, channels = reader.shape
    return (
        f"{n:,} images of {height} x {width} x {channels} take {size_of(needed)}, more "
        f"than the {size_of(memory)} that are allowed: choose a smaller size"
        + ", or colour='grey'" * (channels == 3)
        + ", allow more memory, or keep them in a file (on_disk='images.npy')."
    )


class _Found:
    """The files of a folder, as far as they are known."""

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.classes: tuple[str, ...] = ()
        self.files: list[Path] = []
        self.targets: list[int] = []
        self.sizes: list[tuple[int, int]] = []
        self.skipped: list[tuple[Path, str]] = []
        self.coloured = False

    @property
    def y(self) -> NDArray[np.int64]:
        return np.array(self.targets, dtype=np.int64)

    # -- names -------------------------------------------------------------------------

    def look(self, root: Path, classes: Sequence[str] | None) -> None:
        """List the files of all classes; nothing is opened."""
        if not root.is_dir():
            what = "is no folder" if root.exists() else "does not exist"
            raise DataError(
                f"{root} {what}; expected a folder with a folder of images for each "
                "class."
            )
        inside = sorted(root.iterdir())
        folders = {path.name: path for path in inside if path.is_dir()}
        hidden = [name for name in folders if _is_hidden(name)]
        for path in inside:
            if path.name not in folders:
                self.skipped.append((path, "outside a class"))
            elif path.name in hidden:
                self.skipped.append((folders.pop(path.name), "hidden"))
        if classes is not None:
            folders = self._chosen(root, folders, classes)
        if len(folders) < 2:
            raise DataError(_too_few(root, list(folders), inside))
        self.classes = tuple(folders)
        for index, path in enumerate(folders.values()):
            self._look_into(path, index)

    def _chosen(
        self, root: Path, folders: dict[str, Path], classes: Sequence[str]
    ) -> dict[str, Path]:
        if isinstance(classes, str) or len(set(classes)) != len(classes):
            raise ConfigurationError(
                f"Expected classes as a list of different names, got {classes!r}."
            )
        missing = [name for name in classes if name not in folders]
        if missing:
            raise DataError(
                f"{root} has no folder {missing[0]!r}; it has {', '.join(folders)}."
            )
        others = (path for name, path in folders.items() if name not in classes)
        self.skipped += [(path, "not among the classes") for path in others]
        return {name: folders[name] for name in classes}

    def _look_into(self, folder: Path, index: int) -> None:
        before, folders = len(self.files), []
        for path in sorted(folder.iterdir()):
            if _is_hidden(path.name):
                self.skipped.append((path, "hidden"))
            elif path.is_dir():
                self.skipped.append((path, "a folder inside a class"))
                folders.append(path)
            elif path.suffix.lower() not in ENDINGS or not path.is_file():
                self.skipped.append((path, "no PNG or JPEG"))
            else:
                self.files.append(path)
                self.targets.append(index)
        if len(self.files) > before:
            return
        if folders:
            raise DataError(
                f"{folder} has no images, but folders such as {folders[0].name!r}: "
                f"perhaps {folder} is what should be read."
            )
        raise DataError(
            f"{folder} has no images (PNG or JPEG): put some in, or remove the folder."
        )

    # -- heads -------------------------------------------------------------------------

    def look_into_files(self, progress: bool) -> None:
        """Note size and colour of every image; only the heads of files are read."""
        kept = []
        told = _shown(range(len(self.files)), "looking at files", progress)
        for row in told:
            try:
                with opened(self.files[row]) as image:
                    # The notes of a PNG may stand behind its pixels.
                    notes = image.getexif() if image.format == "JPEG" else {}
                    turned = notes.get(_ORIENTATION) in _TURNED
                    size = image.size if turned else image.size[::-1]
                    grey = image.mode in ("1", "L", "LA") or image.mode[0] == "I"
            except DataError as error:
                self._leave_out(row, error)
                continue
            kept.append(row)
            self.sizes.append((size[0], size[1]))
            self.coloured |= not grey
        self.files = [self.files[row] for row in kept]
        self.targets = [self.targets[row] for row in kept]
        self.must_be_enough(np.arange(len(kept)))

    def _leave_out(self, row: int, error: DataError) -> None:
        if not self.skip:
            raise DataError(
                f"{str(error).rstrip('.')}, or have such files left out and listed "
                "(broken='skip', --skip-broken)."
            ) from error
        self.skipped.append((self.files[row], f"broken: {error.__cause__ or error}"))

    def must_be_enough(self, rows: NDArray[np.int64]) -> None:
        """Raise if a class has no image left."""
        counts = np.bincount(self.y[rows], minlength=len(self.classes))
        for name, count in zip(self.classes, counts, strict=True):
            if not count:
                raise DataError(
                    f"Every file of the class {name!r} is broken: put other images "
                    "in, or remove the folder."
                )

    def usual_size(self) -> tuple[int, int]:
        """Return the size where none is asked for."""
        if len(set(self.sizes)) == 1 and max(self.sizes[0]) <= LONGEST:
            return self.sizes[0]
        side = min(LONGEST, median_low(map(min, self.sizes)))
        return side, side

    def copies(self) -> dict[int, int]:
        """Return which files have the bytes of an earlier one, and which."""
        alike = defaultdict(list)
        for row, path in enumerate(self.files):
            alike[path.stat().st_size].append(row)
        found: dict[int, int] = {}
        for rows in alike.values():
            if len(rows) < 2:
                continue
            first: dict[bytes, int] = {}
            for row in rows:
                with self.files[row].open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").digest()
                if first.setdefault(digest, row) != row:
                    found[row] = first[digest]
        return found

    # -- pixels ------------------------------------------------------------------------

    def read(
        self,
        rows: NDArray[np.int64],
        reader: ImageReader,
        on_disk: str | Path | None,
        progress: bool,
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the pixels of files in an order, and which of them could be read."""
        shape = (len(rows), *reader.shape)
        x: NDArray[np.uint8]
        if on_disk is None:
            x = np.empty(shape, dtype=np.uint8)
        else:
            x = np.lib.format.open_memmap(on_disk, "w+", dtype=np.uint8, shape=shape)
        kept = np.zeros(len(rows), dtype=bool)
        done = 0
        for place in _shown(range(len(rows)), "reading images", progress):
            row = int(rows[place])
            try:
                x[done] = reader.read(self.files[row])
            except DataError as error:
                self._leave_out(row, error)
                continue
            kept[place] = True
            done += 1
        return x[:done], kept


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _too_few(root: Path, folders: list[str], inside: list[Path]) -> str:
    loose = [path.name for path in inside if path.suffix.lower() in ENDINGS]
    told = f"has only the folder {folders[0]!r}" if folders else "has no folders"
    if not folders and loose:
        told += f", but images such as {loose[0]!r}"
    return (
        f"{root} {told}; expected a folder of images for each class, and at least "
        "two classes, such as cat/ and dog/."
    )


def _split(
    found: _Found, copies: dict[int, int], validation: float, test: float, seed: int
) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """Return the files in the order of their parts, and how many each part has."""
    n = len(found.files)
    unique = np.array([row for row in range(n) if row not in copies])
    y = found.y
    held, tested = unique[:0], unique[:0]
    if validation + test:
        _must_divide(found, unique)
        held_share = validation + test
        _, second = split_indices(y[unique], held_share, seed, stratify=True)
        held = unique[second]
    if test and validation and len(held) < 2:
        raise DataError(
            f"{n} images are too few to hold out some for validation and for test."
        )
    if test and validation:
        first, second = split_indices(y[held], test / (validation + test), seed)
        held, tested = held[first], held[second]
    elif test:
        held, tested = tested, held
    place = np.zeros(n, dtype=np.int64)
    place[held], place[tested] = 1, 2
    for row, original in copies.items():
        place[row] = place[original]
    order = np.argsort(place, kind="stable")
    sizes = np.bincount(place, minlength=3).tolist()
    return order, (sizes[0], sizes[1], sizes[2])


def _must_divide(found: _Found, unique: NDArray[np.int64]) -> None:
    counts = np.bincount(found.y[unique], minlength=len(found.classes))
    for name, count in zip(found.classes, counts, strict=True):
        if count < 2:
            raise DataError(
                f"The class {name!r} has a single image, but one is needed to learn "
                "from and one to hold out: put more in, or hold out none with "
                "validation=0."
            )


def _shown(rows: range, what: str, wanted: bool) -> Iterator[int]:
    """Yield the rows, and show a bar if that is wanted."""
    if not wanted:
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    console: Any = Console(stderr=True)
    text = f"{what}: {len(rows):,}"
    yield from track(rows, text, console=console, transient=console.is_terminal)
