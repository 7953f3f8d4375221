"""A server with copies of published files, laid out in any of the usual ways."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.hosts import shown
from catalog_service.weights.locations.location import Miss, RemoteFile, RemoteFiles
from catalog_service.weights.trail import Outcome
from catalog_service.weights.wanted_file import WantedFile


class HttpMirror:
    """Asks for a published file under its name, its published path and its repository.

    Args:
        base: URL before all of them; may have credentials.
        client: within the rules for mirrors; has no token of the hub.
        is_offline: nobody may be asked.
    """

    def __init__(self, base: str, client: HttpClient, *, is_offline: bool) -> None:
        self._base = base.rstrip("/")
        self._client = client
        self._is_offline = is_offline

    @property
    def name(self) -> str:
        """How the trail calls it."""
        return f"mirror {shown(self._base)}"

    def look(self, file: WantedFile) -> RemoteFiles | Miss:
        """Return where the mirror may have the file."""
        urls = [f"{self._base}/{quote(path)}" for path in _paths(file)]
        if self._is_offline or not urls:
            return offline(urls) if urls else Miss(detail="no name to ask for")
        remote = [RemoteFile(location=self.name, url=url, client=self._client) for url in urls]
        return RemoteFiles(candidates=tuple(remote))


def offline(urls: list[str]) -> Miss:
    """Return that nobody was asked."""
    return Miss(detail="offline mode", outcome=Outcome.OFFLINE, place=shown(urls[0]))


def _paths(file: WantedFile) -> Iterator[str]:
    """Yield what follows the base, the likeliest first."""
    if file.repository:
        yield f"{file.repository}/resolve/{file.revision}/{file.path}"
    if file.file_name:
        yield file.file_name
        yield f"hub/checkpoints/{file.file_name}"
    published = urlsplit(file.url).path.strip("/")
    if published and not file.repository and published != file.file_name:
        yield published
