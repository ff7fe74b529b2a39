"""What ``import vivavoce as aai`` gives."""

import inspect
import subprocess
import sys
from importlib import metadata

import pytest

import vivavoce
import vivavoce.client
import vivavoce.mic


def test_the_public_names_are_these():
    assert vivavoce.__all__ == [
        "AssemblyAIError",
        "AsyncSession",
        "Audio",
        "AudioEncoding",
        "AudioError",
        "BeginEvent",
        "Client",
        "ClosedEvent",
        "ConfigurationError",
        "ConnectError",
        "Event",
        "ExtrasNotInstalledError",
        "MicrophoneError",
        "RealtimeError",
        "RealtimeFinalTranscript",
        "RealtimeMessageTypes",
        "RealtimePartialTranscript",
        "RealtimeSessionInformation",
        "RealtimeSessionOpened",
        "RealtimeSpeakerRevision",
        "RealtimeTranscriber",
        "RealtimeTranscript",
        "RealtimeWord",
        "Reconnect",
        "ReconnectedEvent",
        "ReconnectingEvent",
        "RefusedError",
        "Session",
        "SessionLostError",
        "SessionRefusedError",
        "Settings",
        "SpeakerRevisionEvent",
        "TerminationEvent",
        "Transcript",
        "TranscriptPrinter",
        "TurnEvent",
        "Utterance",
        "VivavoceError",
        "WarningEvent",
        "Word",
        "__version__",
        "connect",
        "connect_async",
        "extras",
        "settings",
        "transcribe",
        "transcribe_async",
    ]
    assert vivavoce.extras.__all__ == ["AssemblyAIExtrasNotInstalledError", "MicrophoneStream", "stream_file"]
    assert vivavoce.mic.__all__ == ["InputDevice", "Microphone", "list_devices"]


@pytest.mark.parametrize("module", [vivavoce, vivavoce.extras, vivavoce.mic, vivavoce.client])
def test_every_public_name_is_there(module):
    for name in module.__all__:
        assert getattr(module, name) is not None


OURS = {
    "__init__": [
        "reconnect",
        "on_reconnect",
        "transport",
        "task",
        "speaker_labels",
        "max_speakers",
        "on_speaker_revision",
    ]
}
"""Arguments that the vendor's methods don't have; optional, and after theirs."""


def test_names_are_the_vendors():
    vendor = pytest.importorskip("assemblyai")
    wanted = {name for name in dir(vendor) if "Realtime" in name} | {
        "AudioEncoding",
        "Client",
        "Settings",
        "settings",
    }
    assert wanted <= set(vivavoce.__all__)
    for name in ("__init__", "connect", "stream", "close", "force_end_utterance", "create_temporary_token"):
        ours = inspect.signature(getattr(vivavoce.RealtimeTranscriber, name)).parameters
        theirs = inspect.signature(getattr(vendor.RealtimeTranscriber, name)).parameters
        wanted = [(p.name, p.kind) for p in theirs.values()]
        added = [(p.name, p.kind) for p in ours.values()][len(wanted) :]
        assert [(p.name, p.kind) for p in ours.values()] == wanted + added
        assert [name_ for name_, _ in added] == OURS.get(name, [])
        required = {p.name for p in theirs.values() if p.default is p.empty}
        assert {p.name for p in ours.values() if p.default is p.empty} == required


def test_aliases():
    assert vivavoce.AssemblyAIError is vivavoce.VivavoceError
    assert vivavoce.extras.AssemblyAIExtrasNotInstalledError is vivavoce.ExtrasNotInstalledError
    assert vivavoce.settings is vivavoce.client.realtime.global_settings


def test_the_version_is_the_packages():
    assert vivavoce.__version__ == metadata.version("vivavoce")


def test_the_version_is_known_without_an_installed_package():
    code = (
        "import sys; sys.modules['importlib.metadata'] = None; import vivavoce; print(vivavoce.__version__)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == vivavoce.__version__


def test_importing_loads_nothing_that_is_slow():
    code = (
        "import sys, vivavoce as aai; aai.extras.MicrophoneStream; "
        "slow = {'websockets', 'sounddevice', 'numpy', 'onnxruntime', 'starlette', 'asyncio', 'ssl'}; "
        "print(*sorted(slow & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.split() == []
