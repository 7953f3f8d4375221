"""When to ask again, and after what pause. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from catalog_service.weights.http.failures import HttpFailure
from catalog_service.weights.http.policy import HttpPolicy

_RATE_LIMIT_RESET = re.compile(r";\s*r=0;\s*t=(\d{1,6})")


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long the server asks to wait: seconds, a date, or the hub's `RateLimit`.

    Source: RFC 9110, section 10.2.3; huggingface_hub/utils/_http.py, parse_ratelimit_headers.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        reset = _RATE_LIMIT_RESET.search(headers.get("RateLimit", ""))
        return float(reset[1]) if reset else None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


def pause_s(failure: HttpFailure, *, attempt: int, policy: HttpPolicy, luck: float) -> float | None:
    """Return how long to wait before asking again, or None where that is no use.

    Args:
        attempt: 0 for the first that failed.
        luck: in [0, 1); spreads callers that failed together.
    """
    if not failure.passes or attempt >= policy.num_retries:
        return None
    spread: float = policy.retry_pause_s * 2**attempt * luck
    wanted = failure.retry_after_s
    if wanted is None:
        return spread
    return wanted + spread if wanted <= policy.max_retry_after_s else None
