from __future__ import annotations

import gzip
import re

from .server import WIDGET

LIMIT = 20 * 1024


def test_script_and_style_are_small() -> None:
    files = [WIDGET / "widget.js", WIDGET / "widget.css"]
    size = sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in files)
    assert size <= LIMIT, f"{size} bytes with gzip: shorten something before adding more"


def test_nothing_makes_markup_from_text() -> None:
    source = (WIDGET / "widget.js").read_text("utf-8")
    found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", source)
    assert found == []


def test_page_has_no_inline_code() -> None:
    page = (WIDGET / "demo.html").read_text("utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page) == []


def test_every_language_knows_only_words_that_english_has() -> None:
    source = (WIDGET / "widget.js").read_text("utf-8")
    block = source[source.index("const STRINGS") : source.index("const ICONS")]
    words = {}
    for language, body in re.findall(r"^  (\w\w): \{\n(.*?)^  \},", block, re.M | re.S):
        words[language] = set(re.findall(r"^    (\w+):", body, re.M))
    assert set(words) == {"en", "de", "ar"}
    assert words["de"] - words["en"] == words["ar"] - words["en"] == set()
    assert words["en"] - words["ar"] == set()
    assert words["en"] - words["de"] <= {"title", "online", "offline"}  # the same in German
