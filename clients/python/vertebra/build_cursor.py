"""A build that is watched until its model comes."""

from collections.abc import Iterable

from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.client_errors import AnswerRefused
from vertebra.model.v1 import stream_pb2


class BuildCursor:
    """A build under way: calling again with the same spec gives the same model."""

    def __init__(self, request: models.BuildModelRequest) -> None:
        self._request = request
        self.model: models.BuiltModel | None = None

    def request(self) -> models.BuildModelRequest:
        """Return the same request every time."""
        return self._request

    def take(self, message: models.BuildModelResponse) -> Iterable[models.BuildProgress]:
        """Keep the model; return progress."""
        if message.HasField("model"):
            self.model = message.model
        return (message.progress,) if message.HasField("progress") else ()

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that a model came."""
        if self.model is None:
            raise AnswerRefused("the build was called complete, but no model came")
