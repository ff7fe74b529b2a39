"""The check of the documentation site finds broken links and what a page would load from elsewhere."""

import pytest
from scripts.check_site import faults

CONFINED = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'self'\">"
OTHER = f"{CONFINED}<h2 id='there'></h2>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<a href='guide/other.html#there'>x</a><a href='/guide/'>x</a><a href='#a'></a><i id='a'></i>", []),
        ("<a href='https://example.org/page'>a link that a reader may follow</a>", []),
        ("<a href='mailto:someone@example.org'></a><a href='data:,x'></a>", []),
        ("<a href='nowhere.html'></a>", ["index.html: links to nowhere.html, which does not exist"]),
        (
            "<a href='guide/other.html#here'></a>",
            ["index.html: links to guide/other.html#here, but that page has no such heading"],
        ),
        ("<img src='nowhere.png'>", ["index.html: links to nowhere.png, which does not exist"]),
        ("<script src='//example.org/a.js'></script>", ["index.html: loads //example.org/a.js"]),
        ("<link rel='stylesheet' href='https://example.org/a'>", ["index.html: loads https://example.org/a"]),
        ("<link rel='canonical' href='https://example.org/'>", []),
    ],
)
def test_faults_are_found(tmp_path, body, expected):
    (tmp_path / "guide").mkdir()
    (tmp_path / "index.html").write_text(CONFINED + body)
    (tmp_path / "guide" / "index.html").write_text(OTHER)
    (tmp_path / "guide" / "other.html").write_text(OTHER)
    assert faults(tmp_path) == expected


def test_pages_confine_the_browser_and_styles_load_nothing_from_elsewhere(tmp_path):
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "a.css").write_text(
        "@font-face{src:url(https://example.org/f.woff)} b{background:url(x.png)}"
    )
    assert faults(tmp_path) == [
        "index.html: no Content-Security-Policy that begins with default-src 'self'",
        "a.css: loads https://example.org/f.woff",
    ]
