"""Who may open a session."""

from vivavoce.auth.admission import Admission
from vivavoce.auth.keys import KeyRing, Standing, is_loopback
from vivavoce.auth.tokens import Grant, TokenMint

__all__ = ["Admission", "Grant", "KeyRing", "Standing", "TokenMint", "is_loopback"]
