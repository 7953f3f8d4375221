"""The bundle calls of StorageService: plan, export, import."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from functools import partial

from catalog_service.api.bounded_threads import BoundedThreads
from catalog_service.api.bundle_wire import (
    end_message,
    heartbeat_message,
    imported_message,
    item_message,
    manifest_message,
    plan_message,
    progress_message,
    selection_of,
    skipped_message,
    texts_of,
)
from catalog_service.api.thread_messages import messages_of
from catalog_service.api.weights_wire import WEIGHTS, Listed
from catalog_service.errors import Exhausted, Unavailable
from catalog_service.resolve.bundles import Bundles, Exported, Importing
from catalog_service.serving.drain import Drain
from catalog_service.serving.ending import ending
from catalog_service.weights.search import Search
from vertebra.catalog.v1 import storage_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import StreamEnd

MAX_EXPORTS = 4
"""Exports at once; each holds a thread that mostly waits for bytes."""

QUESTION_THREADS, MAX_QUESTIONS = 2, 16
"""Plans and imports look at many files."""

RETRY_AFTER_S = 10.0

HEARTBEAT_S = 15.0
"""Longest silence on the stream."""


class CallerLeft(Unavailable):
    """An export ends between two entries where its caller has gone."""


class BundleCalls:
    """Answers the bundle rpcs.

    Args:
        drain: an export ends with DRAINING when it begins; asked again, what it has brought in is
            there.
        heartbeat_s: longest silence; tests make it short.
    """

    def __init__(
        self,
        bundles: Bundles,
        importing: Importing,
        search: Search,
        drain: Drain,
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._bundles = bundles
        self._importing = importing
        self._search = search
        self._drain = drain
        self._heartbeat_s = heartbeat_s
        self._exports = ThreadPoolExecutor(MAX_EXPORTS, thread_name_prefix="export")
        self._num_exports = 0
        self._questions = BoundedThreads(
            "bundles", num_threads=QUESTION_THREADS, max_calls=MAX_QUESTIONS
        )

    async def plan(self, request: pb.PlanBundleRequest) -> pb.PlanBundleResponse:
        """Return what a bundle would hold."""
        return await self._questions.run(
            lambda: plan_message(
                self._bundles.plan(
                    selection_of(request.selection, self._filtered), request.base_manifest
                )
            )
        )

    async def import_bundle(self, request: pb.ImportBundleRequest) -> pb.ImportBundleResponse:
        """Return what became of each entry."""
        return await self._questions.run(
            lambda: imported_message(
                self._importing.run(
                    request.manifest_json, request.expected_digest, dry_run=request.dry_run
                )
            )
        )

    async def export(
        self, request: pb.ExportBundleRequest
    ) -> AsyncGenerator[pb.ExportBundleResponse, None]:
        """Yield entries as they are ready, progress, the manifest, and the end."""
        messages: asyncio.Queue[pb.ExportBundleResponse] = asyncio.Queue()
        has_left = threading.Event()
        export = self._start(request, messages, has_left)
        async with AsyncExitStack() as stack:
            stack.callback(has_left.set)
            ends = await stack.enter_async_context(ending(self._drain.draining))
            stream = messages_of(
                export,
                messages,
                until=ends.over,
                silence_s=self._heartbeat_s,
                heartbeat=heartbeat_message,
            )
            async for message in await stack.enter_async_context(aclosing(stream)):
                yield message
            if not export.done():
                yield end_message(ends.reason)
                return
        yield manifest_message(export.result())
        yield end_message(StreamEnd.REASON_COMPLETED)

    def close(self) -> None:
        """Take no more calls; exports under way end with the process."""
        self._exports.shutdown(wait=False, cancel_futures=True)
        self._questions.close()

    def _start(
        self,
        request: pb.ExportBundleRequest,
        messages: "asyncio.Queue[pb.ExportBundleResponse]",
        has_left: threading.Event,
    ) -> "asyncio.Future[Exported]":
        texts = texts_of(request.licence_texts)
        if self._num_exports >= MAX_EXPORTS:
            raise Exhausted(
                f"{self._num_exports} exports are under way; come back later",
                retry_after_s=RETRY_AFTER_S,
            )
        loop = asyncio.get_running_loop()

        def put(message: pb.ExportBundleResponse) -> None:
            loop.call_soon_threadsafe(messages.put_nowait, message)

        def between_entries(message: pb.ExportBundleResponse) -> None:
            put(message)
            if has_left.is_set():
                raise CallerLeft("nobody waits for this export any more; ask again to go on")

        def work() -> Exported:
            return self._bundles.export(
                selection_of(request.selection, self._filtered),
                request.base_manifest,
                texts,
                tell=lambda progress: put(progress_message(progress)),
                ready=lambda item: between_entries(item_message(item)),
                skipped=(lambda one, _: between_entries(skipped_message(one)))
                if request.skip_unavailable
                else None,
            )

        self._num_exports += 1
        export = loop.run_in_executor(self._exports, work)
        export.add_done_callback(self._finished)
        return export

    def _finished(self, export: "asyncio.Future[Exported]") -> None:
        self._num_exports -= 1
        if not export.cancelled():
            export.exception()  # seen, also where the client has left

    def _filtered(self, text: str) -> list[str]:
        """Return the references that a filter of ListWeights matches."""
        listed = (
            Listed(entry=entry, cached_state=partial(self._search.cached_state, entry))
            for entry in self._bundles.supply.index.weights
        )
        return [one.entry.reference for one in WEIGHTS.matching(listed, text)]
