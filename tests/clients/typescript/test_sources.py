"""House rules for TypeScript: the client's and the console's sources."""

import re
from pathlib import Path

from tests.clients.typescript.node_suite import CLIENTS

SOURCES = ("typescript/src", "typescript/test", "typescript/examples", "console/src")
MAX_FILE_LINES = 300
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "core", "manager", "misc"}
UNSAFE = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
UNTYPED = re.compile(r"\bas any\b|: any\b|<any>|@ts-ignore|@ts-nocheck")


def sources() -> list[Path]:
    """Return every hand-written file."""
    found = [path for folder in SOURCES for path in (CLIENTS / folder).rglob("*.ts*")]
    return sorted(path for path in found if "gen" not in path.parts)


def offences(pattern: re.Pattern[str]) -> list[str]:
    """Return where a pattern is found."""
    return [
        f"{path.relative_to(CLIENTS)}: {match[0]}"
        for path in sources()
        for match in pattern.finditer(path.read_text())
    ]


def test_files_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in sources()}

    assert len(lengths) > 40
    assert [path.name for path in lengths if lengths[path] > MAX_FILE_LINES] == []


def test_no_file_has_a_name_that_says_nothing():
    assert [path for path in sources() if path.stem.split(".")[0] in BANNED_NAMES] == []


def test_nothing_is_written_as_html():
    """Names of files and classes are other people's text."""
    assert offences(UNSAFE) == []


def test_no_type_is_given_up():
    assert offences(UNTYPED) == []


def test_a_module_opens_with_what_it_is_for():
    modules = [path for path in sources() if not path.name.endswith(".d.ts")]
    silent = [path.name for path in modules if not path.read_text().startswith("/**")]

    assert silent == []
