"""Both real services behind the gateway that is shipped, as `vertebra up --console` runs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services import running_catalog, running_trainer
from vertebra.gateway import Gateway, RunningGateway, running_gateway, write_descriptors

ALLOWED_ORIGIN = "https://console.studio.example"
SCRIPT = "console.log('vertebra');\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What listens where."""

    catalog: str
    trainer: str
    gateway: RunningGateway
    descriptors: Path
    """The contract, for clients that read it."""


def draw_console(folder: Path) -> Path:
    """Write files as a built console has them."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>vertebra</title>\n")
    (folder / "assets" / "main-1a2b3c.js").write_text(SCRIPT)
    (folder / "assets" / "large-4d5e6f.css").write_text("a{color:red}\n" * 100_000)
    return folder


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """Start both services and the gateway before them."""
    home = tmp_path_factory.mktemp("doors")
    with (
        running_catalog(home / "catalog") as catalog,
        running_trainer(home / "trainer", catalog) as trainer,
    ):
        shipped = Gateway(
            catalog=catalog.address,
            trainer=trainer.address,
            listen="127.0.0.1:0",
            console_folder=draw_console(home / "console"),
            origins=(ALLOWED_ORIGIN,),
        )
        with running_gateway(shipped, home / "gateway") as gateway:
            yield Doors(
                catalog=catalog.address,
                trainer=trainer.address,
                gateway=gateway,
                descriptors=write_descriptors(home / "contract.binpb"),
            )
