"""Reads model files and recordings that were damaged or made up, in every way we know.

    python scripts/fuzz_files.py [--cases 100000] [--seed 0] [--json]

Each must be refused with a `ModelFileError`, or give a network or a recording; within a
second of computing, with less than 64 MB beyond the file's size, and without running,
importing or opening anything. tests/test_fuzz_files.py runs some of them. A case is
made from the seed and its number alone: ``--only 1234`` makes one again.
"""

import argparse
import copy
import hashlib
import json
import os
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pellucid
from pellucid import Dense, ModelFileError, NeuralNetwork

SECONDS, MEMORY = 1.0, 64 * 2**20
SOURCE = Path(pellucid.__file__).parent
KINDS = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}


# -- files to be spoiled ---------------------------------------------------------------


def good_files(folder: Path) -> dict[str, bytes]:
    """Return the content of one file of every sort."""
    random_numbers = np.random.default_rng(0)
    x, y = random_numbers.normal(size=(12, 3)), np.arange(12) % 3
    plan = {"epochs": 2, "batch_size": 6, "engine": "readable"}
    layers = [
        Dense(3, pellucid.LeakyReLU(0.1)),
        pellucid.BatchNorm(),
        pellucid.Residual([Dense(3, "tanh"), pellucid.Dropout(0.5)]),
        Dense(3, "softmax"),
    ]
    net = NeuralNetwork(layers, loss="cross_entropy")
    schedule = pellucid.WarmUp(2, pellucid.Cosine(0.1))
    kept = {"optimizer": pellucid.Adam(schedule), "validation": 0.25}
    net.fit(x, np.take(["a", "b", "ç"], y), **plan, **kept, metrics=["accuracy"])
    net.save(folder / "checkpoint", checkpoint=True)

    pictures = random_numbers.normal(size=(6, 4, 4, 1))
    cnn = [pellucid.Conv2D(2, 3, "relu"), pellucid.MaxPool2D(2), pellucid.Flatten()]
    net = NeuralNetwork([*cnn, Dense(2)], loss="huber", dtype="float64")
    net.reader = pellucid.ImageReader((4, 4), "grey")
    net.fit(pictures, pictures[:, 0, :2, 0], epochs=1, engine="readable")
    net.save(folder / "cnn")

    cells = {
        "a": x[:, 0],
        "b": np.take(["u", "v", "w"], y),
        "c": np.take([f"level {i}" for i in range(11)], np.arange(12) % 11),
        "y": x[:, 1],
    }
    rows = pellucid.data.table(cells, "y")
    encoder = pellucid.Encoder.fit(rows)
    net = NeuralNetwork(
        encoder.layers([Dense(2, "relu"), Dense(1)]),
        loss="mean_squared_error",
        input_shape=encoder.input_shape,
    )
    net.reader = encoder
    net.fit(rows, rows.y, **plan)
    net.save(folder / "table")

    net = NeuralNetwork([Dense(2, "tanh"), Dense(3)], loss="cross_entropy")
    plateau = pellucid.Momentum(pellucid.ReduceOnPlateau(0.5))
    net.fit(x, y, **plan, optimizer=plateau, record=2)
    net.recording.save(folder / "recording")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# -- taking a file apart and putting it together ---------------------------------------


class Parts:
    """What a file is made of."""

    def __init__(self, content: bytes) -> None:
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        self.metadata = header.pop("__metadata__")
        self.document = json.loads(self.metadata.pop("document"))
        self.vectors = {}
        for name, about in header.items():
            begin, end = (8 + length + place for place in about["data_offsets"])
            numbers = np.frombuffer(content[begin:end], KINDS[about["dtype"]])
            self.vectors[name] = numbers.copy()

    def content(self, text: str | None = None) -> bytes:
        """Return a file whose checksum is right."""
        text = json.dumps(self.document) if text is None else text
        digest, header, end = hashlib.sha256(text.encode()), {}, 0
        for name in sorted(self.vectors):
            vector = self.vectors[name]
            digest.update(f"\0{name}\0{vector.dtype.str}\0".encode())
            digest.update(vector.tobytes())
            kind = {np.dtype(v): k for k, v in KINDS.items()}.get(vector.dtype, "F16")
            place = [end, end := end + vector.nbytes]
            header[name] = {"dtype": kind, "shape": [vector.size]}
            header[name]["data_offsets"] = place
        about = self.metadata | {"document": text, "sha256": digest.hexdigest()}
        return assembled({"__metadata__": about} | header, self.vectors)


def assembled(header: Any, vectors: dict[str, Any]) -> bytes:
    """Return a file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    numbers = b"".join(vectors[name].tobytes() for name in sorted(vectors))
    return struct.pack("<Q", len(text)) + text + numbers


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every piece of a JSON value."""
    yield path
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from places(item, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """Return the piece at a place."""
    for key in path:
        value = value[key]
    return value


# -- ways to spoil a file --------------------------------------------------------------


def cut_off(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Leave the end out."""
    return content[: chance.randrange(len(content))]


def flipped(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Turn some bits over."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 8, 64])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def moved(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Remove, repeat, blank out or replace a block."""
    begin = chance.randrange(len(content))
    end = min(len(content), begin + chance.choice([1, 8, 100, 4096]))
    block = content[begin:end]
    middle = chance.choice([b"", 2 * block, bytes(len(block)), block[::-1]])
    middle = chance.choice([middle, chance.randbytes(len(block))])
    return content[:begin] + middle + content[end:]


def wrong_length(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Say that the header is of another length."""
    number = chance.choice([0, 1, 2**31, 2**63, 2**64 - 1, chance.randrange(2**20)])
    return struct.pack("<Q", number) + content[8:]


def lying_header(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Change a piece of the header itself."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    spoil(chance, header)
    text = json.dumps(header).encode()
    if chance.random() < 0.2:
        text += chance.choice([b" ", b"\n", b"\0", b"}", b"\t ", b"{}"])
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def many_vectors(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Name a lot of vectors without numbers."""
    about = Parts(content).metadata | {"document": "{}", "sha256": "0" * 64}
    empty = json.dumps({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]})
    count = chance.choice([10, 1000, 30_000, 45_000])
    more = "".join(f', "{i}": {empty}' for i in range(count))
    text = json.dumps({"__metadata__": about})
    return assembled(f"{text[:-1]}{more}}}".encode(), {})


def repeated_names(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Write a name twice, in the header or in the document."""
    parts = Parts(content)
    name = chance.choice([*parts.document])
    value = json.dumps(parts.document[name])
    text = json.dumps(parts.document)
    if chance.random() < 0.5:
        return parts.content(f'{text[:-1]}, "{name}": {value}}}')
    (length,) = struct.unpack("<Q", content[:8])
    head = content[8 : 8 + length].rstrip()
    name = chance.choice([*parts.vectors, "__metadata__"])
    value = json.dumps(json.loads(head)[name])
    return assembled(head[:-1] + f', "{name}": {value}}}'.encode(), parts.vectors)


def made_up(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Change pieces of the document, and put the checksum right."""
    parts = Parts(content)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        spoil(chance, parts.document)
    return parts.content()


def grafted(chance: random.Random, content: bytes, others: list[bytes]) -> bytes:
    """Put a piece of another file's document into this one's, or its vectors."""
    parts, other = Parts(content), Parts(chance.choice(others))
    if chance.random() < 0.2:
        parts.vectors = other.vectors
        return parts.content()
    target = chance.choice([*places(parts.document)][1:])
    piece = at(other.document, chance.choice([*places(other.document)]))
    at(parts.document, target[:-1])[target[-1]] = copy.deepcopy(piece)
    return parts.content()


def made_up_numbers(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Change vectors, and put the checksum right."""
    parts = Parts(content)
    for _ in range(chance.choice([1, 1, 2])):
        name = chance.choice([*parts.vectors])
        vector = parts.vectors[name]
        strange = [0, 1, -1, 2**31, -(2**40), 1e30, np.nan, np.inf, -np.inf]
        way = chance.randrange(6)
        with np.errstate(all="ignore"):
            if way == 0 and vector.size:
                numbers = vector.astype(float)
                numbers[chance.randrange(vector.size)] = chance.choice(strange)
                vector = numbers.astype(vector.dtype)
            elif way == 1:
                kind = chance.choice(["<f4", "<f8", "<i8", "u1", "<f2"])
                vector = vector.astype(kind)
            elif way == 2:
                vector = vector[: chance.randrange(vector.size + 1)]
            elif way == 3:
                vector = np.concatenate([vector, vector])
            elif way == 4:
                parts.vectors[chance.choice([*parts.vectors, "more", ""])] = vector
                continue
            else:
                vector = vector[::-1]
        parts.vectors[name] = vector
    return parts.content()


def as_text(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Spoil the text of the document, and put the checksum right."""
    parts = Parts(content)
    text = json.dumps(parts.document)
    strange = [
        "NaN",
        "1e999",
        "9" * 5000,
        "-0",
        '"\\ud800"',
        "\u2028",
        "/*",
        "//",
        "+1",
    ]
    strange += ["[" * 2000, '{"a":' * 2000, "[" * 500 + "]" * 500, "'", "\\", "\0", "﻿"]
    begin = chance.randrange(len(text))
    end = begin + chance.choice([0, 1, 20])
    numbers = [*re.finditer(r"\d+", text)]
    if chance.random() < 0.5:
        begin, end = chance.choice(numbers).span()
    return parts.content(text[:begin] + chance.choice(strange) + text[end:])


def deep(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Put a piece into lists or mappings without end."""
    parts = Parts(content)
    target = chance.choice([*places(parts.document)][1:])
    inside = json.dumps(at(parts.document, target))
    depth = chance.choice([5, 100, 900, 5000, 49_000])
    before, after = chance.choice(
        [
            ("[", "]"),
            ('{"named":{"a":', "}}"),
            ('{"float":', "}"),
            ('{"family":"layer","type":"chain","name":null,"layers":[', "]}"),
            ('{"family":"layer","type":"residual","name":null,"layers":[', "]}"),
        ]
    )
    depth = min(depth, 3_000_000 // (len(before) + len(after)) // 2)
    at(parts.document, target[:-1])[target[-1]] = "HERE"
    text = json.dumps(parts.document)
    return parts.content(
        text.replace('"HERE"', before * depth + inside + after * depth)
    )


def large(chance: random.Random, content: bytes, _: Any) -> bytes:
    """Make a piece as large as a header may be, and larger."""
    parts = Parts(content)
    target = chance.choice([*places(parts.document)][1:])
    piece = chance.choice(["{}", "[]", '""', "0", "1.5", '{"":0}', '"a"', "[[]]"])
    size = chance.choice([10_000, 90_000, 400_000, 1_000_000])
    size = min(size, 4_100_000 // (len(piece) + 1))
    at(parts.document, target[:-1])[target[-1]] = "HERE"
    text = json.dumps(parts.document)
    many = f"[{','.join([piece] * size)}]"
    if chance.random() < 0.3:
        many = json.dumps(chance.choice(["a", "\0", "ü", "\U0001f600"]) * size)
    return parts.content(text.replace('"HERE"', many))


NUMBERS = [0, 1, -1, 2, 7, 2**31, 2**53, 2**63, 10**30, -(2**63), 0.5, -0.0, 1e-300]
NUMBERS += [1e300, 10**12, 3_000_000, 40_000, 1000]
TEXTS = ["", "a", "dense", "os:system", "builtins:eval", "../../etc/passwd", "\0", "ü"]
TEXTS += ["__class__", "float32", "layer", "chain", "\ud800", "x" * 3000, "1", "nan"]


def spoil(chance: random.Random, document: Any) -> None:
    """Change one piece of a JSON value, in place."""
    target = chance.choice([*places(document)][1:])
    inside, last = at(document, target[:-1]), target[-1]
    value, way = inside[last], chance.randrange(10)
    new: Any = None
    if way < 3 and isinstance(value, int | float) and not isinstance(value, bool):
        new = chance.choice([*NUMBERS, value + 1, -value, value * 1000, float(value)])
    elif way == 3 and isinstance(inside, dict):
        inside[chance.choice(TEXTS)] = inside.pop(last)
        return
    elif way == 4 and isinstance(inside, dict):
        del inside[last]
        return
    elif way == 5 and isinstance(value, list) and value:
        new = chance.choice([value[::-1], value[1:], value * 2, value * 300, [value]])
    elif way == 6 and isinstance(value, str):
        new = chance.choice(TEXTS)
    elif way == 7:
        new = copy.deepcopy(at(document, chance.choice([*places(document)])))
    else:
        strange = [None, True, False, [], {}, [[]], {"float": "inf"}, {"family": "os"}]
        new = chance.choice([*strange, *NUMBERS, *TEXTS])
    inside[last] = new


SPOIL_BYTES = ("cut_off", "flipped", "moved", "wrong_length")
RARE = (many_vectors, deep, large)  # slow to make, and few ways each
WAYS = (cut_off, flipped, moved, wrong_length, lying_header, repeated_names)
WAYS += (made_up, made_up, made_up, made_up, grafted, grafted, made_up_numbers, as_text)


def made(seed: int, number: int, files: dict[str, bytes]) -> tuple[str, str, bytes]:
    """Return which file was spoiled, how, and what became of it."""
    chance = random.Random(f"{seed}/{number}")
    sort = chance.choice([*files])
    way = chance.choice(RARE if chance.random() < 0.012 else WAYS)
    return sort, way.__name__, way(chance, files[sort], [*files.values()])


# -- what must hold --------------------------------------------------------------------

# What Python tells of while a file is read. Importing our own modules is no fault.
FORBIDDEN = re.compile(
    r"exec|compile|marshal\.|pickle\.|os\.(?!scandir|listdir)|shutil\.|subprocess\.|"
    r"socket\.|ctypes\.|code\.|urllib\.|tempfile\.|import|open"
)


class LateError(BaseException):
    """The time for a file is over; nothing that reads files catches this."""


class Watch:
    """Listens to what Python does, and stops what takes too long."""

    def __init__(self, path: Path) -> None:
        self.path, self.active, self.seen = path, False, ""
        self.seconds = self.memory = 0.0
        sys.addaudithook(self._hear)
        signal.signal(signal.SIGVTALRM, self._late)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active or not FORBIDDEN.match(event):
            return
        what = arguments[0] if arguments else ""
        ours = event == "open" and what == str(self.path) and arguments[1] == "r"
        # An error in a layer says in which line of ours.
        ours = ours or (event == "open" and SOURCE in Path(str(what)).parents)
        ours = ours or (event == "import" and str(what).startswith("pellucid."))
        if not ours:
            self.seen = f"{event} of {what!r:.80}"

    def _late(self, *_: Any) -> None:
        if self.active:
            self.active = False
            raise LateError

    def problem(self, load: Callable[[Path], Any], size: int) -> tuple[str, str]:
        """Return how a file was taken, and what is wrong with that."""
        self.seen, self.active = "", True
        if tracemalloc.is_tracing():
            tracemalloc.reset_peak()
        before, begun = tracemalloc.get_traced_memory()[0], time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, 4 * SECONDS)
        end = problem = ""
        try:
            load(self.path)
            end = "read"
        except ModelFileError as error:
            end = "refused"
            if not str(error).startswith(str(self.path)) or len(str(error)) > 2000:
                problem = f"the message is {error!s:.200}"
        except BaseException:
            end, problem = "raised", traceback.format_exc(limit=-6)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self.active = False
        self.seconds = seconds = time.process_time() - begun
        self.memory = memory = tracemalloc.get_traced_memory()[1] - before
        if seconds > SECONDS:
            problem = f"{seconds:.1f} seconds {problem}"
        if memory > MEMORY + size:
            problem = f"{memory / 2**20:.0f} MB for {size / 2**20:.1f} MB {problem}"
        if self.seen:
            problem = f"{self.seen} {problem}"
        return end, problem


def read(path: Path) -> Any:
    """Read a file as what it says it is."""
    try:
        return pellucid.load(path)
    except ModelFileError as error:
        if "pellucid.load_recording(path) reads it" not in str(error):
            raise
    return pellucid.load_recording(path)


def fuzz(
    files: dict[str, bytes], numbers: Any, seed: int, folder: Path
) -> dict[str, Any]:
    """Read spoiled files; return how many ended how, and the problems."""
    path = folder / "spoiled"
    for content in files.values():  # what is imported once, is
        path.write_bytes(content)
        read(path)
    watch, ends, problems = Watch(path), Counter[str](), []
    slowest = beyond = 0.0
    tracemalloc.start()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in numbers:
        sort, way, content = made(seed, number, files)
        path.write_bytes(content)
        end, problem = watch.problem(read, len(content))
        if watch.seconds > SECONDS and watch.memory <= MEMORY + len(content):
            tracemalloc.stop()  # it takes time of its own
            end, problem = watch.problem(read, len(content))
            tracemalloc.start()
        if end == "read" and way in SPOIL_BYTES and content != files[sort]:
            problem = f"other bytes are read {problem}"
        slowest = max(slowest, watch.seconds)
        beyond = max(beyond, watch.memory - len(content))
        ends[f"{way}: {end}"] += 1
        if problem:
            problems.append(f"{number} ({sort}, {way}): {problem}")
    tracemalloc.stop()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) * 1024
    return {
        "ends": dict(sorted(ends.items())),
        "slowest": slowest,
        "beyond": beyond,
        "grown": grown,
        "problems": problems,
    }


def main() -> int:
    """Run the cases; return 1 if there is a problem."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of all cases")
    parser.add_argument("--only", type=int, help="the number of one case")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    numbers = range(given.cases) if given.only is None else [given.only]
    memory = Path("/dev/shm")  # where there is no disk to wait for
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        folder.joinpath("good").mkdir()
        files = good_files(folder / "good")
        result = fuzz(files, numbers, given.seed, folder)
    if given.json:
        print(json.dumps(result))
    else:
        for end, count in result["ends"].items():
            print(f"{end:28}{count:8,}")
        print(f"the slowest took {result['slowest']:.2f} seconds")
        print(f"the largest took {result['beyond'] / 2**20:.0f} MB beyond its size")
        print(f"the process grew by {result['grown'] / 2**20:.0f} MB")
        print(*result["problems"], sep="\n")
    return int(bool(result["problems"]))


if __name__ == "__main__":
    sys.exit(main())
