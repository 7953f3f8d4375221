"""One file that a source publishes, and what is known about its bytes. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file to find.

    Attributes:
        reference: whose bytes they are: `torchvision/ResNet50_Weights.IMAGENET1K_V2`.
        file_name: how torch-hub caches and plain mirrors call it.
        url: at the origin; empty where it is published nowhere.
        repository, revision, path: on the hub: `facebook/dinov3-vits16-pretrain-lvd1689m`, `main`,
            `model.safetensors`; empty for what is not there.
        sha256: 64 hex digits where all are known, else empty.
        sha256_prefix: the published hex digits, else empty.
        size_bytes: exact, or 0 where nobody says.
        about_bytes: as published, rounded to a thousandth of a MiB (torchvision), or 0; tells a cut
            file from a replaced one, and is never compared otherwise.
        max_bytes: more is nonsense, whoever sends it; 0 is no limit.
        is_gated: the publisher is known to hand it only to those who have accepted its terms.
    """

    reference: str
    file_name: str
    url: str = ""
    repository: str = ""
    revision: str = "main"
    path: str = ""
    sha256: str = ""
    sha256_prefix: str = ""
    size_bytes: int = 0
    about_bytes: int = 0
    max_bytes: int = 0
    is_gated: bool = False
