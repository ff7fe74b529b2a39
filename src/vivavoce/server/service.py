"""What all connections of an application share: the engine, the rules of access, the counters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from vivavoce.errors import ModelError, ServerError
from vivavoce.server.access import (
    Admission,
    KeyBook,
    Ledger,
    OriginPolicy,
    TrustedProxies,
    token_was_used,
    too_many,
)
from vivavoce.server.arrivals import LoadMeter, arrivals_of
from vivavoce.server.connection_gate import ConnectionGate
from vivavoce.server.engines import engine_pool, served_models, voices_of
from vivavoce.server.followers import Followers, keep_foreign
from vivavoce.server.known_voices import known_voices_of
from vivavoce.server.metrics import Metrics
from vivavoce.server.reading_pace import FastSenders
from vivavoce.server.recorder import Recorder, kept_rooms
from vivavoce.server.rooms import KEEP_S, Rooms
from vivavoce.server.rooms.redis_relay import RedisRelay
from vivavoce.server.shares import SharedMachine
from vivavoce.server.webhooks import Deliveries, post
from vivavoce.store import open_key_storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from starlette.applications import Starlette

    from vivavoce.asr.engine import Engine
    from vivavoce.protocol.events import RoomRequest, Webhook
    from vivavoce.server.access import Grant
    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.open_connection import OpenConnection
    from vivavoce.server.options import ServerOptions
    from vivavoce.server.rooms.relay import Relay
    from vivavoce.server.siblings import Place, Siblings
    from vivavoce.server.tracing import Tracing

__all__ = ["REFUSALS", "Service"]

_log = logging.getLogger(__name__)

REFUSALS = {"draining": "no new sessions: shutting down", "full": "no new sessions: the server is full"}
"""What clients and the log are told about each reason for which no session begins."""

_TICK_S = 1.0


class Service:
    """The shared state of one application.

    Attributes:
        options: Options of the server.
        engines: The engines of all models.
        models: The models that a session can ask for.
        key_book: The keys of the key store, and their use; None: there is no store.
        proxies: The proxies that are believed about their clients' addresses.
        admission: Decides who may open a session.
        ledger: Knows the sessions that are open, and those that are over.
        metrics: Counts sessions for Prometheus.
        siblings: The other workers; None: this process is the whole server.
        tracing: Writes a trace of each turn; None: there are no traces.
        gate: Limits the connections of all clients, whether they have a session or not.
        fast_senders: Clients that were refused lately because their audio came too fast.
        connections: The connections that are open.
        rooms: The rooms that sessions speak in.
        relay: Keeps rooms equal on all servers of a Redis; None: this server's are its own.
        origins: Decides which web pages may use the server.
        voices: Computes what tells speakers apart; None: the server has no voice encoder.
        known_voices: Voices that have names; None: all speakers get letters.
        recorder: Keeps transcripts; None: nothing is kept.
        is_draining: Whether new sessions are refused because the server stops.
        is_finishing: Whether open sessions must end now: one that was just being opened, too.
    """

    def __init__(
        self, options: ServerOptions, make_engine: EngineMaker | None = None, *, relay: Relay | None = None
    ) -> None:
        """Prepare; `lifespan` starts the engine of the default model.

        Args:
            options: Options of the server.
            make_engine: Makes the engine of a model; None: one that loads its files.
            relay: Keeps rooms equal at all workers; None: there is one, or a Redis does it.

        Raises:
            ConfigurationError: An API key has an unknown status, or the store, the key store or known voices
                can't be used.
        """
        self.options = options
        self.engines = engine_pool(options, make_engine)
        self.models = served_models(options)
        store = open_key_storage(options.key_store, options.redis_of_keys)
        self.key_book = book = None if store is None else KeyBook(store)
        self.proxies = TrustedProxies(options.trusted_proxies)
        self.admission = (
            Admission(options.api_keys)
            if book is None
            else Admission(options.api_keys, book.records, secret=book.secret)
        )
        limits_of = None if book is None else self.admission.limits_of
        self.ledger = Ledger(options.max_sessions_per_key, limits_of)
        self.metrics = Metrics()
        self.siblings: Siblings | None = None
        self.tracing: Tracing | None = None
        self.gate = ConnectionGate(options.max_connections_per_address, self.proxies.trusts)
        self.fast_senders = FastSenders()
        self.connections: set[OpenConnection] = set()
        self.origins = OriginPolicy(options.allow_origins, host=options.host, has_keys=options.needs_key)
        self.voices = voices_of(options)
        self.known_voices = known_voices_of(options, has_encoder=self.voices is not None)
        self.recorder = (
            None if options.store is None else Recorder(options.store, keep_days=options.keep_days)
        )
        url = options.redis_of_rooms
        self.relay = RedisRelay(url, keep_s=KEEP_S) if relay is None and url is not None else relay
        self.rooms = Rooms(
            max_readers=options.max_readers,
            relay=self.relay,
            on_foreign=None if self.recorder is None else partial(keep_foreign, self.recorder),
        )
        self.is_draining = False
        self.is_finishing = False
        self._machine = SharedMachine(options.streams_of_models)
        self._arrivals = arrivals_of(options)
        self._load = LoadMeter()
        # The model of each connection that has chosen one, once for each channel.
        self._chosen: dict[OpenConnection, tuple[str, ...]] = {}
        self._places: dict[OpenConnection, Place] = {}  # empty if this is the only process
        self._deliveries = Deliveries(partial(post, allow_private=options.private_webhooks))
        self._keys_wanted = asyncio.Event()  # the key store is to be read now
        self._all_closed = asyncio.Event()  # set when the last connection closes, and when waiting must end
        self._is_hurried = False  # open sessions may not continue any longer

    @property
    def engine(self) -> Engine:
        """The engine of the default model.

        Raises:
            ServerError: The application has not started.
        """
        if not self.engines.loaded:
            raise ServerError(
                "the application has not started: run it on an ASGI server with lifespan support"
            )
        return self.engines.default

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Run the engine while the application runs; the socket is open before the models are loaded."""
        self.engines.start()
        await self._restore_rooms()
        running = [self._tick(), self._watch_keys(), self._report_known_voices()]
        if self.relay is not None:
            running.append(self.relay.run())
        tasks = [asyncio.create_task(each) for each in running]
        try:
            yield
        finally:
            if self.relay is not None:
                await self.relay.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._deliveries.cancel()
            await self.engines.stop()
            if self.voices is not None:
                self.voices.stop()
            if self.recorder is not None:
                await self.recorder.close()
            if self.key_book is not None:
                await self.key_book.close(self.ledger)

    async def _report_known_voices(self) -> None:
        """Load the voice encoder if there are known voices: whether it can use them shows only then."""
        if self.known_voices is None or self.voices is None:
            return
        try:
            self.known_voices.report(await self.voices.load())
        except ModelError as error:
            _log.error("no voice is known: %s", error)

    async def _restore_rooms(self) -> None:
        """Open the rooms again that were spoken in shortly before the server stopped."""
        if self.recorder is None:
            return
        since = time.time() - self.rooms.keep_s
        for room, lines, names in await self.recorder.read(lambda store: kept_rooms(store, since)):
            self.rooms.restore(room, lines, names, time.monotonic())

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            self.metrics.ticked(now - due)
            self._arrivals.note_load(self._load.measure(self.engines.loaded, now), now)
            for connection in list(self.connections):
                connection.tick(now)
            self.rooms.tick(now)
            if isinstance(self.relay, RedisRelay):
                self.metrics.rooms(are_shared=self.relay.is_usable)
            if self.recorder is not None:
                self.recorder.tick(now)

    async def _watch_keys(self) -> None:
        """Keep the key store and this server of one mind; each second, as `vivavoce keys` promises."""
        if self.key_book is None:
            return
        self.key_book.begin(self.ledger.usage)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._keys_wanted.wait()
            is_wanted = self._keys_wanted.is_set()
            self._keys_wanted.clear()
            await self.key_book.exchange(self.admission, self.ledger, reads_keys=is_wanted)
            self.metrics.key_store(is_usable=self.key_book.is_usable)

    def reload_keys(self, keys: Iterable[str]) -> None:
        """Take other keys of the options, and read the key store again at once; call it in the event loop.

        Args:
            keys: As for `Admission`.

        Raises:
            ConfigurationError: A key is not valid; those from before stay.
        """
        self.admission.replace_keys(keys)
        self._keys_wanted.set()

    async def admit(self, credentials: Iterable[str | None]) -> Grant:
        """Admit a client that has a key or an unused token; as `Admission.admit` does."""
        grant = self.admission.admit(credentials, time.time())
        book = self.key_book
        if grant.token is None:
            return grant
        if book is not None:
            is_new = await book.spend(grant.token)
        else:
            is_new = self.siblings is None or await self.siblings.spend(grant.token)
        if not is_new:
            raise token_was_used()
        return grant

    async def begin_session(self, session_id: str, owner: str) -> None:
        """Note that a session begins, here and for the other servers with this key store.

        Args:
            session_id: Its id.
            owner: Whose it is.

        Raises:
            ProtocolViolation: Its key has too many open sessions on all servers, or no audio left today.
        """
        ledger, book = self.ledger, self.key_book
        ledger.begin(session_id, owner, time.time())
        limit = ledger.limit_of(owner)
        if limit is None or book is None or not owner:
            return
        is_open = False
        try:
            is_open = await book.claim(owner, ledger.open_by_owner[owner], limit)
        finally:
            if not is_open:
                self.end_session(session_id, owner)
        if not is_open:
            raise too_many(limit)

    def end_session(self, session_id: str, owner: str) -> None:
        """Note that a session is over, here and for the other servers with this key store."""
        self.ledger.end(session_id)
        if self.key_book is not None:
            self.key_book.released(owner, self.ledger.open_by_owner.get(owner, 0))

    async def enter_forwarded(self, host: str) -> str | None:
        """Count a request that came through a proxy; as `ConnectionGate.enter_forwarded`, for all workers."""
        if self.siblings is None:
            return self.gate.enter_forwarded(host)
        return await self.siblings.enter_forwarded(host)

    def leave_forwarded(self, host: str) -> None:
        """Forget a request that came through a proxy."""
        if self.siblings is None:
            self.gate.leave_forwarded(host)
        else:
            self.siblings.leave_forwarded(host)

    async def enter(self) -> tuple[Place | None, str | None]:
        """Let a client in that asks for a session.

        Returns:
            Its place among the sessions of all workers, for `holding`; None: there is one process. And why it
            must be refused, ``draining`` or ``full``; None: it is let in.
        """
        refusal = self.refusal
        if refusal is not None or self.siblings is None:
            return None, refusal
        place = await self.siblings.enter(is_busy=self.is_busy)
        return place, "full" if place is None else None

    @property
    def is_full(self) -> bool:
        """Whether the server has no capacity for another session, whatever its model."""
        limit = self.options.max_sessions
        if limit is not None and len(self.connections) >= limit:
            return True
        return self.is_busy or self._machine.is_full(self._models_in_use())

    @property
    def refusal(self) -> str | None:
        """Why a new session is refused, as a key of `REFUSALS`; None: it is not, or other workers decide."""
        if self.is_draining:
            return "draining"
        return "full" if self.siblings is None and self.is_full else None

    @property
    def is_busy(self) -> bool:
        """Whether this process can't serve another session in time; another worker may."""
        return self.engines.is_saturated or self._is_bursting

    @property
    def _is_bursting(self) -> bool:
        return self.options.limit_bursts and not self._arrivals.may_begin(time.monotonic())

    def _models_in_use(self) -> list[str]:
        return [name for names in self._chosen.values() for name in names]

    def may_begin(
        self, connection: OpenConnection, model: str | None, channels: int = 1, *, is_patient: bool = False
    ) -> bool:
        """Count the session of an open connection from now on, if there is capacity for it.

        Args:
            connection: The connection.
            model: The name of its model; None: the default.
            channels: How many channels it has, each of which costs as much as a session.
            is_patient: Whether it waits for all others, as a recording does.

        Returns:
            Whether there is.
        """
        names = (self.engines.names[0] if model is None else model,) * channels
        is_saturated = self.siblings is None and self.engines.is_saturated  # else the parent has decided
        if is_saturated or not self._machine.holds([*self._models_in_use(), *names]):
            return False
        weight, now = 0.0 if is_patient else float(channels), time.monotonic()
        if self.options.limit_bursts and not self._arrivals.may_begin(now, weight - 1):
            return False  # as one session it is counted already
        self._arrivals.begin(id(connection), now, weight)
        self._chosen[connection] = names
        return True

    async def begin_place(self, connection: OpenConnection, owner: str) -> None:
        """Count the session of an open connection among those of all workers, after `may_begin`.

        Args:
            connection: The connection.
            owner: Identifies its API key; empty: it needed none.

        Raises:
            ProtocolViolation: All of them together have no capacity for it, or its key has as many sessions
                as it may.
        """
        place = self._places.get(connection)
        if place is not None:
            await place.begin(self._chosen[connection], owner, self.ledger.limit_of(owner))

    @contextlib.contextmanager
    def holding(self, connection: OpenConnection, place: Place | None = None) -> Iterator[None]:
        """Count a connection as open until the block ends.

        Args:
            connection: The connection.
            place: Its place among the sessions of all workers; None: there is one process.
        """
        self.connections.add(connection)
        if place is not None:
            self._places[connection] = place
        self._arrivals.begin(id(connection), time.monotonic())
        try:
            yield
        finally:
            self._arrivals.end(id(connection), time.monotonic())
            self.connections.discard(connection)
            self._chosen.pop(connection, None)
            if place is not None:
                del self._places[connection]
                place.leave()
            if not self.connections:
                self._all_closed.set()

    def refuse_new_sessions(self) -> None:
        """Accept no more sessions; may be called from any thread."""
        self.is_draining = True

    async def drain(self) -> None:
        """Refuse new sessions, let the open ones continue for a while, then end them; wait for webhooks."""
        self.refuse_new_sessions()
        if not self._is_hurried:
            await self._wait_closed(self.options.drain_s)
        self.is_finishing = True
        for connection in list(self.connections):
            connection.finish()
        await self._wait_closed(self.options.finish_s)
        self.rooms.close()
        await self._deliveries.wait(self.options.finish_s)

    def hurry(self) -> None:
        """End at once, with their last words, the sessions that continue while the server drains."""
        self._is_hurried = True
        self._all_closed.set()

    async def _wait_closed(self, limit_s: float | None) -> None:
        if not self.connections or (limit_s is not None and limit_s <= 0):
            return
        self._all_closed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._all_closed.wait()

    def follow(self, session_id: str, room: RoomRequest | None, owner: str) -> Followers | None:
        """Return whoever follows a session besides its client; None: nobody.

        Args:
            session_id: Of the session.
            room: The room that it speaks in; None: none.
            owner: Identifies its API key; empty: it needed none.
        """
        if room is None and self.recorder is None:
            return None
        return Followers(session_id, room=room, owner=owner, rooms=self.rooms, recorder=self.recorder)

    def post(self, webhook: Webhook, session_id: str, turns: Sequence[str]) -> None:
        """Post the finished turns of a session in the background."""
        self._deliveries.add(webhook, session_id, turns)
