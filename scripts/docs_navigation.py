"""A hook of MkDocs: an entry of the navigation that ends in a slash becomes the pages of that folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Expand the folders before MkDocs reads the navigation."""
    config.nav = _expanded(config.nav, Path(config.docs_dir))
    return config


def _expanded(entries: list[Any], docs: Path) -> list[Any]:
    return [_entry(entry, docs) for entry in entries]


def _entry(entry: Any, docs: Path) -> Any:
    if isinstance(entry, dict):
        ((title, value),) = entry.items()
        if isinstance(value, list):
            return {title: _expanded(value, docs)}
        return {title: _pages(value, docs) if value.endswith("/") else value}
    return entry


def _pages(folder: str, docs: Path) -> list[str]:
    names = sorted(path.name for path in (docs / folder).glob("*.md"))
    names.sort(key=lambda name: name != "README.md")
    return [f"{folder}{name}" for name in names]
