"""Makes the search for bytes and its locations out of the settings, for `__main__`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.serving.settings_reader import SettingsInvalid
from catalog_service.settings import CatalogSettings, HttpRules, HttpTable
from catalog_service.weights.collection import Collection
from catalog_service.weights.copies import Copies
from catalog_service.weights.downloads.downloads import Arrived, Downloads
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HostToken, HttpPolicy
from catalog_service.weights.hub_entries import HubEntries
from catalog_service.weights.locations.hf_cache import HuggingFaceCache
from catalog_service.weights.locations.http_mirror import HttpMirror
from catalog_service.weights.locations.location import Location
from catalog_service.weights.locations.mirror_folder import MirrorFolder
from catalog_service.weights.locations.origin import Origin
from catalog_service.weights.locations.store import Store
from catalog_service.weights.locations.torch_hub_cache import TorchHubCache
from catalog_service.weights.pins import Pins
from catalog_service.weights.registered_files import RegisteredFiles
from catalog_service.weights.remedies import Remedies
from catalog_service.weights.search import Search, Tried
from catalog_service.weights.sharing import (
    HuggingFaceSharing,
    NoSharing,
    Sharing,
    TorchHubSharing,
)
from catalog_service.weights.small_files import SmallFiles
from catalog_service.weights.verification import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Finders:
    """What finds bytes: of published weights, and of checkpoints whose files are served.

    Attributes:
        own: what was proven and converted before.
        hub: what repositories hold that the index does not list.
        small_files: reads a file of a repository whole.
    """

    search: Search
    own: Store
    hub: HubEntries
    small_files: SmallFiles
    registered_files: RegisteredFiles


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of searches that are over, and of bytes that come."""

    tried: Tried = lambda _trail: None
    arrived: Arrived = lambda _location, _num_bytes: None


def make_finders(
    settings: CatalogSettings,
    store: BlobStore,
    pins: Pins,
    index: CatalogIndex,
    told: Told | None = None,
) -> Finders:
    """Return the search over the locations that the settings name; no server is asked.

    Raises:
        SettingsInvalid: the file with the hub's token cannot be read.
        OSError: the store cannot be read.
    """
    told = told or Told()
    downloads = Downloads(store.root / "downloads", arrived=told.arrived)
    downloads.sweep()
    verification = Verification(Records(store.root, "hashed_files"), pins)
    copies = Copies(verification=verification, downloads=downloads, store=store)
    locations, turns = _locations(settings), Turns(store.root / "turns")
    own = Store(store, Records(store.root, "conversions"))
    search = Search(
        locations=locations,
        own=own,
        store=store,
        collection=Collection(copies=copies, store=store, sharing=_sharing(settings)),
        turns=turns,
        remedies=_remedies(settings),
    )
    search.tried = told.tried
    files = SmallFiles(locations=locations, copies=copies, turns=turns, store=store)
    return Finders(
        search=search,
        own=own,
        hub=HubEntries(files=files, records=Records(store.root, "hub_entries"), index=index),
        small_files=files,
        registered_files=_registered_files(settings, copies, turns, store),
    )


def _registered_files(
    settings: CatalogSettings, copies: Copies, turns: Turns, store: BlobStore
) -> RegisteredFiles:
    rules = (settings.http or HttpTable()).origin
    return RegisteredFiles(
        copies=copies,
        turns=turns,
        store=store,
        client=HttpClient(_origin_policy(settings, rules, token="")),
        allowed_hosts=rules.allowed_hosts or settings.allowed_hosts,
        is_offline=settings.is_offline,
    )


def _locations(settings: CatalogSettings) -> list[Location]:
    """Return the locations behind the store, in their order."""
    offline = settings.is_offline
    http = settings.http or HttpTable()
    mirrors = HttpClient(_policy(settings, http.mirrors))
    origin = HttpClient(_origin_policy(settings, http.origin, token=_hub_token(settings)))
    places: dict[str, Sequence[Location]] = {
        "store": (),
        "torch_hub_cache": (TorchHubCache(settings.torch_home_folder),),
        "hf_cache": (HuggingFaceCache(settings.hf_cache_folder),),
        "mirrors": tuple(MirrorFolder(folder) for folder in settings.mirrors),
        "http_mirrors": tuple(
            HttpMirror(url, mirrors, is_offline=offline) for url in settings.http_mirrors
        ),
        "origin": (Origin(origin, hub_endpoint=settings.hf_endpoint, is_offline=offline),),
    }
    return [place for name in settings.locations for place in places[name]]


def _origin_policy(settings: CatalogSettings, rules: HttpRules, *, token: str) -> HttpPolicy:
    return _policy(
        settings,
        rules.model_copy(
            update={
                "proxy": settings.proxy if rules.proxy is None else rules.proxy,
                "allowed_hosts": rules.allowed_hosts or settings.allowed_hosts,
            }
        ),
        token=HostToken.for_url(settings.hf_endpoint, token) if token else None,
    )


def _policy(
    settings: CatalogSettings, rules: HttpRules, token: HostToken | None = None
) -> HttpPolicy:
    bundle = rules.ca_bundle or settings.ca_bundle
    return HttpPolicy(
        connect_timeout_s=rules.connect_timeout_s,
        stall_timeout_s=rules.stall_timeout_s,
        min_bytes_per_s=rules.min_bytes_per_s,
        proxy=rules.proxy or "",
        ca_bundle=str(bundle) if bundle else "",
        allowed_hosts=rules.allowed_hosts or (),
        token=token,
        num_retries=rules.num_retries,
    )


def _hub_token(settings: CatalogSettings) -> str:
    """Return the hub's token; offline, nobody needs one."""
    if settings.is_offline:
        return ""
    if settings.hf_token.get_secret_value():
        return settings.hf_token.get_secret_value().strip()
    path = settings.hf_token_path or settings.hf_home_folder / "token"
    if settings.hf_token_path is None and not path.is_file():
        return ""
    return _first_line(path)


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsInvalid(f"HF_TOKEN_PATH: {path} cannot be read: {why}") from error
    return lines[0] if lines else ""


def _sharing(settings: CatalogSettings) -> Sharing:
    kinds: dict[str, Sharing] = {
        "off": NoSharing(),
        "torch-hub": TorchHubSharing(TorchHubCache(settings.torch_home_folder).folder),
        "hf": HuggingFaceSharing(settings.hf_cache_folder),
    }
    return kinds[settings.share_downloads]


def _remedies(settings: CatalogSettings) -> Remedies:
    return Remedies(
        torch_hub_folder=str(TorchHubCache(settings.torch_home_folder).folder),
        mirror_folders=tuple(str(folder) for folder in settings.mirrors),
        is_offline=settings.is_offline,
    )
