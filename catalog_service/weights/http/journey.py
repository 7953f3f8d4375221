"""From a URL to the answer at the end of its redirects, every hop within the policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from urllib3 import BaseHTTPResponse

from catalog_service.weights.http.answers import Linked
from catalog_service.weights.http.connections import Connections
from catalog_service.weights.http.credentials import authorization
from catalog_service.weights.http.failures import HttpFailure, Nonsense
from catalog_service.weights.http.hosts import is_allowed, parsed, redirected, refused, shown
from catalog_service.weights.http.policy import HttpPolicy

REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The last answer; the caller closes `response`.

    Attributes:
        url: that gave it; may have a signature in its query.
        linked: what was said about the file on the way.
    """

    response: BaseHTTPResponse
    url: str
    linked: Linked


class Journey:
    """Follows redirects by hand.

    Args:
        policy: hosts, token, how many redirects.
    """

    def __init__(self, policy: HttpPolicy) -> None:
        self._policy = policy
        self._connections = Connections(policy)

    def follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        is_enough: Callable[[Linked], bool] = lambda linked: False,
    ) -> Arrival:
        """Return the answer at the end, or the redirect before it that says enough.

        Raises:
            HostRefused: a hop leads where the policy does not allow; it is not contacted.
            Unreachable, Nonsense: on the way.
        """
        policy = self._policy
        if not is_allowed(url, first=url, allowed=policy.allowed_hosts):
            raise refused(url)
        here, linked = str(parsed(url)._replace(auth=None, fragment=None)), Linked()
        for _ in range(policy.max_redirects + 1):
            response = self._connections.ask(method, here, self._headers(here, url, headers))
            linked = linked.joined(response.headers)
            arrival = Arrival(response=response, url=here, linked=linked)
            if response.status not in REDIRECTS:
                return arrival
            here = self._next(arrival, url)
            if is_enough(linked):
                return arrival
            response.close()
        raise Nonsense(f"{shown(url)} redirects more than {policy.max_redirects} times")

    def _next(self, arrival: Arrival, first: str) -> str:
        location = arrival.response.headers.get("Location", "")
        allowed = self._policy.allowed_hosts
        try:
            return redirected(arrival.url, location, first=first, allowed=allowed)
        except HttpFailure:
            arrival.response.close()
            raise

    def _headers(self, url: str, first: str, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "User-Agent": self._policy.user_agent,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **more,
            **authorization(url, first=first, token=self._policy.token),
        }
