"""The files of the web pages: small, and complete without the network."""

import gzip
import json
import re
from pathlib import Path

import pytest

from vivavoce import word_joining

FOLDER = Path(__file__).parents[3] / "src" / "vivavoce" / "server" / "pages"
FILES = sorted(FOLDER.iterdir())
HTML = [file for file in FILES if file.suffix == ".html"]
MOST_BYTES = 100_000  # of a page with all that it loads, before compression
MOST_SENT_BYTES = 48_000  # of all pages together, compressed


def name(file):
    return file.name


def loaded(file):
    """A page or script and all that it loads."""
    text = file.read_text(encoding="utf-8")
    names = re.findall(r"""(?:src|href)="/live/([\w.]+)\"""", text) if file.suffix == ".html" else []
    names += re.findall(r"""(?:from |new URL\()"(?:\./)?([\w.]+\.js)\"""", text)
    return {file}.union(*(loaded(FOLDER / each) for each in names if each != file.name))


@pytest.mark.parametrize("page", HTML, ids=name)
def test_a_page_with_all_that_it_loads_is_small(page):
    assert sum(file.stat().st_size for file in loaded(page)) < MOST_BYTES


def test_the_speakers_page_loads_its_scripts():
    scripts = {"speaker.js", "room.js", "transcript.js", "names.js", "vivavoce.js", "capture.js"}
    assert scripts <= {*map(name, loaded(FOLDER / "speaker.html"))}


def characters(ranges):
    """The characters of a class of a regular expression that has ranges only, in Python or JavaScript."""
    plain = re.sub(r"\\u\{?(\w{5}|\w{4})\}?", lambda found: chr(int(found[1], 16)), ranges)
    return {at for one, last in re.findall("(.)-(.)", plain) for at in range(ord(one), ord(last) + 1)}


@pytest.mark.parametrize("script", ["words.js", "vivavoce.js"])
def test_pages_and_server_know_the_same_scripts_without_spaces(script):
    text = (FOLDER / script).read_text(encoding="utf-8")
    statements = re.findall(r"const (?:UNSPACED|FULL) =\s*([^;]+);", text)
    ranges = "".join(json.loads(part) for part in re.findall(r'"[^"]*"', "".join(statements)))
    assert characters(ranges) == characters(word_joining._UNSPACED)


def test_all_files_together_are_small_when_they_are_sent():
    assert sum(len(gzip.compress(file.read_bytes())) for file in FILES) < MOST_SENT_BYTES


def test_the_pages_are_there():
    pages = {"speaker.html", "reader.html", "overlay.html", "transcripts.html"}
    assert pages | {"vivavoce.js", "capture.js"} <= {*map(name, FILES)}
    assert {file.suffix for file in FILES} == {".html", ".js", ".css"}


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nothing_comes_from_elsewhere(file):
    text = file.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:https?:)?//[\w-]+\.[\w.]+""", text.replace("http://localhost", ""))
    assert "@import" not in text
    if file.suffix == ".css":
        assert "url(" not in text


@pytest.mark.parametrize("page", HTML, ids=name)
def test_a_page_obeys_a_strict_policy_and_names_files_that_exist(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", text)
    for path in re.findall(r"""(?:src|href)="(/[^"]*)\"""", text):
        assert path.startswith("/live/")
        assert (FOLDER / path.removeprefix("/live/")).is_file(), path
    assert '<meta name="viewport"' in text
    assert '<html lang="en"' in text


@pytest.mark.parametrize("script", [file for file in FILES if file.suffix == ".js"], ids=name)
def test_a_script_imports_files_that_exist_and_evaluates_no_text(script):
    text = script.read_text(encoding="utf-8")
    for other in re.findall(r"""from "\./([^"]+)\"""", text):
        assert (FOLDER / other).is_file(), other
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
