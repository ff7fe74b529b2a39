"""Model files inside packages."""

import pytest

from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.errors import ModelError


def test_the_error_for_a_missing_package_names_the_requirement():
    with pytest.raises(ModelError, match=r"pip install \"x\[y\]\""):
        package_file("no_such_package_here", "a", install="x[y]")
    with pytest.raises(ModelError, match="msgspec has no a"):
        package_file("msgspec", "a", install="x")
