"""What ranks tell each other, whatever carries it."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Exchange(Protocol):
    """What ranks tell each other. All of them make the same calls in the same order.

    Raises:
        RankLost: another rank is gone.
    """

    def add_up(self, tensor: Tensor) -> None:
        """Let the tensor be the sum of all ranks', to the last bit the same everywhere."""
        ...

    def collect(self, data: bytes) -> Sequence[bytes]:
        """Return what every rank said, in their order, to the first one; nothing to the others."""
        ...

    def of_first(self, data: bytes) -> bytes:
        """Return what the first rank said."""
        ...

    def copy_first(self, tensor: Tensor) -> None:
        """Let the tensor be the first rank's, bit for bit."""
        ...

    def leave(self) -> None:
        """Say goodbye: afterwards a rank that is gone is missed by nobody."""
        ...


class Alone:
    """Tells nobody anything: of a rank that is alone."""

    def add_up(self, tensor: Tensor) -> None:
        """The sum of one is itself."""

    def collect(self, data: bytes) -> Sequence[bytes]:
        """Return the one."""
        return (data,)

    def of_first(self, data: bytes) -> bytes:
        """Return it."""
        return data

    def copy_first(self, tensor: Tensor) -> None:
        """It is."""

    def leave(self) -> None:
        """Nobody stays behind."""
