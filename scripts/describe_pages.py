"""Which public names the pages of docs/reference document, and where programs import them from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["HEAD", "PAGES", "PLACES", "Page", "Section", "anchor", "index", "title"]

HEAD: Final = "<!-- Written by scripts/describe from the docstrings in src/vivavoce. -->\n"


@dataclass(frozen=True)
class Section:
    """Names under one heading, as paths within the package."""

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """One file: names of one module, as programs import them."""

    file: str
    module: str
    text: str
    sections: tuple[Section, ...]
    elsewhere: bool = False
    """Whether the page lists the names of the module that other pages document."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for section in self.sections for name in section.names)


def _section(title: str, names: str) -> Section:
    return Section(title, tuple(names.split()))


PAGES: Final = (
    Page(
        "vivavoce.md",
        "vivavoce",
        "Sessions and recordings in few words. `vivavoce.settings` is the `Settings` used where a program "
        "gives no others, `vivavoce.extras` a [module](extras.md); the names under *For tests* are those of "
        "`vivavoce.client.transport`.",
        (
            _section("Sessions", "connect connect_async Session AsyncSession Connecting Audio"),
            _section("Recordings", "transcribe transcribe_async Transcript Utterance"),
            _section("Settings", "Settings Reconnect"),
            _section("For tests", "Transport Connection ConnectionEnded"),
        ),
    ),
    Page(
        "events.md",
        "vivavoce",
        "What sessions report, as names of `vivavoce` and of `vivavoce.streaming.v3`; those under "
        "*Other messages* of the latter only.",
        (
            _section("Turns", "BeginEvent TurnEvent Word SpeakerRevisionEvent TerminationEvent WarningEvent"),
            _section("The connection", "ReconnectingEvent ReconnectedEvent ClosedEvent Event"),
            _section(
                "Other messages",
                "SpeechStartedEvent SilenceEvent HeartbeatEvent SessionConfiguration LLMGatewayResponseEvent "
                "SpeakerRevisionItem Model ModelMethods",
            ),
        ),
    ),
    Page(
        "realtime.md",
        "vivavoce",
        "The vendor's names for Realtime v2: `import vivavoce as aai`.",
        (
            _section("Sessions", "RealtimeTranscriber Client AudioEncoding"),
            _section(
                "What handlers receive",
                "RealtimeTranscript RealtimePartialTranscript RealtimeFinalTranscript RealtimeWord "
                "RealtimeSessionOpened RealtimeSessionInformation RealtimeSpeakerRevision "
                "RealtimeMessageTypes",
            ),
        ),
    ),
    Page(
        "streaming-v3.md",
        "vivavoce.streaming.v3",
        "The vendor's names for Universal-Streaming v3, those before 1.0 of its SDK among them: "
        "`from vivavoce.streaming.v3 import ...`.",
        (
            _section(
                "Clients",
                "RealTimeTranscriber AsyncRealTimeTranscriber RealTimeTranscriberOptions RealTimeEvents",
            ),
            _section(
                "Parameters",
                "RealTimeParameters RealTimeSessionParameters Encoding SpeechModel StreamingMode "
                "StreamingDomain StreamingPiiPolicy StreamingPiiSubstitution NoiseSuppressionModel "
                "LLMGatewayConfig LLMGatewayMessage",
            ),
            _section(
                "Several channels",
                "ChannelStreamer AsyncChannelStreamer ChannelAttributionOptions DualChannelTurnEvent "
                "DualChannelWord attribute_turn VadDetector EnergyVad VadFrame VadResult",
            ),
            _section("Other names", "EventMessage RealTimeErrorCodes"),
        ),
        elsewhere=True,
    ),
    Page(
        "extras.md",
        "vivavoce.extras",
        "Audio sources under the vendor's names, and the modules that they use.",
        (
            _section("The vendor's names", "MicrophoneStream stream_file"),
            _section("vivavoce.mic", "mic.Microphone mic.InputDevice mic.list_devices"),
            _section(
                "vivavoce.recordings",
                "recordings.saved recordings.from_file recordings.Sound recordings.paced",
            ),
        ),
    ),
    Page(
        "printing.md",
        "vivavoce.printing",
        "",
        (_section("Live transcripts", "TranscriptPrinter"),),
    ),
    Page(
        "captions.md",
        "vivavoce.captions",
        "",
        (
            _section("All at once", "captions to_srt to_vtt Style SpeakerMark Cue"),
            _section("As they come", "Captioner srt_block vtt_head vtt_block TurnLog"),
        ),
    ),
    Page(
        "errors.md",
        "vivavoce.errors",
        "",
        (
            _section(
                "Errors",
                "VivavoceError ConfigurationError AudioError MicrophoneError ExtrasNotInstalledError "
                "RealtimeError ConnectError RefusedError SessionLostError SessionRefusedError "
                "SessionStateError ProtocolViolation ModelError EngineError ServerError StoreError",
            ),
        ),
    ),
)

# Where names are defined that the module of their page does not define itself.
PLACES: Final = {
    "Connecting": "client.async_session.Connecting",
    "Transport": "client.transport.Transport",
    "Connection": "client.transport.Connection",
    "ConnectionEnded": "client.transport.ConnectionEnded",
    "Settings": "configuration.Settings",
    "Session": "client.session.Session",
    "AsyncSession": "client.async_session.AsyncSession",
    "Audio": "client.chunking.Audio",
    "Transcript": "transcription.Transcript",
    "Utterance": "transcription.Utterance",
    "transcribe": "transcription.transcribe",
    "transcribe_async": "transcription.transcribe_async",
}


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def title(page: Page) -> str:
    """The title of a page."""
    return {"events.md": "Events", "realtime.md": "Realtime v2"}.get(page.file, f"`{page.module}`")


def index() -> str:
    """The first page, with links to all names."""
    lines = [
        HEAD,
        "# Reference\n",
        "Every public name. The options of the command line are in [cli.md](../cli.md), the parameters of",
        "the protocols in [compatibility.md](../compatibility.md).\n",
    ]
    for page in PAGES:
        names = ", ".join(f"[`{name}`]({page.file}#{anchor(name.rpartition('.')[2])})" for name in page.names)
        lines.append(f"- [{title(page)}]({page.file}): {names}")
    return "\n".join(lines) + "\n"
