"""The contract as Envoy reads it: one file with the descriptors of every message and service."""

from collections.abc import Iterable
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

from vertebra.blob.v1 import blob_service_pb2
from vertebra.catalog.v1 import (
    architecture_service_pb2,
    checkpoint_service_pb2,
    model_service_pb2,
    storage_service_pb2,
    weights_service_pb2,
)
from vertebra.diagnostics.v1 import path_service_pb2
from vertebra.trainer.v1 import train_job_service_pb2

SERVICE_FILES: tuple[FileDescriptor, ...] = (
    architecture_service_pb2.DESCRIPTOR,
    blob_service_pb2.DESCRIPTOR,
    checkpoint_service_pb2.DESCRIPTOR,
    model_service_pb2.DESCRIPTOR,
    path_service_pb2.DESCRIPTOR,
    storage_service_pb2.DESCRIPTOR,
    train_job_service_pb2.DESCRIPTOR,
    weights_service_pb2.DESCRIPTOR,
)
"""Every service of the contract; a test compares with the protos."""

ERROR_FILES: tuple[FileDescriptor, ...] = (status_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR)
"""What a refusal is made of."""


def service_names() -> list[str]:
    """Return the full names of all services of the contract."""
    return sorted(s.full_name for file in SERVICE_FILES for s in file.services_by_name.values())


def descriptor_set() -> bytes:
    """Return a serialised FileDescriptorSet, imports before what imports them."""
    found: dict[str, FileDescriptor] = {}
    for file in (*SERVICE_FILES, *ERROR_FILES):
        _collect(file, found)
    files = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(files.file.add())
    return files.SerializeToString(deterministic=True)


def write_descriptors(file: Path) -> Path:
    """Write the descriptors into `file` and return it."""
    file.write_bytes(descriptor_set())
    return file


def _collect(file: FileDescriptor, found: dict[str, FileDescriptor]) -> None:
    imports: Iterable[FileDescriptor] = file.dependencies
    for imported in imports:
        _collect(imported, found)
    found.setdefault(file.name, file)
