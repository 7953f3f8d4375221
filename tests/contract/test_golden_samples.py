"""Samples that every language decodes: complete, of this contract, and read as they were meant.

The other languages' own tests read the same files: tests/clients.
"""

import base64
import json

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

from protos import golden_samples

FILES = sorted((golden_samples.PROTOS / "golden").glob("*.json"))
KINDS = {kind.full_name: kind for kind in golden_samples.messages()}


def decoded(sample):
    """Return the message that a sample's bytes are."""
    message = GetMessageClass(KINDS[sample["message"]])()
    message.ParseFromString(base64.b64decode(sample["wire"]))
    return message


def test_the_samples_of_this_version_are_fresh():
    """`make protos` writes them."""
    path = golden_samples.PROTOS / "golden" / f"{golden_samples.version()}.json"

    assert path.read_text() == golden_samples.text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_any_release_wrote_is_still_read(path, counted):
    """A field that was moved or removed shows as unknown, or as another value."""
    samples = json.loads(path.read_text())

    wrong = [
        f"{sample['message']} {sample['choice']}"
        for sample in samples
        if json_format.MessageToDict(decoded(sample)) != sample["json"]
        or len(UnknownFieldSet(decoded(sample)))
    ]

    assert len(samples) > len(KINDS) / 2
    assert wrong == []
    counted(releases=1, samples=len(samples))


def test_every_field_of_every_message_is_in_a_sample():
    samples = json.loads(golden_samples.text())
    there = {
        f"{sample['message']}.{field.name}"
        for sample in samples
        for field, _ in decoded(sample).ListFields()
    }

    everything = {f"{name}.{field.name}" for name, kind in KINDS.items() for field in kind.fields}

    assert everything - there == set()


def test_a_sample_that_lost_a_field_is_seen():
    """Guards the tests above: a changed tag is an unknown field."""
    sample = next(one for one in golden_samples.samples() if one["json"])
    wire = bytearray(base64.b64decode(sample["wire"]))
    wire[0] |= 0x78  # field 15, which no message of one field has

    message = GetMessageClass(KINDS[sample["message"]])()
    message.ParseFromString(bytes(wire))

    assert len(UnknownFieldSet(message)) == 1
    assert json_format.MessageToDict(message) != sample["json"]
