"""What is known of a snapshot without opening it.

<home>/jobs/<job id>/snapshots/<attempt>-<step>/
    manifest.json    names, sizes and sha256 of the other files; written last, then the folder is
                     renamed into place: a folder under this name is whole
    *.safetensors    tensors by name
    progress.json    everything that is no tensor
    views.json       what the views of the run have shown

A snapshot that is being written has the name `.staged-<attempt>-<step>`.
"""

from dataclasses import dataclass

SNAPSHOTS_FOLDER = "snapshots"
MANIFEST_FILE = "manifest.json"
STAGED_PREFIX = ".staged-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRef:
    """A snapshot that is whole, and where it is."""

    attempt: int
    step: int
    """Optimizer steps that are done."""
    epoch: int
    """Epochs that are done, validated if they are to be; the next one may have begun."""
    path: str
    """Its folder."""
    digest: str
    """`sha256:<hex>` of its manifest."""
    size_bytes: int
    save_s: float
    """How long training waited for it."""
    create_time: float
    """Unix seconds."""
    is_best: bool = False
    """Holds the best validated epoch so far."""
    is_pinned: bool = False

    @property
    def snapshot_id(self) -> str:
        """Return `2-1500`, also the name of its folder."""
        return f"{self.attempt}-{self.step}"
