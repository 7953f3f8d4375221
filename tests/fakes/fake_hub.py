"""A Hugging Face hub on a `FaultyOrigin`: revisions, big files on another host, gates.

    hub = FakeHub(origin, cdn=cdn)            # two origins; without `cdn` the bytes come directly
    hub.repository("facebook/dinov3-vits16-pretrain-lvd1689m", {"config.json": b"{}", ...},
                   gated=True)
    hub.tokens["hf_good"] = {"facebook/dinov3-vits16-pretrain-lvd1689m": "granted"}

What it answers is what the hub answers: 302 with X-Repo-Commit, X-Linked-Size and X-Linked-Etag for
big files; 401 with X-Error-Code for strangers, 403 with its sentences, 404 with RepoNotFound,
RevisionNotFound or EntryNotFound. Source: huggingface_hub/errors.py and utils/_http.py.
Faults of big files belong on `hub.cdn_path(...)` of the `cdn`, of small ones and redirects on
`hub.path(...)` of the origin.
"""

import hashlib
from dataclasses import dataclass

from tests.fakes.faults import Answer, Asked, Held, served
from tests.fakes.faulty_origin import FaultyOrigin

COMMIT = "91c54ad1727ee830252e457677f467be0bfd8a57"

WORDS = {
    "not_requested": (
        "Access to model {name} is restricted and you are not in the authorized list. "
        "Visit {url}/{name} to ask for access."
    ),
    "pending": "Your request to access model {name} is awaiting a review from the repo authors.",
    "rejected": "Your request to access model {name} has been rejected by the repo's authors.",
    "fine_grained": (
        "Please enable access to public gated repositories in your fine-grained token settings "
        "to view this repository."
    ),
}
"""What the hub says with 403, by the state of a person's request."""


@dataclass(slots=True, kw_only=True)
class Repository:
    """Files of one repository; those in `big` redirect to the content network."""

    name: str
    files: dict[str, bytes]
    big: set[str]
    gated: bool
    private: bool
    commit: str
    revisions: set[str]


class FakeHub:
    """See the module.

    Attributes:
        tokens: secret -> repository -> `granted` or a key of WORDS. A known token without an
            entry for a gated repository counts as `not_requested`.
    """

    def __init__(self, origin: FaultyOrigin, *, cdn: FaultyOrigin | None = None) -> None:
        self.origin = origin
        self.cdn = cdn
        self.url = origin.url
        self.tokens: dict[str, dict[str, str]] = {}
        self._repositories: dict[str, Repository] = {}
        origin.route("/", self._answer)

    def repository(
        self,
        name: str,
        files: dict[str, bytes],
        *,
        gated: bool = False,
        private: bool = False,
        commit: str = COMMIT,
        revision: str = "main",
    ) -> Repository:
        """Publish a repository (again); `.safetensors`, `.bin` and `.pth` are its big files."""
        big = {path for path in files if path.endswith((".safetensors", ".bin", ".pth", ".pt"))}
        repository = Repository(
            name=name,
            files=dict(files),
            big=big if self.cdn else set(),
            gated=gated,
            private=private,
            commit=commit,
            revisions={revision, commit},
        )
        self._repositories[name] = repository
        for path in repository.big:
            assert self.cdn is not None
            self.cdn.add(self.cdn_path(name, path), files[path])
        return repository

    def path(self, name: str, path: str, revision: str = "main") -> str:
        """Return the path of a file on the origin."""
        return f"/{name}/resolve/{revision}/{path}"

    def cdn_path(self, name: str, path: str) -> str:
        """Return the path of a big file on the content network: by digest, as there."""
        data = self._repositories[name].files[path]
        return f"/repos/{hashlib.sha256(data).hexdigest()}"

    def _answer(self, asked: Asked) -> Answer | None:
        parts = asked.path.strip("/").split("/", 4)
        if len(parts) < 5 or parts[2] not in {"resolve", "raw"}:
            return None
        name = "/".join(parts[:2])
        repository = self._repositories.get(name)
        refusal = self._refusal(asked, name, repository)
        if refusal is not None or repository is None:
            return refusal
        return self._file(asked, repository, revision=parts[3], path=parts[4])

    def _refusal(self, asked: Asked, name: str, repository: Repository | None) -> Answer | None:
        """Return how the hub says no, or None where it lets the caller in."""
        secret = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if secret and secret not in self.tokens:
            return _no(401, "", "Invalid credentials in Authorization header")
        state = self.tokens.get(secret, {}).get(name, "not_requested")
        is_hidden = repository is None or (repository.private and state != "granted")
        if is_hidden:
            status = 404 if secret else 401
            said = "Repository not found" if secret else "Invalid username or password."
            return _no(status, "RepoNotFound", said)
        if repository is None or not repository.gated or state == "granted":
            return None
        if not secret:
            said = (
                f"Access to model {name} is restricted. You must have access to it and be "
                "authenticated to access it. Please log in."
            )
            return _no(401, "GatedRepo", said)
        return _no(403, "GatedRepo", WORDS[state].format(name=name, url=self.url))

    def _file(self, asked: Asked, repository: Repository, *, revision: str, path: str) -> Answer:
        if revision not in repository.revisions:
            return _no(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if path not in repository.files:
            return _no(404, "EntryNotFound", "Entry not found")
        data = repository.files[path]
        commit = {"X-Repo-Commit": repository.commit}
        if path not in repository.big or self.cdn is None:
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # as git names it
            answer = served(Held(data=data, etag=f'"{git}"'), asked, content_type="text/plain")
            answer.headers.update(commit)
            return answer
        where = f"{self.cdn.url}{self.cdn_path(repository.name, path)}?Signature=cdn-signature"
        linked = {
            "Location": where,
            "X-Linked-Size": str(len(data)),
            "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
            "Etag": f'"{hashlib.sha256(data).hexdigest()}"',
        }
        return Answer(status=302, headers=commit | linked, data=b"Found. Redirecting")


def _no(status: int, code: str, message: str) -> Answer:
    headers = {"X-Error-Message": message, "Content-Type": "text/plain"}
    if code:
        headers["X-Error-Code"] = code
    return Answer(status=status, headers=headers, data=message.encode())
