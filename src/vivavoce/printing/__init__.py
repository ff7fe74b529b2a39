"""Prints live transcripts: partials on one line that changes, finals on lines that stay."""

from vivavoce.printing.printer import TranscriptPrinter

__all__ = ["TranscriptPrinter"]
