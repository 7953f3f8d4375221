"""Signed tokens: what is taken, and everything that looks like it and is not."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from catalog_service.serving.jwks import IssuerKeys
from catalog_service.serving.tokens import SignedTokens, TokenRefused
from tests.fakes.authority import Issuer
from tests.fakes.guarded_server import signed
from tests.fakes.in_loop import in_loop


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def part(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def refusal(issuer: Issuer, token: str) -> TokenRefused:
    with pytest.raises(TokenRefused) as refused:
        await signed(issuer).subject(token)
    assert token[-20:] not in refused.value.message
    return refused.value


@in_loop
async def test_a_token_is_its_subject_s_until_it_expires(issuer):
    exp = int(time.time()) + 600

    subject = await signed(issuer).subject(issuer.token(sub="ann", exp=exp))

    assert (subject.name, subject.expires_at) == ("ann", exp + 60)


@in_loop
async def test_several_audiences_may_have_ours(issuer):
    token = issuer.token(aud=["other", issuer.audience])

    assert (await signed(issuer).subject(token)).name == "ann"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"aud": "other"}, "ask for the audience 'vertebra'"),
        ({"aud": None}, "lacks 'aud'"),
        ({"iss": "https://login.evil.test"}, "is not from https://login.studio.test"),
        ({"iss": None}, "lacks 'iss'"),
        ({"exp": None}, "lacks 'exp'"),
        ({"sub": None}, "lacks 'sub'"),
        ({"sub": ""}, "'sub'"),
        ({"sub": 7}, "'sub'|signature"),
        ({"sub": "x" * 300}, "'sub'"),
        ({"sub": "ann\nlevel=ERROR"}, "characters that no name should have"),
        ({"exp": int(time.time()) - 3600}, "expired at .*; get a new one"),
        ({"nbf": int(time.time()) + 3600}, "is not valid before"),
        ({"exp": 1e300}, "'exp' is no time"),
        ({"exp": float("inf")}, "'exp' is no time"),
        ({"exp": float("nan")}, "'exp' is no time"),
        ({"exp": True}, "'exp' is no time"),
        ({"exp": "9999999999"}, "'exp' is no time"),
        ({"nbf": "soon"}, "'nbf' is no time"),
    ],
)
@in_loop
async def test_claims_that_are_not_right_are_refused_in_words(issuer, changes, told, counted):
    error = await refusal(issuer, issuer.token(**changes))

    with pytest.raises(TokenRefused, match=told):
        raise error
    counted(tokens_refused=1)


@in_loop
async def test_clocks_may_differ_by_less_than_a_minute(issuer):
    now = int(time.time())

    assert await signed(issuer).subject(issuer.token(exp=now - 10, nbf=now + 50))


@in_loop
async def test_no_signature_is_none(issuer, counted):
    for algorithm in ("none", "None", "NONE", ""):
        header = {"alg": algorithm, "typ": "JWT", "kid": issuer.key_id}
        for signature in ("", "AAAA"):
            token = f"{part(header)}.{part(issuer.claims())}.{signature}"
            await refusal(issuer, token)
    counted(tokens_refused=8)


@in_loop
async def test_the_public_key_signs_nothing(issuer):
    """HS256 with what everybody has: a check that took the token's own algorithm would hold."""
    signed_part = f"{part({'alg': 'HS256', 'kid': issuer.key_id})}.{part(issuer.claims())}"
    digest = hmac.new(issuer.public_pem, signed_part.encode(), hashlib.sha256).digest()
    token = f"{signed_part}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    assert "RS256" in (await refusal(issuer, token)).message


@in_loop
async def test_a_stranger_s_key_signs_nothing(issuer):
    """Whether it has the right id, is named in the header, or is a link there."""
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    for more in ({}, {"jwk": own}, {"jku": "https://evil.test/keys"}, {"x5u": "https://evil"}):
        headers = {"kid": issuer.key_id, **more}
        token = jwt.encode(issuer.claims(), stranger, algorithm="RS256", headers=headers)
        assert "signature does not hold" in (await refusal(issuer, token)).message


@in_loop
async def test_a_changed_claim_breaks_the_signature(issuer):
    header, _, signature = issuer.token().split(".")

    await refusal(issuer, f"{header}.{part(issuer.claims(sub='root'))}.{signature}")


@in_loop
async def test_a_key_signs_only_as_its_issuer_says(issuer):
    """The key is published for RS256; PS256 by the same key is allowed by the rules alone."""
    rules = signed(issuer)._rules
    wider = type(rules)(issuer=rules.issuer, audience=rules.audience, algorithms=("RS256", "PS256"))
    token = jwt.encode(
        issuer.claims(), issuer.key, algorithm="PS256", headers={"kid": issuer.key_id}
    )

    with pytest.raises(TokenRefused):
        await SignedTokens(wider, IssuerKeys(issuer.key_set)).subject(token)


@in_loop
async def test_extensions_are_refused(issuer):
    error = await refusal(issuer, issuer.token(header={"crit": ["exp"]}))

    assert "token" in error.message


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        "e30.e30.e30",
        f"{base64.urlsafe_b64encode(b'[' * 3000).decode()}.e30.e30",
        f"{part([])}.e30.",
        f"{part({'alg': ['RS256']})}.e30.",
        f"{part({'alg': 'RS256', 'kid': 7})}.e30.",
        f"{part({'alg': 'RS256', 'kid': 'k' * 1000})}.e30.",
        f"{part({'alg': 'RS256', 'kid': '../../etc/passwd'})}.e30.",
        "\u00e9.\u00e9.\u00e9",
    ],
)
@in_loop
async def test_what_is_no_token_is_refused(issuer, token):
    with pytest.raises(TokenRefused):
        await signed(issuer).subject(token)
