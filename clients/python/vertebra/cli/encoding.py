"""What is printed where the terminal's or the pipe's encoding lacks a character: its spelling.

A name from elsewhere, a curve drawn with blocks, or a file name of bytes that are no text must not
end a command. `\\u2588` is also what JSON calls such a character: a document stays one.
"""

import codecs
import io
import json
import sys

ERRORS = "vertebra-spelled"
"""The name of this way among those of `codecs`."""


def spell_what_cannot_be_encoded() -> None:
    """Have standard output and standard error spell what they cannot encode."""
    codecs.register_error(ERRORS, spelled)
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors=ERRORS)


def spelled(error: UnicodeError) -> tuple[str, int]:
    """Return the spelling of what cannot be encoded, and where to go on."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
