"""Makes the search for bytes and its locations out of the settings, for `__main__`."""

from collections.abc import Sequence
from pathlib import Path

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.settings import CatalogSettings, HttpRules, HttpTable
from catalog_service.weights.collection import Collection
from catalog_service.weights.copies import Copies
from catalog_service.weights.downloads.downloads import Downloads
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HostToken, HttpPolicy
from catalog_service.weights.locations.hf_cache import HuggingFaceCache
from catalog_service.weights.locations.http_mirror import HttpMirror
from catalog_service.weights.locations.location import Location
from catalog_service.weights.locations.mirror_folder import MirrorFolder
from catalog_service.weights.locations.origin import Origin
from catalog_service.weights.locations.store import Store
from catalog_service.weights.locations.torch_hub_cache import TorchHubCache
from catalog_service.weights.pins import Pins
from catalog_service.weights.remedies import Remedies
from catalog_service.weights.search import Search
from catalog_service.weights.verification import Verification


def make_search(settings: CatalogSettings, store: BlobStore, pins: Pins) -> Search:
    """Return the search over the locations that the settings name; no server is asked.

    Raises:
        OSError: the store, or the file with the hub's token, cannot be read.
    """
    downloads = Downloads(store.root / "downloads")
    downloads.sweep()
    verification = Verification(Records(store.root, "hashed_files"), pins)
    copies = Copies(verification=verification, downloads=downloads, store=store)
    return Search(
        locations=_locations(settings),
        own=Store(store, Records(store.root, "conversions")),
        store=store,
        collection=Collection(copies=copies, store=store),
        turns=Turns(store.root / "turns"),
        remedies=_remedies(settings),
    )


def _locations(settings: CatalogSettings) -> list[Location]:
    """Return the locations behind the store, in their order."""
    offline = settings.is_offline
    http = settings.http or HttpTable()
    mirrors = HttpClient(_policy(settings, http.mirrors))
    origin = HttpClient(_origin_policy(settings, http.origin))
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


def _origin_policy(settings: CatalogSettings, rules: HttpRules) -> HttpPolicy:
    token = _hub_token(settings)
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
    lines = path.read_text(encoding="utf-8").split()
    return lines[0] if lines else ""


def _remedies(settings: CatalogSettings) -> Remedies:
    return Remedies(
        torch_hub_folder=str(TorchHubCache(settings.torch_home_folder).folder),
        mirror_folders=tuple(str(folder) for folder in settings.mirrors),
        is_offline=settings.is_offline,
    )
