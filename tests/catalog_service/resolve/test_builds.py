"""What was built before is found again, unless it is no longer whole or no longer understood."""

from pathlib import Path
from typing import Any, cast

import pytest

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobNotFound, BlobStore
from catalog_service.checkpoints.registry import Registry
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.layout import LoadReport, StateLayout
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve import Catalog, ModelNotFound
from catalog_service.resolve.backbones import Backbones
from catalog_service.resolve.builds import Builds
from catalog_service.resolve.single_flight import SingleFlight
from catalog_service.weights.locations.location import Miss, Source
from catalog_service.weights.locations.store import Store
from catalog_service.worker_pool import WorkerPool

NO_POOL = cast(WorkerPool, None)


NO_LAYOUT = StateLayout(
    tensors=(), stages=(), head_modules=(), replaced_modules=(), layout_digest=""
)


def builds_of(store: BlobStore) -> Builds:
    """Return builds that have no worker."""
    records = Records(store.root, "builds")
    backbones = Backbones(store, Records(store.root, "backbones"))
    return Builds(store=store, records=records, backbones=backbones, pool=NO_POOL)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def record(store: BlobStore) -> dict[str, Any]:
    """A build as `Builds.build` remembers it."""
    with store.open_writer() as writer:
        writer.write(b"numbers")
        digest = writer.commit().digest
    return {
        "backbone": digest,
        "head": digest,
        "state_digest": "sha256:1",
        "backbone_digest": "sha256:2",
        "report": LoadReport().to_json(),
        "layout": NO_LAYOUT.to_json(),
    }


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        ({}, True),
        ({"report": {"num_loaded": 1, "a_field_of_another_release": 2}}, False),
        ({"report": {"num_loaded": "many"}}, False),
        ({"head": f"sha256:{'0' * 64}"}, False),
    ],
)
def test_a_record_that_is_not_understood_counts_as_absent(
    store: BlobStore, record: dict[str, Any], change: dict[str, Any], is_found: bool
) -> None:
    """It was answered as the caller's mistake, for good: nothing ever replaced the record."""
    records = Records(store.root, "builds")
    records.put("key", {**record, **change})

    found = builds_of(store).find("key")

    assert (found is not None) is is_found


def test_a_record_without_its_fields_counts_as_absent(
    store: BlobStore, record: dict[str, Any]
) -> None:
    records = Records(store.root, "builds")
    del record["state_digest"]
    records.put("key", record)

    assert builds_of(store).find("key") is None


def test_a_conversion_of_another_release_counts_as_absent(
    store: BlobStore, record: dict[str, Any]
) -> None:
    weight = CatalogIndex.load().default_weight("resnet18")
    records = Records(store.root, "conversions")
    own = Store(store, records)
    own.remember(
        weight,
        Source(blob_digest=record["head"], source_digest="sha256:3", proof="prefix", rules=()),
    )
    assert isinstance(own.look(weight), Source)

    records.put(f"{weight.reference} {weight.file_name}", {"blob_digest": record["head"]})

    assert own.look(weight) == Miss(detail="absent")
    assert not own.has(weight)


class EndedMeanwhile:
    """Builds where another caller's build ends between the look and the own turn."""

    def __init__(self, state: Any) -> None:
        self._looks = [None, state]

    def key(self, *_: object) -> str:
        return "key"

    def find(self, key: str) -> Any:
        return self._looks.pop(0)

    def build(self, *_: object) -> Any:
        raise AssertionError("it was built twice")


class Layouts:
    """Definitions without a worker."""

    def require_running(self, recipe: object, contract: object) -> None:
        """Nothing is removed here."""

    def layout(self, recipe: object) -> StateLayout:
        return NO_LAYOUT


class Names:
    """A provision for names of the index alone."""

    def index_for(self, spec: ModelSpec, tell: object) -> CatalogIndex:
        return CatalogIndex.load()


def test_a_build_that_ended_a_moment_ago_is_not_repeated(
    store: BlobStore, record: dict[str, Any], tmp_path: Path
) -> None:
    records = Records(store.root, "builds")
    records.put("key", record)
    state = builds_of(store).find("key")
    catalog = Catalog(
        index=CatalogIndex.load(),
        store=store,
        registry=Registry(f"sqlite:///{tmp_path}/catalog.db"),
        search=cast(Any, None),
        definitions=cast(Any, Layouts()),
        descriptions=cast(Any, None),
        builds=cast(Any, EndedMeanwhile(state)),
        registrar=cast(Any, None),
        flights=SingleFlight(),
        supply=cast(Any, Names()),
    )

    built = catalog.build(
        ModelSpec(backbone="resnet18", pretrained=False),
        definition_only=False,
        tell=lambda progress: None,
    )

    assert built.state_digest == record["state_digest"]
    assert built.name == "models/key"


def test_the_files_of_a_built_model_are_found_by_its_name(
    store: BlobStore, record: dict[str, Any]
) -> None:
    Records(store.root, "builds").put("0" * 64, record)

    parts = builds_of(store).parts(f"models/{'0' * 64}")

    assert parts.layout == NO_LAYOUT
    assert parts.backbone_path == parts.head_path == store.path(record["head"])


@pytest.mark.parametrize("name", [f"models/{'1' * 64}", "0" * 64, "models/", "", "models/\0/.."])
def test_a_model_that_was_never_built_is_not_found(
    store: BlobStore, record: dict[str, Any], name: str
) -> None:
    Records(store.root, "builds").put("0" * 64, record)

    with pytest.raises(ModelNotFound, match="was built here; BuildModel gives its name"):
        builds_of(store).parts(name)


def test_a_model_whose_head_is_gone_says_which_blob(
    store: BlobStore, record: dict[str, Any]
) -> None:
    gone = f"sha256:{'2' * 64}"
    Records(store.root, "builds").put("0" * 64, {**record, "head": gone})

    with pytest.raises(BlobNotFound, match=gone):
        builds_of(store).parts(f"models/{'0' * 64}")
