"""The one failure of this room."""

from catalog_service.errors import Precondition


class FileUnreadable(Precondition):
    """The bytes are not a tensor file, or hold something that only executing it would reveal."""

    reason = "FILE_UNREADABLE"
