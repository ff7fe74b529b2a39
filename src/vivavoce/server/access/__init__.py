"""Who may open a session."""

from vivavoce.server.access.admission import Admission
from vivavoce.server.access.keys import KeyRing, Standing, is_loopback
from vivavoce.server.access.tokens import Grant, TokenMint

__all__ = ["Admission", "Grant", "KeyRing", "Standing", "TokenMint", "is_loopback"]
