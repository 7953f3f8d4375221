"""Every kind of failure has a status, and no failure grows too large to arrive."""

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.errors import (
    KINDS,
    Exhausted,
    InvalidRequest,
    Link,
    Precondition,
    Violation,
    invalid,
)
from catalog_service.serving.status import (
    CODES,
    MAX_DETAILS_BYTES,
    MAX_MESSAGE_BYTES,
    Failure,
    failure_of,
)


def unpacked(failure: Failure, kind: type) -> object:
    for detail in Status.FromString(failure.details).details:
        if detail.Is(kind.DESCRIPTOR):
            return kind.FromString(detail.value)
    raise AssertionError(f"no {kind.__name__}")


def test_every_kind_has_a_status_of_its_own():
    assert set(CODES) == set(KINDS)
    assert len(set(CODES.values())) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_subclass_has_the_status_of_its_kind_and_a_reason_of_its_own(kind):
    special = type("Special", (kind,), {"reason": "SPECIAL"})

    failure = failure_of(special("m"), "id")

    assert (failure.code, failure.reason) == (CODES[kind], "SPECIAL")
    assert Status.FromString(failure.details).code == failure.code.value[0]


def test_violations_of_a_precondition_say_what_must_be_done_first():
    error = Precondition(
        "m", reason="BLOB_MISSING", violations=[Violation(field="f", description="d")]
    )

    row = unpacked(failure_of(error, "id"), PreconditionFailure).violations[0]

    assert (row.type, row.subject, row.description) == ("BLOB_MISSING", "f", "d")


def test_a_wait_travels_as_retry_info():
    failure = failure_of(Exhausted("m", retry_after_s=1.5), "id")

    assert unpacked(failure, RetryInfo).retry_delay.ToMilliseconds() == 1500


def test_pages_that_help_travel_whole_or_not_at_all():
    page = Link(text="ask for access", url="https://hub.example/owner/name")
    cut = Link(text="t", url="https://hub.example/" + "a" * 5000)

    found = unpacked(failure_of(Precondition("m", links=[cut, page]), "id"), Help)

    assert [(link.description, link.url) for link in found.links] == [(page.text, page.url)]


def test_an_unknown_exception_says_nothing_but_the_request_id():
    failure = failure_of(KeyError("password"), "id-1")

    assert failure.code is grpc.StatusCode.INTERNAL
    assert "id-1" in failure.message
    assert b"password" not in failure.details


TEXTS = st.text(max_size=3000) | st.just("\udcff" * 2000)


@given(
    message=TEXTS,
    metadata=st.dictionaries(st.text("abc", min_size=1, max_size=50), TEXTS, max_size=12),
    num_violations=st.integers(0, 400),
    description=TEXTS,
)
def test_whatever_is_said_fits_and_what_is_left_out_is_counted(
    message, metadata, num_violations, description
):
    violations = [Violation(field="f", description=description)] * num_violations
    links = [Link(text=description, url=message)] * 5

    failure = failure_of(
        InvalidRequest(message, metadata=metadata, violations=violations, links=links), "id"
    )

    assert len(failure.details) <= MAX_DETAILS_BYTES
    assert len(failure.message.encode()) <= MAX_MESSAGE_BYTES
    info = unpacked(failure, ErrorInfo)
    assert info.reason == "FIELD_INVALID"
    if num_violations:
        shown = len(unpacked(failure, BadRequest).field_violations)
        omitted = int(info.metadata.get("violations_omitted", "0"))
        assert shown + omitted == num_violations


def test_a_field_keeps_its_name_however_long_its_description_is():
    failure = failure_of(invalid([Violation(field="classes", description="a" * 10**7)]), "id")

    found = unpacked(failure, BadRequest)

    assert [each.field for each in found.field_violations] == ["classes"]
    assert found.field_violations[0].description.endswith("a ...")
