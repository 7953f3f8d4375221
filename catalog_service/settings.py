"""The catalog's settings, read from the environment once, by `__main__` alone."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import Address, ExpandedPath, OptionalPath, PathList

LocationName = Literal["store", "torch_hub_cache", "mirrors"]

LOCATION_NAMES: tuple[LocationName, ...] = ("store", "torch_hub_cache", "mirrors")
"""Places that can be looked into, in the default order."""


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(name.strip() for name in value.split(",") if name.strip())


LocationNames = Annotated[tuple[LocationName, ...], NoDecode, BeforeValidator(_names)]


class CatalogSettings(BaseSettings):
    """Each field is the variable `VERTEBRA_CATALOG_<FIELD>`, unless it says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="VERTEBRA_CATALOG_",
        frozen=True,
        use_attribute_docstrings=True,
        extra="ignore",
    )

    listen: Address = Listen(host="127.0.0.1", port=50551)
    """Where the gRPC services answer; port 0 lets the system choose."""

    admin_listen: Address = Listen(host="127.0.0.1", port=50561)
    """Where /metrics, /live and /ready answer."""

    home: ExpandedPath = Path("~/.local/share/vertebra").expanduser()
    """Folder for everything that the catalog keeps."""

    blobs: OptionalPath = None
    """Folder of the blob store; `<home>/blobs` unless given."""

    share_paths: bool | None = None
    """Whether callers on this host are told where a blob is on the disk, to map it instead of
    reading it. Unless given: only while `listen` is a loopback address. Turn it off where a proxy
    on this host lets others in; they would be told paths."""

    database_url: str = ""
    """SQLAlchemy URL of the checkpoint registry; `sqlite:///<home>/catalog.db` unless given."""

    mirrors: PathList = ()
    """Folders with copies of published files, plain or laid out like a torch-hub cache."""

    locations: LocationNames = LOCATION_NAMES
    """Where bytes are looked for, in this order, separated by commas; what is left out is not
    looked into."""

    pins: OptionalPath = None
    """A file with full digests of published files, as JSON: file name or
    `owner/repository@revision/path` -> sha256 and size_bytes. They win over those that the catalog
    learns at first use and keeps in `<home>/pins.json`."""

    workers: int = Field(default=1, ge=1, le=64)
    """Processes that hold torch."""

    index: OptionalPath = None
    """An index file to serve instead of the packaged one, such as a site's own pins."""

    ready_file: OptionalPath = None
    """Written when the service answers, as JSON: address, admin_address, pid."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least important messages that are logged."""

    log_format: Literal["json", "text"] = "json"
    """One JSON object a line, or plain lines for people."""

    torch_home: OptionalPath = Field(default=None, validation_alias="TORCH_HOME")
    """TORCH_HOME, as torch.hub reads it."""

    xdg_cache_home: OptionalPath = Field(default=None, validation_alias="XDG_CACHE_HOME")
    """XDG_CACHE_HOME, which decides where TORCH_HOME is by default."""

    @property
    def blobs_folder(self) -> Path:
        """Folder of the blob store."""
        return self.blobs or self.home / "blobs"

    @property
    def shares_paths(self) -> bool:
        """Whether callers on this host are told where a blob is."""
        return self.listen.is_loopback if self.share_paths is None else self.share_paths

    @property
    def registry_url(self) -> str:
        """SQLAlchemy URL of the checkpoint registry."""
        return self.database_url or f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def torch_home_folder(self) -> Path:
        """Where torch.hub keeps its cache. Source: torch/hub.py, `_get_torch_home`."""
        cache = self.xdg_cache_home or Path("~/.cache").expanduser()
        return self.torch_home or cache / "torch"
