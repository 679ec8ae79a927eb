import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

import pellucid
from pellucid import demo
from pellucid.demo import Demo
from pellucid.plots.palette import mix
from pellucid.report import page, worked
from pellucid.training import Call

SCRIPT = '<script>alert("1")</script>'
DEMOS = ("breast_cancer", "digits", "diabetes", "moons", "sine", "xor")
TABLES = ("classes", "numbers", "few", "many")
NAMES = (*DEMOS, "stripes", *(f"table of {kind}" for kind in TABLES))
VOID = {"meta", "img", "br", "hr"}
every_page = pytest.mark.parametrize("name", NAMES)


class Page(HTMLParser):
    """Reads a page, and fails where tags do not fit."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def seen(self) -> str:
        """What a reader reads."""
        return " ".join(t for tag, t in self.texts if tag not in ("style", "title"))


@every_page
def test_a_page_needs_nothing_but_itself(page_of, name: str) -> None:
    html = page_of(name)
    assert len(html.encode()) < 500_000
    parsed = Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in parsed.tags
    }
    for tag, attributes in parsed.tags:
        for key, value in attributes.items():
            value = value or ""
            assert not key.startswith("on"), f"{tag} {key}"
            if key in ("src", "href", "srcset", "data", "poster", "action"):
                assert value.startswith(("#", "data:image/png;base64,")), f"{tag} {key}"
            else:
                assert "//" not in value, f"{tag} {key}={value}"
            assert all(
                place.startswith("#") for place in re.findall(r"url\(([^)]*)\)", value)
            )
    for style in (text for tag, text in parsed.texts if tag == "style"):
        assert "url(" not in style
        assert "@import" not in style
        assert "//" not in style


@every_page
def test_a_page_can_be_found_through_without_a_picture(page_of, name: str) -> None:
    parsed = Page(page_of(name))
    counts = Counter(tag for tag, _ in parsed.tags)
    assert all(counts[tag] == 1 for tag in ("header", "nav", "main", "footer", "h1"))
    assert parsed.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    first = next(a for tag, a in parsed.tags if tag == "a")
    assert first == {"class": "skip", "href": "#main"}
    assert all(image.get("alt") for image in parsed.all("img"))
    for svg in parsed.all("svg"):
        assert svg["role"] == "img"
        assert svg.get("aria-label") or svg["class"] == "pellucid-network"
    tables = [table for table in parsed.all("table") if "role" not in table]
    assert counts["caption"] == len(tables) > 0
    assert all(th["scope"] in ("row", "col") for th in parsed.all("th"))
    assert all(
        box["aria-label"] and box["tabindex"] == "0"
        for box in parsed.all("div")
        if box.get("class") == "wide"
    )


@every_page
def test_all_that_is_referred_to_is_there(page_of, name: str) -> None:
    html = page_of(name)
    parsed = Page(html)
    names = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(names) == len(set(names))
    wanted = {a["href"][1:] for a in parsed.all("a") + parsed.all("use")}
    wanted |= {a["aria-labelledby"] for a in parsed.all("section")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert wanted <= set(names)
    defined = set(re.findall(r"(--[\w-]+):", html))
    assert set(re.findall(r"var\((--[\w-]+)\)", html)) <= defined


def test_the_same_result_gives_the_same_page(result_of, page_of) -> None:
    assert page(result_of("moons")) == page_of("moons")


def test_a_page_tells_the_outcome(result_of, page_of) -> None:
    result, seen = result_of("breast_cancer"), Page(page_of("breast_cancer")).seen
    assert "Is a tumour of the breast malignant or benign?" in seen
    assert f"got {result.right} right" in seen
    assert "569 rows with 30 columns" in seen
    assert "doi:10.24432/C5DW2B" in seen
    assert "CC BY 4.0" in seen
    assert "fractal dimension error" in seen
    assert f"pellucid {pellucid.__version__}" in seen
    assert "Adam()" in seen


def test_the_confusion_matrix_is_a_table(result_of, page_of) -> None:
    cells = re.findall(
        r'<td class="(right|wrong)[^"]*" style="--share:([\d.]+)">(\d+)</td>',
        page_of("digits"),
    )
    counts = np.array([int(count) for *_, count in cells]).reshape(10, 10)
    result = result_of("digits")
    np.testing.assert_array_equal(counts, result.confusion)
    on_diagonal = np.array([kind == "right" for kind, *_ in cells]).reshape(10, 10)
    np.testing.assert_array_equal(on_diagonal, np.eye(10, dtype=bool))
    shares = np.array([float(share) for _, share, _ in cells]).reshape(10, 10)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=0.006)


def test_mistakes_are_shown_with_their_rows(result_of, page_of) -> None:
    result, seen = result_of("diabetes"), Page(page_of("diabetes")).seen
    place = np.abs(result.y - result.y_hat).argmax()
    assert "The largest errors of the test" in seen
    assert f" {result.rows[place]} " in seen
    wrong = len(result_of("digits").y) - result_of("digits").right
    assert wrong > 10
    assert f"The 10 worst of {wrong} mistakes" in Page(page_of("digits")).seen
    cells = re.findall(
        r"</th><td>(\w)</td><td>(\w)</td>", page_of("digits"), flags=re.DOTALL
    )
    assert len(cells) == 10
    assert all(truth != guess for truth, guess in cells)


def test_images_are_shown_as_images(page_of) -> None:
    images = Page(page_of("digits")).all("img")
    assert len(images) == 30  # two of every class, and ten mistakes
    assert re.fullmatch(r"row \d+: 0", images[0]["alt"])


def test_where_all_is_right_the_least_certain_rows_are_shown(result_of) -> None:
    result = result_of("breast_cancer")
    right = replace(result, test=result.test[result.y == result.y_hat])
    seen = Page(page(right)).seen
    assert "Nowhere: every row of the test was right." in seen
    assert "The rows where it was least certain" in seen


def test_what_comes_from_the_data_is_escaped(monkeypatch) -> None:
    evil = '<script>alert("1")</script>'
    data = pellucid.data.moons(n=60)
    data = replace(
        data,
        features=(evil, "a & b"),
        classes=(f"{evil}0", "$money"),
        name="moons",
        description=f"What? {evil}",
        source='"><img src=x onerror=alert(1)>',
        target="</style>",
    )
    monkeypatch.setattr(demo, "demo_data", lambda name, seed: data)
    made = Demo("moons", epochs=1)
    made.fit()
    html = page(made.result())
    parsed = Page(html)
    tags = {tag for tag, _ in parsed.tags}
    assert "script" not in tags
    assert "<script" not in html
    assert not any("onerror" in attributes for _, attributes in parsed.tags)
    assert evil in parsed.seen
    assert "$money" in parsed.seen


def test_what_comes_from_a_table_is_escaped(page_of) -> None:
    html = page_of("table of many")
    parsed = Page(html)
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "<script" not in html
    assert "<b>bold" not in html
    assert not any("onerror" in attributes for _, attributes in parsed.tags)
    for text in (SCRIPT, "$a & <b>bold</b>$", " & 19", "onerror=alert(1)>"):
        assert text in parsed.seen
    assert "Predicting </style> from 100 columns" in parsed.seen


def test_a_training_without_one_whole_epoch_has_a_page() -> None:
    for name in ("iris", "xor"):
        made = Demo(name, epochs=2)
        made.fit([Call(lambda run: run.stop("early"), every=1)])
        result = made.result()
        if name == "iris":
            assert result.history.epochs == 0
            assert "Not one epoch was complete." in Page(page(result)).seen
        else:
            assert "1 iteration" in Page(page(result)).seen


def test_feedforward_by_hand_has_the_right_numbers(result_of, page_of) -> None:
    result = result_of("xor")
    W1, W2 = (
        result.network.parameters["dense_1.W"],
        result.network.parameters["dense_2.W"],
    )
    x = np.array([1.0, 0.0, 1.0])
    a = 1 / (1 + np.exp(-(x @ W1)))
    y_hat = 1 / (1 + np.exp(-(a @ W2)))
    html = worked.feedforward(result, 2)
    assert html in page_of("xor")
    text = re.sub("<[^>]+>", " ", html).replace("\N{MINUS SIGN}", "-")
    shown = {abs(float(n)) for n in re.findall(r"\d+\.\d+(?:e-\d+)?", text)}
    for number in (*W1.ravel(), *W2.ravel(), *(x @ W1), *a, *(a @ W2), *y_hat):
        assert any(abs(abs(number) - n) <= 5.1e-5 for n in shown), number
    assert any(abs((1 - y_hat[0]) ** 2 - n) < 1e-6 for n in shown)


def test_the_truth_table_page_has_the_numbers_of_the_tutorials(page_of) -> None:
    seen = Page(page_of("xor")).seen
    for text in ("0.74371118", "0.80565350", "0.01009142", "0.03296341"):
        assert text in seen
    for text in ("1.2981", "1.02728", "0.997835", "0.793232", "0.0154308"):
        assert text in seen
    for text in ("0.00498465", "0.00280022"):
        assert text in seen


def luminance(colour: tuple[float, ...]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast that the WCAG define, from 1 to 21."""
    lights = sorted(
        luminance(tuple(int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)))
        for c in (one, other)
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def test_text_can_be_read_on_both_grounds() -> None:
    css = files("pellucid.report").joinpath("page.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    light = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[0]))
    dark = light | dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[1]))
    for scheme in (light, dark):
        for text in ("ink", "soft", "accent"):
            for ground in ("ground", "paper"):
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        for bar in ("learning", "validation", "test"):
            assert contrast("#ffffff", scheme[bar]) >= 4.5, bar
    for scheme, block in ((light, blocks[0]), (dark, blocks[1])):
        for parts in re.findall(r": (\d+), (\d+), (\d+);", block):
            cell = "#" + "".join(f"{int(part):02x}" for part in parts)
            assert contrast("#ffffff", cell) >= 4.5, cell
            # Cells with up to half of a row: strongest at 0.18 + 0.44 / 2.
            weak = mix(scheme["ground"], cell, 0.4)
            assert contrast(scheme["ink"], weak) >= 4.5, weak
    assert contrast("#000000", "#ffffff") == 21
