"""The parts of a docstring, independent of who reads it.

Python 3.13 and newer versions of msgspec remove indentation from docstrings that older ones keep. The
documents must not depend on either, so they use the text in one form: one line for each paragraph.
"""

from __future__ import annotations

import inspect
import re
from typing import Final

__all__ = ["description", "field_descriptions", "summary"]

_ATTRIBUTES: Final = "\nAttributes:\n"
_FIELD: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)$", re.MULTILINE)


def description(documented: type) -> str:
    """Return the text of a class docstring, up to its attributes."""
    text = _text_of(documented).partition(_ATTRIBUTES)[0]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip()))


def summary(documented: type) -> str:
    """Return the first paragraph of a class docstring."""
    return description(documented).partition("\n\n")[0]


def field_descriptions(documented: type) -> dict[str, str]:
    """Return what a class docstring, or those of its bases, says about each attribute."""
    fields: dict[str, str] = {}
    for base in reversed(documented.__mro__):
        listed = _text_of(base).partition(_ATTRIBUTES)[2]
        fields |= {name: " ".join(text.split()) for name, text in _FIELD.findall(listed)}
    return fields


def _text_of(documented: type) -> str:
    return inspect.cleandoc(documented.__dict__.get("__doc__") or "")
