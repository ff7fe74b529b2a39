"""The pages of the documentation are complete, and what they name exists."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from vivavoce.cli.app import app
from vivavoce.cli.config import defaults_of

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
STUDIES = ROOT / "benchmarks" / "studies"
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted(STUDIES.glob("*.md")),
]
WRITTEN = [page for page in PAGES if page != DOCS / "cli.md"]  # that one comes from the commands
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXTRAS = re.compile(r"pip install (?:-c constraints\.txt )?\"(?:\.|vivavoce)\[([\w,]+)\]\"")
COMMANDS = typer.main.get_command(app)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+|[\w-]+\.(?:py|md|toml|tsv|txt|yaml|json))`")
PACKAGE = ROOT / "src" / "vivavoce"
FOLDERS = (ROOT, PACKAGE, PACKAGE / "asr" / "session", PACKAGE / "asr" / "engine")
OF_USERS = {"config.toml", "main.py"}


def name(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "page",
    [
        DOCS / "architecture.md",
        *RECORDS,
        *sorted((DOCS / "how-to").glob("*.md")),
        *sorted(STUDIES.glob("*.md")),
    ],
    ids=name,
)
def test_paths_exist(page):
    for path in PATH.findall(page.read_text()):
        assert path in OF_USERS or any((folder / path).exists() for folder in FOLDERS), path


def test_the_readme_and_the_map_are_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150
    assert len((DOCS / "architecture.md").read_text().splitlines()) <= 130


def test_the_index_of_decisions_lists_each_record_once():
    listed = re.findall(
        r"^- \[(\d+)\]\(([^)]+)\) (.+)$", (DOCS / "decisions/README.md").read_text(), re.MULTILINE
    )
    assert [file for _, file, _ in listed] == [record.name for record in RECORDS]
    for (number, file, title), count in zip(listed, range(1, len(RECORDS) + 1), strict=True):
        assert int(number) == count
        assert file.startswith(number)
        assert (DOCS / "decisions" / file).read_text().startswith(f"# {number}. {title}\n")


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_record_has_four_parts(record):
    parts = re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE)
    assert parts == ["Context", "Decision", "Measured", "Consequences"]


@pytest.mark.parametrize(
    "index", [DOCS / "README.md", DOCS / "how-to" / "README.md", STUDIES / "README.md"], ids=name
)
def test_an_index_lists_every_page_beside_it(index):
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    assert {page for page in index.parent.glob("*.md") if page != index} <= linked


@pytest.mark.parametrize("picture", sorted((DOCS / "pictures").glob("*.svg")), ids=name)
def test_a_picture_is_small_and_loads_nothing(picture):
    text = picture.read_text()
    assert len(text) < 100_000
    assert "<title>" in text
    assert not re.search(r"(?:href|src)=|@import|url\((?!#)", text)


def commands(page):
    """Each use of the command line on a page, without what surrounds it in the shell."""
    for kind, text in BLOCK.findall(page.read_text()):
        for line in text.splitlines() if not kind else []:
            words = shlex.split(line, comments=True)
            if "vivavoce" in words:
                arguments = words[words.index("vivavoce") + 1 :]
                yield arguments[: arguments.index(">")] if ">" in arguments else arguments


@pytest.mark.parametrize("page", [page for page in WRITTEN if any(commands(page))], ids=name)
def test_commands_take_their_options(page):
    for command, *arguments in commands(page):
        if command in COMMANDS.commands:
            context = typer.Context(COMMANDS, info_name="vivavoce")
            COMMANDS.commands[command].make_context(command, arguments, parent=context)


def test_extras_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for page in PAGES:
        for listed in EXTRAS.findall(page.read_text()):
            assert set(listed.split(",")) <= set(extras), page


@pytest.mark.parametrize("page", [page for page in PAGES if "```toml" in page.read_text()], ids=name)
def test_configuration_files_are_read(page):
    for kind, text in BLOCK.findall(page.read_text()):
        if kind == "toml":
            assert defaults_of(COMMANDS, tomllib.loads(text), Path("config.toml"))
