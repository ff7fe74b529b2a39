"""The documentation has every difference that the vendor's own tests show."""

from pathlib import Path

from vendor_sdk.differences import differences_table

ROOT = Path(__file__).parents[3]


def test_the_documentation_has_every_difference():
    assert differences_table() in (ROOT / "docs" / "how-to" / "migrating.md").read_text()
