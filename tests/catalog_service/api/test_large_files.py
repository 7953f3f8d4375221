"""The big members: half precision inside, and the old names of vision transformers."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.fakes.published_weights import PublishedFolder
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient

pytestmark = pytest.mark.full


@pytest.mark.parametrize(
    ("architecture", "weight", "rule"),
    [
        ("wide_resnet50_2", "Wide_ResNet50_2_Weights.IMAGENET1K_V1", "F16"),
        ("vit_b_32", "ViT_B_32_Weights.IMAGENET1K_V1", "mlp.linear_1"),
        ("mnasnet1_0", "MNASNet1_0_Weights.IMAGENET1K_V1", ""),
    ],
)
def test_a_large_published_file_becomes_the_model(
    architecture: str, weight: str, rule: str, tmp_path: Path
) -> None:
    folder = PublishedFolder(tmp_path / "mirror")
    file = folder.write(architecture, weight)
    with (
        running_catalog(
            tmp_path / "home",
            VERTEBRA_CATALOG_MIRRORS=str(folder.folder),
            VERTEBRA_CATALOG_INDEX=str(folder.index_path),
        ) as service,
        CatalogClient(service.address) as client,
    ):
        model = client.build_model({"backbone": architecture, "weights": weight})
        state: dict[str, torch.Tensor] = {}
        for part in model.parts:
            path = client.blobs.download(part.blob.name, tmp_path / part.blob.digest[7:])
            state |= load_file(path)

    is_half = rule == "F16"
    assert sorted(state) == sorted(file.canonical)
    for name, tensor in file.canonical.items():
        expected = tensor.half().float() if is_half and tensor.is_floating_point() else tensor
        assert state[name].dtype == tensor.dtype
        assert torch.equal(state[name], expected), name
    assert any(rule in fired for fired in model.load_report.rules) or not rule
