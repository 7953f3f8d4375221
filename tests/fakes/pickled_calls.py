"""A value that pickles as a call of any function: what a malicious file holds."""

from typing import Any


class Calls:
    """Unpickling it calls `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call
