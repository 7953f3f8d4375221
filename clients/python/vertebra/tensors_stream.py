"""A safetensors file of chosen tensors on its way, and the words that choose them."""

from collections.abc import Iterator, Mapping

from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.byte_cursors import TensorsCursor
from vertebra.connection import Connection, Method, resumed
from vertebra.model.v1 import layout_pb2
from vertebra.wire_json import FieldInvalid

ROLES: Mapping[str, layout_pb2.Role] = {
    "": layout_pb2.ROLE_UNSPECIFIED,
    "backbone": layout_pb2.ROLE_BACKBONE,
    "neck": layout_pb2.ROLE_NECK,
    "head": layout_pb2.ROLE_HEAD,
    "aux": layout_pb2.ROLE_AUX,
}
"""Empty means all."""


class TensorsStream:
    """A safetensors file on its way: iterate over it for its bytes, in order.

    It is opened again where it breaks; every offset and checksum is compared.
    """

    def __init__(self, connection: Connection, method: Method, cursor: TensorsCursor) -> None:
        self._pieces = resumed(connection, method, cursor)
        self._cursor = cursor

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes; nothing where the caller has them (`if_none_match`).

        Raises:
            AnswerRefused: an offset, a checksum or the amount of bytes is not what it must be.
            RpcFailed: as ReadTensors in the contract says.
        """
        return self._pieces

    @property
    def file(self) -> wire.TensorsFile:
        """The file's etag and size; known from the first piece on."""
        assert self._cursor.file is not None, "nothing was read yet"
        return self._cursor.file

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the whole file as the service has it; known at the end."""
        return self._cursor.digest


def role_of(word: str) -> layout_pb2.Role:
    """Return the contract's role for `backbone`, `neck`, `head`, `aux`, or empty for all.

    Raises:
        FieldInvalid: another word.
    """
    if word not in ROLES:
        words = ", ".join(name for name in ROLES if name)
        raise FieldInvalid(f"unknown role {word!r}; roles are {words}")
    return ROLES[word]
