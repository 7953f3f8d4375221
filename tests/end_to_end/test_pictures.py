"""The pages' pictures are what the catalog draws today."""

from importlib.util import module_from_spec, spec_from_file_location

import pytest

from tests import pages
from tests.services import running_catalog


@pytest.fixture
def pictures():
    """The script behind `make pictures`."""
    spec = spec_from_file_location("pictures", pages.ROOT / "deploy" / "pictures.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_fresh_and_a_page_shows_each(pictures, tmp_path):
    shown = {link for page in pages.PAGES for link in pages.links(page)}
    with running_catalog(tmp_path) as catalog:
        drawn = dict(pictures.drawings(catalog.address))

    assert set(drawn) == {path.name for path in pictures.PICTURES.glob("*.svg")}
    for name, content in drawn.items():
        assert (pictures.PICTURES / name).read_text(encoding="utf-8") == content, name
    for path in pictures.PICTURES.iterdir():
        assert any(link.endswith(f"pictures/{path.name}") for link in shown), path.name
