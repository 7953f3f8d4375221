"""The README's pictures are what the catalog draws today."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tests.services import running_catalog

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pictures():
    """The script behind `make pictures`."""
    spec = spec_from_file_location("pictures", ROOT / "deploy" / "pictures.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_fresh_and_the_readme_shows_each(pictures, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    with running_catalog(tmp_path) as catalog:
        drawn = dict(pictures.drawings(catalog.address))

    assert set(drawn) == {path.name for path in pictures.PICTURES.iterdir()}
    for name, content in drawn.items():
        assert (pictures.PICTURES / name).read_text(encoding="utf-8") == content, name
        assert f"deploy/pictures/{name}" in readme
