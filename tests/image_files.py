"""Small image files for tests, and folders of them."""

from pathlib import Path

import numpy as np
from PIL import Image


def save(path, pixels, **settings):
    """Write pixels, shape (height, width) or (height, width, channels), to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **settings)
    return path


def stripes(height=8, width=8, *, across=False, seed=0, channels=3):
    """Return noisy stripes, from left to right or from top to bottom."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[0:height, 0:width]
    level = 200.0 * ((row if across else column) // 2 % 2)
    noise = random.integers(0, 50, (height, width, channels))
    pixels = (level[..., None] + noise).astype(np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def stripes_folder(folder, count=10, *, channels=3, size=(8, 8)):
    """Make a folder of two classes that are easy to tell apart; return it."""
    for index, name in enumerate(("down", "up")):
        for number in range(count):
            pixels = stripes(
                *size, across=index == 0, seed=2 * number + index, channels=channels
            )
            ending = "jpg" if number % 3 == 0 else "png"
            save(Path(folder) / name / f"{number:02}.{ending}", pixels)
    return Path(folder)


def damage(path):
    """Take the second half of a file away."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path
