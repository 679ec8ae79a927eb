import shutil

import numpy as np
import pytest
from PIL import Image

import pellucid
from image_files import damage, save, stripes, stripes_folder
from pellucid.data import Images, image_folder, images
from pellucid.errors import ConfigurationError, DataError
from pellucid.readers import ImageReader


@pytest.fixture
def folder(tmp_path):
    return stripes_folder(tmp_path / "stripes")


def by_file(data):
    return {file: x.tobytes() for file, x in zip(data.files, data.x, strict=True)}


# ---- what is read


def test_a_folder_for_each_class(folder):
    data = images(folder)
    assert isinstance(data, Images)
    assert data.classes == ("down", "up")
    assert data.counts == {"down": 10, "up": 10}
    assert data.x.shape == (20, 8, 8, 3)
    assert data.x.dtype == np.uint8
    assert data.y.dtype == np.int64
    assert data.name == "stripes"
    assert data.skipped == data.copies == ()
    assert len(data) == 20
    for row, file in enumerate(data.files):
        assert data.labels[row] == file.partition("/")[0] == data.classes[data.y[row]]
        assert (data.x[row] == data.reader.read(folder / file)).all()


def test_parts_are_windows_and_in_order(folder):
    data = images(folder, validation=0.2, test=0.3)
    assert data.parts == (10, 4, 6)
    parts = [data.train, data.validation, data.test]
    assert [part.parts for part in parts] == [(10, 0, 0), (0, 4, 0), (0, 0, 6)]
    assert all(np.shares_memory(part.x, data.x) for part in parts)
    together = [file for part in parts for file in part.files]
    assert together == list(data.files)
    assert len(set(together)) == 20
    for part in parts:
        assert part.files == tuple(sorted(part.files))
        assert len(set(part.counts.values())) == 1  # stratified
        assert (part.labels == data.labels[[*map(data.files.index, part.files)]]).all()


def test_the_split_depends_on_the_seed_alone(folder):
    first, again, other = (images(folder, seed=seed) for seed in (1, 1, 2))
    assert first.files == again.files
    assert (first.x == again.x).all()
    assert first.validation.files != other.validation.files
    assert by_file(first) == by_file(other)


@pytest.mark.parametrize(
    ("shares", "parts"),
    [((0, 0), (20, 0, 0)), ((0, 0.5), (10, 0, 10)), ((0.5, 0), (10, 10, 0))],
)
def test_a_part_may_be_empty(folder, shares, parts):
    data = images(folder, validation=shares[0], test=shares[1])
    assert data.parts == parts
    assert sum(map(len, (data.train, data.validation, data.test))) == 20


def test_what_is_no_image_is_left_out_and_listed(folder):
    (folder / ".DS_Store").write_text("")
    (folder / "readme.md").write_text("")
    (folder / ".git").mkdir()
    save(folder / ".git" / "a.png", stripes())
    save(folder / "__MACOSX" / "a.png", stripes())
    (folder / "up" / ".hidden.png").write_text("")
    (folder / "up" / "Thumbs.db").write_text("")
    (folder / "up" / "film.gif").write_text("")
    save(folder / "up" / "more" / "a.png", stripes())
    shutil.copy(folder / "up" / "01.png", folder / "up" / "UPPER.PNG")
    data = images(folder)
    assert len(data) == 21
    assert dict(data.skipped) == {
        ".DS_Store": "outside a class",
        "readme.md": "outside a class",
        ".git": "hidden",
        "__MACOSX": "hidden",
        "up/.hidden.png": "hidden",
        "up/Thumbs.db": "no PNG or JPEG",
        "up/film.gif": "no PNG or JPEG",
        "up/more": "a folder inside a class",
    }
    assert "2 outside a class, 3 hidden, 2 no PNG or JPEG, 1 a folder" in " ".join(
        repr(data).split()
    )


def test_copies_stay_on_one_side(folder):
    for number in range(8):
        shutil.copy(folder / "up" / "01.png", folder / "up" / f"copy{number}.png")
    shutil.copy(folder / "up" / "02.png", folder / "down" / "wrong.png")
    for seed in range(5):
        data = images(folder, validation=0.3, test=0.2, seed=seed)
        copies = dict(data.copies)
        assert copies == {f"up/copy{n}.png": "up/01.png" for n in range(8)} | {
            "up/02.png": "down/wrong.png"
        }
        for part in (data.train, data.validation, data.test):
            mine = set(part.files)
            assert all((a in mine) == (b in mine) for a, b in copies.items())
    assert "9 files are copies of others" in repr(data)


def test_classes_can_be_chosen_and_ordered(folder):
    shutil.copytree(folder / "up", folder / "left")
    data = images(folder, classes=["up", "down"])
    assert data.classes == ("up", "down")
    assert ("left", "not among the classes") in data.skipped
    assert images(folder, classes=data.classes, validation=0).classes == data.classes


def test_classes_are_sorted_and_may_have_any_name(tmp_path):
    names = ["b", "A", "a", "10", "9", "é", "<script>", "two words"]
    for seed, name in enumerate(names):
        save(tmp_path / name / "x.png", stripes(seed=seed))
    assert images(tmp_path, validation=0).classes == tuple(sorted(names))


# ---- size, colour, memory


def test_the_size_is_that_of_the_images_where_it_is_small_and_the_same(tmp_path):
    assert images(stripes_folder(tmp_path / "a", size=(6, 9))).reader.size == (6, 9)
    large = stripes_folder(tmp_path / "b", 2, size=(80, 70))
    assert images(large, validation=0).reader.size == (64, 64)
    save(tmp_path / "a" / "up" / "other.png", stripes(12, 7))
    assert images(tmp_path / "a").reader.size == (6, 6)
    assert images(tmp_path / "a", size=5).reader.size == (5, 5)
    assert images(tmp_path / "a", size=(5, 7)).x.shape[1:] == (5, 7, 3)


def test_wildly_different_sizes(tmp_path):
    folder = stripes_folder(tmp_path / "a")
    for number, shape in enumerate([(1, 1), (1, 300), (700, 3), (900, 900)]):
        save(folder / "up" / f"odd{number}.png", stripes(*shape))
    data = images(folder)
    assert data.x.shape == (24, 8, 8, 3)


def test_a_photo_lies_on_its_side_only_in_its_file(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b"):
        save(tmp_path / name / "x.jpg", stripes(20, 30), exif=exif)
        save(tmp_path / name / "y.jpg", stripes(30, 20))
    assert images(tmp_path, validation=0).reader.size == (30, 20)


def test_colours_are_kept_where_there_are_some(tmp_path):
    grey = stripes_folder(tmp_path / "grey", channels=1)
    assert images(grey).reader == ImageReader((8, 8), "grey")
    assert images(grey, colour="rgb").x.shape[-1] == 3
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(grey / "up" / "deep.png")
    assert images(grey).reader.colour == "grey"
    save(grey / "up" / "red.png", stripes())
    assert images(grey).reader.colour == "rgb"
    data = images(grey, colour="grey", aspect="pad", background=0)
    assert data.reader == ImageReader((8, 8), "grey", "pad", 0)


def test_memory_is_looked_at_before_it_is_taken(folder, tmp_path):
    needed = 20 * 8 * 8 * 3
    assert images(folder, memory=needed).x.nbytes == needed
    with pytest.raises(
        ConfigurationError,
        match=r"20 images of 8 x 8 x 3 take 3\.8 KiB, more than the 3.7 KiB.*"
        r"smaller size.*colour='grey'.*on_disk",
    ):
        images(folder, memory=needed - 1)
    with pytest.raises(ConfigurationError, match="20 images of 30000 x 30000 x 3 take"):
        images(folder, size=30000)
    on_disk = images(folder, memory=1, on_disk=tmp_path / "x.npy")
    assert (np.load(tmp_path / "x.npy") == images(folder).x).all()
    assert (on_disk.x == images(folder).x).all()


def test_a_network_learns_from_a_file_as_from_memory(folder, tmp_path):
    def trained(data):
        net = pellucid.NeuralNetwork(
            [pellucid.Rescale(), pellucid.Flatten(), pellucid.Dense(2)],
            loss="cross_entropy",
        )
        held = (data.validation.x, data.validation.labels)
        net.fit(data.train.x, data.train.labels, epochs=3, validation=held)
        return net.weights.tobytes()

    on_disk = images(folder, on_disk=tmp_path / "x.npy")
    assert trained(on_disk) == trained(images(folder))


def test_a_progress_bar_is_shown_where_it_is_wanted(folder, capfd):
    images(folder, progress=True)
    assert "reading images: 20" in capfd.readouterr().err
    images(folder)
    assert capfd.readouterr() == ("", "")


def test_the_text_of_a_data_set(folder):
    assert repr(images(folder, test=0.1)) == (
        "Images 'stripes': 20 images of 8 x 8 pixels, red, green and blue, 3.8 KiB\n"
        "  2 classes: down (10), up (10)\n"
        "  for training 14, validation 4, test 2"
    )


# ---- what cannot be


def test_broken_files_are_named_or_left_out(folder):
    damage(folder / "up" / "05.png")
    (folder / "down" / "03.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"down.03\.jpg cannot be .*broken='skip'"):
        images(folder)
    (folder / "down" / "03.jpg").unlink()
    with pytest.raises(DataError, match=r"up.05\.png cannot be .*broken='skip'"):
        images(folder)
    (folder / "down" / "03.jpg").write_bytes(b"")
    whole = images(folder, broken="skip", validation=0.2, test=0.2)
    assert len(whole) == 18 == sum(whole.parts) == len(whole.files)
    assert {file for file, _ in whole.skipped} == {"up/05.png", "down/03.jpg"}
    assert all(why.startswith("broken: ") for _, why in whole.skipped)
    assert "2 broken" in repr(whole)
    for row, file in enumerate(whole.files):
        assert (whole.x[row] == whole.reader.read(folder / file)).all()
        assert whole.labels[row] == file.partition("/")[0]


def test_a_class_of_broken_files(folder):
    for path in (folder / "up").iterdir():
        damage(path)
    with pytest.raises(DataError, match="Every file of the class 'up' is broken"):
        images(folder, broken="skip")
    for path in (folder / "up").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="Every file of the class 'up' is broken"):
        images(folder, broken="skip")


def test_folders_that_cannot_be_learned_from(tmp_path):
    with pytest.raises(DataError, match="none does not exist; expected a folder"):
        images(tmp_path / "none")
    with pytest.raises(DataError, match="is no folder"):
        images(save(tmp_path / "x.png", stripes()))
    with pytest.raises(DataError, match=r"no folders, but images such as 'x.png'"):
        images(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="has no folders; expected a folder of images"):
        images(empty)
    save(empty / "one" / "x.png", stripes())
    with pytest.raises(DataError, match=r"only the folder 'one'.*at least two classes"):
        images(empty)
    (empty / "two").mkdir()
    with pytest.raises(DataError, match=r"two has no images \(PNG or JPEG\): put some"):
        images(empty)
    save(empty / "two" / "deeper" / "x.png", stripes())
    with pytest.raises(DataError, match=r"two has no images, but folders .*'deeper'"):
        images(empty)
    save(empty / "two" / "x.png", stripes())
    with pytest.raises(DataError, match=r"'one' has a single image.*validation=0"):
        images(empty)
    assert len(images(empty, validation=0)) == 2


def test_too_few_for_three_parts(tmp_path):
    folder = stripes_folder(tmp_path / "a", 2)
    assert images(folder, validation=0.5).parts == (2, 2, 0)
    with pytest.raises(DataError, match="4 images are too few to hold out some"):
        images(folder, validation=0.1, test=0.1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"size": 0}, "Expected size"),
        ({"size": "8"}, "Expected size"),
        ({"colour": "gray"}, "colour 'rgb' or 'grey', got 'gray'"),
        ({"aspect": "fit"}, "aspect 'crop' or"),
        ({"background": -1}, "background from 0"),
        ({"validation": 1.0}, r"validation in \[0, 1\), got 1.0"),
        ({"validation": True}, "validation in"),
        ({"test": -0.1}, "test in"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing to learn from"),
        ({"broken": "ignore"}, "broken 'error' or 'skip', got 'ignore'"),
        ({"classes": "up"}, "list of different names, got 'up'"),
        ({"classes": ["up", "up"]}, "list of different names"),
    ],
)
def test_settings_that_cannot_be(folder, settings, told):
    with pytest.raises(ConfigurationError, match=told):
        images(folder, **settings)


def test_a_class_that_is_not_there(folder):
    with pytest.raises(DataError, match="has no folder 'left'; it has down, up"):
        images(folder, classes=["up", "left"])


def test_bytes_as_people_write_them():
    sizes = [0, 1023, 1024, 5 * 2**20, 3 * 2**30]
    assert list(map(image_folder.size_of, sizes)) == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "5.0 MiB",
        "3.0 GiB",
    ]
