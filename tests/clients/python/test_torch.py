"""load_backbone: everything lands in the user's module, or nothing does and the error says why."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor, nn
from torchvision.models import resnet18, resnet34

from tests.clients.python.conftest import Serve
from tests.fakes import fake_catalog
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.catalog.v1 import checkpoint_service_pb2
from vertebra.torch import BackboneMismatch, BackboneUnreadable, load_backbone

State = dict[str, Tensor]


def tiny_backbone(width: int = 4) -> nn.Sequential:
    """A backbone with a convolution and a batch norm."""
    layers = {"conv": nn.Conv2d(3, width, 3), "norm": nn.BatchNorm2d(width)}
    body = nn.Sequential()
    for name, layer in layers.items():
        body.add_module(name, layer)
    return body


class Wrapped(nn.Module):
    """A user's module: the backbone under a name of their own, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = tiny_backbone()
        self.head = nn.Linear(4, 2)


@pytest.fixture
def state() -> State:
    torch.manual_seed(0)
    return {name: torch.rand_like(value.float()).to(value.dtype) for name, value in
            tiny_backbone().state_dict().items()}  # fmt: skip


@pytest.fixture(params=["safetensors", "ckpt"])
def file(request: pytest.FixtureRequest, state: State, tmp_path: Path) -> Path:
    path = tmp_path / f"backbone.{request.param}"
    if request.param == "safetensors":
        save_file(state, path, metadata={"format": "pt"})
    else:
        torch.save(state, path)
    return path


def assert_holds(module: nn.Module, state: State) -> None:
    """Compare exactly."""
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name]), name


def copy_of(module: nn.Module) -> State:
    """Return the numbers as they are now."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_a_file_lands_in_the_module_whole(file: Path, state: State) -> None:
    model = tiny_backbone()

    report = load_backbone(model, file)

    assert_holds(model, state)
    assert (report.num_loaded, report.prefix, report.head) == (len(state), "", ())


def test_the_users_prefix_is_found_and_the_head_is_reported(file: Path, state: State) -> None:
    model = Wrapped()
    head = copy_of(model.head)

    report = load_backbone(model, file)

    assert_holds(model.trunk, state)
    assert_holds(model.head, head)
    assert report.prefix == "trunk."
    assert report.head == ("head.weight", "head.bias")
    assert "under 'trunk.'" in str(report) and "head.weight" in str(report)


def test_a_missing_place_is_an_error_and_changes_nothing(state: State, tmp_path: Path) -> None:
    torch.save(state | {"extra.weight": torch.ones(2)}, tmp_path / "backbone.ckpt")
    model = Wrapped()
    before = copy_of(model)

    with pytest.raises(BackboneMismatch, match=r"extra\.weight") as caught:
        load_backbone(model, tmp_path / "backbone.ckpt")

    assert caught.value.missing == ("extra.weight",)
    assert_holds(model, before)


def test_a_misshapen_tensor_is_an_error_and_changes_nothing(file: Path) -> None:
    model = tiny_backbone(width=5)
    before = copy_of(model)

    with pytest.raises(BackboneMismatch, match=r"file \[4, 3, 3, 3\], module \[5, 3, 3, 3\]"):
        load_backbone(model, file)

    assert_holds(model, before)


def test_partial_loads_say_what_was_left_out(state: State, tmp_path: Path) -> None:
    torch.save(state | {"extra.weight": torch.ones(2)}, tmp_path / "backbone.ckpt")
    model = tiny_backbone()

    report = load_backbone(model, tmp_path / "backbone.ckpt", allow_partial=True)

    assert report.missing == ("extra.weight",)
    assert not report.is_complete
    assert "left out: extra.weight" in str(report)
    assert_holds(model, state)


def test_a_smaller_backbone_does_not_pass_for_a_larger_one(tmp_path: Path) -> None:
    """Every tensor of a resnet18 has a place of equal shape in a resnet34."""
    small = resnet18(weights=None).state_dict()
    backbone = {name: value for name, value in small.items() if not name.startswith("fc.")}
    save_file(backbone, tmp_path / "resnet18.safetensors")
    model = resnet34(weights=None)
    assert not model.load_state_dict(small, strict=False).unexpected_keys

    with pytest.raises(BackboneMismatch, match=r"layer1\.2\.conv1\.weight"):
        load_backbone(model, tmp_path / "resnet18.safetensors")


def test_the_published_layout_without_counters_is_loaded(tmp_path: Path) -> None:
    published = {
        name: value
        for name, value in resnet18(weights=None).state_dict().items()
        if not name.startswith("fc.") and not name.endswith("num_batches_tracked")
    }
    torch.save(published, tmp_path / "resnet18.pth")
    model = resnet18(weights=None)

    report = load_backbone(model, tmp_path / "resnet18.pth")

    assert report.head == ("fc.weight", "fc.bias")
    assert len(report.counters) == 20
    assert torch.equal(model.conv1.weight, published["conv1.weight"])


def test_numbers_of_another_dtype_are_cast_and_reported(state: State, tmp_path: Path) -> None:
    half = {name: value.half() if value.is_floating_point() else value for name, value in
            state.items()}  # fmt: skip
    save_file(half, tmp_path / "half.safetensors")
    model = tiny_backbone()

    report = load_backbone(model, tmp_path / "half.safetensors")

    assert set(report.cast) == {name for name in state if not name.endswith("tracked")}
    assert model.conv.weight.dtype == torch.float32  # type: ignore[union-attr]


class Exploding:
    """What executing a pickle would do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("executed"),))  # type: ignore[return-value]


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv.weight": Exploding()}, tmp_path / "evil.ckpt")

    with pytest.raises(BackboneUnreadable, match="not a file of tensors"):
        load_backbone(tiny_backbone(), tmp_path / "evil.ckpt")

    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [{}, {"state": 3}, [1, 2]])
def test_what_is_no_state_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "strange.ckpt")

    with pytest.raises(BackboneUnreadable):
        load_backbone(tiny_backbone(), tmp_path / "strange.ckpt")


def test_a_module_without_memory_is_refused(file: Path) -> None:
    with torch.device("meta"):
        model = tiny_backbone()

    with pytest.raises(ValueError, match="meta"):
        load_backbone(model, file)


def test_a_reference_without_a_catalog_says_what_to_give() -> None:
    with pytest.raises(FileNotFoundError, match="give a catalog"):
        load_backbone(tiny_backbone(), "checkpoints/letters")


def test_a_checkpoint_is_fetched_from_the_catalog(
    catalog: FakeCatalog, serve: Serve, state: State
) -> None:
    blob = catalog.blobs.keep(save(state))
    catalog.registered["letters"] = checkpoint_service_pb2.Checkpoint(blob=blob)
    model = Wrapped()

    report = load_backbone(model, "checkpoints/letters", catalog=serve(catalog))

    assert_holds(model.trunk, state)
    assert report.source == "checkpoints/letters"


def test_a_weight_is_built_by_the_catalog_and_its_backbone_fetched(
    catalog: FakeCatalog, serve: Serve, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_catalog, "BACKBONE", save(state))
    model = Wrapped()

    load_backbone(model, "torchvision/resnet18.IMAGENET1K_V1", catalog=serve(catalog))

    assert_holds(model.trunk, state)
