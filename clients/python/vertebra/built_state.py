"""A model that the catalog has built: its description is here, its numbers come when asked for."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vertebra.blob_client import BlobClient
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.model.v1 import layout_pb2

if TYPE_CHECKING:
    from torch import nn

ModuleOf = Callable[[layout_pb2.Recipe, Path, Path], "nn.Module"]


class ModelLibraryMissing(ImportError):
    """This installation cannot build modules: it is the light client."""


class BuiltState:
    """What `CatalogClient.build` returns.

    Args:
        model: the catalog's answer: layout, recipe, digests, load report, contracts.
        blobs: of the same catalog.
    """

    def __init__(self, model: models.BuiltModel, blobs: BlobClient) -> None:
        self.model = model
        self._blobs = blobs

    def __repr__(self) -> str:
        return f"<BuiltState {self.model.name}>"

    def torch(self) -> "nn.Module":
        """Return the module with its numbers: in training mode, on the CPU, all of it trainable.

        The numbers are mapped, not read: from the catalog's own files where it is on this host,
        otherwise from files that are downloaded and verified first.

        Raises:
            ModelLibraryMissing: torch or the model library is not installed.
            ValueError: the model was built with `definition_only`: it has no numbers.
            RpcFailed, AnswerRefused: as BlobClient.download.
        """
        module_of = _model_library()
        self._require_numbers()
        with tempfile.TemporaryDirectory(prefix="vertebra-") as folder:
            # A mapped file may lose its name: the folder is not needed any more then.
            paths = {part.role: self._file_of(part, Path(folder)) for part in self.model.parts}
            backbone, head = paths[layout_pb2.ROLE_BACKBONE], paths[layout_pb2.ROLE_HEAD]
            return module_of(self.model.recipe, backbone, head)

    def save(self, path: str | Path, *, role: str = "", dtype: str = "") -> Path:
        """Return `path`, holding the state as one verified safetensors file.

        Args:
            role: `backbone`, `neck`, `head` or `aux`; empty is all.
            dtype: `F32`, `F16` or `BF16` casts floating-point tensors; empty leaves them.

        Raises:
            ValueError: the model was built with `definition_only`: it has no numbers.
            FieldInvalid: no such role.
            RpcFailed, AnswerRefused: as BlobClient.save_tensors.
        """
        self._require_numbers()
        return self._blobs.save_tensors(self.model.name, path, role=role, dtype=dtype)

    def _require_numbers(self) -> None:
        if not self.model.parts:
            raise ValueError("a model built with definition_only has no numbers")

    def _file_of(self, part: models.StatePart, folder: Path) -> Path:
        digest = part.blob.digest.removeprefix("sha256:")
        local = self._blobs.local_file(part.blob.name)
        return local or self._blobs.download(part.blob.name, folder / digest)


def _model_library() -> ModuleOf:
    """Return the function that makes modules; importing it takes seconds, so not before."""
    try:
        from vertebra.built_module import module_of
    except ImportError as error:
        raise ModelLibraryMissing(
            f"a module needs the model library, but {error.name or error} is not installed here;"
            " pip install 'vertebra[catalog]', or save the state and load it yourself",
            name=error.name,
        ) from error
    return module_of
