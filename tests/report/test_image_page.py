import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_page import Page

from pellucid.report import image_story, page, scores, story
from pellucid.report.gallery import LARGEST, first_of_each, image


def pixels_in(html: str) -> list[np.ndarray]:
    """Return the images that a page shows."""
    texts = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(t)))) for t in texts]


def test_the_page_tells_the_outcome(result_of, page_of) -> None:
    result, seen = result_of("stripes"), Page(page_of("stripes")).seen
    assert "down or up: what does an image show?" in seen
    assert f"got {result.right:,} right" in seen
    assert "34 images of 2 classes: down (16), up (18)." in seen
    assert "34 x 8 x 8 x 3 bytes" in seen
    assert "the share of images whose class is right" in seen
    assert re.search(r"\brows? of the (test|data)\b", seen) is None
    assert "Shift(), Rotate(), Scale(), Flip()" in seen
    assert "ImageReader((8, 8))" in seen
    assert "pellucid predict model.pellucid photo.jpg" in seen


def test_what_was_left_out_and_what_is_twice_is_listed(page_of) -> None:
    parsed = Page(page_of("stripes"))
    assert "Not read: 1 no PNG or JPEG" in parsed.seen
    assert "up/notes.txt" in parsed.seen
    assert "Copies: 1 file with the bytes of another one" in parsed.seen
    assert "up/<b>copy.png" in parsed.seen
    assert not parsed.all("b") or all("class" in b for b in parsed.all("b"))


def test_images_are_inside_the_page(result_of, page_of) -> None:
    result = result_of("stripes")
    shown = pixels_in(page_of("stripes"))
    known = {x.tobytes() for x in result.images.x}
    examples = shown[:14]  # seven of each class
    assert {x.tobytes() for x in examples} <= {
        x.tobytes() for x in result.images.train.x
    }
    versions = shown[14:42]  # four images and six versions of each
    as_they_are = versions[::7]
    assert all(x.tobytes() in known for x in as_they_are)
    changed = [x for k, x in enumerate(versions) if k % 7]
    assert sum(x.tobytes() not in known for x in changed) > len(changed) / 2
    judged = {x.tobytes() for x in result.images.test.x}
    assert all(x.tobytes() in judged for x in shown[42:])


def test_predictions_are_shown_with_their_probabilities(result_of, page_of) -> None:
    result = result_of("stripes")
    answers = re.findall(r'<li class="(right|wrong)">(.*?)</li>', page_of("stripes"))
    assert answers
    for kind, html in answers:
        file = re.search("<code>(.*?)</code>", html)[1].replace("&lt;b&gt;", "<b>")
        place = result.images.files.index(file) - sum(result.images.parts[:2])
        guess = result.classes[result.y_hat[place]]
        assert f'<b class="guess">{guess}</b>' in html
        assert (kind == "right") == (result.y[place] == result.y_hat[place])
        width = 100 * result.probabilities[place].max()
        assert f"width:{width:.1f}%" in html
        if kind == "wrong":
            assert f"wrong: it is {result.classes[result.y[place]]}" in html


def test_mistakes_are_told_whatever_their_number(result_of) -> None:
    result = result_of("stripes")
    n = len(result.test)
    right = np.eye(2)[result.y]
    for wrong in (0, 1, n):
        p = 0.8 * right + 0.1
        p[:wrong] = p[:wrong, ::-1]
        other = replace(result)
        vars(other)["probabilities"] = p
        seen = Page(page(other)).seen
        if not wrong:
            assert "Nowhere: every image of the test was right" in seen
        elif wrong <= 12:
            assert "All mistakes of the test, the worst first." in seen
        assert seen.count("wrong: it is") >= min(wrong, 12)


def test_a_training_without_augmentation_or_one_whole_epoch(result_of) -> None:
    result = result_of("stripes")
    network = result.network.copy()
    network.training.augment = ()
    seen = Page(page(replace(result, network=network))).seen
    assert "What training sees" not in seen
    assert "none" in seen
    assert image_story.augmentation(()) == "Training sees the images as they are."


def test_many_classes_are_told_in_short(result_of) -> None:
    result = result_of("stripes")
    names = tuple(f"class {number}" for number in range(40))
    images = replace(result.images, classes=names)
    told = image_story.data(replace(result, dataset=images))[0]
    assert told == "34 images of 40 classes: 0 to 18 images each."
    assert images.description == "Which of 40 classes does an image show?"


def test_the_story_speaks_of_images(result_of) -> None:
    result = result_of("stripes")
    told = [*story.verdict(result, scores(result)), *story.training(result)]
    told += [story.mistakes(result), *image_story.division(result)]
    assert not any(re.search(r"\brows?\b", text) for text in told)
    assert "layer of convolution with 16" in image_story.network(result)[0] or (
        "layers of convolution with 16 and 32 filters" in image_story.network(result)[0]
    )


def test_large_images_are_made_smaller() -> None:
    (small,) = pixels_in(image(np.zeros((300, 150, 3), np.uint8), "a"))
    assert small.shape == (LARGEST, LARGEST // 2, 3)
    (same,) = pixels_in(image(np.full((5, 7, 1), 9, np.uint8), "a"))
    assert same.tolist() == [[9] * 7] * 5
    assert 'alt="&quot;x&quot; &amp; y"' in image(
        np.zeros((2, 2, 1), np.uint8), '"x" & y'
    )


@pytest.mark.parametrize("most", [1, 3, 6, 20])
def test_the_first_of_each_class_in_turn(most: int) -> None:
    y = np.array([0, 0, 0, 1, 2, 2])
    assert first_of_each(y, 3, most) == [0, 3, 4, 1, 5, 2][:most]
