"""Which options are valid, and which of them exclude each other."""

import pytest

from vivavoce.bench.options import Options, core_numbers
from vivavoce.errors import ConfigurationError


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"repeat": 0}, "--repeat must be 1 or more, got 0"),
        ({"streams": 0}, "--streams must be 1 or more, got 0"),
        ({"speed": 0.5}, "--speed must be 1 or more, got 0.5"),
        ({"find_streams": 0}, "--find-streams must be 1 or more, got 0"),
        ({"soak_min": 0.0}, "--soak must be more than 0 minutes, got 0"),
        ({"find_streams": 8, "soak_min": 1.0}, "choose one"),
        ({"soak_min": 1.0, "repeat": 2}, "--soak runs once"),
        ({"soak_min": 1.0, "speed": 2.0}, "leave --speed out"),
        ({"find_streams": 8, "speed": 2.0}, "leave --speed out"),
        ({"system": "moonshine-voice", "url": "ws://h"}, "moonshine-voice has no address"),
        ({"system": "moonshine-voice", "speed": 2.0}, "speed of speech only"),
        ({"system": "nobody"}, "must be one of vivavoce, .* got 'nobody'"),
    ],
)
def test_what_is_not_valid_says_what_to_change(fields, said):
    with pytest.raises(ConfigurationError, match=said):
        Options(**fields)


def test_core_numbers():
    assert core_numbers("0,1") == (0, 1)
    assert core_numbers("") == ()
    with pytest.raises(ConfigurationError, match="x"):
        core_numbers("x")
