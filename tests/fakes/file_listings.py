"""Names and shapes of files that frameworks write, from the published layouts. No numbers."""

from collections.abc import Callable, Iterable, Mapping

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.index.layouts import PublishedLayout, published_layouts

Shapes = dict[str, tuple[int, ...]]


def published(architecture_id: str) -> PublishedLayout:
    """Return the default structure of an architecture."""
    return next(each for each in published_layouts() if each.architecture_id == architecture_id)


def shapes_of(architecture_id: str, *, with_head: bool = True) -> Shapes:
    """Return name -> shape of a published state."""
    tensors = published(architecture_id).layout.tensors
    return {t.name: t.shape for t in tensors if with_head or t.role == "backbone"}


def behind(prefix: str, shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    """Return the same names behind a prefix."""
    return {f"{prefix}{name}": shape for name, shape in shapes.items()}


def renamed(shapes: Mapping[str, tuple[int, ...]], rename: Callable[[str], str]) -> Shapes:
    """Return the same shapes under other names."""
    return {rename(name): shape for name, shape in shapes.items()}


def numbered(shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    """Return a ResNet's names as `nn.Sequential(*list(model.children())[:-1])` has them."""
    children = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")

    def rename(name: str) -> str:
        first, _, rest = name.partition(".")
        return f"{children.index(first)}.{rest}"

    return renamed({n: s for n, s in shapes.items() if not n.startswith("fc.")}, rename)


def listing(*parts: Mapping[str, tuple[int, ...]], dtype: str = "F32") -> list[TensorSpec]:
    """Return a file's tensors; counters are whole numbers."""
    return [
        TensorSpec(name=name, dtype=_dtype(name, dtype), shape=shape)
        for part in parts
        for name, shape in part.items()
    ]


def without(shapes: Mapping[str, tuple[int, ...]], *endings: str) -> Shapes:
    """Return what does not end so."""
    return {name: shape for name, shape in shapes.items() if not name.endswith(endings)}


def names(tensors: Iterable[TensorSpec]) -> set[str]:
    """Return the names of a file."""
    return {tensor.name for tensor in tensors}


def _dtype(name: str, dtype: str) -> str:
    return "I64" if name.endswith(("num_batches_tracked", "relative_position_index")) else dtype
