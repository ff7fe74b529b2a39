"""The documents use docstrings in one form, whatever Python or msgspec made of their indentation."""

import inspect
import json

import msgspec
import pytest

from vivavoce.protocol.describe import asyncapi
from vivavoce.protocol.describe.docstrings import description, field_descriptions, summary

WRITTEN = """A message.

    It has a second paragraph, of
    two lines.

    Attributes:
        first: One line.
        second: Two
            lines: with a colon.
    """


class Base:
    """The base.

    Attributes:
        first: Of the base.
        zeroth: Of the base, too.
    """


@pytest.mark.parametrize(
    "text",
    [WRITTEN, inspect.cleandoc(WRITTEN), f"\n    {WRITTEN}\n\n"],
    ids=["indented", "dedented", "padded"],
)
def test_indentation_does_not_matter(text):
    documented = type("Documented", (Base,), {"__doc__": text})
    assert description(documented) == "A message.\n\nIt has a second paragraph, of two lines."
    assert summary(documented) == "A message."
    assert field_descriptions(documented) == {
        "first": "One line.",
        "second": "Two lines: with a colon.",
        "zeroth": "Of the base, too.",
    }


def test_a_class_without_a_docstring_does_not_take_that_of_its_base():
    assert description(type("Silent", (Base,), {})) == ""


def test_the_documents_take_no_text_from_msgspec(monkeypatch):
    schema_components = msgspec.json.schema_components

    def shouting(types, **options):
        defined, components = schema_components(types, **options)
        for schema in components.values():
            schema["description"] = "  as msgspec\n    has it"
            for field in schema.get("properties", {}).values():
                field.get("anyOf", []).reverse()
        return defined, components

    expected = json.dumps(asyncapi())
    monkeypatch.setattr(msgspec.json, "schema_components", shouting)
    assert json.dumps(asyncapi()) == expected
