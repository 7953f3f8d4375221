"""The house rules that no linter knows: names, sizes, quiet imports, nothing private committed."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("catalog_service", "trainer_service", "clients/python/vertebra")
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "core", "manager", "misc"}
MAX_FILE_LINES = 300
MAX_FAMILY_LINES = 400
MAX_FUNCTION_LINES = 40
REGISTRY = re.compile(r"(index-url|registry\s*=|resolution\s*=).*https?://", re.IGNORECASE)


def source_files() -> list[Path]:
    """Return all hand-written Python files of the three packages."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return sorted(path for path in files if "_pb2" not in path.name)


def tracked_files() -> list[Path]:
    """Return all files under version control that are text."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a file, methods and inner ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def statements_at_import(path: Path) -> Iterator[ast.stmt]:
    """Yield what runs when a module is imported, but for definitions, imports and constants."""
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in ast.parse(path.read_text()).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_constant = isinstance(node, ast.Assign | ast.AnnAssign)
        is_guard = isinstance(node, ast.If) and ast.unparse(node.test) in {
            "sys.platform != 'win32'",
            "TYPE_CHECKING",
            "__name__ == '__main__'",
        }
        if not (isinstance(node, allowed) or is_docstring or is_constant or is_guard):
            yield node


def named(path: Path) -> str:
    """Return the path as people write it."""
    return str(path.relative_to(ROOT))


def test_files_are_short():
    """A long file hides things."""
    limits = {
        path: MAX_FAMILY_LINES if "families" in path.parts else MAX_FILE_LINES
        for path in source_files()
    }
    lengths = {path: len(path.read_text().splitlines()) for path in limits}

    assert [named(path) for path in limits if lengths[path] > limits[path]] == []


def test_no_file_or_folder_has_a_name_that_says_nothing():
    """A file called utils hides everything."""
    parts = {path: {path.stem, *path.relative_to(ROOT).parts} for path in source_files()}

    assert [named(path) for path in parts if BANNED_NAMES & parts[path]] == []


def test_functions_are_short():
    """The tail is what people complain about."""
    long = [
        f"{named(path)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in source_files()
        for node in functions(path)
        if node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]

    assert long == []


def test_nothing_happens_at_import():
    """Importing a module defines things; it does not do things."""
    found = [
        f"{named(path)}: {ast.unparse(node)[:80]}"
        for path in source_files()
        for node in statements_at_import(path)
    ]

    assert found == []


def test_a_module_opens_with_what_it_is_for():
    """One paragraph on top of each file."""
    silent = [path for path in source_files() if not ast.get_docstring(ast.parse(path.read_text()))]

    assert [named(path) for path in silent] == []


def test_async_stays_at_the_edge():
    """Below the serving rooms everything is plain synchronous Python."""
    edge = {"api", "serving", "supervisor", "engines", "catalog_gateway", "__main__.py"}
    inside = [path for path in source_files() if "clients" not in path.parts]
    strays = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in inside
        if not edge.intersection(path.relative_to(ROOT).parts) and path.stem != "supervisor"
        for node in functions(path)
        if isinstance(node, ast.AsyncFunctionDef)
    ]

    assert strays == []


def test_no_registry_host_and_no_private_path_is_committed():
    """What is committed must work and make sense elsewhere."""
    parents = re.escape(str(ROOT.parent)) + r"/(main|shared|\.library)"
    forbidden = re.compile(f"{REGISTRY.pattern}|{parents}", re.IGNORECASE)
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in forbidden.finditer(text)]

    assert [line for line in found if not line.startswith("tests/rules/")] == []


def test_the_lock_files_are_hashed_and_name_no_host():
    """Every requirement has its sha256, and none says where it was fetched."""
    for lock in sorted((ROOT / "deploy").glob("*.lock")):
        text = lock.read_text()
        pins = re.findall(r"^[a-z0-9-]+==.*?(?=^[a-z0-9-]+==|\Z)", text, re.MULTILINE | re.DOTALL)

        assert pins
        assert all("--hash=sha256:" in pin for pin in pins), lock.name
        assert "://" not in text
