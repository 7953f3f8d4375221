"""Who is let in to what, on a real server with TLS: certificates, tokens, roles, limits."""

import hashlib
import json
import logging
import time

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from tests.fakes.authority import Issuer, replace
from tests.fakes.echo_service import NAME, echo_server
from tests.fakes.guarded_server import Guarded, bearer, guarded_server
from tests.fakes.in_loop import in_loop
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub
from vertebra.model.v1.stream_pb2 import StreamEnd

TOKEN = "a-token-that-nobody-guesses"
CI = f"""
[[caller]]
name = "token:ci"
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
roles = ["operator"]
"""
ANN = "spiffe://studio/ns/ml/sa/ann"
GATEWAY = "spiffe://studio/ns/mesh/sa/gateway"
EVERYBODY = CI + '[[caller]]\nname = "spiffe://*"\nroles = ["user"]\n'


def row(name: str, **fields: object) -> str:
    """Return a row of an access file; a viewer unless it says otherwise."""
    told = {"name": name, "roles": ["viewer"], **fields}
    return "[[caller]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in told.items())


def reason_of(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    return error.code(), detail(error, ErrorInfo).reason


def detail(error: grpc.aio.AioRpcError, kind: type) -> object:
    trailers = dict(error.trailing_metadata())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    found = kind()
    assert any(one.Unpack(found) for one in status.details), status
    return found


async def refusal(server: Guarded, *headers: tuple[str, str], **shown: object) -> tuple:
    """Return code and reason of a refused call, and what it says."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.who(*headers, **shown)
    return *reason_of(refused.value), refused.value.details()


@in_loop
async def test_a_token_of_the_access_file_is_its_holder(tmp_path):
    async with guarded_server(tmp_path, CI) as server:
        assert await server.who(bearer(TOKEN)) == "token:ci"


@in_loop
async def test_a_token_of_the_access_file_can_expire(tmp_path):
    async with guarded_server(tmp_path, CI + "expires = 2026-01-01T00:00:00Z") as server:
        code, reason, told = await refusal(server, bearer(TOKEN))

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")
    assert "get a new one" in told


@in_loop
async def test_a_certificate_is_its_spiffe_id(tmp_path):
    async with guarded_server(tmp_path, EVERYBODY, asks=True) as server:
        assert await server.who(pair=server.authority.pair(uris=[ANN])) == ANN


@in_loop
async def test_a_token_comes_before_the_certificate_it_travels_with(tmp_path):
    async with guarded_server(tmp_path, EVERYBODY, asks=True) as server:
        pair = server.authority.pair(uris=[GATEWAY])
        assert await server.who(bearer(TOKEN), pair=pair) == "token:ci"


@in_loop
async def test_a_bad_token_is_not_passed_over_for_the_certificate(tmp_path):
    async with guarded_server(tmp_path, EVERYBODY, asks=True) as server:
        pair = server.authority.pair(uris=[ANN])
        code, reason, _ = await refusal(server, bearer("other"), pair=pair)

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("uris", [[], [ANN, GATEWAY], ["https://studio/ann"]])
@in_loop
async def test_a_certificate_without_one_spiffe_id_is_refused_with_its_names(tmp_path, uris):
    async with guarded_server(tmp_path, EVERYBODY, asks=True) as server:
        pair = server.authority.pair(uris=uris, hosts=["ann.studio"])
        code, reason, told = await refusal(server, pair=pair)

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNNAMED")
    assert "'ann.studio'" in told


@in_loop
async def test_who_shows_nothing_is_told_what_to_show(tmp_path):
    async with guarded_server(tmp_path, CI) as server:
        code, reason, told = await refusal(server)

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_MISSING")
    assert "--token-file" in told


@in_loop
async def test_who_shows_nothing_is_anonymous_where_a_row_says_so(tmp_path):
    async with guarded_server(tmp_path, CI + row("anonymous")) as server:
        assert await server.who() == "anonymous"


@pytest.mark.parametrize(
    "values",
    [
        ["Basic YTpi"],
        ["Bearer"],
        ["Bearer "],
        [TOKEN],
        ["Bearer " + "x" * 6200],
        [f"Bearer {TOKEN[:5]} {TOKEN[5:]}"],
        [f"Bearer {TOKEN}, Bearer other"],
        [f"Bearer {TOKEN}", "Bearer other"],
        ["Bearer other", f"Bearer {TOKEN}"],
        [f"Bearer {TOKEN}", f"Bearer {TOKEN}"],
        [f"Bearer {TOKEN}x"],
        [f"Bearer {TOKEN[:-1]}"],
    ],
)
@in_loop
async def test_other_authorization_headers_are_refused_and_not_repeated(tmp_path, values, caplog):
    caplog.set_level(logging.DEBUG)
    async with guarded_server(tmp_path, CI + row("anonymous")) as server:
        headers = [("authorization", value) for value in values]
        code, reason, told = await refusal(server, *headers)

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
    written = told + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert TOKEN not in written and "xxxx" not in written


@in_loop
async def test_a_token_of_any_length_is_refused_and_the_server_goes_on(tmp_path):
    async with guarded_server(tmp_path, CI) as server:
        for length in (9_000, 20_000, 1_000_000):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await server.who(bearer("x" * length))
            assert refused.value.code() in (  # gRPC refuses at random above its soft limit
                grpc.StatusCode.UNAUTHENTICATED,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.INTERNAL,
            )
        assert await server.who(bearer(TOKEN)) == "token:ci"


@pytest.mark.parametrize("name", [ANN, "spiffe://studio/ns/ml/sa/bob"])
@in_loop
async def test_a_forwarded_certificate_is_believed_of_the_mesh_alone(tmp_path, name):
    forwarded = ("x-forwarded-client-cert", f'Hash=ab;Subject="CN=a,b;c";URI={name}')
    async with guarded_server(tmp_path, EVERYBODY, asks=True, mesh_identities=[GATEWAY]) as server:
        through = await server.who(forwarded, pair=server.authority.pair(uris=[GATEWAY]))
        pretended = await server.who(forwarded, pair=server.authority.pair(uris=[ANN]))

    assert (through, pretended) == (name, ANN)


@in_loop
async def test_a_gateway_that_forwards_nothing_is_itself_where_a_row_has_its_name(tmp_path):
    access = EVERYBODY + row(GATEWAY)
    async with guarded_server(tmp_path, access, asks=True, mesh_identities=[GATEWAY]) as server:
        assert await server.who(pair=server.authority.pair(uris=[GATEWAY])) == GATEWAY


@in_loop
async def test_a_gateway_that_forwards_nothing_speaks_for_nobody_in_particular(tmp_path):
    """A row with `*` would else let in whoever the gateway let in without a certificate."""
    async with guarded_server(tmp_path, EVERYBODY, asks=True, mesh_identities=[GATEWAY]) as server:
        pair = server.authority.pair(uris=[GATEWAY])
        assert (await refusal(server, pair=pair))[1] == "CREDENTIALS_MISSING"
        assert await server.who(bearer(TOKEN), pair=pair) == "token:ci"
        server.access_file.write_text(EVERYBODY + row("anonymous"))
        assert await server.who(pair=pair) == "anonymous"


@in_loop
async def test_what_a_caller_slips_into_the_forwarded_header_is_refused(tmp_path):
    ours = f'By={GATEWAY};Hash=1;Subject="CN=x";URI={ANN}'
    evil = "spiffe://studio/admin"
    slipped = [
        [f"URI={evil},{ours}"],
        [f"URI={evil}", ours],
        [f"URI={evil};{ours}"],
        [f'URI={evil};X=",By={GATEWAY};Hash=1;URI={ANN};Subject="CN=a\\"b"'],
        [f'X=",{ours}'],
        [f"URI={evil}/../admin;Hash=1"],
        ["URI="],
        ["nonsense"],
        ["," * 4000],
    ]
    async with guarded_server(tmp_path, EVERYBODY, asks=True, mesh_identities=[GATEWAY]) as server:
        pair = server.authority.pair(uris=[GATEWAY])
        for values in slipped:
            headers = [("x-forwarded-client-cert", value) for value in values]
            _, reason, _ = await refusal(server, *headers, pair=pair)
            assert reason == "CERTIFICATE_UNNAMED", values


@in_loop
async def test_somebody_known_without_a_row_is_told_whom_to_ask(tmp_path):
    issuer = Issuer()
    async with guarded_server(tmp_path, CI, issuer=issuer) as server:
        code, reason, told = await refusal(server, bearer(issuer.token(sub="eve")))

    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
    assert "jwt:eve has no role" in told and "ask whoever keeps the access file" in told


@in_loop
async def test_a_subject_cannot_name_somebody_of_another_kind(tmp_path):
    issuer = Issuer()
    async with guarded_server(tmp_path, EVERYBODY + row("jwt:*"), issuer=issuer) as server:
        for subject in ("token:ci", ANN, "anonymous"):
            assert await server.who(bearer(issuer.token(sub=subject))) == f"jwt:{subject}"


@in_loop
async def test_a_viewer_may_look_and_is_told_who_may_do_more(tmp_path):
    async with guarded_server(tmp_path, row("anonymous")) as server:
        assert await server.who() == "anonymous"
        async with server.channel() as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await PathServiceStub(channel).CountCalls(pb.CountCallsRequest(), timeout=60)

    assert reason_of(refused.value) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
    assert refused.value.details().startswith(
        "anonymous has viewer; vertebra.diagnostics.v1.PathService/CountCalls needs user or"
        " operator: show who you are, or ask"
    )
    assert detail(refused.value, ErrorInfo).metadata["permission"] == "diagnose"


@in_loop
async def test_an_rpc_without_a_row_is_nobody_s_and_its_request_is_not_read(tmp_path):
    async with guarded_server(tmp_path, CI) as server, server.channel() as channel:
        call = channel.unary_unary(f"/{NAME}/UnaryUnary")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"\xff not a message", metadata=[bearer(TOKEN)], timeout=60)

    assert reason_of(refused.value) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
    async with echo_server() as naive:  # without doors the bytes are read, and found wrong
        with pytest.raises(grpc.aio.AioRpcError) as read:
            await naive.call_raw("UnaryUnary", b"\xff not a message")
    assert reason_of(read.value)[1] == "REQUEST_UNDECODABLE"


@in_loop
async def test_health_is_open_and_reflection_is_not(tmp_path):
    async with guarded_server(tmp_path, CI) as server, server.channel() as channel:
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert await health(b"", timeout=60) == b"\x08\x01"
        reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            [message async for message in channel.stream_stream(reflection)(iter([b"\x3a\x00"]))]
        shown = channel.stream_stream(reflection)(iter([b"\x3a\x00"]), metadata=[bearer(TOKEN)])
        assert [message async for message in shown]

    assert reason_of(refused.value)[0] is grpc.StatusCode.UNAUTHENTICATED


@in_loop
async def test_a_stream_ends_when_the_token_expires(tmp_path):
    """The token is let in by a clock that is late, and expires at once."""
    issuer = Issuer()
    access = row("jwt:*", roles=["user"])
    async with (
        guarded_server(tmp_path, access, issuer=issuer, late_s=1000) as server,
        server.channel() as channel,
    ):
        request = pb.HoldStreamRequest()
        request.duration.FromSeconds(3000)
        token = issuer.token(exp=int(time.time()) - 100)
        hold = PathServiceStub(channel).HoldStream(request, metadata=[bearer(token)], timeout=60)
        messages = [message async for message in hold]

    assert messages[-1].end.reason == StreamEnd.REASON_AUTH_EXPIRED


@in_loop
async def test_a_caller_s_calls_at_once_are_bounded_and_others_are_not(tmp_path):
    access = CI + row("anonymous", roles=["user"], calls_at_once=1)
    request = pb.HoldStreamRequest()
    request.duration.FromSeconds(3000)
    async with guarded_server(tmp_path, access) as server, server.channel() as channel:
        request.interval.FromMilliseconds(100)
        held = PathServiceStub(channel).HoldStream(request)
        await held.read()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.who()
        assert await server.who(bearer(TOKEN)) == "token:ci"
        held.cancel()

    assert reason_of(refused.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLER_BUSY")
    assert detail(refused.value, RetryInfo).retry_delay.ToTimedelta().total_seconds() == 1


@in_loop
async def test_a_caller_s_calls_a_second_are_bounded_with_a_time_to_come_back(tmp_path):
    access = row("anonymous", calls_per_second=0.01)
    async with guarded_server(tmp_path, access) as server:
        assert await server.who() == "anonymous"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.who()

    assert reason_of(refused.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLER_BUSY")
    wait_s = detail(refused.value, RetryInfo).retry_delay.ToTimedelta().total_seconds()
    assert 10 < wait_s <= 100


@in_loop
async def test_the_access_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path, caplog):
    async with guarded_server(tmp_path, CI) as server:
        server.access_file.write_text(CI + "[[caller]]\nname = ")
        assert await server.who(bearer(TOKEN)) == "token:ci"
        assert "the access file changed and is not taken" in caplog.text

        server.access_file.write_text(row("anonymous"))
        code, _, _ = await refusal(server, bearer(TOKEN))
        assert code is grpc.StatusCode.UNAUTHENTICATED
        assert await server.who() == "anonymous"


def refused_files(server: Guarded) -> float | None:
    return server.parts.telemetry.registry.get_sample_value("vertebra_door_files_refused")


@in_loop
async def test_a_scrape_tells_until_when_the_certificate_is_good(tmp_path):
    async with guarded_server(tmp_path, CI) as server:
        read = server.parts.telemetry.registry.get_sample_value
        begin = read("vertebra_certificate_not_before_timestamp_seconds")
        end = read("vertebra_certificate_not_after_timestamp_seconds")

        assert begin < time.time() < end


@in_loop
async def test_files_that_are_not_taken_are_counted_until_they_are_mended(tmp_path):
    async with guarded_server(tmp_path, CI) as server:
        assert refused_files(server) == 0
        server.access_file.write_text(CI + "[[caller]]\nname = ")
        assert refused_files(server) == 1

        certificate = tmp_path / "server.pem"
        good = certificate.read_bytes()
        replace(certificate, good[:100])
        assert await server.who(bearer(TOKEN)) == "token:ci"
        assert refused_files(server) == 2

        replace(certificate, good)
        server.access_file.write_text(CI)
        assert await server.who(bearer(TOKEN)) == "token:ci"
        assert refused_files(server) == 0


@in_loop
async def test_the_log_line_of_a_call_says_who_called(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with guarded_server(tmp_path, CI) as server:
        await server.who(bearer(TOKEN))

    (line,) = [record for record in caplog.records if hasattr(record, "rpc")]
    assert line.principal == "token:ci"


@in_loop
async def test_plain_text_gets_nothing_from_a_tls_server(tmp_path):
    async with guarded_server(tmp_path, CI) as server, server.channel(is_plain=True) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await PathServiceStub(channel).Echo(
                pb.EchoRequest(), metadata=[bearer(TOKEN)], timeout=60
            )

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
