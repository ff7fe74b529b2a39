"""The pages of docs/reference, from the docstrings of the public names; run by scripts/describe."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import griffe
from describe_pages import HEAD, PAGES, PLACES, Page, anchor, index, title
from describe_signatures import as_shown, constructor, fields, is_long, is_property, members, signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["reference"]

SOURCE: Final = Path(__file__).parents[1] / "src"
_NOT_CONSTRUCTED: Final = ("Session", "AsyncSession", "Connecting")  # by programs
_PACKAGES: Final = ("vivavoce.streaming.v3.", "vivavoce.types.", "vivavoce.captions.", "vivavoce.")


class _Reference:
    """Renders docstrings as Markdown, with links between the pages."""

    def __init__(self) -> None:
        self.package = griffe.load(
            "vivavoce", search_paths=[SOURCE], docstring_parser="google", resolve_aliases=True
        )
        self.anchors: dict[str, str] = {}
        """Page and anchor by canonical path."""
        for page in PAGES:
            for name in page.names:
                found = self.find(page, name)
                shown = name.rpartition(".")[2]
                self.anchors[found.path] = f"{page.file}#{anchor(shown)}"
                if found.is_class:
                    for member in members(found):
                        self.anchors[member.path] = f"{page.file}#{anchor(f'{shown}.{member.name}')}"

    def find(self, page: Page, name: str) -> Any:
        """The object that a page names."""
        places = {"events.md": "client.events", "captions.md": "captions", "errors.md": "errors"}
        path = f"{page.module.removeprefix('vivavoce').removeprefix('.')}.{name}".removeprefix(".")
        if page.file == "events.md":
            path = f"{places[page.file]}.{name}"
        elif page.file == "vivavoce.md":
            path = PLACES.get(name, name)
        elif "." in name:
            path = name
        found = self.package[path]
        return found.final_target if found.is_alias else found

    def page(self, page: Page) -> str:
        """One file."""
        module = self.package if page.module == "vivavoce" else self.package[page.module.partition(".")[2]]
        text = page.text or self.prose(module.docstring.value)
        parts = [HEAD, f"# {title(page)}\n", f"{text}\n"]
        for section in page.sections:
            if len(page.sections) > 1:
                parts.append(f"## {section.title}\n")
            parts += (self.entry(self.find(page, name), name.rpartition(".")[2]) for name in section.names)
        if page.elsewhere:
            parts += self.others(page, module)
        return "\n".join(parts).rstrip() + "\n"

    def others(self, page: Page, module: Any) -> Iterator[str]:
        """The names of a module that other pages document, or that are aliases."""
        documented = set(page.names)
        yield "## Names documented on other pages\n"
        lines = []
        for name in module.exports:
            if str(name) in documented:
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
            parts += [signature(found, name), *self.sections(found)]
        else:
            if not is_long(found):
                parts.append(f"```py\n{name} = {found.value}\n```\n")
            parts += self.sections(found)
        return "\n".join(parts)

    def class_parts(self, found: Any, name: str) -> Iterator[str]:
        """A class with its public members."""
        bases = [str(base) for base in found.bases]
        public = [
            self.link(base, self.path_of(found, base)) for base in bases if self.is_documented(found, base)
        ]
        if (init := constructor(found)) and name not in _NOT_CONSTRUCTED:
            yield signature(init, name)
        elif lines := fields(found):
            yield "```py\n" + "\n".join(lines) + "\n```\n"
        yield from self.sections(found)
        if public:
            yield f"A kind of {', '.join(public)}.\n"
        if "StrEnum" in "".join(bases) or "Enum" in bases or "enum.Enum" in bases:
            yield from self.values(found)
        for member in members(found):
            shown = f"{name}.{member.name}"
            yield f"#### `{shown}`\n"
            if member.is_function:
                yield signature(member, member.name)
            elif member.annotation is not None:
                yield as_shown(f"```py\n{member.name}: {member.annotation}\n```\n")
            yield from self.sections(member)

    def values(self, found: Any) -> Iterator[str]:
        """The members of an enumeration."""
        lines = []
        for member in found.members.values():
            if (
                member.is_attribute
                and not member.name.startswith("_")
                and member.value is not None
                and not is_property(member)
            ):
                text = f": {self.prose(member.docstring.value)}" if member.docstring else ""
                lines.append(f"- `{member.name}` = `{member.value}`{text}")
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
        """The canonical path of a name in a class or a module; the name itself if it has none."""
        plain = name.partition("[")[0]
        module = scope.module if scope is not None else self.package
        for place in (module, self.package, self.package["errors"], self.package["streaming.v3"]):
            if plain in place.members:
                found = place[plain]
                try:
                    return str(self.target(found).path)
                except (griffe.AliasResolutionError, KeyError):
                    return plain
        if plain in PLACES:
            return f"vivavoce.{PLACES[plain]}"
        for prefix in ("", *_PACKAGES):
            if prefix + plain in self.anchors:
                return prefix + plain
        return plain

    def is_documented(self, scope: Any, name: str) -> bool:
        """Whether a page documents it."""
        return self.path_of(scope, name) in self.anchors

    def link(self, name: str, path: str) -> str:
        """A name, with a link if a page documents it."""
        shown = f"`{name.removeprefix('vivavoce.')}`"
        return f"[{shown}]({self.anchors[path]})" if path in self.anchors else shown


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


def reference() -> dict[str, str]:
    """All files of docs/reference, by name."""
    made = _Reference()
    return {"README.md": index()} | {page.file: made.page(page) for page in PAGES}
