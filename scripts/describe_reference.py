"""The pages of docs/reference, from the docstrings of the public names; run by scripts/describe."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["PAGES", "Page", "reference"]

SOURCE: Final = Path(__file__).parents[1] / "src"
WIDTH: Final = 100
HEAD: Final = "<!-- Written by scripts/describe from the docstrings in src/vivavoce. -->\n"
_CALL: Final = "__call__"  # other magic methods only make a class fit into the language
_MADE_ELSEWHERE: Final = ("Session", "AsyncSession", "Connecting")
# What types and defaults are called where programs meet them.
_SHOWN: Final = {"ServerEvent | LocalEvent": "Event", "KEEP": "Reconnect()", "CONNECTION_LOST": "1006"}
_PACKAGES: Final = ("vivavoce.streaming.v3.", "vivavoce.types.", "vivavoce.captions.", "vivavoce.")


@dataclass(frozen=True)
class Section:
    """Names under one heading, as paths within the package."""

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """One file: names of one module, as programs import them."""

    file: str
    module: str
    text: str
    sections: tuple[Section, ...]
    elsewhere: bool = False
    """Whether the module's names that have their place on another page are listed."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for section in self.sections for name in section.names)


def _section(title: str, names: str) -> Section:
    return Section(title, tuple(names.split()))


PAGES: Final = (
    Page(
        "vivavoce.md",
        "vivavoce",
        "Sessions and recordings in few words. `vivavoce.settings` is the `Settings` used where a program "
        "gives no others, `vivavoce.extras` a [module](extras.md); the names under *For tests* are those of "
        "`vivavoce.client.transport`.",
        (
            _section("Sessions", "connect connect_async Session AsyncSession Connecting Audio"),
            _section("Recordings", "transcribe transcribe_async Transcript"),
            _section("Settings", "Settings Reconnect"),
            _section("For tests", "Transport Connection ConnectionEnded"),
        ),
    ),
    Page(
        "events.md",
        "vivavoce",
        "What sessions tell, as names of `vivavoce` and of `vivavoce.streaming.v3`; those under "
        "*Other messages* of the latter only.",
        (
            _section("Turns", "BeginEvent TurnEvent Word TerminationEvent WarningEvent"),
            _section("The connection", "ReconnectingEvent ReconnectedEvent ClosedEvent Event"),
            _section(
                "Other messages",
                "SpeechStartedEvent SilenceEvent HeartbeatEvent SessionConfiguration LLMGatewayResponseEvent "
                "SpeakerRevisionEvent SpeakerRevisionItem Model",
            ),
        ),
    ),
    Page(
        "realtime.md",
        "vivavoce",
        "The vendor's names for Realtime v2: `import vivavoce as aai`.",
        (
            _section("Sessions", "RealtimeTranscriber Client AudioEncoding"),
            _section(
                "What handlers are given",
                "RealtimeTranscript RealtimePartialTranscript RealtimeFinalTranscript RealtimeWord "
                "RealtimeSessionOpened RealtimeSessionInformation RealtimeMessageTypes",
            ),
        ),
    ),
    Page(
        "streaming-v3.md",
        "vivavoce.streaming.v3",
        "The vendor's names for Universal-Streaming v3, those before 1.0 of its SDK among them: "
        "`from vivavoce.streaming.v3 import ...`.",
        (
            _section(
                "Clients",
                "RealTimeTranscriber AsyncRealTimeTranscriber RealTimeTranscriberOptions RealTimeEvents",
            ),
            _section(
                "Parameters",
                "RealTimeParameters RealTimeSessionParameters Encoding SpeechModel StreamingMode "
                "StreamingDomain StreamingPiiPolicy StreamingPiiSubstitution NoiseSuppressionModel "
                "LLMGatewayConfig LLMGatewayMessage",
            ),
            _section(
                "Several channels",
                "ChannelStreamer AsyncChannelStreamer ChannelAttributionOptions DualChannelTurnEvent "
                "DualChannelWord attribute_turn VadDetector EnergyVad VadFrame VadResult",
            ),
            _section("Other names", "EventMessage RealTimeErrorCodes"),
        ),
        elsewhere=True,
    ),
    Page(
        "extras.md",
        "vivavoce.extras",
        "Sources of sound under the vendor's names, and what is behind them.",
        (
            _section("The vendor's names", "MicrophoneStream stream_file"),
            _section("vivavoce.mic", "mic.Microphone mic.InputDevice mic.list_devices"),
            _section(
                "vivavoce.recordings",
                "recordings.saved recordings.from_file recordings.Sound recordings.paced",
            ),
        ),
    ),
    Page(
        "captions.md",
        "vivavoce.captions",
        "",
        (
            _section("All at once", "captions to_srt to_vtt Style Cue"),
            _section("As they come", "Captioner srt_block vtt_head vtt_block"),
        ),
    ),
    Page(
        "errors.md",
        "vivavoce.errors",
        "",
        (
            _section(
                "Errors",
                "VivavoceError ConfigurationError AudioError MicrophoneError ExtrasNotInstalledError "
                "RealtimeError ConnectError RefusedError SessionLostError ProtocolViolation ModelError "
                "EngineError ServerError",
            ),
        ),
    ),
)

# Names that programs can't import from where a page says, but meet.
_HIDDEN: Final = {
    "Connecting": "client.async_session.Connecting",
    "Transport": "client.transport.Transport",
    "Connection": "client.transport.Connection",
    "ConnectionEnded": "client.transport.ConnectionEnded",
    "Settings": "settings.Settings",
}
_LATE: Final = {
    "Session": "client.session.Session",
    "AsyncSession": "client.async_session.AsyncSession",
    "Audio": "client.chunking.Audio",
    "Transcript": "transcription.Transcript",
    "transcribe": "transcription.transcribe",
    "transcribe_async": "transcription.transcribe_async",
}


class _Reference:
    def __init__(self) -> None:
        self.package = griffe.load(
            "vivavoce", search_paths=[SOURCE], docstring_parser="google", resolve_aliases=True
        )
        self.anchors: dict[str, str] = {}
        """Where a canonical path is told."""
        for page in PAGES:
            for name in page.names:
                found = self.find(page, name)
                shown = name.rpartition(".")[2]
                self.anchors[found.path] = f"{page.file}#{_anchor(shown)}"
                if found.is_class:
                    for member in _members(found):
                        self.anchors[member.path] = f"{page.file}#{_anchor(f'{shown}.{member.name}')}"

    def find(self, page: Page, name: str) -> Any:
        """The object that a page calls so."""
        places = {"events.md": "client.events", "captions.md": "captions", "errors.md": "errors"}
        path = f"{page.module.removeprefix('vivavoce').removeprefix('.')}.{name}".removeprefix(".")
        if page.file == "events.md":
            path = f"{places[page.file]}.{name}"
        elif page.file == "vivavoce.md":
            path = _HIDDEN.get(name) or _LATE.get(name) or name
        elif "." in name:
            path = name
        found = self.package[path]
        return found.final_target if found.is_alias else found

    def page(self, page: Page) -> str:
        """One file."""
        module = self.package if page.module == "vivavoce" else self.package[page.module.partition(".")[2]]
        text = page.text or self.prose(module.docstring.value)
        parts = [HEAD, f"# {_title(page)}\n", f"{text}\n"]
        for section in page.sections:
            if len(page.sections) > 1:
                parts.append(f"## {section.title}\n")
            parts += (self.entry(self.find(page, name), name.rpartition(".")[2]) for name in section.names)
        if page.elsewhere:
            parts += self.others(page, module)
        return "\n".join(parts).rstrip() + "\n"

    def others(self, page: Page, module: Any) -> Iterator[str]:
        """The names of a module that are told elsewhere, or are another name of something."""
        told = set(page.names)
        yield "## Names told elsewhere\n"
        lines = []
        for name in module.exports:
            if str(name) in told:
                continue
            found = self.target(module[str(name)])
            lines.append(f"- `{name}`: {self.link(found.name, found.path)}")
        yield "\n".join(lines) + "\n"

    @staticmethod
    def target(found: Any) -> Any:
        """What a name stands for, through assignments such as ``StreamingClient = RealTimeTranscriber``."""
        while True:
            found = found.final_target if found.is_alias else found
            value = found.is_attribute and found.value
            if not (value and isinstance(value, griffe.ExprName)):
                return found
            found = found.parent[value.name]

    def entry(self, found: Any, name: str) -> str:
        """A name and all that belongs to it."""
        parts = [f"### `{name}`\n"]
        if found.is_class:
            parts += self.class_parts(found, name)
        elif found.is_function:
            parts += [_signature(found, name), *self.sections(found)]
        else:
            if not _is_long(found):
                parts.append(f"```py\n{name} = {found.value}\n```\n")
            parts += self.sections(found)
        return "\n".join(parts)

    def class_parts(self, found: Any, name: str) -> Iterator[str]:
        """A class with its public members."""
        bases = [str(base) for base in found.bases]
        public = [self.link(base, self.path_of(found, base)) for base in bases if self.is_told(found, base)]
        if (init := _constructor(found)) and name not in _MADE_ELSEWHERE:
            yield _signature(init, name)
        elif fields := _fields(found):
            yield "```py\n" + "\n".join(fields) + "\n```\n"
        yield from self.sections(found)
        if public:
            yield f"A kind of {', '.join(public)}.\n"
        if "StrEnum" in "".join(bases) or "Enum" in bases or "enum.Enum" in bases:
            yield from self.values(found)
        for member in _members(found):
            shown = f"{name}.{member.name}"
            yield f"#### `{shown}`\n"
            if member.is_function:
                yield _signature(member, member.name)
            elif member.annotation is not None:
                yield _as_shown(f"```py\n{member.name}: {member.annotation}\n```\n")
            yield from self.sections(member)

    def values(self, found: Any) -> Iterator[str]:
        """The members of an enumeration."""
        lines = []
        for member in found.members.values():
            if (
                member.is_attribute
                and not member.name.startswith("_")
                and member.value is not None
                and not _is_property(member)
            ):
                told = f": {self.prose(member.docstring.value)}" if member.docstring else ""
                lines.append(f"- `{member.name}` = `{member.value}`{told}")
        if lines:
            yield "\n".join(lines) + "\n"

    # --- docstrings ---------------------------------------------------------------------------

    def sections(self, found: Any) -> Iterator[str]:
        """A docstring, part by part."""
        if found.docstring is None:
            return
        scope = found if found.is_class else found.parent
        for section in found.docstring.parse("google", warnings=False):
            value = section.value
            match section.kind.value:
                case "text":
                    yield self.prose(value, scope) + "\n"
                case "parameters":
                    yield self.items("Arguments", ((item.name, item.description) for item in value), scope)
                case "attributes":
                    yield self.items("Attributes", ((item.name, item.description) for item in value), scope)
                case "returns" | "yields":
                    text = " ".join(self.prose(item.description, scope) for item in value)
                    yield f"Returns: {_flat(text)}\n"
                case "raises":
                    yield self.raises(value, scope)
                case kind:
                    raise ValueError(f"{found.path}: no way to show a section of kind {kind}")

    def items(self, title: str, items: Iterable[tuple[str, str]], scope: Any) -> str:
        """Names and what they mean."""
        lines = [f"- `{name}`: {_flat(self.prose(text, scope))}" for name, text in items]
        return "\n".join([f"{title}:\n", *lines]) + "\n"

    def raises(self, items: Iterable[Any], scope: Any) -> str:
        """Errors and when they come."""
        lines = []
        for item in items:
            name = str(item.annotation)
            text = _flat(self.prose(item.description, scope))
            lines.append(f"- {self.link(name, self.path_of(scope, name))}: {text}")
        return "\n".join(["Raises:\n", *lines]) + "\n"

    def prose(self, text: str, scope: Any = None) -> str:
        """A docstring's text as Markdown: roles become links, indented blocks become fences."""
        blocks = [self._block(block) for block in _blocks(text) if block != "::"]
        return self._with_links("\n\n".join(blocks), scope)

    @staticmethod
    def _block(block: str) -> str:
        if block.startswith(">>> "):
            return f"```pycon\n{block}\n```"
        if block.startswith("    "):
            code = textwrap.dedent(block)
            return f"```{'text' if '─' in code else 'py'}\n{code}\n```"
        return block

    def _with_links(self, text: str, scope: Any) -> str:
        def role(match: re.Match[str]) -> str:
            target = match[1]
            name = target.removeprefix("vivavoce.").rpartition("v3.")[2]
            if scope is not None and scope.is_class and "." not in target:
                member = scope.all_members.get(target)
                if member is not None:
                    return self.link(target, (member.final_target if member.is_alias else member).path)
            return self.link(name, self.path_of(scope, name))

        pieces = re.split(r"(```.*?```)", text, flags=re.DOTALL)
        for at in range(0, len(pieces), 2):
            piece = re.sub(r":\w+:`~?([^`]+)`", role, pieces[at])
            pieces[at] = re.sub(r"``([^`]+)``", r"`\1`", piece).replace("::\n", ":\n")
        return "".join(pieces).strip()

    # --- links --------------------------------------------------------------------------------

    def path_of(self, scope: Any, name: str) -> str:
        """The canonical path of what is called so in a class or a module; without one, the name itself."""
        plain = name.partition("[")[0]
        module = scope.module if scope is not None else self.package
        for place in (module, self.package, self.package["errors"], self.package["streaming.v3"]):
            if plain in place.members:
                found = place[plain]
                try:
                    return str(self.target(found).path)
                except (griffe.AliasResolutionError, KeyError):
                    return plain
        if plain in _LATE | _HIDDEN:
            return f"vivavoce.{(_LATE | _HIDDEN)[plain]}"
        for prefix in ("", *_PACKAGES):
            if prefix + plain in self.anchors:
                return prefix + plain
        return plain

    def is_told(self, scope: Any, name: str) -> bool:
        """Whether a page tells of it."""
        return self.path_of(scope, name) in self.anchors

    def link(self, name: str, path: str) -> str:
        """A name, linked if a page tells of it."""
        shown = f"`{name.removeprefix('vivavoce.')}`"
        return f"[{shown}]({self.anchors[path]})" if path in self.anchors else shown


def _anchor(heading: str) -> str:
    """What a heading that is code is called in addresses."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _title(page: Page) -> str:
    return {"events.md": "Events", "realtime.md": "Realtime v2"}.get(page.file, f"`{page.module}`")


def _is_property(member: Any) -> bool:
    return "property" in member.labels


def _is_long(found: Any) -> bool:
    return found.value is None or len(str(found.value)) > WIDTH


def _as_shown(code: str) -> str:
    for internal, public in _SHOWN.items():
        code = code.replace(internal, public)
    return code


def _fields(found: Any) -> list[str]:
    """The fields of a structure, as its source has them."""
    fields = []
    for name, member in found.members.items():
        if member.is_attribute and member.annotation is not None and not name.startswith("_"):
            if _is_property(member):
                continue
            default = "" if member.value is None else f" = {member.value}"
            fields.append(f"{name}: {member.annotation}{default}")
    return fields


def _constructor(found: Any) -> Any:
    """What makes one, unless nobody is meant to."""
    own = found.members.get("__init__")
    inherited = found.all_members.get("__init__")
    if own is not None or inherited is None:
        return own
    if "Exception" in inherited.path or any(str(base) in {"ABC", "Protocol"} for base in found.bases):
        return None
    return inherited.final_target if inherited.is_alias else inherited


def _members(found: Any) -> list[Any]:
    """Public methods and properties in their order, with those of bases that no page tells of."""
    mine = []
    told = {name.rpartition(".")[2] for page in PAGES for name in page.names}
    for name, member in found.all_members.items():
        target = member.final_target if member.is_alias else member
        if name.startswith("_") and name != _CALL:
            continue
        if not target.path.startswith("vivavoce.") or target.docstring is None:
            continue
        if target.parent is not found and target.parent.name in told:
            continue
        if target.is_function or (target.is_attribute and _is_property(target)):
            mine.append(target)
    return mine


def _signature(function: Any, name: str) -> str:
    parts, was = [], None
    for parameter in function.parameters:
        if parameter.name in {"self", "cls"}:
            continue
        kind = parameter.kind.value
        if kind == "keyword-only" and was not in {"keyword-only", "variadic positional"}:
            parts.append("*")
        was = kind
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        text = f"{star}{parameter.name}"
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not star:
            text += f" = {parameter.default}" if parameter.annotation is not None else f"={parameter.default}"
        parts.append(text)
    returns = "" if function.name == "__init__" or function.returns is None else f" -> {function.returns}"
    is_async = "async " if "async" in function.labels else ""
    line = f"{is_async}{name}({', '.join(parts)}){returns}"
    if len(line) > WIDTH:
        line = f"{is_async}{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"
    return _as_shown(f"```py\n{line}\n```\n")


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs; indented or doctest lines together, blank lines between them included."""
    block: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if block and block[0].startswith("    ") and paragraph.startswith("    "):
            block.append(paragraph)
            continue
        if block:
            yield "\n\n".join(block)
        block = [paragraph]
    if block:
        yield "\n\n".join(block)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _index() -> str:
    lines = [
        HEAD,
        "# Reference\n",
        "Every public name. What the command line takes is in [cli.md](../cli.md), what the protocols",
        "take in [compatibility.md](../compatibility.md).\n",
    ]
    for page in PAGES:
        names = ", ".join(
            f"[`{name}`]({page.file}#{_anchor(name.rpartition('.')[2])})" for name in page.names
        )
        lines.append(f"- [{_title(page)}]({page.file}): {names}")
    return "\n".join(lines) + "\n"


def reference() -> dict[str, str]:
    """All files of docs/reference, by name."""
    made = _Reference()
    return {"README.md": _index()} | {page.file: made.page(page) for page in PAGES}
