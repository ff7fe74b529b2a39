"""No module and no function outgrows what a reader can hold at once."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
MODULE_LINES = 450
FUNCTION_LINES = 60
FOLDERS = ("src", "benchmarks", "scripts")


def too_long(path, text):
    """Names of what is too long, with their lengths."""
    name = path.relative_to(ROOT).as_posix()
    length = len(text.splitlines())
    if length > MODULE_LINES:
        yield name, length
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{name}: {node.name}", length


def test_modules_and_functions_are_short():
    modules = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    found = [item for path in modules for item in too_long(path, path.read_text(encoding="utf-8"))]
    long = [f"{name} has {length} lines" for name, length in found]
    assert not long, "\n".join(
        [
            f"At most {MODULE_LINES} lines in a module, {FUNCTION_LINES} in a function, `def` included.",
            "Move a part that has a name of its own into a module or a function of its own:",
            *long,
        ]
    )


def test_what_is_too_long_is_found():
    text = "def long():\n" + "    pass\n" * FUNCTION_LINES + "\n" * MODULE_LINES
    path = ROOT / "src" / "some.py"
    assert dict(too_long(path, text)) == {
        "src/some.py": FUNCTION_LINES + 1 + MODULE_LINES,
        "src/some.py: long": FUNCTION_LINES + 1,
    }
    assert dict(too_long(path, "def short():\n" + "    pass\n" * (FUNCTION_LINES - 1))) == {}
