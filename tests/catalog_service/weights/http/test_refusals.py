"""What statuses mean: the hub's ways of saying no, as it says them."""

import pytest

from catalog_service.weights.http.failures import (
    Gated,
    HttpFailure,
    Nonsense,
    NotThere,
    RangeRefused,
    ServerTrouble,
)
from catalog_service.weights.http.refusals import Refusal, failure_of
from catalog_service.weights.trail import Outcome

NAME = "facebook/dinov3-vits16-pretrain-lvd1689m"
URL = f"https://huggingface.co/{NAME}/resolve/main/model.safetensors?x=secret"
PAGE = f"https://huggingface.co/{NAME}"


def hub_says(status: int, code: str = "", message: str = "", *, had_token: bool) -> HttpFailure:
    return failure_of(
        Refusal(url=URL, status=status, code=code, message=message, had_token=had_token)
    )


GATES = [
    (401, "GatedRepo", f"Access to model {NAME} is restricted.", False, "NO_TOKEN"),
    (403, "GatedRepo", f"Access to model {NAME} is restricted.", False, "NO_TOKEN"),
    (401, "", "Invalid credentials in Authorization header", True, "BAD_TOKEN"),
    (401, "", "", True, "BAD_TOKEN"),
    (403, "GatedRepo", "enable access in your fine-grained token settings", True, "BAD_TOKEN"),
    (403, "GatedRepo", "... you are not in the authorized list. Visit ...", True, "NOT_REQUESTED"),
    (403, "GatedRepo", "Your request ... is awaiting a review from the ...", True, "PENDING"),
    (403, "GatedRepo", "Your request ... has been rejected by the repo's ...", True, "REJECTED"),
    (401, "RepoNotFound", "Invalid username or password.", False, "UNKNOWN_REPOSITORY"),
    (401, "", "", False, "UNKNOWN_REPOSITORY"),
]


@pytest.mark.parametrize(("status", "code", "message", "had_token", "gate"), GATES)
def test_the_gates_of_the_hub_are_told_apart(
    status: int, code: str, message: str, had_token: bool, gate: str
):
    """Each has a page to visit, and none a secret."""
    failure = hub_says(status, code, message, had_token=had_token)

    assert isinstance(failure, Gated)
    assert failure.gate == gate
    assert failure.outcome is Outcome.GATED
    assert failure.page in failure.sentence
    assert "secret" not in failure.sentence
    wanted = "https://huggingface.co/settings/tokens" if gate == "BAD_TOKEN" else PAGE
    assert failure.page == wanted


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("RepoNotFound", "no repository"),
        ("RevisionNotFound", "not this revision"),
        ("EntryNotFound", "no such file"),
        ("", "no such file"),
    ],
)
def test_what_does_not_exist_says_what_of_it(code: str, words: str):
    """404."""
    failure = hub_says(404, code, had_token=True)

    assert isinstance(failure, NotThere)
    assert words in failure.sentence


@pytest.mark.parametrize("status", [401, 403])
def test_a_plain_server_that_wants_credentials_is_no_gate(status: int):
    """A mirror behind a password, a content network that dislikes somebody."""
    failure = failure_of(Refusal(url="https://mirror.lan/a.pth", status=status))

    assert isinstance(failure, ServerTrouble)
    assert "credentials" in failure.sentence


def test_a_disabled_repository_is_quoted():
    """403 with the hub's own words."""
    failure = hub_says(403, "", "Access to this resource is disabled.", had_token=True)

    assert isinstance(failure, ServerTrouble)
    assert "'Access to this resource is disabled.'" in failure.sentence


def test_words_of_a_server_are_one_short_line():
    """Whatever it sends."""
    failure = failure_of(Refusal(url="http://a.lan/x", status=500, text="a\nb\t" + "c" * 5000))

    assert "\n" not in failure.sentence
    assert len(failure.sentence) < 400


def test_a_page_of_html_is_not_quoted():
    """An error page says nothing in one line."""
    failure = failure_of(Refusal(url="http://a.lan/x", status=502, text="<html>nginx</html>"))

    assert failure.sentence == "http://a.lan/x answers 502"


def test_a_wish_to_wait_is_passed_on():
    """Also to people."""
    failure = failure_of(Refusal(url="http://a.lan/x", status=429, retry_after_s=60.0))

    assert failure.retry_after_s == 60.0
    assert "wait 60 s" in failure.sentence


def test_a_refused_range_names_the_size():
    """416."""
    failure = failure_of(Refusal(url="http://a.lan/x", status=416, total_bytes=10))

    assert isinstance(failure, RangeRefused)
    assert failure.total_bytes == 10


@pytest.mark.parametrize("status", [202, 204, 300, 304])
def test_a_success_without_a_file_is_nonsense(status: int):
    """Nothing conditional was asked."""
    assert isinstance(failure_of(Refusal(url="http://a.lan/x", status=status)), Nonsense)
