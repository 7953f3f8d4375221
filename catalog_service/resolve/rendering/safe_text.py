"""Text of unknown origin, made fit for a drawing. Pure."""

import re

_NOT_ALLOWED = re.compile("[^\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]|[\\x7f-\\x9f]")
"""What XML 1.0 does not allow in a text, and control characters. Source: XML 1.0, 2.2."""


def printable(text: str) -> str:
    """Return the text with a blank for each character that no drawing can hold."""
    return _NOT_ALLOWED.sub(" ", text)


def shortened(text: str, max_chars: int) -> str:
    """Return the text, its end cut off where it is too long."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"
