"""Who may open a session."""

from vivavoce.auth.admission import Admission
from vivavoce.auth.keys import KeyRing, is_loopback
from vivavoce.auth.tokens import Grant, TokenMint

__all__ = ["Admission", "Grant", "KeyRing", "TokenMint", "is_loopback"]
