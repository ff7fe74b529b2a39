"""Which microphones there are, and how one is selected."""

import pytest

from support.recorded import RATE
from vivavoce.errors import MicrophoneError
from vivavoce.mic import Microphone, list_devices

pytest_plugins = ["support.microphone_fixtures"]


def test_devices_are_listed_without_outputs(fake):
    assert [(device.index, device.name, device.is_default) for device in list_devices()] == [
        (1, "Built-in Microphone", True),
        (2, "USB Headset", False),
        (3, "USB Webcam", False),
    ]
    assert list_devices()[0].default_sample_rate == 44_100


@pytest.mark.parametrize(
    ("wanted", "index"), [(None, 1), (2, 2), ("headset", 2), ("built-in", 1), ("USB Webcam", 3)]
)
def test_a_microphone_is_found_by_index_or_part_of_its_name(fake, wanted, index):
    with Microphone(sample_rate=RATE, device=wanted) as microphone:
        assert microphone.device.index == fake.opened[-1].device == index


@pytest.mark.parametrize(
    ("wanted", "trouble"), [("usb", "several microphones match"), ("phono", "no microphone"), (0, "no")]
)
def test_the_error_of_an_unknown_device_lists_the_devices(fake, wanted, trouble):
    with pytest.raises(MicrophoneError, match=trouble) as caught:
        Microphone(device=wanted)
    assert "2: USB Headset, 3: USB Webcam" in str(caught.value)


def test_no_microphone_at_all(fake):
    fake.devices = fake.devices[:1]
    with pytest.raises(MicrophoneError, match="has no microphone"):
        Microphone()
