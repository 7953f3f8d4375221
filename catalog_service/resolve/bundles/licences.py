"""The terms that travel with a bundle: which texts must be there, and where they come from."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from catalog_service.errors import Precondition
from catalog_service.models.published_dinov3 import LICENCE as DINOV3
from catalog_service.models.published_dinov3 import PUBLICATIONS
from catalog_service.resolve.bundles.manifest import Licence

PAGES: Mapping[str, str] = {DINOV3: f"{PUBLICATIONS[0].page}/blob/main/LICENSE.md"}
"""Where the text of a licence is that goes by a word."""

MUST_BE_INCLUDED = frozenset({DINOV3})
"""Licences that are to be passed on with what they cover. Source: DINOv3 License (LICENSE.md,
2025-08-19), 1.b.i: "you shall provide a copy of this Agreement"."""

TextOf = Callable[[str], str]
"""Takes a licence; returns its text as its publisher's repository has it, or nothing."""


class LicenceTextMissing(Precondition):
    """A licence wants its text to be passed on, and there is none."""

    reason = "LICENCE_TEXT_MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A licence of a bundle.

    Attributes:
        text: empty where there is none.
    """

    licence: str
    num_entries: int
    text: str = ""

    @property
    def url(self) -> str:
        """Where it can be read; empty where nobody says."""
        return self.licence if "://" in self.licence else PAGES.get(self.licence, "")

    @property
    def must_be_included(self) -> bool:
        """Whether its text must travel with the weights."""
        return self.licence in MUST_BE_INCLUDED

    @property
    def in_manifest(self) -> Licence:
        """What the manifest says of it."""
        digest = hashlib.sha256(self.text.encode()).hexdigest() if self.text else ""
        return Licence(licence=self.licence, url=self.url, text_sha256=digest)


def terms_of(licences: Iterable[str], texts: Mapping[str, str]) -> tuple[Terms, ...]:
    """Return each licence once, with its text where there is one.

    Args:
        licences: of each entry.
    """
    counts: dict[str, int] = {}
    for licence in licences:
        counts[licence] = counts.get(licence, 0) + 1
    return tuple(
        Terms(licence=licence, num_entries=count, text=texts.get(licence, ""))
        for licence, count in sorted(counts.items())
    )


def with_texts(terms: Iterable[Terms], text_of: TextOf) -> dict[str, str]:
    """Return licence -> text for those that must travel and have none, as their publisher has it.

    Raises:
        LicenceTextMissing: it is not to be had.
    """
    found = {}
    for one in terms:
        if not one.must_be_included or one.text:
            continue
        text = text_of(one.licence)
        if not text:
            raise LicenceTextMissing(
                f"the text of {one.licence!r} must be passed on with what it covers "
                f"({one.num_entries} of the selection), and is not at hand; it is at {one.url}: "
                "save it and give it with the export "
                f"(`--licence-text {one.licence}=FILE`), or leave them out",
                metadata={"licence": one.licence, "url": one.url},
            )
        found[one.licence] = text
    return found
