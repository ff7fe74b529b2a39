"""Who may open a session: API keys, temporary tokens, and limits per key."""

from vivavoce.server.access.admission import Admission
from vivavoce.server.access.keys import KeyRing, KeyStatus, is_loopback
from vivavoce.server.access.ledger import Ledger
from vivavoce.server.access.token_routes import token_routes
from vivavoce.server.access.tokens import Grant, TokenMint

__all__ = ["Admission", "Grant", "KeyRing", "KeyStatus", "Ledger", "TokenMint", "is_loopback", "token_routes"]
