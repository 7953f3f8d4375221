"""A state is known by its tensors, not by the file they are in."""

import hashlib

import pytest
import safetensors.torch
import torch

from catalog_service.blobs.safetensors_file import MalformedSafetensors
from catalog_service.blobs.state_digest import layout_digest, state_digest, tensor_digests

STATE = {
    "conv.weight": torch.arange(12.0).reshape(2, 3, 2),
    "bn.num_batches_tracked": torch.tensor(7),
}


def digest_of(path, tensors, **options):
    safetensors.torch.save_file(tensors, path, **options)
    return state_digest(tensor_digests(path))


def test_the_digest_is_what_the_contract_says(tmp_path):
    hashes = [
        hashlib.sha256(STATE[name].numpy().tobytes()).hexdigest()
        for name in ("bn.num_batches_tracked", "conv.weight")
    ]
    lines = f"bn.num_batches_tracked I64  {hashes[0]}\nconv.weight F32 2,3,2 {hashes[1]}\n"

    expected = f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
    assert digest_of(tmp_path / "f", STATE) == expected


def test_the_file_around_a_state_does_not_matter(tmp_path):
    reordered = dict(reversed(STATE.items()))

    assert digest_of(tmp_path / "a", STATE) == digest_of(
        tmp_path / "b", reordered, metadata={"format": "pt", "note": "x"}
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"conv.weight": STATE["conv.weight"] + 1e-6},
        {"conv.weight": STATE["conv.weight"].reshape(3, 2, 2)},
        {"conv.weight": STATE["conv.weight"].view(torch.int32)},
        {"conv.bias": torch.zeros(1)},
    ],
)
def test_any_change_of_a_number_a_shape_a_dtype_or_a_name_shows(tmp_path, changed):
    assert digest_of(tmp_path / "a", STATE) != digest_of(tmp_path / "b", {**STATE, **changed})


def test_a_layout_has_a_digest_without_numbers():
    layout = [("b", "F32", (1, 2)), ("a", "I64", ())]

    expected = hashlib.sha256(b"a I64 \nb F32 1,2\n").hexdigest()
    assert layout_digest(layout) == layout_digest(layout[::-1]) == f"sha256:{expected}"


@pytest.mark.parametrize("name", ["a F32 1", "a\nb", "a\u2028b"])
def test_a_name_that_could_pass_for_another_line_is_refused(name):
    with pytest.raises(MalformedSafetensors, match="white space"):
        layout_digest([(name, "F32", (1,))])
