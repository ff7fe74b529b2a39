"""When a lost connection is tried again."""

import pytest

from vivavoce.client.backoff import Backoff, Reconnect, is_retryable
from vivavoce.errors import ConfigurationError, ConnectError, RealtimeError, RefusedError


def test_delays_grow_and_have_jitter():
    for jitter, factor in ((0.0, 0.75), (1.0, 1.25)):
        backoff = Backoff(Reconnect(attempts=5, first_delay_s=1.0, longest_delay_s=3.0), lambda j=jitter: j)
        delays = [backoff.next_delay_s() for _ in range(6)]
        assert delays == [0.0, factor, 2 * factor, 3 * factor, 3 * factor, None]
    with pytest.raises(ConfigurationError):
        Reconnect(attempts=-1)


def test_only_some_refusals_are_temporary():
    assert is_retryable(RefusedError("full", 503))
    assert not is_retryable(RefusedError("key", 401))
    assert is_retryable(ConnectError("no server"))
    assert not is_retryable(RealtimeError("bad", 3006))
