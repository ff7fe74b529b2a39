"""The session machine: bytes and commands in, events and requests for the engine out. Does no I/O."""

from vivavoce.session.channels import Channels
from vivavoce.session.machine import Session, SessionState
from vivavoce.session.requests import DecodeRequest
from vivavoce.session.tuning import Tuning

__all__ = ["Channels", "DecodeRequest", "Session", "SessionState", "Tuning"]
