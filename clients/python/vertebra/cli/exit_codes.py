"""How the command line ends: a number for scripts, one sentence for people."""

import os
import shutil
import sys
import textwrap

import click

OK = 0
JOB_FAILED = 1
DOES_NOT_RUN = 1
USAGE = 2
UNREACHABLE = 3
REFUSED = 4
BUG = 70
INTERRUPTED = 130

TABLE = (
    (OK, "done"),
    (
        JOB_FAILED,
        "the job failed or was cancelled, a service stopped, or a checked size is no good",
    ),
    (USAGE, "wrong flags, a wrong file, or a request that the service calls invalid"),
    (UNREACHABLE, "no service answers at the address"),
    (REFUSED, "the service refused, or its answer cannot be right"),
    (BUG, "a bug in this program"),
    (INTERRUPTED, "interrupted; a job that was started goes on"),
)
"""What scripts can rely on."""


class CliFailed(click.ClickException):
    """A command that cannot go on, said in one sentence."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads the instance's


def described(error: Exception) -> CliFailed | None:
    """Return what a failed call means to a person; None for what only a bug explains."""
    from vertebra.address import AddressUnusable
    from vertebra.bundle_layout import BundleUnusable
    from vertebra.client_errors import RpcFailed, ServiceUnreachable
    from vertebra.credentials import CredentialsUnusable
    from vertebra.export_download import DownloadRefused
    from vertebra.local_service import LocalServicesFailed
    from vertebra.state_file import StateFileUnreadable
    from vertebra.wire_json import FieldInvalid

    if isinstance(error, ServiceUnreachable):
        return CliFailed(f"{error}; start both with `vertebra up`", UNREACHABLE)
    if isinstance(error, RpcFailed):
        return CliFailed(_with_violations(error), code_of(error))
    if isinstance(error, AddressUnusable | FieldInvalid | CredentialsUnusable):
        return CliFailed(str(error), USAGE)
    if isinstance(error, OSError):
        return CliFailed(_of_system(error), REFUSED)
    refusals = BundleUnusable | DownloadRefused | LocalServicesFailed | StateFileUnreadable
    if isinstance(error, refusals):
        return CliFailed(str(error), REFUSED)
    return None


def _of_system(error: OSError) -> str:
    """Return `Read-only file system: 'backbone.ckpt'`: what the system says, without its number."""
    if error.strerror is None:
        return str(error)
    if error.filename is None:
        return error.strerror
    return f"{error.strerror}: {str(error.filename)!r}"


def code_of(error: Exception) -> int:
    """Return the code of a failed call: whether it is the caller's to mend."""
    import grpc

    from vertebra.client_errors import RpcFailed

    assert isinstance(error, RpcFailed)
    if error.code is grpc.StatusCode.INVALID_ARGUMENT:
        return USAGE
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return UNREACHABLE
    return REFUSED


def _with_violations(error: Exception) -> str:
    """Return the sentence, and the problems and pages that it does not name yet, one a line."""
    from vertebra.client_errors import RpcFailed

    assert isinstance(error, RpcFailed)
    more = [
        f"  {one.field}: {one.description}"
        for one in error.violations
        if one.description not in error.message
    ]
    more += [f"  {one.text}: {one.url}" for one in error.links if one.url not in error.message]
    return "\n".join([error.message, *more])


def show(error: click.ClickException) -> None:
    """Print what went wrong on standard error, its label in red where there are colours."""
    if isinstance(error, click.UsageError):
        error.show()
        return
    colour = None if os.environ.get("NO_COLOR") is None else False
    label = click.style("error:", fg="red", bold=True)
    text = _fitted(f"error: {error.format_message()}").removeprefix("error:")
    click.secho(f"{label}{text}", err=True, color=colour)


def _fitted(text: str) -> str:
    """Return text whose lines break between words where a person reads them; paths stay whole."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(_folded(line, width) for line in text.splitlines())


def _folded(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line.strip(),
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
