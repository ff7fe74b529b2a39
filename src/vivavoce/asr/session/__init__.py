"""The session machine: bytes and commands in, events and requests for the engine out. Does no I/O."""

from vivavoce.asr.session.channels import Channels
from vivavoce.asr.session.machine import Session, SessionState
from vivavoce.asr.session.requests import DecodeRequest
from vivavoce.asr.session.tuning import Tuning

__all__ = ["Channels", "DecodeRequest", "Session", "SessionState", "Tuning"]
