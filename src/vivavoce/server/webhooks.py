"""Webhooks: the finished turns of a session, posted to the address that its client named."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import logging
import socket
import ssl
import threading
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from vivavoce.server.webhook_addresses import public_addresses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from vivavoce.protocol.events import Webhook

__all__ = ["Deliveries", "deliver", "post"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ATTEMPTS: Final = 10
_TIMEOUT_S: Final = 10.0  # for a whole attempt, from resolving the name to the status
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_AT_ONCE: Final = 16
_MAX_WAITING: Final = 1_000


def post(webhook: Webhook, body: bytes, *, allow_private: bool = False) -> int:
    """Post once, on this thread, and follow no redirect.

    Args:
        webhook: Address and header.
        body: JSON.
        allow_private: Whether the address may be one that is not of the public Internet.

    Returns:
        The HTTP status.

    Raises:
        OSError: No response, or not in time, or an address that must not be reached.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "vivavoce", "Connection": "close"}
    if webhook.header is not None:
        headers |= [webhook.header]
    try:
        with contextlib.closing(_Post(webhook.url, allow_private=allow_private)) as attempt:
            return attempt.send(body, headers)
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(str(error)) from error


class _Post:
    """One attempt, which ends after a while whatever the receiver does."""

    def __init__(self, url: str, *, allow_private: bool) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._is_secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._is_secure else 80)
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._where = f"{host}:{self._port}"
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._allow_private = allow_private
        self._is_late = False  # the time is over
        self._socket: socket.socket | None = None  # None before it is connected
        proxies = {} if urllib.request.proxy_bypass(self._host) else urllib.request.getproxies()
        proxy = proxies.get(parts.scheme)  # which connects to the host itself
        self._proxy = urlsplit(proxy if "//" in proxy else f"//{proxy}") if proxy else None
        self._clock = threading.Timer(_TIMEOUT_S, self._stop)
        self._clock.daemon = True
        self._clock.start()

    def close(self) -> None:
        """End the attempt."""
        self._clock.cancel()
        if self._socket is not None:
            self._socket.close()

    def _stop(self) -> None:
        """End a wait for the receiver: a timeout of a socket begins anew with each byte."""
        self._is_late = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def send(self, body: bytes, headers: dict[str, str]) -> int:
        """Post, and return the status."""
        context = ssl.create_default_context() if self._is_secure else None
        connection: http.client.HTTPConnection = http.client.HTTPConnection(self._host, self._port)
        try:
            sock = self._connect()
            if context is not None:
                secured = context.wrap_socket(sock, server_hostname=self._host, do_handshake_on_connect=False)
                sock = self._socket = secured  # first, or a handshake without end could not be stopped
                secured.do_handshake()
            connection.sock = sock
            target = self._target
            if self._proxy is not None and not self._is_secure:
                headers = headers | _credentials(self._proxy)
                target = f"http://{self._where}{target}"
            connection.request("POST", target, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            if self._is_late:
                raise TimeoutError(f"no response within {_TIMEOUT_S:g} s") from error
            raise
        finally:
            connection.close()

    def _connect(self) -> socket.socket:
        """Connect to an address that was checked, or to the proxy that the operator has set."""
        if self._proxy is not None:
            sock = self._open((self._proxy.hostname or "", self._proxy.port or 80), _TIMEOUT_S)
            return self._tunnel(sock, self._proxy) if self._is_secure else sock
        error = OSError(f"{self._host} has no address")
        addresses = public_addresses(self._host, self._port, allow_private=self._allow_private)
        for address in addresses:  # one that does not answer, as of a broken IPv6, leaves time for the next
            try:
                return self._open((address, self._port), _TIMEOUT_S / len(addresses))
            except OSError as failure:
                error = failure
        raise error

    def _open(self, address: tuple[str, int], limit_s: float) -> socket.socket:
        if self._is_late:
            raise TimeoutError
        self._socket = socket.create_connection(address, limit_s)
        self._socket.settimeout(_TIMEOUT_S)
        return self._socket

    def _tunnel(self, sock: socket.socket, proxy: SplitResult) -> socket.socket:
        headers = {"Host": self._where, **_credentials(proxy)}
        lines = [f"CONNECT {self._where} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        sock.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        answer = http.client.HTTPResponse(sock, method="CONNECT")
        answer.begin()
        if answer.status // 100 != 2:  # noqa: PLR2004 - success
            raise OSError(f"the proxy answers HTTP {answer.status}")
        return sock


def _credentials(proxy: SplitResult) -> dict[str, str]:
    """Return the header with the name and the password in the address of a proxy, if it has them."""
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def _on_own_thread(call: Callable[[], _T]) -> _T:
    """Run a call on a thread that nothing waits for, not even the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="vivavoce-webhook", daemon=True).start()
    return await future


async def deliver(
    webhook: Webhook,
    session_id: str,
    turns: Sequence[str],
    *,
    send: Callable[[Webhook, bytes], int] = post,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    slots: asyncio.Semaphore | None = None,
) -> bool:
    """Post until the receiver accepts with 2xx: up to ten attempts with growing waits; a 4xx is final.

    Args:
        webhook: Address and header.
        session_id: Identifies the session in the body.
        turns: Its finished turns, JSON as the protocol writes them.
        send: Posts once and returns the HTTP status.
        sleep: Waits, in seconds.
        slots: Limits how many attempts there are at once; None: nothing does.

    Returns:
        Whether the receiver accepted.
    """
    body = f'{{"session_id":"{session_id}","messages":[{",".join(turns)}]}}'.encode()
    wait_s = _FIRST_WAIT_S
    outcome = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            await sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        try:
            async with slots or contextlib.nullcontext():
                status = await _on_own_thread(partial(send, webhook, body))
        except OSError as error:
            outcome = str(error)
            continue
        outcome = f"HTTP {status}"
        if status // 100 == 2:  # noqa: PLR2004 - success
            return True
        if status // 100 == 4:  # noqa: PLR2004 - the receiver refuses for good
            break
    _log.warning("session %s: webhook not delivered: %s", session_id, outcome)
    return False


class Deliveries:
    """The webhooks under way: some at once, a limited number in all."""

    def __init__(self, send: Callable[[Webhook, bytes], int]) -> None:
        """Begin with none.

        Args:
            send: Posts once and returns the HTTP status; runs on threads.
        """
        self._send = send
        self._tasks: set[asyncio.Task[Any]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def add(self, webhook: Webhook, session_id: str, turns: Sequence[str]) -> None:
        """Deliver the turns of a session in the background."""
        if len(self._tasks) >= _MAX_WAITING:
            _log.warning("session %s: webhook not delivered: %d others wait", session_id, _MAX_WAITING)
            return
        task = asyncio.create_task(deliver(webhook, session_id, turns, send=self._send, slots=self._slots))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, limit_s: float) -> None:
        """Wait until all are delivered, for so many seconds at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit_s)

    def cancel(self) -> None:
        """Give up what is not delivered."""
        for task in self._tasks:
            task.cancel()
