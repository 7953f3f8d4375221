"""The publisher's own server."""

from urllib.parse import quote

from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.hosts import shown
from catalog_service.weights.locations.http_mirror import offline
from catalog_service.weights.locations.location import Miss, RemoteFile, RemoteFiles
from catalog_service.weights.wanted_file import WantedFile

HUB_ENDPOINT = "https://huggingface.co"
"""Where the hub is, unless HF_ENDPOINT says otherwise. Source: huggingface_hub/constants.py."""


class Origin:
    """Asks where the index says that a file is published; the hub by its endpoint.

    Args:
        client: within the rules for origins; has the hub's token where there is one.
        hub_endpoint: `https://huggingface.co`, or a site's own hub.
        is_offline: nobody may be asked.
    """

    name = "origin"

    def __init__(
        self, client: HttpClient, *, hub_endpoint: str = HUB_ENDPOINT, is_offline: bool
    ) -> None:
        self._client = client
        self._endpoint = hub_endpoint.rstrip("/")
        self._is_offline = is_offline

    def look(self, file: WantedFile) -> RemoteFiles | Miss:
        """Return where the publisher has the file."""
        url = self._url(file)
        if not url.startswith(("https://", "http://")):
            return Miss(detail="published nowhere")
        if self._is_offline:
            return offline([url])
        remote = RemoteFile(location=f"{self.name} {shown(url)}", url=url, client=self._client)
        return RemoteFiles(candidates=(remote,))

    def _url(self, file: WantedFile) -> str:
        if not file.repository:
            return file.url
        path = quote(f"{file.repository}/resolve/{file.revision}/{file.path}")
        return f"{self._endpoint}/{path}"
