from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pellucid.report.markup import Markup, join, table, tag


class Text(HTMLParser):
    """Collects what a reader sees, and all attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.attributes = "", [], {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attributes)

    def handle_data(self, data: str) -> None:
        self.text += data


# The parser turns carriage returns and zeros into what HTML makes of them.
texts = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]))


@given(texts, texts)
def test_any_text_comes_out_as_it_was(inside: str, attribute: str) -> None:
    seen = Text(tag("p", inside, title=attribute))
    assert seen.tags == ["p"]
    assert seen.text.replace("\xa0%", " %") == inside.replace("\xa0%", " %")
    assert seen.attributes["title"] == attribute


def test_markup_stays_and_what_is_joined_to_text_does_not() -> None:
    bold = tag("b", "x")
    assert tag("p", bold, "<i>") == "<p><b>x</b>&lt;i&gt;</p>"
    # Adding makes plain text of it, which is then escaped: safe, if not wanted.
    assert tag("p", bold + bold) == "<p>&lt;b&gt;x&lt;/b&gt;&lt;b&gt;x&lt;/b&gt;</p>"
    assert isinstance(join([bold, None, bold]), Markup)


def test_names_of_attributes() -> None:
    html = tag("td", "1", class_="number", aria_label="one", id=None)
    assert html == '<td class="number" aria-label="one">1</td>'


def test_elements_without_end() -> None:
    assert tag("img", src="#a", alt="") == '<img src="#a" alt="">'


def test_a_percent_sign_stays_with_its_number() -> None:
    assert tag("p", "97.9 % of <") == "<p>97.9&nbsp;% of &lt;</p>"


def test_a_table_has_a_caption_and_says_what_its_headers_are_for() -> None:
    html = table("Results", ("name", "value"), [("a", "1"), ("b", "2")], numbers=[1])
    assert html.count("<caption>Results</caption>") == 1
    assert html.count('scope="col"') == 2
    assert html.count('scope="row"') == 2
    assert html.count('class="number"') == 3
    assert 'role="group" aria-label="Results" tabindex="0"' in html
