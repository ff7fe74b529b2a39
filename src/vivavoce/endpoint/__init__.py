"""When a turn is over. Plain objects; times are arguments."""

from vivavoce.endpoint.silence import SilencePolicy, completeness

__all__ = ["SilencePolicy", "completeness"]
