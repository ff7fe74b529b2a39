"""Posting the finished turns of a session to an address its client named."""

from __future__ import annotations

import asyncio
import logging
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from vivavoce.protocol.events import Webhook

__all__ = ["deliver", "post"]

_log = logging.getLogger(__name__)

_ATTEMPTS: Final = 10
_TIMEOUT_S: Final = 10.0
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """An address that sends us elsewhere is taken at its word: it is no success."""


def post(webhook: Webhook, body: bytes) -> int:
    """Post once, on this thread; returns the status.

    Raises:
        OSError: Nobody answered, or not in time.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "vivavoce"}
    if webhook.header is not None:
        headers |= [webhook.header]
    request = urllib.request.Request(webhook.url, body, headers)  # noqa: S310 - http and https only, checked
    opener = urllib.request.build_opener(_NoRedirects())
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (HTTPException, ValueError) as error:
        raise OSError(str(error)) from error


async def deliver(
    webhook: Webhook,
    session_id: str,
    turns: Sequence[str],
    *,
    send: Callable[[Webhook, bytes], int] = post,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> bool:
    """Post until it is taken: 2xx; up to ten times, with growing waits; a 4xx ends it.

    Args:
        webhook: Where to.
        session_id: Of the session.
        turns: Its finished turns, as the protocol writes them.
        send: Posts once.
        sleep: Waits that many seconds.

    Returns:
        Whether it was taken.
    """
    body = f'{{"session_id":"{session_id}","messages":[{",".join(turns)}]}}'.encode()
    wait_s = _FIRST_WAIT_S
    outcome = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            await sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        try:
            status = await asyncio.to_thread(send, webhook, body)
        except OSError as error:
            outcome = str(error)
            continue
        outcome = f"HTTP {status}"
        if status // 100 == 2:  # noqa: PLR2004 - success
            return True
        if status // 100 == 4:  # noqa: PLR2004 - the receiver's last word
            break
    _log.warning("session %s: its webhook was not taken: %s", session_id, outcome)
    return False
