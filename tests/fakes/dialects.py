"""One call in each of the ways that a gateway understands, each by a client of its own kind."""

import base64
import http.client
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

BUF = Path(sys.executable).with_name("buf")
TIMEOUT_S = 60

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, in words that all dialects share."""

    code: str = "OK"
    reason: str = ""
    message: str = ""
    documents: tuple[Document, ...] = ()
    """Messages as the contract's JSON."""


Ask = Callable[[str, str, Document], Answer]
"""Takes `host:port`, `/package.Service/Method` and a request."""


def by_grpc(address: str, path: str, request: Document) -> Answer:
    """Call natively."""
    service, _, name = path[1:].partition("/")
    method = Default().FindServiceByName(service).methods_by_name[name]
    answer_class = GetMessageClass(method.output_type)
    encoded = json_format.ParseDict(request, GetMessageClass(method.input_type)())
    with grpc.insecure_channel(address) as channel:
        kind = channel.unary_stream if method.server_streaming else channel.unary_unary
        call = kind(path, response_deserializer=answer_class.FromString)
        try:
            answer = call(encoded.SerializeToString(), timeout=TIMEOUT_S)
            answers = list(answer) if method.server_streaming else [answer]
        except grpc.RpcError as error:
            status = status_pb2.Status.FromString(
                dict(error.trailing_metadata())["grpc-status-details-bin"]
            )
            info = error_details_pb2.ErrorInfo()
            status.details[0].Unpack(info)
            return Answer(code=error.code().name, reason=info.reason, message=error.details())
    return Answer(documents=tuple(map(json_format.MessageToDict, answers)))


def by_buf(protocol: str, schema: Path) -> Ask:
    """Return what calls by `buf curl`, which speaks gRPC-Web and Connect by Go's libraries."""

    def ask(address: str, path: str, request: Document) -> Answer:
        command = [str(BUF), "curl", "--protocol", protocol, "--schema", str(schema)]
        done = subprocess.run(
            [*command, "--data", json.dumps(request), f"http://{address}{path}"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        if done.returncode == 0:
            return Answer(documents=tuple(_documents(done.stdout)))
        told = json.loads(done.stderr)
        info = error_details_pb2.ErrorInfo()
        info.ParseFromString(base64.b64decode(told["details"][0]["value"] + "=="))
        return Answer(code=told["code"].upper(), reason=info.reason, message=told["message"])

    return ask


def by_json(address: str, path: str, request: Document) -> Answer:
    """Call as curl would: POST, JSON; of a stream one document a line."""
    status, _, body = post(address, path, json.dumps(request))
    if status == http.client.OK:
        return Answer(documents=tuple(_documents(body)))
    told = json.loads(body)
    code = next(code for code in grpc.StatusCode if code.value[0] == told["code"])
    return Answer(code=code.name, reason=told["details"][0]["reason"], message=told["message"])


def post(
    address: str, path: str, body: str | bytes, **headers: str
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a POST; `headers` have underscores for dashes."""
    sent = {"content-type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return ask_http(address, "POST", path, body, sent)


def ask_http(
    address: str,
    verb: str,
    path: str,
    body: str | bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a request that is sent as it is."""
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    try:
        connection.request(verb, path, body, headers or {})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _documents(text: str) -> list[Document]:
    decoder, documents, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        documents.append(document)
        rest = rest[end:].lstrip()
    return documents
