"""What the pages say about settings is what the code reads, their links lead somewhere, and a test
stands behind every block.

Console blocks, programs in Python and named files are run by tests/end_to_end/test_readme.py and
test_air_gap.py.
"""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from catalog_service.serving.settings_reader import settings_table
from catalog_service.settings import CatalogSettings
from tests import pages
from trainer_service.settings import TrainerSettings

VARIABLE = re.compile(r"VERTEBRA_(?:CATALOG|TRAINER)_[A-Z_]*[A-Z]")
OF_CLIENTS = ("VERTEBRA_CATALOG_ADDRESS", "VERTEBRA_TRAINER_ADDRESS")

RUN_IN_SESSIONS = {"console", "python"}
BEHIND_BLOCKS = {
    ("From Go", "sh"): "tests/clients/go/test_example.py",
    ("From Go", "text"): "tests/clients/go/test_example.py",
    ("From Rust", "sh"): "tests/clients/rust/test_rust_client.py",
    ("From Rust", "text"): "tests/clients/rust/test_rust_client.py",
    ("From Java", "sh"): "tests/clients/java/test_java_client.py",
    ("From Java", "text"): "tests/clients/java/test_java_client.py",
    ("From TypeScript", "sh"): "tests/clients/typescript/test_example.py",
    ("From TypeScript", "text"): "tests/clients/typescript/test_example.py",
    ("Who gets in", "toml"): "tests/catalog_service/serving/test_access.py",
    ("Who gets in", "sh"): "tests/catalog_service/serving/test_access.py",
    ("Gateways and meshes", "sh"): "tests/mesh/test_gateway.py",
    ("Gateways and meshes", "text"): "tests/clients/python/cli/test_doctor.py",
    ("Metrics and traces", "sh"): "tests/deploy/test_readme_blocks.py",
    ("Metrics and traces", "text"): "tests/end_to_end/test_traces.py",
    ("In a cluster", "sh"): "tests/deploy/test_readme_blocks.py",
    ("In a cluster", "yaml"): "tests/deploy/test_chart.py",
    ("In a cluster", "text"): "tests/deploy/test_chart.py",
}
"""Other blocks by section and kind, and the test that runs or checks them."""

MARKS = ("<!-- settings: compared with the code by tests/rules/test_readme.py -->\n", "\n<!-- end")


def shown(default: str) -> str:
    """Return a default as the page writes it: for a person, on any machine."""
    plain = default.replace(str(Path.home()), "~").strip()
    listen = re.fullmatch(r"Listen\(host='(.+)', port=(\d+)\)", plain)
    if listen:
        return f"`{listen[1]}:{listen[2]}`"
    if plain in {"", "None", "()"}:
        return ""
    names = re.findall(r"'([^']+)'", plain) if plain.startswith("(") else [plain]
    return f"`{','.join(names)}`"


def table() -> str:
    """Return the settings of both services as a Markdown table."""
    rows = [*settings_table(CatalogSettings), *settings_table(TrainerSettings)]
    lines = ["| variable | default | what it is |", "| --- | --- | --- |"]
    for name, default, description in rows:
        words = " ".join(description.split())
        lines.append(f"| `{name}` | {shown(default)} | {words} |")
    return "\n".join(lines)


def test_the_settings_table_is_the_code():
    """A setting is documented under its field; the page repeats it."""
    text = pages.section("Settings")

    written = text.partition(MARKS[0])[2].partition(MARKS[1])[0]

    assert written.splitlines() == table().splitlines()


def test_variables_that_pages_mention_are_read():
    """By a service, or by its clients for the address."""
    rows = [*settings_table(CatalogSettings), *settings_table(TrainerSettings)]
    known = {name for name, _, _ in rows} | set(OF_CLIENTS)
    mentioned = {name for page in pages.PAGES for name in VARIABLE.findall(pages.text(page))}

    assert mentioned <= known


def written_pages() -> list[str]:
    """Return every Markdown file under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=pages.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.split()


@pytest.mark.parametrize("page", written_pages())
def test_links_lead_somewhere(page):
    """Relative links name files of this repository, and what is behind `#` one of its headings."""
    path = pages.ROOT / page

    assert [link for link in sorted(pages.links(path)) if not pages.is_there(path, link)] == []


def test_links_that_lead_nowhere_are_seen(tmp_path):
    """In tables, pictures and HTML, too."""
    page = pages.ROOT / "README.md"
    good = ["README.md", "deploy/README.md#settings", "#limits", "deploy", "https://example.org/x"]
    bad = ["nobody.md", "deploy/README.md#nowhere", "#nowhere", "../outside.md", "deploy#settings"]
    draft = tmp_path / "draft.md"
    rows = "".join(f"| [x]({link}) |\n" for link in good + bad)
    draft.write_text(f'| x |\n| --- |\n{rows}\n![x](no.svg) <img src="no.png">\n\n`[x](code.md)`\n')

    broken = {link for link in pages.links(draft) if not pages.is_there(page, link)}

    assert broken == {*bad, "no.svg", "no.png"}


def test_a_heading_is_on_one_page():
    """Tests and people find a section by its name."""
    titles = Counter(one.title for page in pages.PAGES for one in pages.headings(pages.text(page)))

    assert [title for title, num in titles.items() if num > 1] == []


def test_the_front_page_leads_to_every_other():
    front, *others = pages.PAGES

    assert {str(page.relative_to(pages.ROOT)) for page in others} <= pages.links(front)


def test_a_test_stands_behind_every_block():
    """A new one needs a row, and a test that names its section."""
    every = [block for page in pages.PAGES for block in pages.blocks(pages.text(page))]
    others = [one for one in every if one.kind not in RUN_IN_SESSIONS and not one.file]

    assert {(one.section, one.kind) for one in others} == BEHIND_BLOCKS.keys()
    for (section, _), test in BEHIND_BLOCKS.items():
        assert f'"{section}"' in (pages.ROOT / test).read_text()
