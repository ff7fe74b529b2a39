"""The names of the vendor's module ``streaming.v3.extras``: several sources in one session."""

from vivavoce.streaming.v3.attribution import (
    RESOLVE_UNKNOWN_METHODS,
    UNKNOWN_CHANNEL,
    ChannelAttributionOptions,
    DualChannelTurnEvent,
    DualChannelWord,
    EnergyVad,
    VadDetector,
    VadFrame,
    VadResult,
    VadTimeline,
    attribute_turn,
    attribute_word,
    resolve_unknown_channels_by_speaker_history,
    resolve_unknown_channels_by_window,
    roll_up_turn_channel,
)
from vivavoce.streaming.v3.channels import AsyncChannelStreamer, ChannelStreamer
from vivavoce.streaming.v3.models import RealTimeEvents, TurnEvent, Word

__all__ = [
    "RESOLVE_UNKNOWN_METHODS",
    "UNKNOWN_CHANNEL",
    "AsyncChannelStreamer",
    "ChannelAttributionOptions",
    "ChannelStreamer",
    "DualChannelTurnEvent",
    "DualChannelWord",
    "EnergyVad",
    "RealTimeEvents",
    "TurnEvent",
    "VadDetector",
    "VadFrame",
    "VadResult",
    "VadTimeline",
    "Word",
    "attribute_turn",
    "attribute_word",
    "resolve_unknown_channels_by_speaker_history",
    "resolve_unknown_channels_by_window",
    "roll_up_turn_channel",
]
