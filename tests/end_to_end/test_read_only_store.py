"""A catalog on a read-only mount serves what is in its store and says why it keeps no more."""

import json

from catalog_service.blobs.census import stored_blobs
from tests.fakes.read_only import run_read_only
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient

SPEC = {"backbone": "squeezenet1_1", "pretrained": False}

PROGRAM = """
import json, sys
from pathlib import Path
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

home, blobs, blob = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
SPEC = json.loads(sys.argv[4])

def refusal(act):
    try:
        return ["DONE", str(act())[:100]]
    except RpcFailed as error:
        return [error.reason, error.message, dict(error.metadata)]

with running_catalog(home, VERTEBRA_CATALOG_BLOBS=blobs) as service:
    with CatalogClient(service.address) as client:
        state = client.storage.state()
        print(json.dumps({
            "is_read_only": state.is_read_only,
            "built": client.build_model(SPEC).parts[0].blob.name,
            "verified": client.storage.verify().summary.num_verified,
            "upload": refusal(lambda: client.blobs.upload(Path(sys.executable))),
            "build": refusal(lambda: client.build_model({**SPEC, "seed": 1})),
            "prune": refusal(lambda: client.storage.prune(target_bytes=0)),
            "pin": refusal(lambda: client.storage.pin([blob], owner="ann")),
        }))
    said = [line for line in service.log.read_text().splitlines() if "blob store" in line]
print(said[0])
"""


def test_what_is_stored_is_served_and_nothing_new_is_kept(tmp_path) -> None:
    blobs = tmp_path / "blobs"
    with (
        running_catalog(tmp_path / "first", VERTEBRA_CATALOG_BLOBS=str(blobs)) as service,
        CatalogClient(service.address) as client,
    ):
        blob = client.build_model(SPEC).parts[0].blob.name
    before = sorted(blobs.rglob("*"))

    ended = run_read_only(
        blobs, PROGRAM, str(tmp_path / "second"), str(blobs), blob, json.dumps(SPEC)
    )

    assert ended.returncode == 0, ended.stderr
    found, said = ended.stdout.splitlines()
    answers = json.loads(found)
    assert answers["is_read_only"] is True
    assert answers["built"] == blob
    assert answers["verified"] == len(list(stored_blobs(blobs)))
    assert f"blob store {blobs} is read-only" in said
    assert sorted(blobs.rglob("*")) == before
    refusals = {act: answers[act][0] for act in ("upload", "build", "prune", "pin")}
    assert set(refusals.values()) == {"CACHE_READ_ONLY"}, answers
