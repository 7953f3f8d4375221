"""What the README says about settings is what the code reads."""

import re
from pathlib import Path

import pytest

from catalog_service.serving.settings_reader import settings_table
from catalog_service.settings import CatalogSettings
from trainer_service.settings import TrainerSettings

README = Path(__file__).resolve().parents[2] / "README.md"
MARKS = ("<!-- settings: compared with the code by tests/rules/test_readme.py -->\n", "\n<!-- end")


def shown(default: str) -> str:
    """Return a default as the README writes it: for a person, on any machine."""
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
    """A setting is documented under its field; the README repeats it."""
    text = README.read_text()

    written = text.partition(MARKS[0])[2].partition(MARKS[1])[0]

    assert written.splitlines() == table().splitlines()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README.read_text()))))
def test_a_link_leads_somewhere(link):
    """Relative links name files of this repository."""
    assert (README.parent / link).exists()
