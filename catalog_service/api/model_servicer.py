"""ModelService: answers about models, and streams the progress of a build that runs in a thread."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TypeVar

from catalog_service.api.advice_wire import advice_message, question_of
from catalog_service.api.bounded_threads import BoundedThreads
from catalog_service.api.build_wire import (
    end_message,
    heartbeat_message,
    model_message,
    progress_message,
)
from catalog_service.api.composition_wire import compositions_page
from catalog_service.api.description_wire import DRAWING_FORMATS, description_message
from catalog_service.api.input_wire import check_message, given_input
from catalog_service.api.thread_messages import messages_of
from catalog_service.errors import Exhausted, InvalidRequest, Violation, invalid
from catalog_service.model_wire import known, spec_from_message
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve import BuiltModel, Catalog
from catalog_service.resolve.description import DescribedModel, training_of
from catalog_service.resolve.rendering import draw
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from catalog_service.serving.ending import ending
from catalog_service.serving.server import Registration
from catalog_service.weights.progress import Progress
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1 import model_service_pb2_grpc as stubs
from vertebra.model.v1.stream_pb2 import StreamEnd

FULL_NAME = "vertebra.catalog.v1.ModelService"

HEARTBEAT_S = 15.0
"""Longest silence on the stream."""

MAX_BUILDS = 32
"""Builds at once; each holds a thread that mostly waits for a worker."""

DESCRIPTION_THREADS, MAX_DESCRIPTIONS = 4, 32
"""Descriptions wait for a worker, so others do not stand behind them."""

QUESTION_THREADS, MAX_QUESTIONS = 8, 256
"""For what is answered from the index."""

T = TypeVar("T")


class ModelServicer:
    """The servicer; register it with `model_registration`.

    Args:
        drain: streams of unfinished builds end with DRAINING when it closes.
        heartbeat_s: longest silence; tests make it short.
    """

    def __init__(self, catalog: Catalog, drain: Drain, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._catalog = catalog
        self._drain = drain
        self._heartbeat_s = heartbeat_s
        self._threads = ThreadPoolExecutor(MAX_BUILDS, thread_name_prefix="build")
        self._descriptions = BoundedThreads(
            "descriptions", num_threads=DESCRIPTION_THREADS, max_calls=MAX_DESCRIPTIONS
        )
        self._questions = BoundedThreads(
            "questions", num_threads=QUESTION_THREADS, max_calls=MAX_QUESTIONS
        )
        self._num_builds = 0

    async def DescribeModel(  # noqa: N802  # the contract's spelling
        self, request: pb.DescribeModelRequest, context: Context
    ) -> pb.DescribeModelResponse:
        """Return what the spec's model looks like."""
        described = await self._described(request)
        return pb.DescribeModelResponse(description=description_message(described))

    async def RenderModel(  # noqa: N802
        self, request: pb.RenderModelRequest, context: Context
    ) -> pb.RenderModelResponse:
        """Return a drawing of the spec's model."""
        form = known(DRAWING_FORMATS, request.format, "format")
        described = await self._described(
            pb.DescribeModelRequest(spec=request.spec, freeze_mode=request.freeze_mode)
            if request.HasField("spec")
            else pb.DescribeModelRequest()
        )
        drawing = await self._questions.run(lambda: draw(described, form))
        return pb.RenderModelResponse(content=drawing.content, media_type=drawing.media_type)

    async def CheckInput(  # noqa: N802
        self, request: pb.CheckInputRequest, context: Context
    ) -> pb.CheckInputResponse:
        """Return whether a size runs in evaluation and in training."""
        spec, given = _spec_of(request), given_input(request)
        check = await _asked(self._questions, lambda: self._catalog.check_input(spec, given))
        return check_message(check)

    async def ListCompositions(  # noqa: N802
        self, request: pb.ListCompositionsRequest, context: Context
    ) -> pb.ListCompositionsResponse:
        """Return a page of compositions."""
        return compositions_page(request)

    async def AdviseTransfer(  # noqa: N802
        self, request: pb.AdviseTransferRequest, context: Context
    ) -> pb.AdviseTransferResponse:
        """Return how to fine-tune for a data set, and what to start from."""
        question = question_of(request)
        advice = await self._questions.run(lambda: self._catalog.advise(question))
        return advice_message(advice)

    async def BuildModel(  # noqa: N802
        self, request: pb.BuildModelRequest, context: Context
    ) -> AsyncGenerator[pb.BuildModelResponse, None]:
        """Yield progress, the model, and the end.

        A client that leaves does not stop the build: others may wait for it, and the next call
        finds its result.
        """
        spec = _spec_of(request)
        progress: asyncio.Queue[pb.BuildModelResponse] = asyncio.Queue()
        build = self._start(spec, request.definition_only, progress)
        async with ending(self._drain.closing) as ends:
            stream = messages_of(
                build,
                progress,
                until=ends.over,
                silence_s=self._heartbeat_s,
                heartbeat=heartbeat_message,
            )
            async with aclosing(stream) as messages:
                async for message in messages:
                    yield message
            if not build.done():
                yield end_message(ends.reason)
                return
        yield model_message(_result(build))
        yield end_message(StreamEnd.REASON_COMPLETED)

    def close(self) -> None:
        """Take no more builds; those under way end with their workers."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._descriptions.close()
        self._questions.close()

    async def _described(self, request: pb.DescribeModelRequest) -> DescribedModel:
        spec = _spec_of(request)
        training = training_of(
            spec,
            freeze_mode=request.freeze_mode,
            batch_size=request.batch_size,
            optimizer=request.optimizer,
            activation_dtype=request.activation_dtype,
        )
        try:
            return await _asked(self._descriptions, lambda: self._catalog.describe(spec, training))
        except InvalidRequest as error:
            if error.violations or error.error_reason != InvalidRequest.reason:
                raise
            # the plan was right: what is left is a mode that means nothing for this model
            found = Violation(field="freeze_mode", description=error.message)
            raise invalid([found]) from None

    def _start(
        self,
        spec: ModelSpec,
        definition_only: bool,
        progress: "asyncio.Queue[pb.BuildModelResponse]",
    ) -> "asyncio.Future[BuiltModel]":
        if self._num_builds >= MAX_BUILDS:
            raise Exhausted(
                f"{self._num_builds} builds are under way; come back later", retry_after_s=5.0
            )
        loop = asyncio.get_running_loop()

        def tell(done: Progress) -> None:
            loop.call_soon_threadsafe(progress.put_nowait, progress_message(done))

        def work() -> BuiltModel:
            return self._catalog.build(spec, definition_only=definition_only, tell=tell)

        self._num_builds += 1
        build = loop.run_in_executor(self._threads, work)
        build.add_done_callback(self._finished)
        return build

    def _finished(self, build: "asyncio.Future[BuiltModel]") -> None:
        self._num_builds -= 1
        if not build.cancelled():
            build.exception()  # seen, also where the client has left


async def _asked(threads: BoundedThreads, question: Callable[[], T]) -> T:
    """Return what `question` answers, in a thread; fields of its errors are the request's."""
    try:
        return await threads.run(question)
    except InvalidRequest as error:
        raise _of_request(error) from None


def _spec_of(
    request: pb.BuildModelRequest | pb.DescribeModelRequest | pb.CheckInputRequest,
) -> ModelSpec:
    """Return the spec of a request, which must have one."""
    if not request.HasField("spec"):
        raise invalid([Violation(field="spec", description="required")])
    return spec_from_message(request.spec)


def _result(build: "asyncio.Future[BuiltModel]") -> BuiltModel:
    """Return the model; fields in its error are relative to the request, not to the spec."""
    try:
        return build.result()
    except InvalidRequest as error:
        raise _of_request(error) from None


def _of_request(error: InvalidRequest) -> InvalidRequest:
    """Return the error with fields relative to the request instead of the spec."""
    if not error.violations:
        return error
    found = [
        Violation(field=f"spec.{each.field}", description=each.description)
        for each in error.violations
    ]
    return InvalidRequest(
        invalid(found).message,
        reason=error.error_reason,
        metadata=error.metadata,
        violations=found,
    )


def model_registration(servicer: ModelServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_ModelServiceServicer_to_server, servicer=servicer, full_name=FULL_NAME
    )
