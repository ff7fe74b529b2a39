"""Words of a turn, and golden files of transcripts."""

from __future__ import annotations

from pathlib import Path

from vivavoce.types import Word

DATA = Path(__file__).parents[1] / "data"


def words_of(text, confidence=0.9):
    """Return the words of a text: each lasts 100 ms, with 20 ms between them."""
    return tuple(
        Word(word, 120 * index, 120 * index + 100, confidence, is_final=True)
        for index, word in enumerate(text.split())
    )


def text_of(words):
    """Join the texts of words."""
    return " ".join(word.text for word in words)


def golden(name, n_columns):
    """Return the rows of a golden file in tests/data, without its comments.

    Args:
        name: Name of the file.
        n_columns: How many columns, separated by tabs, each row must have.
    """
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    rows = [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]
    assert all(len(row) == n_columns and all(row) for row in rows), name
    assert len(set(rows)) == len(rows), name
    return rows
