"""What a location would say of a file, without fetching or reading it."""

from catalog_service.weights.copies import Copies, missing
from catalog_service.weights.http.failures import HttpFailure
from catalog_service.weights.http.hosts import shown
from catalog_service.weights.locations.location import (
    ForeignFile,
    Location,
    Miss,
    RemoteFile,
    RemoteFiles,
)
from catalog_service.weights.sources.published_file import forms
from catalog_service.weights.trail import Outcome, Step, hit
from catalog_service.weights.wanted_file import WantedFile


def seen(location: Location, file: WantedFile, copies: Copies, *, probe: bool) -> Step:
    """Return what a location says of a file or of what may stand in its place.

    Args:
        copies: knows which files of this host were found wrong before.
        probe: ask servers for headers.
    """
    first: Step | None = None
    for form in forms(file):
        step = _seen(location, form, copies, probe=probe)
        if step.outcome is not Outcome.ABSENT:
            return step
        first = first or step
    assert first is not None, "a weight has a file"
    return first


def _seen(location: Location, file: WantedFile, copies: Copies, *, probe: bool) -> Step:
    looked = location.look(file)
    if isinstance(looked, ForeignFile):
        wrong = copies.known_wrong(looked.path, file)
        return wrong.step(location.name) if wrong else hit(location.name, str(looked.path))
    if isinstance(looked, Miss):
        return looked.step(location.name)
    if probe:
        return _probed(location.name, looked, file)
    url = shown(looked.candidates[0].url)
    return Step(location=location.name, outcome=Outcome.NOT_ASKED, place=url)


def _probed(name: str, remote: RemoteFiles, file: WantedFile) -> Step:
    """Return what a server says: of the first URL that it knows."""
    first: Step | None = None
    for candidate in remote.candidates:
        step = _asked_for(name, candidate, file)
        if step.outcome is not Outcome.ABSENT:
            return step
        first = first or step
    assert first is not None, "a location with files names a URL"
    return first


def _asked_for(name: str, remote: RemoteFile, file: WantedFile) -> Step:
    try:
        head = remote.client.head(remote.url)
    except HttpFailure as failure:
        return missing(remote.url, failure, file).step(name)
    return hit(name, head.url)
