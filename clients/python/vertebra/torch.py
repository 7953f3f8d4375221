"""Loads a backbone into a module of the user's own: all of it, or an error that says why not.

Of the client, only this file and `built_module.py` import torch. Paths need no service, no network.
"""

import mmap
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from vertebra.backbone_fit import Mismatches, fit_shapes, listed
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import Unraised, unraised
from vertebra.credentials import Credentials
from vertebra.model.v1 import layout_pb2
from vertebra.state_file import StoredTensor, read_header

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
"""safetensors' spelling of a type. Source: the safetensors format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What happened to every tensor. Nothing is dropped silently.

    Args:
        source: the file or reference that was loaded.
        num_loaded: how many tensors landed in the module.
        prefix: what the module's names have in front of the file's, such as `backbone.`.
        head: tensors of the module that the file does not have: they keep their numbers.
        counters: `num_batches_tracked` that an old file lacks: they keep their numbers too.
        missing: tensors of the file that have no place in the module; only with `allow_partial`.
        misshapen: tensors with another shape there; only with `allow_partial`.
        uncovered: backbone tensors of the module that the file lacks; only with `allow_partial`.
        cast: tensors whose numbers were converted to the module's dtype.
    """

    source: str
    num_loaded: int
    prefix: str
    head: tuple[str, ...]
    counters: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (
            (f" under {self.prefix!r}", bool(self.prefix)),
            (f"; left out: {listed((*self.missing, *self.misshapen))}", not self.is_complete),
            (f"; not in the file: {listed(self.uncovered)}", bool(self.uncovered)),
            (f"; head, kept as it was: {listed(self.head)}", bool(self.head)),
        )
        told = "".join(text for text, is_so in parts if is_so)
        return f"{self.num_loaded} tensors of {self.source} loaded{told}"

    @property
    def is_complete(self) -> bool:
        """Whether every tensor of the file landed."""
        return not (self.missing or self.misshapen)


class BackboneMismatch(Exception):
    """The file does not fit the module; nothing was changed.

    Args:
        missing: tensors of the file that have no place in the module.
        misshapen: name -> (shape in the file, shape in the module).
        uncovered: backbone tensors of the module that the file does not have.
    """

    def __init__(
        self,
        source: str,
        *,
        missing: Sequence[str],
        misshapen: Mismatches,
        uncovered: Sequence[str],
    ) -> None:
        self.missing = tuple(missing)
        self.uncovered = tuple(uncovered)
        self.misshapen = dict(misshapen)
        shapes = [
            f"{name}: file {list(ours)}, module {list(theirs)}"
            for name, (ours, theirs) in misshapen.items()
        ]
        found = {
            "without a place": missing,
            "misshapen": shapes,
            "of its backbone not in the file": uncovered,
        }
        what = ", ".join(f"{len(are)} {how} ({listed(are)})" for how, are in found.items() if are)
        super().__init__(
            f"{source} does not fit the module: {what};"
            " nothing was changed; allow_partial=True loads what fits and reports the rest"
        )

    def __reduce__(self) -> Unraised:
        return unraised(self)


class BackboneUnreadable(Exception):
    """The file is not a plain state: name -> tensor."""


def load_backbone(
    model: nn.Module,
    ref_or_path: str | Path,
    *,
    catalog: str | None = None,
    credentials: Credentials | None = None,
    allow_partial: bool = False,
) -> LoadReport:
    """Load a backbone into `model`, in place, and return what happened to every tensor.

    Every tensor of the file must have a place of equal shape in the module, under its own name or
    below one prefix that all share. Tensors of the module that the file lacks are its head.

    Args:
        model: any module; its device and dtypes stay as they are.
        ref_or_path: a `.safetensors` or `.ckpt` file; with `catalog` also a reference such as
            `checkpoints/letters` or `ResNet50_Weights.IMAGENET1K_V2`.
        catalog: `host:port` of a catalog; None reads files only, without any network.
        credentials: what the catalog wants to see; None is plain text and nobody in particular.
        allow_partial: load what fits and report the rest instead of raising.

    Raises:
        BackboneMismatch: a tensor of the file has no place, or another shape there.
        BackboneUnreadable: not a file of tensors. Nothing in it is executed.
        FileNotFoundError: no such file, and no catalog to ask.
        RpcFailed: the catalog refused the reference.
    """
    source = str(ref_or_path)
    if Path(ref_or_path).is_file():
        return _load(model, _read(Path(ref_or_path)), source, allow_partial=allow_partial)
    if catalog is None:
        raise FileNotFoundError(
            f"no file {source!r}; for a reference give a catalog, such as catalog='localhost:50551'"
        )
    with tempfile.TemporaryDirectory(prefix="vertebra-") as folder:
        path = _fetch(source, catalog, Path(folder), credentials)
        return _load(model, _read(path), source, allow_partial=allow_partial)


def _fetch(reference: str, address: str, folder: Path, credentials: Credentials | None) -> Path:
    """Return the verified backbone of a checkpoint or weight, as a safetensors file."""
    target = folder / "backbone.safetensors"
    with CatalogClient(address, credentials=credentials) as catalog:
        if reference.startswith("checkpoints/"):
            checkpoint = catalog.get_checkpoint(reference)
            return catalog.blobs.download(checkpoint.blob.name, target)
        weights = catalog.get_weights(reference)
        built = catalog.build_model(
            {"backbone": weights.architecture_id, "weights": weights.reference}
        )
        for part in built.parts:
            if part.role == layout_pb2.ROLE_BACKBONE:
                return catalog.blobs.download(part.blob.name, target)
    raise BackboneUnreadable(f"{reference}: the catalog built it without a backbone part")


def _read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file, on the CPU."""
    if path.suffix == ".safetensors":
        tensors = read_header(path)
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        state = {tensor.name: _tensor(tensor, content) for tensor in tensors}
    else:
        state = _read_pickle(path)
    if not state:
        raise BackboneUnreadable(f"{path} holds no tensor")
    return state


def _tensor(tensor: StoredTensor, content: mmap.mmap) -> Tensor:
    """Return a view of the mapped file: nothing is copied until it lands in the module."""
    if tensor.dtype not in DTYPES:
        raise BackboneUnreadable(f"{tensor.name!r} is {tensor.dtype}, which cannot be loaded")
    dtype = DTYPES[tensor.dtype]
    if tensor.size_bytes == 0:
        return torch.empty(tensor.shape, dtype=dtype)
    count = tensor.size_bytes // dtype.itemsize
    flat = torch.frombuffer(content, dtype=dtype, count=count, offset=tensor.begin)
    return flat.reshape(tensor.shape)


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is none of its own
        raise BackboneUnreadable(
            f"{path} is not a file of tensors: {_first_line(error)}"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise BackboneUnreadable(f"{path} holds a {type(content).__name__}, not a state")
    strange = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if strange:
        raise BackboneUnreadable(f"{path} holds more than tensors: {listed(strange)}")
    return {str(name): value for name, value in content.items()}


def _load(
    model: nn.Module, source: Mapping[str, Tensor], name: str, *, allow_partial: bool
) -> LoadReport:
    """Copy the numbers only after everything was compared, so that a mismatch changes nothing."""
    places = model.state_dict()
    if any(place.is_meta for place in places.values()):
        raise ValueError("the module is on the meta device: nothing can be loaded into it")
    fit = fit_shapes(_shapes(source), _shapes(places))
    if (fit.missing or fit.misshapen or fit.uncovered) and not allow_partial:
        raise BackboneMismatch(
            name, missing=fit.missing, misshapen=fit.misshapen, uncovered=fit.uncovered
        )
    with torch.no_grad():
        for key in fit.fitting:
            places[fit.prefix + key].copy_(source[key])
    return LoadReport(
        source=name,
        num_loaded=len(fit.fitting),
        prefix=fit.prefix,
        head=fit.head,
        counters=fit.counters,
        missing=fit.missing,
        misshapen=tuple(fit.misshapen),
        uncovered=fit.uncovered,
        cast=tuple(k for k in fit.fitting if places[fit.prefix + k].dtype != source[k].dtype),
    )


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
