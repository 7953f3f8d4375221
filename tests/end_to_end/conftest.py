"""Both real services, and pictures that even eight images teach."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.services import Service, running_catalog, running_trainer
from vertebra.catalog_client import CatalogClient
from vertebra.trainer_client import TrainerClient

SIDE_PX = 32
NUM_IMAGES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One host with both services and its files."""

    home: Path
    catalog: Service
    trainer: Service
    catalog_client: CatalogClient
    trainer_client: TrainerClient
    shapes: Path


def draw_stripes(folder: Path) -> Path:
    """Write two classes of noisy stripes, `across` and `down`: real PNG files in folders."""
    rng = np.random.default_rng(0)
    waves = 127 + 100 * np.sin(np.arange(SIDE_PX) * 1.6)
    for name, pattern in (("across", waves[:, None]), ("down", waves[None, :])):
        (folder / name).mkdir(parents=True)
        for number in range(NUM_IMAGES):
            noisy = pattern[..., None] + rng.normal(0, 25, size=(SIDE_PX, SIDE_PX, 3))
            picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
            picture.save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    """Start both services on one host, as `vertebra up` does."""
    home = tmp_path_factory.mktemp("site")
    shapes = draw_stripes(home / "shapes")
    roots = {"VERTEBRA_TRAINER_DATA_ROOTS": str(home)}
    with (
        running_catalog(home / "files") as catalog,
        running_trainer(home / "files", catalog, **roots) as trainer,
        CatalogClient(catalog.address) as catalog_client,
        TrainerClient(trainer.address) as trainer_client,
    ):
        yield Site(
            home=home,
            catalog=catalog,
            trainer=trainer,
            catalog_client=catalog_client,
            trainer_client=trainer_client,
            shapes=shapes,
        )
