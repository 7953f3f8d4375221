"""What makes two requests one: the id that the caller chose, and a hash of everything else."""

import hashlib
import json
import uuid
from collections.abc import Sequence

from catalog_service.errors import Violation, invalid
from catalog_service.models.plain_json import to_plain
from trainer_service.jobs import JobSpec, RunSpec


def checked_request_id(text: str) -> str:
    """Return a UUID in its usual spelling, so that two spellings of one id are one id.

    Raises:
        InvalidRequest: FIELD_INVALID, it is not a UUID.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        why = f"{text[:60]!r} is not a UUID; choose a random one for each new request"
        raise invalid([Violation(field="request_id", description=why)]) from error


def hash_of(request: JobSpec | Sequence[str]) -> str:
    """Return the sha256 of a request with its defaults filled in. Groups of fields that the first
    release did not have count only where they say something: a request that it stored is still
    known when it comes again.
    """
    plain = to_plain(request)
    if isinstance(request, JobSpec):
        for name, default in {"labels": {}, "run": RunSpec()}.items():
            if getattr(request, name) == default:
                del plain[name]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
