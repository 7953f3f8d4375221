"""The contract's prose: every rpc promises something and lists its errors."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).resolve().parents[2] / "protos"
STATUSES = {
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "RESOURCE_EXHAUSTED",
    "DATA_LOSS",
    "UNAVAILABLE",
    "PERMISSION_DENIED",
}
SERVICE_FIELD = 6
METHOD_FIELD = 2


def rpc_comments() -> dict[str, str]:
    """Return `package.Service.Method` -> the comment in front of it."""
    buf = shutil.which("buf", path=Path(sys.executable).parent)
    command = [buf, "build", "-o", "-#format=json"]
    image = json.loads(subprocess.run(command, cwd=PROTOS, capture_output=True, check=True).stdout)
    comments = {}
    for file in image["file"]:
        if not file["package"].startswith("vertebra."):
            continue
        places = {
            tuple(place.get("path", ())): place.get("leadingComments", "")
            for place in file["sourceCodeInfo"]["location"]
        }
        for at, service in enumerate(file.get("service", ())):
            for number, method in enumerate(service["method"]):
                name = f"{file['package']}.{service['name']}.{method['name']}"
                comments[name] = places.get((SERVICE_FIELD, at, METHOD_FIELD, number), "")
    return comments


COMMENTS = rpc_comments()


@pytest.mark.parametrize("name", sorted(COMMENTS))
def test_an_rpc_says_what_it_promises_and_how_it_fails(name):
    """A client in another language has nothing but this text."""
    promise, _, errors = COMMENTS[name].partition("Errors:")
    words = set(errors.replace(",", " ").replace(":", " ").split())

    assert len(promise.split()) >= 3
    assert words & STATUSES or "As WatchTrainJob" in errors


def test_the_whole_contract_is_seen():
    """Guards the tests above against an empty list."""
    assert len(COMMENTS) == 48
