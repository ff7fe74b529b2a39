"""Recordings through protocol, session and models in this process: no sockets, no threads, no clock.

Time is counted in chunks, and every pass is done before the next chunk comes. So the same recordings give the
same messages on any machine.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from vivavoce.asr.engine import Pump
from vivavoce.asr.models import BatchAtOnce, recognise_in
from vivavoce.asr.session import SessionMachine, Tuning
from vivavoce.bench.audio import chunks
from vivavoce.bench.client_dialects import client_dialect
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v3.dialect import V3Factory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vivavoce.asr.models import Hypothesis, Recogniser, RunningBatch, Span, SpeechDetector
    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.options import ProtocolName

__all__ = ["PROTOCOLS", "SESSION_ID", "TAIL_S", "ObservedRecogniser", "Recognition", "wire_messages"]

PROTOCOLS: Final[tuple[ProtocolName, ...]] = ("v2", "v3")

SESSION_ID: Final = "00000000-0000-4000-8000-000000000000"
"""The same for every session, so that recorded messages can be compared."""

TAIL_S: Final = 1.5
"""Silence after a recording."""


class ObservedRecogniser:
    """A recogniser whose results somebody looks at.

    Args:
        recogniser: Decodes.
        look: Called with each span and its hypothesis.
    """

    def __init__(self, recogniser: Recogniser, look: Callable[[Span, Hypothesis], None]) -> None:
        self.name = recogniser.name
        self.max_batch = recogniser.max_batch
        self.max_workers = recogniser.max_workers
        self.joins_running = False
        self.partial_cadence_ms = recogniser.partial_cadence_ms
        self.step_samples = recogniser.step_samples
        self._recogniser = recogniser
        self._look = look

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return BatchAtOnce(functools.partial(self._recognise, self._recogniser.open_batch()))

    def _recognise(self, batch: RunningBatch, spans: Sequence[Span]) -> list[Hypothesis]:
        hypotheses = recognise_in(batch, spans)
        for span, hypothesis in zip(spans, hypotheses, strict=True):
            self._look(span, hypothesis)
        return hypotheses


@dataclass(frozen=True, slots=True)
class Recognition:
    """What makes words of the audio of a session.

    Attributes:
        recogniser: Decodes the passes.
        detector: Detects speech.
        reviser: A better recogniser of finals; None: there is none.
        tuning: Times and sizes of the session.
    """

    recogniser: Recogniser
    detector: SpeechDetector
    reviser: Recogniser | None = None
    tuning: Tuning = field(default_factory=Tuning)


def wire_messages(
    pcm: Pcm, sample_rate: int, protocol: ProtocolName, recognition: Recognition
) -> Iterator[tuple[float, str]]:
    """Stream a recording with the protocol's defaults (v3: formatted turns) and silence after it.

    Args:
        pcm: The recording.
        sample_rate: In Hz.
        protocol: How client and server speak.
        recognition: Makes words of it.

    Yields:
        Every message of the server as it would be sent, with the session's time in seconds.
    """
    client = client_dialect(protocol)
    server = (V2Factory() if protocol == "v2" else V3Factory()).open(client.query(sample_rate))
    reviser = recognition.reviser
    tuning = replace(recognition.tuning, revises=reviser is not None)
    session = SessionMachine(SESSION_ID, server.options, server.limits, now=0, unix_now=0, tuning=tuning)
    pump = Pump(session, recognition.recogniser, recognition.detector, reviser=reviser)
    audio: Iterable[str | bytes] = chunks(pcm, sample_rate, client.chunk_ms, TAIL_S)
    now_s = 0.0
    for message in itertools.chain(audio, [client.terminate]):
        if isinstance(message, bytes):
            now_s += client.chunk_ms / 1000
        for command in server.decode(message):
            session.receive(command, now_s)
        pump.run()
        for event in session.take_events():
            for frame in server.encode(event, now_s):
                yield now_s, frame
