"""The catalog's settings, read from the environment once, by `__main__` alone."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from catalog_service.serving.door_settings import DoorSettings
from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import (
    Address,
    ExpandedPath,
    OptionalPath,
    PathList,
    UrlList,
)
from catalog_service.weights.http.policy import (
    checked_bundle,
    checked_hosts,
    checked_proxy,
    checked_token,
    checked_urls,
)

LocationName = Literal["store", "torch_hub_cache", "hf_cache", "mirrors", "http_mirrors", "origin"]

HUB_URL = "https://huggingface.co"

LOCATION_NAMES: tuple[LocationName, ...] = (
    "store",
    "torch_hub_cache",
    "hf_cache",
    "mirrors",
    "http_mirrors",
    "origin",
)
"""Places that can be looked into, in the default order."""


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _false_if_empty(value: object) -> object:
    return False if value == "" else value


def _hub_if_empty(value: object) -> object:
    return HUB_URL if value == "" else value


def _endpoint(url: str) -> str:
    return checked_urls((url,))[0]


def _token(token: SecretStr) -> SecretStr:
    return SecretStr(checked_token(token.get_secret_value()))


LocationNames = Annotated[tuple[LocationName, ...], NoDecode, BeforeValidator(_names)]


Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names), AfterValidator(checked_hosts)]

Proxy = Annotated[str, AfterValidator(checked_proxy)]

Bundle = Annotated[OptionalPath, AfterValidator(checked_bundle)]


class HttpRules(BaseModel):
    """What requests to one location may do; what is left out is as for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proxy: Proxy | None = None
    ca_bundle: Bundle = None
    allowed_hosts: Hosts | None = None
    connect_timeout_s: float = Field(default=10.0, gt=0)
    stall_timeout_s: float = Field(default=30.0, gt=0)
    min_bytes_per_s: float = Field(default=1024.0, ge=0)
    num_retries: int = Field(default=3, ge=0, le=20)


class HttpTable(BaseModel):
    """The rules of each location."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mirrors: HttpRules = HttpRules()
    origin: HttpRules = HttpRules()


class CatalogSettings(DoorSettings):
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
    """SQLAlchemy URL of the checkpoint registry; `sqlite:///<home>/catalog.db` unless given. In
    PostgreSQL's, `?password_file=FILE` names a file with the password, read for each connection."""

    checkpoint_folders: PathList = ()
    """Folders on this host whose files may be registered by their path."""

    mirrors: PathList = ()
    """Folders with copies of published files: plain, or laid out like a torch-hub cache, a Hugging
    Face cache or `owner/repository/file`."""

    http_mirrors: Annotated[UrlList, AfterValidator(checked_urls)] = ()
    """URLs of servers with such copies, separated by commas: the file name, the published path or
    `owner/repository/resolve/revision/file` follows. The hub's token is never sent there."""

    offline: bool = False
    """Ask no server for bytes. HF_HUB_OFFLINE does the same."""

    share_downloads: Literal["off", "torch-hub", "hf"] = "off"
    """Whether downloaded files are also put into the torch-hub or the Hugging Face cache, for
    other programs. What is there is never replaced."""

    proxy: Proxy = ""
    """URL of the proxy for requests to the origin; HTTPS_PROXY and the like are not read."""

    ca_bundle: Bundle = None
    """PEM file with the certificates to trust, in place of the system's."""

    allowed_hosts: Hosts = ()
    """Hosts that the origin's requests and redirects may go to, separated by commas: `host`,
    `host:port` or `*.domain`. Unless given: the host of each published URL and those that it is
    known to redirect to; and URLs that users register are not fetched."""

    http: HttpTable | None = None
    """Rules that differ between locations, as JSON: `{"mirrors": {...}, "origin": {...}}` with
    proxy, ca_bundle, allowed_hosts, connect_timeout_s (10), stall_timeout_s (30),
    min_bytes_per_s (1024) and num_retries (3)."""

    locations: LocationNames = LOCATION_NAMES
    """Where bytes are looked for, in this order, separated by commas; what is left out is not
    looked into. The store always comes first."""

    cache_bytes: ByteSize = ByteSize(0)
    """What the blob store may hold, such as `200GB`; what can be had again is evicted above that,
    least recently used first. 0 is no limit."""

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
    """`json`: one JSON object a line; `text`: plain lines for people."""

    torch_home: OptionalPath = Field(default=None, validation_alias="TORCH_HOME")
    """TORCH_HOME, as torch.hub reads it."""

    xdg_cache_home: OptionalPath = Field(default=None, validation_alias="XDG_CACHE_HOME")
    """XDG_CACHE_HOME, which decides where TORCH_HOME is by default."""

    hf_home: OptionalPath = Field(default=None, validation_alias="HF_HOME")
    """HF_HOME, as huggingface_hub reads it."""

    hf_hub_cache: OptionalPath = Field(default=None, validation_alias="HF_HUB_CACHE")
    """HF_HUB_CACHE, in place of `hub` in HF_HOME."""

    hf_endpoint: Annotated[str, BeforeValidator(_hub_if_empty), AfterValidator(_endpoint)] = Field(
        default=HUB_URL, validation_alias="HF_ENDPOINT"
    )
    """HF_ENDPOINT: URL of the hub."""

    hf_token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        default=SecretStr(""), validation_alias="HF_TOKEN"
    )
    """HF_TOKEN: sent to the hub's own host and nowhere else, never logged."""

    hf_token_path: OptionalPath = Field(default=None, validation_alias="HF_TOKEN_PATH")
    """HF_TOKEN_PATH: file with the token; `token` in HF_HOME unless given."""

    hf_hub_offline: Annotated[bool, BeforeValidator(_false_if_empty)] = Field(
        default=False, validation_alias="HF_HUB_OFFLINE"
    )
    """HF_HUB_OFFLINE: as VERTEBRA_CATALOG_OFFLINE."""

    @property
    def is_offline(self) -> bool:
        """Whether no server may be asked for bytes."""
        return self.offline or self.hf_hub_offline

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

    @property
    def hf_home_folder(self) -> Path:
        """Where huggingface_hub keeps everything. Source: huggingface_hub/constants.py."""
        cache = self.xdg_cache_home or Path("~/.cache").expanduser()
        return self.hf_home or cache / "huggingface"

    @property
    def hf_cache_folder(self) -> Path:
        """Where huggingface_hub keeps repositories. Source: huggingface_hub/constants.py."""
        return self.hf_hub_cache or self.hf_home_folder / "hub"
