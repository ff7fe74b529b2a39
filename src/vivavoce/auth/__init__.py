"""Who may open a session."""

from vivavoce.auth.keys import KeyRing, is_loopback

__all__ = ["KeyRing", "is_loopback"]
