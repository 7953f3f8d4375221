"""Where a file keeps its state: under one key, under several, or nowhere."""

from typing import Any

import pytest

from catalog_service.reader.find_state import find_state
from catalog_service.reader.pickled_values import Ignored, PickledMapping, StorageRef, TensorRef
from catalog_service.reader.unreadable import FileUnreadable


def tensor() -> TensorRef:
    storage = StorageRef(key="0", dtype="F32", num_items=1)
    return TensorRef(storage=storage, dtype="F32", offset=0, shape=(1,), stride=(1,))


def mapping(**items: Any) -> PickledMapping:
    """Return a pickled dictionary of what may be dictionaries itself."""
    found = PickledMapping()
    for key, value in items.items():
        found.items[key] = mapping(**value) if isinstance(value, dict) else value
    return found


def test_the_only_state_is_taken_whatever_lies_beside() -> None:
    found = find_state(mapping(epoch=3, model={"state_dict": {"a": tensor()}}, optimizer={"b": 1}))

    assert (list(found.tensors), found.taken_from) == (["a"], "model.state_dict")
    assert found.ignored == ("epoch (int)", "optimizer (a mapping with b)")


@pytest.mark.parametrize(
    ("first", "second"),
    [("student", "teacher"), ("model", "model_ema"), ("state_dict", "state_dict_ema")],
)
def test_states_side_by_side_all_come_out_behind_their_keys(first: str, second: str) -> None:
    root = mapping(**{first: {"a": tensor()}, second: {"a": tensor()}, "epoch": 3})

    found = find_state(root)

    assert set(found.tensors) == {f"{first}.a", f"{second}.a"}
    assert (found.taken_from, found.ignored) == ("", ("epoch (int)",))


def test_states_side_by_side_below_a_key_are_found_there() -> None:
    found = find_state(mapping(state_dict={"student": {"a": tensor()}, "teacher": {"a": tensor()}}))

    assert set(found.tensors) == {"student.a", "teacher.a"}
    assert found.taken_from == "state_dict"


def test_a_key_without_a_state_is_no_second_one() -> None:
    found = find_state(mapping(state_dict={"a": tensor()}, model={"width": 64}))

    assert (list(found.tensors), found.taken_from) == (["a"], "state_dict")


def test_versions_get_the_keys_too() -> None:
    versions = mapping(layer={"version": 2})
    root = mapping(student={"a": tensor()}, teacher={"a": tensor()})
    for key in ("student", "teacher"):
        root.items[key].attributes["_metadata"] = versions

    assert find_state(root).versions == {"student.layer": 2, "teacher.layer": 2}


def test_no_state_is_refused() -> None:
    with pytest.raises(FileUnreadable, match="no state dictionary in it"):
        find_state(mapping(epoch=3, args={"lr": 1}))


def test_values_that_are_no_tensors_are_said_to_be_none() -> None:
    """A sharded or sparse state has the right names; only its values are not plain numbers."""
    sharded = Ignored("torch.distributed.tensor.DTensor")

    with pytest.raises(FileUnreadable) as caught:
        find_state(mapping(weight=sharded, bias=sharded, model={"a": {"b": tensor()}}))

    assert caught.value.message == (
        "no state dictionary in it, but a mapping with weight (torch.distributed.tensor.DTensor), "
        "bias (torch.distributed.tensor.DTensor), model (a mapping with a)"
    )


def test_a_dictionary_that_holds_itself_ends() -> None:
    root = mapping(epoch=3)
    for key in ("model", "state_dict", "student", "teacher"):
        root.items[key] = root

    with pytest.raises(FileUnreadable):
        find_state(root)
