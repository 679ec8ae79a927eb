import sys

import numpy as np
import pytest
from PIL import Image

import pellucid
from image_files import damage, save
from pellucid import (
    ConfigurationError,
    DataError,
    Dense,
    Flatten,
    ImageReader,
    NeuralNetwork,
)
from pellucid.testing import check_part

RNG = np.random.default_rng(0)
ORIENTATION = 0x0112


def pixels(height=6, width=4, channels=3):
    return RNG.integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_an_image_of_the_right_size_keeps_its_pixels(tmp_path):
    x = pixels()
    path = save(tmp_path / "a.png", x)
    read = ImageReader((6, 4)).read(path)
    assert read.dtype == np.uint8
    assert (read == x).all()
    grey = save(tmp_path / "b.png", x[..., 0])
    assert (ImageReader((6, 4), "grey").read(str(grey)) == x[..., :1]).all()
    assert (ImageReader((6, 4)).read(grey) == x[..., :1]).all()  # three alike


def test_colours_become_grey_by_their_brightness(tmp_path):
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]])
    path = save(tmp_path / "a.png", colours)
    grey = ImageReader((1, 4), "grey").read(path)[0, :, 0]
    np.testing.assert_allclose(grey, [76.2, 149.7, 29.1, 255], atol=1)


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.swapaxes(0, 1)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: x[::-1, ::-1].swapaxes(0, 1)),
        (8, lambda x: np.rot90(x)),
    ],
)
def test_images_are_turned_as_the_camera_noted(tmp_path, orientation, undo):
    x = pixels(6, 4)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = save(tmp_path / "a.png", x, exif=exif)
    upright = undo(x)
    assert (ImageReader(upright.shape[:2]).read(path) == upright).all()


@pytest.mark.parametrize(("background", "expected"), [(255, 255), (0, 0), (100, 100)])
def test_what_is_transparent_lies_on_the_background(tmp_path, background, expected):
    x = np.concatenate([pixels(), np.full((6, 4, 1), 255)], axis=2)
    x[0, :, 3] = 0
    x[1, :, :] = (200, 200, 200, 51)  # a fifth
    path = save(tmp_path / "a.png", x)
    read = ImageReader((6, 4), background=background).read(path)
    assert (read[0] == expected).all()
    np.testing.assert_allclose(read[1], 0.2 * 200 + 0.8 * expected, atol=2)
    assert (read[2:] == x[2:, :, :3]).all()


def test_a_palette_with_a_transparent_colour(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "a.png", transparency=1)
    assert ImageReader((1, 2)).read(tmp_path / "a.png").tolist() == [
        [[10, 20, 30], [255, 255, 255]]
    ]


def test_sixteen_bits_become_eight(tmp_path):
    levels = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    read = ImageReader((1, 5), "grey").read(tmp_path / "a.png")
    assert read[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_black_and_white_and_four_printing_colours(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert ImageReader((1, 2), "grey").read(tmp_path / "a.png").ravel().tolist() == [
        255,
        0,
    ]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "b.jpg")
    red = ImageReader(8).read(tmp_path / "b.jpg").reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(red, [255, 0, 0], atol=8)


def test_other_shapes_are_cropped_padded_or_stretched(tmp_path):
    # Red, green and blue thirds, of which the middle one is a square.
    x = np.zeros((10, 30, 3), dtype=np.uint8)
    for third in range(3):
        x[:, 10 * third : 10 * third + 10, third] = 255
    path = save(tmp_path / "a.png", x)
    cropped = ImageReader(5, aspect="crop").read(path)
    assert (cropped[:, 1:-1] == [0, 255, 0]).all()
    padded = ImageReader(30, aspect="pad", background=7).read(path)
    assert (padded[10:20] == x).all()
    assert (padded[:10] == 7).all()
    assert (padded[20:] == 7).all()
    stretched = ImageReader((20, 30), aspect="stretch").read(path)
    assert (stretched[:, 4] == [255, 0, 0]).all()
    assert (stretched[:, 15] == [0, 255, 0]).all()
    assert (stretched[:, 25] == [0, 0, 255]).all()


@pytest.mark.parametrize("aspect", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 7), (64, 65)])
@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_every_shape_becomes_the_size(tmp_path, aspect, shape, colour):
    path = save(tmp_path / "a.png", pixels(*shape))
    reader = ImageReader((9, 6), colour, aspect)
    assert reader.read(path).shape == reader.shape


def test_a_large_image_is_averaged_not_sampled(tmp_path):
    board = np.indices((400, 400)).sum(axis=0) % 2 * 255
    for ending in ("png", "jpg"):
        path = save(tmp_path / f"a.{ending}", board)
        read = ImageReader(4, "grey").read(path)
        np.testing.assert_allclose(read, 127.5, atol=6)


def test_the_ending_does_not_matter(tmp_path):
    x = pixels()
    path = save(tmp_path / "a.png", x).rename(tmp_path / "a.jpg")
    assert (ImageReader((6, 4)).read(path) == x).all()


def test_files_that_cannot_be_read(tmp_path):
    read = ImageReader(4).read
    with pytest.raises(DataError, match=r"none.png: there is no such file"):
        read(tmp_path / "none.png")
    with pytest.raises(DataError, match="is a folder; expected an image"):
        read(tmp_path)
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    with pytest.raises(DataError, match=r"empty.png cannot be .*no PNG or JPEG.*repl"):
        read(empty)
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    with pytest.raises(DataError, match=r"text\.jpg cannot be read as an image"):
        read(text)
    Image.fromarray(pixels()).save(tmp_path / "other.gif")
    with pytest.raises(DataError, match="it is no PNG or JPEG"):
        read(tmp_path / "other.gif")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_damaged_files_are_named(tmp_path, ending):
    path = save(tmp_path / f"half.{ending}", pixels(60, 60))
    with pytest.raises(
        DataError, match=rf"half.{ending} cannot be read as an image \("
    ):
        ImageReader(4).read(damage(path))


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_whatever_is_in_a_file_an_error_names_it(tmp_path, ending):
    content = save(tmp_path / f"a.{ending}", pixels(9, 9)).read_bytes()
    path, told = tmp_path / f"b.{ending}", []
    for _ in range(60):
        place, value = RNG.integers(len(content)), RNG.integers(256)
        path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
        try:
            assert ImageReader(4).read(path).shape == (4, 4, 3)
        except DataError as error:
            told.append(str(error))
    assert told
    assert all(f"b.{ending} cannot be read" in text for text in told)


def test_images_that_would_fill_the_memory_are_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", pixels(60, 60))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match=r"a.png cannot be .*3600 pixels"):
        ImageReader(4).read(path)


def test_without_pillow_it_says_what_to_install(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", pixels())
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ConfigurationError, match=r'pip install "pellucid\[images\]"'):
        ImageReader(4).read(path)


# ---- settings


def test_a_reader_is_a_part():
    reader = ImageReader(np.int64(8), "grey", background=0)
    check_part(reader)
    assert repr(reader) == "ImageReader((8, 8), 'grey', background=0)"
    assert reader.shape == (8, 8, 1)
    assert ImageReader([3, 4]).shape == (3, 4, 3)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"size": 0}, r"size as \(height, width\) in pixels, got \(0, 0\)"),
        ({"size": (3, 4, 5)}, "size as"),
        ({"size": "big"}, "got 'big'"),
        ({"size": (3.5, 4)}, "size as"),
        ({"size": True}, "size as"),
        ({"size": 8, "colour": "blue"}, "colour 'rgb' or 'grey', got 'blue'"),
        ({"size": 8, "aspect": "cut"}, "'crop' or 'pad' or 'stretch', got 'cut'"),
        ({"size": 8, "background": 256}, "background from 0 to 255, got 256"),
    ],
)
def test_settings_that_cannot_be(settings, told):
    with pytest.raises(ConfigurationError, match=told):
        ImageReader(**settings)


def test_a_model_file_remembers_its_reader(tmp_path):
    network = NeuralNetwork(
        [Flatten(), Dense(2)], loss="cross_entropy", input_shape=(5, 4, 1)
    )
    network.save(tmp_path / "none.pellucid")
    assert pellucid.load(tmp_path / "none.pellucid").reader is None
    network.reader = ImageReader((5, 4), "grey", "pad")
    network.save(tmp_path / "net.pellucid")
    loaded = pellucid.load(tmp_path / "net.pellucid")
    assert loaded.reader == network.reader
    path = save(tmp_path / "a.png", pixels(20, 10))
    x = loaded.reader.read(path)
    assert loaded.predict(x) == network.predict(x.astype(np.float32))
    assert network.copy().reader == network.reader
