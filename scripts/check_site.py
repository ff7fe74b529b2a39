"""Checks the pages of a built site: every link inside it has a target, and nothing is loaded from elsewhere.

Run by scripts/docs with the folder of the site.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes by which a page loads something; a link that a reader may follow is not among them.
LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
    "object": "data",
}
LINKS_THAT_LOAD = {"stylesheet", "icon", "preconnect", "preload", "dns-prefetch", "manifest"}
CSP = "default-src 'self'"


class Page(HTMLParser):
    """What one page has: anchors, links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.is_confined = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Collect what an element names."""
        values = {name: value or "" for name, value in attributes}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "meta" and values.get("http-equiv") == "Content-Security-Policy":
            self.is_confined = values["content"].startswith(CSP)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and LINKS_THAT_LOAD & set(values.get("rel", "").split()):
            self.loads.append(values["href"])
        if (name := LOADS.get(tag)) and name in values:
            self.loads.append(values[name])


def faults(site: Path) -> list[str]:
    """What is wrong with the site, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site)
        if not page.is_confined:
            found.append(f"{name}: no Content-Security-Policy that begins with {CSP}")
        found += [f"{name}: loads {url}" for url in page.loads if _is_elsewhere(url)]
        for link in [*page.links, *page.loads]:
            if not _is_elsewhere(link) and (fault := _broken(site, path, link, pages)):
                found.append(f"{name}: {fault}")
    for path in sorted(site.rglob("*.css")):
        loaded = re.findall(r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)", path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: loads {url}" for url in loaded]
    return found


def _is_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme in {"http", "https", "mailto"}


def _broken(site: Path, path: Path, link: str, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme:
        return ""
    place = unquote(parts.path)
    target = path if not place else (site if place.startswith("/") else path.parent) / place.lstrip("/")
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"links to {link}, which does not exist"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"links to {link}, but that page has no such heading"
    return ""


def main(folder: str) -> int:
    """Print the faults; 1 if there are any."""
    site = Path(folder).resolve()
    found = faults(site)
    print("\n".join(found) or f"{folder}: {len(list(site.rglob('*.html')))} pages, every link has a target")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
