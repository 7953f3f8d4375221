"""Two real catalogs: one that asks publishers on loopback, one that asks nobody. Imports torch.

with two_sites(folder) as sites:
    sites.export(folder / "bundle", "resnet18")
    carry(sites.away, folder / "bundle")
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torchvision

from tests.fakes.publishers import Publishers, publishers
from tests.services import running_catalog
from vertebra.bundle_export import BundleOrder, Watcher, export_bundle
from vertebra.bundle_files import FolderFiles, manifest_of
from vertebra.bundle_import import ImportedBundle, ImportWatcher, import_bundle
from vertebra.bundle_layout import BundleManifest
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient

WEIGHTS = ("squeezenet1_1", "shufflenet_v2_x0_5")
REPOSITORY = "huggingface/timm/resnet18.letters"
CONFIG = {"architecture": "resnet18", "num_classes": 1000}
DINOV3 = "facebook/dinov3-vits16-pretrain-lvd1689m"
QUANTIZED = "torchvision/MobileNet_V2_QuantizedWeights.IMAGENET1K_QNNPACK_V1"
EVERYTHING = (*WEIGHTS, QUANTIZED, REPOSITORY, "checkpoints/letters")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Two catalogs and a bundle of everything that was carried from the first to the second."""

    home: CatalogClient
    away: CatalogClient
    folder: Path
    carried: ImportedBundle
    world: Publishers
    published_quantized: bytes

    def export(self, folder: Path, *names: str, **fields: Any) -> BundleManifest:
        """Make a bundle; return its manifest."""
        order = BundleOrder(
            selection={"names": names},
            target=folder,
            licence_texts=fields.pop("licence_texts", {}),
            **fields,
        )
        plan = self.home.plan_bundle(order.selection, base_manifest=order.base_manifest)
        return export_bundle(self.home, order, plan, Watcher())[0]

    def manifest(self) -> Json:
        """Return the manifest of the bundle that was carried, to change it."""
        manifest: Json = json.loads((self.folder / "manifest.json").read_bytes())
        return manifest

    def outcomes(self, manifest: Json, **fields: Any) -> dict[str, wire.ImportedEntry]:
        """Return what the second catalog makes of a manifest."""
        report = self.away.import_bundle(json.dumps(manifest).encode(), **fields)
        return {one.reference: one for one in report.entries}


def carry(away: CatalogClient, folder: Path) -> ImportedBundle:
    """Import a bundle."""
    files = FolderFiles(folder)
    return import_bundle(away, files, manifest_of(files), ImportWatcher())


def register(home: CatalogClient, folder: Path, name: str, seed: int) -> None:
    """Register a backbone of resnet18."""
    torch.manual_seed(seed)
    state = torchvision.models.resnet18().state_dict()
    path = folder / f"{name}.pth"
    torch.save({n: t for n, t in state.items() if not n.startswith("fc.")}, path)
    home.register_checkpoint(
        checkpoint_id=name,
        architecture_id="resnet18",
        blob_name=home.blobs.upload(path).name,
        lineage={"method": "simclr", "licence": "CC-BY-4.0"},
        metrics={"accuracy": 0.5},
    )


def hub_file() -> bytes:
    """Return the numbers of resnet18 as timm's repositories have them."""
    from safetensors.torch import save

    torch.manual_seed(9)
    return save({n: t.clone() for n, t in torchvision.models.resnet18().state_dict().items()})


def publish_quantized(world: Publishers) -> bytes:
    """Publish a quantized weight; return its file."""
    path = world.folder.write_state("quantized_mobilenet_v2", {"packed": torch.zeros(8)})
    data = path.read_bytes()
    path.unlink()
    world.torchvision.add(world.path(path), data)
    return data


@contextmanager
def two_sites(root: Path) -> Iterator[Sites]:
    """Yield two sites; a bundle of everything was exported and imported."""
    with publishers(root / "published") as world:
        raw = publish_quantized(world)
        for name in (*WEIGHTS, "mobilenet_v3_small"):
            world.publish(name).path.unlink()
        name = REPOSITORY.removeprefix("huggingface/")
        files = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": hub_file()}
        world.hub.repository(name, files)
        index = str(world.folder.index_path)
        with (
            running_catalog(root / "home", **world.variables) as first,
            running_catalog(root / "away", VERTEBRA_CATALOG_INDEX=index) as second,
            CatalogClient(first.address) as home,
            CatalogClient(second.address) as away,
        ):
            register(home, root, "letters", 1)
            register(home, root, "others", 2)
            fields = {"home": home, "away": away, "folder": root / "b", "world": world}
            nothing = ImportedBundle(
                report=wire.ImportBundleResponse(), defects=(), lacking=(), is_dry_run=False
            )
            sites = Sites(**fields, carried=nothing, published_quantized=raw)
            sites.export(root / "b", *EVERYTHING)
            yield replace(sites, carried=carry(away, root / "b"))
