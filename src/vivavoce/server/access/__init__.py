"""Who may open a session: API keys, temporary tokens, and limits per key."""

from vivavoce.server.access.admission import Admission
from vivavoce.server.access.key_book import KeyBook
from vivavoce.server.access.keys import KeyRing, KeyStatus, is_loopback, owner_of, strip_scheme
from vivavoce.server.access.ledger import Ledger, too_many
from vivavoce.server.access.origins import OriginPolicy
from vivavoce.server.access.proxies import LOCAL_PROXIES, ForwardedClient, TrustedProxies
from vivavoce.server.access.refusals import log_refusal
from vivavoce.server.access.token_routes import token_routes
from vivavoce.server.access.tokens import Grant, TicketMint, TokenMint, token_was_used

__all__ = [
    "LOCAL_PROXIES",
    "Admission",
    "ForwardedClient",
    "Grant",
    "KeyBook",
    "KeyRing",
    "KeyStatus",
    "Ledger",
    "OriginPolicy",
    "TicketMint",
    "TokenMint",
    "TrustedProxies",
    "is_loopback",
    "log_refusal",
    "owner_of",
    "strip_scheme",
    "token_routes",
    "token_was_used",
    "too_many",
]
