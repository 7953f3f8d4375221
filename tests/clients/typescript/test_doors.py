"""The TypeScript client at doors: TLS of a real catalog, certificates that change, tokens."""

from pathlib import Path

import pytest

from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite
from tests.fakes.authority import Authority
from tests.services import running_catalog

ACCESS = """
[[caller]]
name = "spiffe://studio/*"
roles = ["user"]
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run node's tests against a catalog that wants certificates of one authority."""
    home = tmp_path_factory.mktemp("doors")
    variables = issue(home)
    with running_catalog(home / "catalog", **variables) as catalog:
        given = {"catalog": catalog.address, "folder": str(home)}
        return run_suite("doors", given, home)


def issue(folder: Path) -> dict[str, str]:
    """Write certificates for the catalog, for ann and for bob; return the catalog's settings."""
    authority = Authority()
    ca = authority.file(folder)
    Authority("another").file(folder, "other_ca.pem")
    cert, key = authority.files(folder, "catalog", hosts=["127.0.0.1"])
    for name in ("ann", "bob"):
        authority.files(folder, name, uris=[f"spiffe://studio/{name}"])
    access = folder / "access.toml"
    access.write_text(ACCESS)
    return {
        "VERTEBRA_CATALOG_ACCESS": str(access),
        "VERTEBRA_CATALOG_TLS_CERT": str(cert),
        "VERTEBRA_CATALOG_TLS_KEY": str(key),
        "VERTEBRA_CATALOG_TLS_CLIENT_CA": str(ca),
    }


@pytest.mark.parametrize("name", names_in("doors"))
def test_the_client(name: str, told: Outcomes) -> None:
    assert told.get(name, "it was not run") == ""
