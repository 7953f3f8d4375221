"""When two requests are the same one."""

import hashlib
import json
from dataclasses import replace

from catalog_service.models.plain_json import to_plain
from tests.fakes.job_values import job_spec
from trainer_service.api.request_ids import hash_of
from trainer_service.jobs import RunSpec


def test_a_request_that_the_first_release_stored_is_known_again():
    """It knew neither labels nor where a job runs; a retry may come after the upgrade."""
    plain = to_plain(job_spec())
    del plain["labels"], plain["run"]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))

    assert hash_of(job_spec()) == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_whatever_is_said_makes_another_request():
    spec = job_spec()
    others = [replace(spec, labels={"team": "a"}), replace(spec, run=RunSpec(priority=1))]

    assert len({hash_of(one) for one in [spec, *others]}) == 3
