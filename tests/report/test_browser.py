"""Pages in a real browser: they fit, are legible, and ask for nothing."""

import json
import re
import subprocess
from functools import cache

import pytest

PAGES = ("table of classes", "table of numbers", "stripes", "breast_cancer", "xor")
WIDTHS = (360, 1200)  # of a telephone and of a screen

# Looks at every page in frames of two widths, and leaves what it found as text.
LOOK = """
const found = {};

function luminance(colour) {
  const [r, g, b] = colour.slice(0, 3).map(value => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const numbers = text => text.match(/[\\d.]+/g).map(Number);

function behind(element, view) {
  for (let at = element; at; at = at.parentElement) {
    const colour = numbers(view.getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
}

function faint(document, view) {
  const pale = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].filter(node => node.nodeType === 3);
    if (!own.some(node => node.data.trim()) || element.closest("svg, script, style"))
      continue;
    const style = view.getComputedStyle(element);
    if (style.visibility === "hidden" || !element.getClientRects().length) continue;
    const text = luminance(numbers(style.color));
    const back = luminance(behind(element, view));
    const [high, low] = text > back ? [text, back] : [back, text];
    const contrast = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), bold = style.fontWeight >= 700;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (contrast < least)
      pale.push(`${contrast.toFixed(2)} ${element.tagName} ${own[0].data.trim()}`);
  }
  return pale;
}

function nameless(document) {
  const named = element =>
    element.textContent.trim() || element.getAttribute("aria-label") ||
    element.getAttribute("aria-labelledby") || element.title || element.labels?.length;
  const asked = "a[href], button, input, select, summary, [tabindex]";
  return [...document.querySelectorAll(asked)]
    .filter(element => !named(element)).map(element => element.outerHTML.slice(0, 80));
}

function wordless(document) {
  const pictures = [...document.querySelectorAll("img, svg")];
  return pictures.filter(picture => {
    if (picture.closest("[aria-hidden=true]")) return false;
    if (picture.tagName === "IMG") return !picture.hasAttribute("alt");
    return !(picture.getAttribute("aria-label") || picture.querySelector("title") ||
      picture.getAttribute("aria-labelledby"));
  }).map(picture => picture.outerHTML.slice(0, 80));
}

function skipped(document) {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .map(heading => Number(heading.tagName[1]));
  return levels.filter((level, i) => level > (i ? levels[i - 1] : 0) + 1);
}

function look(frame) {
  const document = frame.contentDocument, view = frame.contentWindow;
  const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
  return {
    width: document.documentElement.scrollWidth,
    title: document.title,
    dark: luminance(behind(document.body, view)) < 0.2,
    language: document.documentElement.lang,
    mains: document.querySelectorAll("main").length,
    loaded: view.performance.getEntriesByType("resource").map(entry => entry.name),
    faint: faint(document, view),
    nameless: nameless(document),
    wordless: wordless(document),
    skipped: skipped(document),
    twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    headless: [...document.querySelectorAll("table:not([role=presentation])")]
      .filter(table => !table.querySelector("th")).length,
    errors: frame.errors,
  };
}

async function all() {
  for (const [name, text] of Object.entries(pages)) {
    for (const width of widths) {
      const frame = document.createElement("iframe");
      frame.style = `width: ${width}px; height: 800px; border: 0`;
      const done = new Promise(resolve => { frame.onload = resolve; });
      frame.srcdoc = text;
      document.body.append(frame);
      frame.errors = [];
      frame.contentWindow.onerror = message => { frame.errors.push(String(message)); };
      await done;
      found[`${name} ${width}`] = look(frame);
      frame.remove();
    }
  }
  const told = document.createElement("pre");
  told.textContent = JSON.stringify(found);
  document.body.replaceChildren(told);
}
all();
"""


@pytest.fixture(scope="module")
def looked(require_tool, page_of, tmp_path_factory):
    """Return a function that gives what a browser found in light or dark colours."""
    browser = require_tool("chromium")

    @cache
    def look(scheme):
        folder = tmp_path_factory.mktemp("browser")
        pages = json.dumps({name: page_of(name) for name in PAGES})
        script = f"const pages = {pages}, widths = {list(WIDTHS)};{LOOK}"
        script = script.replace("</", "<\\/").replace("<!--", "<\\!--")
        harness = folder / "harness.html"
        harness.write_text(
            f"<!doctype html><meta charset=utf-8><body><script>{script}</script>",
            encoding="utf-8",
        )
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu"]
        command += ["--disable-dev-shm-usage", "--virtual-time-budget=20000"]
        command += [f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
        command += [f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", harness.as_uri()]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=120
        )
        told = re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)
        assert told, done.stdout[-2000:]
        text = told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        return json.loads(text)

    return look


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_a_browser(looked, name, width, scheme):
    found = looked(scheme)[f"{name} {width}"]
    assert found["width"] <= width, "nothing is to be scrolled sideways"
    assert found["title"]
    assert found["dark"] == (scheme == "dark")
    assert found["language"] == "en"
    assert found["mains"] == 1
    wrong = ("loaded", "faint", "nameless", "wordless", "skipped", "twice", "errors")
    assert {what: found[what] for what in wrong if found[what]} == {}
    assert found["headless"] == 0, "tables have headers"
