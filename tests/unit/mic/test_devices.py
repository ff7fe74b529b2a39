"""Which microphones there are, and how one is selected."""

import sys

import pytest

from support.recorded import RATE
from vivavoce.errors import ExtrasNotInstalledError, MicrophoneError
from vivavoce.mic import Microphone, list_devices
from vivavoce.mic.devices import find_device

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


# --- PortAudio that can't start ------------------------------------------------------------------

BROKEN = """
class PortAudioError(Exception):
    pass
raise PortAudioError("Error initializing PortAudio: Unanticipated host error", -9999, {host})
"""


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """Makes a sounddevice that fails as the library is imported, with the content of its module."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.delenv("ALSA_CONFIG_PATH", raising=False)
    yield (tmp_path / "sounddevice.py").write_text
    sys.modules.pop("sounddevice", None)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("(0, 0, '')", r"Unanticipated host error \[PaErrorCode -9999\]"),
        ("(8, -2, 'No such\\nfile')", r"No such file \(.*-9999\)"),
    ],
)
@pytest.mark.parametrize("call", [list_devices, Microphone, lambda: find_device(None)])
def test_a_broken_sound_configuration_is_named(broken, monkeypatch, host, reason, call):
    monkeypatch.setattr(sys, "platform", "linux")
    broken(BROKEN.format(host=host))
    for _ in range(2):  # the second import fails like the first
        with pytest.raises(
            MicrophoneError, match=rf"^PortAudio can't start: .*{reason}; check .*~/\.asoundrc"
        ):
            call()


def test_the_variable_that_names_the_configuration_is_named(broken, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("ALSA_CONFIG_PATH", "some.conf")
    broken(BROKEN.format(host="(0, 0, '')"))
    with pytest.raises(MicrophoneError, match=r"ALSA_CONFIG_PATH=some\.conf"):
        list_devices()


@pytest.mark.parametrize("content", ["import no_such_module_of_cffi", "raise ImportError('wrong ABI')"])
def test_a_package_that_does_not_load_is_to_be_installed(broken, content):
    broken(content)
    with pytest.raises(ExtrasNotInstalledError, match=r"no_such_module_of_cffi|wrong ABI"):
        list_devices()


def test_a_configuration_that_ends_the_process_is_an_error(broken, monkeypatch, tmp_path):
    """PortAudio aborts where ALSA has no device at all; here the interpreter that tries it does."""
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nkill -ABRT $$\n")
    interpreter.chmod(0o755)
    broken("raise AssertionError('must not be imported')")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "executable", str(interpreter))
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/dev/null")
    with pytest.raises(MicrophoneError, match=r"ended with signal 6; check .*ALSA_CONFIG_PATH=/dev/null"):
        list_devices()


def test_a_terminated_portaudio_can_not_list_devices(fake, monkeypatch):
    def fail():
        raise fake.PortAudioError("Error querying device -1: PortAudio not initialized", -10_000)

    monkeypatch.setattr(fake, "query_devices", fail)
    with pytest.raises(MicrophoneError, match=r"not initialized \[PaErrorCode -10000\]; check"):
        list_devices()
