"""Bundles: requests -> values, values -> messages."""

from collections.abc import Callable, Mapping

from catalog_service.api.ensure_wire import AVAILABILITIES, step_message
from catalog_service.api.ensure_wire import progress_message as ensure_progress
from catalog_service.errors import Violation, invalid
from catalog_service.model_wire.lineage import PROOFS
from catalog_service.resolve.bundles import (
    BundleItem,
    BundlePlan,
    Exported,
    Imported,
    Outcome,
    PlannedItem,
    Selection,
    Terms,
)
from catalog_service.serving.blob_wire import blob_message
from catalog_service.weights.progress import Progress
from vertebra.blob.v1.blob_service_pb2 import Blob
from vertebra.catalog.v1 import storage_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import Heartbeat, StreamEnd

MAX_NAMES = 10_000
MAX_TEXTS = 50
MAX_TEXT_CHARS = 200_000

OUTCOMES: Mapping[Outcome, pb.ImportedEntry.Outcome] = {
    Outcome.IMPORTED: pb.ImportedEntry.OUTCOME_IMPORTED,
    Outcome.PRESENT: pb.ImportedEntry.OUTCOME_PRESENT,
    Outcome.BLOB_MISSING: pb.ImportedEntry.OUTCOME_BLOB_MISSING,
    Outcome.BLOB_CORRUPT: pb.ImportedEntry.OUTCOME_BLOB_CORRUPT,
    Outcome.REFUSED: pb.ImportedEntry.OUTCOME_REFUSED,
}

Filtered = Callable[[str], list[str]]
"""Takes a filter of ListWeights; returns the references that match."""


def selection_of(message: pb.BundleSelection, filtered: Filtered) -> Selection:
    """Return what goes into a bundle.

    Raises:
        InvalidRequest: nothing is named, too much is, or a bad filter.
    """
    given = (*message.names, *message.architectures, message.filter)
    if not any(given):
        why = "names nothing; give names, architectures or a filter"
        raise invalid([Violation(field="selection", description=why)])
    if len(given) > MAX_NAMES:
        why = f"{len(given)} names; the limit is {MAX_NAMES}"
        raise invalid([Violation(field="selection", description=why)])
    names = filtered(message.filter) if message.filter else []
    return Selection(
        names=(*message.names, *names),
        architectures=tuple(message.architectures),
        exclude_licences=tuple(message.exclude_licences),
    )


def texts_of(texts: Mapping[str, str]) -> dict[str, str]:
    """Return licence -> text. Raises InvalidRequest for too much of it."""
    if len(texts) > MAX_TEXTS or any(len(text) > MAX_TEXT_CHARS for text in texts.values()):
        why = f"at most {MAX_TEXTS} texts of {MAX_TEXT_CHARS} characters"
        raise invalid([Violation(field="licence_texts", description=why)])
    return dict(texts)


def plan_message(plan: BundlePlan) -> pb.PlanBundleResponse:
    """Return what a bundle would hold."""
    missing = (one.size_bytes for one in plan.items if one.availability != "stored")
    return pb.PlanBundleResponse(
        entries=map(planned_message, plan.items),
        total_bytes=sum(one.size_bytes for one in plan.items),
        missing_bytes=sum(missing),
        licences=map(licence_message, plan.terms),
        num_in_base=plan.num_in_base,
    )


def planned_message(one: PlannedItem) -> pb.BundleEntry:
    """Return an entry that may have no blob yet."""
    digest = one.blob_digest
    return pb.BundleEntry(
        reference=one.reference,
        architecture_id=one.architecture_id,
        blob=Blob(
            name=f"blobs/{digest}" if digest else "", digest=digest, size_bytes=one.size_bytes
        ),
        url=one.url,
        licence=one.licence,
        availability=AVAILABILITIES[one.availability],
        trail=map(step_message, one.trail),
        is_gated=one.is_gated,
    )


def item_message(item: BundleItem) -> pb.ExportBundleResponse:
    """Return an entry whose blob can be read."""
    return pb.ExportBundleResponse(
        entry=pb.BundleEntry(
            reference=item.reference,
            architecture_id=item.numbers.architecture_id,
            blob=blob_message(item.blob),
            source_digest=item.source_digest,
            source_proof=PROOFS[item.source_proof],
            url=item.url,
            licence=item.licence,
        )
    )


def skipped_message(one: PlannedItem) -> pb.ExportBundleResponse:
    """Return an entry that was left out, with why."""
    return pb.ExportBundleResponse(skipped=planned_message(one))


def progress_message(progress: Progress) -> pb.ExportBundleResponse:
    """Return what is being done now."""
    return pb.ExportBundleResponse(progress=ensure_progress(progress).progress)


def manifest_message(exported: Exported) -> pb.ExportBundleResponse:
    """Return the manifest and the texts that go beside it."""
    return pb.ExportBundleResponse(
        manifest=pb.BundleManifest(
            json=exported.data,
            digest=exported.digest,
            licences=map(licence_message, exported.terms),
        )
    )


def licence_message(terms: Terms) -> pb.BundleLicence:
    """Return a licence of a bundle."""
    return pb.BundleLicence(
        licence=terms.licence,
        url=terms.url,
        num_entries=terms.num_entries,
        must_be_included=terms.must_be_included,
        text=terms.text,
    )


def imported_message(entries: tuple[Imported, ...]) -> pb.ImportBundleResponse:
    """Return what became of each entry, and how many of each there are."""
    outcomes = [one.outcome for one in entries]
    imported, present = outcomes.count(Outcome.IMPORTED), outcomes.count(Outcome.PRESENT)
    return pb.ImportBundleResponse(
        entries=[
            pb.ImportedEntry(
                reference=one.reference,
                blob=Blob(
                    name=f"blobs/{one.blob_digest}",
                    digest=one.blob_digest,
                    size_bytes=one.size_bytes,
                ),
                outcome=OUTCOMES[one.outcome],
                text=one.text,
            )
            for one in entries
        ],
        num_imported=imported,
        num_present=present,
        num_failed=len(outcomes) - imported - present,
    )


def heartbeat_message() -> pb.ExportBundleResponse:
    """Return a sign of life with the server's time."""
    heartbeat = Heartbeat()
    heartbeat.server_time.GetCurrentTime()
    return pb.ExportBundleResponse(heartbeat=heartbeat)


def end_message(reason: StreamEnd.Reason) -> pb.ExportBundleResponse:
    """Return the typed end of the stream."""
    return pb.ExportBundleResponse(end=StreamEnd(reason=reason))
