"""The level meter of the microphone."""

import pytest

from vivavoce.cli.level_meter import level_meter


@pytest.mark.parametrize(
    ("level_db", "shown"),
    [
        (-96, "[..........] -96 dB"),
        (-60, "[..........] -60 dB"),
        (-30, "[#####.....] -30 dB"),
        (0, "[##########] 0 dB"),
    ],
)
def test_the_level_meter(level_db, shown):
    assert level_meter(level_db) == shown
