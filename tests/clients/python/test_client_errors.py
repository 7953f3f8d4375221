"""What a client makes of the details that travel with a failed call."""

import grpc

from catalog_service.errors import Link, Precondition
from catalog_service.serving.status import failure_of
from vertebra.client_errors import from_rpc_error


class FailedCall(grpc.RpcError):
    """A call that ended as the services end it."""

    def __init__(self, error: Exception) -> None:
        self.failure = failure_of(error, "request-1")

    def code(self) -> grpc.StatusCode:
        return self.failure.code

    def details(self) -> str:
        return self.failure.message

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return (("grpc-status-details-bin", self.failure.details),)


def test_reason_metadata_and_pages_arrive() -> None:
    page = Link(text="ask for access", url="https://hub.example/owner/name")
    error = Precondition(
        "m", reason="WEIGHTS_GATED", metadata={"gate": "PENDING", "step.1": "a: b"}, links=[page]
    )

    failed = from_rpc_error(FailedCall(error), "here:1")

    assert (failed.reason, failed.metadata["gate"]) == ("WEIGHTS_GATED", "PENDING")
    assert [(link.text, link.url) for link in failed.links] == [(page.text, page.url)]
