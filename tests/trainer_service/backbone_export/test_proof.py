"""Any model's answer is compared: dictionaries of maps, lists of detections, heads of training."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tests.fakes.work_orders import write_tiny_order
from trainer_service.backbone_export import MODEL_SAFETENSORS, ExportFacts
from trainer_service.backbone_export.proof import answer_of, require_equal, tensors_in
from trainer_service.backbone_export.state_files import in_plain_memory, write_states
from trainer_service.errors import ExportNotEqual
from trainer_service.jobs import WorkOrder
from trainer_service.run_job import load_model, make_plan


class Detector(nn.Module):
    """Takes a list of images and gives dictionaries, through a head with named arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        return [{"boxes": self.head(each, scale=each.mean())} for each in images]


class Head(nn.Module):
    """Doubles."""

    def forward(self, image: Tensor, *, scale: Tensor) -> Tensor:
        return image * 2 + scale


def exported(folder: Path, order: WorkOrder) -> tuple[nn.Module, ExportFacts]:
    """Return an order's model, whose state lies in the files of an export, and what proves them."""
    model = load_model(order.model).eval()
    state = in_plain_memory(model.state_dict())
    model.load_state_dict(state, assign=True)
    write_states(folder, state, order.model.layout)
    return model, ExportFacts(order=order, plan=make_plan(order), fingerprint="", metrics={})


def test_lists_of_dictionaries_and_named_arguments_are_seen() -> None:
    images = [torch.ones(3, 2, 2), torch.zeros(3, 4, 4)]

    answer = answer_of(Detector(), ["head"], images)

    assert [tuple(one.shape) for one in answer["features"]] == [(3, 2, 2), (), (3, 4, 4), ()]
    assert [float(one.max()) for one in answer["outputs"]] == [3.0, 0.0]


def test_a_model_without_a_head_is_compared_by_its_outputs() -> None:
    answer = answer_of(nn.Identity(), [], torch.ones(1, 3, 2, 2))

    assert not answer["features"]
    assert len(answer["outputs"]) == 1


def test_what_is_no_tensor_is_no_part_of_an_answer() -> None:
    assert tensors_in({"a": [1, None, "x"], "b": (torch.ones(1), {"c": torch.zeros(2)})}) != []
    assert len(tensors_in([(224, 224), None])) == 0


def test_a_model_that_computes_something_else_with_the_same_tensors_is_no_proof(
    tmp_path: Path,
) -> None:
    """Tensors do not tell of a structure that training had changed; the probe does."""
    order = write_tiny_order(tmp_path)
    model, facts = exported(tmp_path, order)
    probe = torch.rand(1, 3, 64, 64)
    require_equal(tmp_path, model, facts, probe)

    model.register_forward_hook(lambda _module, _inputs, outputs: outputs * 2)

    with pytest.raises(ExportNotEqual, match=f"{MODEL_SAFETENSORS} read back gives outputs that"):
        require_equal(tmp_path, model, facts, probe)


def test_a_tensor_that_no_probe_reaches_is_compared_too(tmp_path: Path) -> None:
    """GoogLeNet's second head computes nothing in evaluation: its outputs would not tell."""
    order = write_tiny_order(tmp_path, architecture_id="googlenet", head={"aux": True}, side_px=64)
    model, facts = exported(tmp_path, order)
    unseen = next(t.name for t in order.model.layout.of_role("aux") if not t.is_buffer)
    probe = torch.rand(1, 3, 64, 64)
    require_equal(tmp_path, model, facts, probe)

    whole = load_file(tmp_path / MODEL_SAFETENSORS)
    save_file({**whole, unseen: whole[unseen] + 1}, tmp_path / MODEL_SAFETENSORS)

    with pytest.raises(ExportNotEqual, match=f"other numbers in {unseen}"):
        require_equal(tmp_path, model, facts, probe)
