"""The session: audio and commands in, events and decode requests out. Does no I/O."""

from vivavoce.asr.session.channels import Channels
from vivavoce.asr.session.machine import SessionMachine, SessionState
from vivavoce.asr.session.requests import DecodeRequest, PassKind
from vivavoce.asr.session.tuning import Tuning

__all__ = ["Channels", "DecodeRequest", "PassKind", "SessionMachine", "SessionState", "Tuning"]
