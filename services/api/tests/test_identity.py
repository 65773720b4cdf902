"""Who calls: passwords and tokens, and what must not pass for either."""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_harness import JAN, SECONDS, MakeTask, RedisServer, Users, WebServer, code, login, start_api
from grpc import StatusCode
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from stager.v1 import job_service_pb2 as pb
from stager_api.errors import UnauthenticatedError, UnavailableError
from stager_api.identity import passwords
from stager_api.identity.authenticator import Authenticator, Login
from stager_api.identity.basic import BasicLogin, ServiceUser
from stager_api.identity.bearer import BearerLogin, TokenRules
from stager_api.identity.provider import IdentityProvider
from stager_api.principal import Kind, Principal

API, PERSON = "urn:dccn:data-stager-api:*", "urn:dccn:identity:uid"
STREAMER = Principal("streamer", Kind.SERVICE, frozenset({"jan"}), frozenset({"dccn"}))


@pytest.fixture(scope="module")
def signing_key() -> RSAKey:
    """The provider's key."""
    return RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})


Token = Callable[..., str]


@pytest.fixture
def token(web: WebServer, signing_key: RSAKey) -> Token:
    """Makes a good token of the provider's, or one with claims, header or key changed; None drops a claim."""
    web.answers["/.well-known/openid-configuration"] = (
        200,
        {"issuer": web.url, "jwks_uri": f"{web.url}/jwks", "userinfo_endpoint": f"{web.url}/userinfo"},
    )
    web.answers["/jwks"] = (200, KeySet([signing_key]).as_dict(private=False))
    web.answers["/userinfo"] = (200, {"sub": "42", "urn:dccn:uid": "jan"})

    def make(*, key: Any = signing_key, header: dict[str, str] | None = None, **claims: object) -> str:  # noqa: ANN401
        now = int(time.time())
        body = {"iss": web.url, "aud": "stager", "exp": now + 600, "sub": "42", "client_id": "app", "scope": API}
        body |= claims
        header = {"alg": "RS256", "kid": "one"} | (header or {})
        kept = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(header, kept, key, algorithms=["RS256", "HS256"])

    return make


@pytest.fixture
def bearer(web: WebServer) -> Iterator[BearerLogin]:
    """The scheme, with addresses discovered from the issuer."""
    with httpx.Client(timeout=2 * SECONDS) as http:
        provider = IdentityProvider(http, web.url, keys_pause=0.0)
        yield BearerLogin(provider, TokenRules(web.url, "stager"), {"streamer": STREAMER})


def test_token_of_a_client_stands_for_what_its_entry_says(bearer: BearerLogin, token: Token) -> None:
    """A client without an entry is known by name, and may do nothing."""
    assert bearer.login(token(client_id="streamer")).principal == STREAMER
    assert bearer.login(token()).principal == Principal("app", Kind.SERVICE)


def test_token_of_a_person_stands_for_the_uid_of_userinfo(bearer: BearerLogin, token: Token, web: WebServer) -> None:
    """Asked once in the token's life; scopes may come as words or as a list."""
    text = token(scope=[API, PERSON])
    for _ in range(3):
        assert bearer.login(text).principal == Principal("jan", Kind.PERSON)
    assert bearer.login(token(scope=f"{API} {PERSON} openid")).principal.name == "jan"
    assert web.paths().count("/userinfo") == 2


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
        {"scope": None},
        {"scope": "urn:dccn:data-stager-api:x openid"},
        {"scope": API + "x"},
        {"scope": {"a": API}},
        {"client_id": None},
        {"client_id": ["streamer"]},
    ],
)
def test_token_that_says_something_else_is_refused(
    bearer: BearerLogin, token: Token, claims: dict[str, object]
) -> None:
    """Fault 1 of the originals: any valid token was anyone."""
    with pytest.raises(UnauthenticatedError):
        bearer.login(token(**claims))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "e30.e30.", "." * 9999])
def test_what_is_no_token_is_refused(bearer: BearerLogin, token: Token, text: str) -> None:
    """Whatever it is."""
    assert token
    with pytest.raises(UnauthenticatedError):
        bearer.login(text)


def test_signature_has_to_be_the_providers(bearer: BearerLogin, token: Token, signing_key: RSAKey) -> None:
    """Another key, no signature, the public key as a shared secret, no kid: none passes."""
    forged = [
        token(key=RSAKey.generate_key(2048)),
        token(key=RSAKey.generate_key(2048), header={"kid": "two"}),
    ]
    head, body, _ = token().split(".")
    none, shared = (_base64(b'{"alg":"%s","kid":"one"}' % name) for name in (b"none", b"HS256"))
    mac = hmac.digest(signing_key.as_pem(private=False), f"{shared}.{body}".encode(), "sha256")
    forged += [f"{shared}.{body}.{_base64(mac)}", f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}.AAAA"]
    for text in forged:
        with pytest.raises(UnauthenticatedError):
            bearer.login(text)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_names_of_claims_are_the_providers(token: Token, web: WebServer) -> None:
    """Scopes and client may stand in other claims."""
    with httpx.Client() as http:
        rules = TokenRules(web.url, "stager", scope_claim="scp", client_claim="azp")
        scheme = BearerLogin(IdentityProvider(http, web.url), rules, {"streamer": STREAMER})
        assert scheme.login(token(scope=None, scp=[API], azp="streamer")).principal == STREAMER
        with pytest.raises(UnauthenticatedError):
            scheme.login(token(client_id="streamer"))


@pytest.mark.parametrize(("claims", "genuine"), [({"exp": 1}, True), ({"scope": "openid"}, True)])
def test_a_real_token_that_is_no_longer_good_counts_as_no_guess(
    bearer: BearerLogin, token: Token, claims: dict[str, object], *, genuine: bool
) -> None:
    """A web application's users all call from its one address; their expired tokens must not lock it out."""
    with pytest.raises(UnauthenticatedError) as caught:
        bearer.login(token(**claims))
    assert caught.value.genuine is genuine
    with pytest.raises(UnauthenticatedError) as caught:
        bearer.login(token(key=RSAKey.generate_key(2048)))
    assert not caught.value.genuine


def test_a_rotated_key_is_fetched(bearer: BearerLogin, token: Token, web: WebServer) -> None:
    """A kid that isn't known makes the keys be asked for again."""
    bearer.login(token())
    new = RSAKey.generate_key(2048, {"kid": "two", "alg": "RS256", "use": "sig"})
    web.answers["/jwks"] = (200, KeySet([new]).as_dict(private=False))
    assert bearer.login(token(key=new, header={"kid": "two"}))
    with pytest.raises(UnauthenticatedError):
        bearer.login(token())


def test_unknown_kids_dont_make_the_provider_be_asked_each_time(token: Token, web: WebServer) -> None:
    """At most once in a pause."""
    with httpx.Client() as http:
        scheme = BearerLogin(IdentityProvider(http, web.url), TokenRules(web.url, "stager"), {})
        for _ in range(5):
            with pytest.raises(UnauthenticatedError):
                scheme.login(token(header={"kid": "unknown"}))
    assert web.paths().count("/jwks") == 1


def test_a_slow_provider_holds_up_nobody_whose_key_is_known(bearer: BearerLogin, token: Token, web: WebServer) -> None:
    """While somebody's unknown kid has the keys asked for, others log in; the next unknown one may come again."""
    bearer.login(token())
    answer, asked, others_are_done = web.answers["/jwks"], threading.Event(), threading.Event()

    def slowly(_: object) -> tuple[int, object]:
        asked.set()
        others_are_done.wait(SECONDS)
        return answer

    web.answers["/jwks"] = slowly
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(bearer.login, token(header={"kid": "unknown"}))
        assert asked.wait(SECONDS)
        assert bearer.login(token())
        with pytest.raises(UnavailableError):
            bearer.login(token(header={"kid": "unknown"}))
        assert not waits.done()
        others_are_done.set()
        assert isinstance(waits.exception(SECONDS), UnauthenticatedError)


def test_keys_that_are_no_good_leave_the_others_in_use(bearer: BearerLogin, token: Token, web: WebServer) -> None:
    """Of an unknown kind, damaged, too short, a shared secret: they check nothing, and take no other key along."""
    shared = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "shared"}
    short = RSAKey.generate_key(1024, {"kid": "short"})
    good = web.answers["/jwks"][1]["keys"]
    bad = [shared, {"kty": "XYZ", "kid": "z"}, {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "q"}, 7, None, {}]
    web.answers["/jwks"] = (200, {"keys": [*bad, short.as_dict(private=False), *good]})
    assert bearer.login(token())
    with pytest.raises(UnauthenticatedError):
        bearer.login(token(key=short, header={"kid": "short"}))
    with pytest.raises(UnauthenticatedError):
        bearer.login(token(key=OctKey.import_key(shared), header={"kid": "shared", "alg": "HS256"}))


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": 7}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, []])
def test_a_key_set_without_keys_changes_nothing(
    bearer: BearerLogin, token: Token, web: WebServer, document: object
) -> None:
    """Those that are known stay in use."""
    bearer.login(token())
    web.answers["/jwks"] = (200, document)
    with pytest.raises(UnauthenticatedError):
        bearer.login(token(header={"kid": "unknown"}))
    assert bearer.login(token())
    assert web.paths().count("/jwks") == 2


def test_keys_of_yesterday_check_nothing(token: Token, web: WebServer) -> None:
    """Whoever cuts the provider off keeps no key in use for ever; once it answers again, all is well."""
    now = [0.0]
    with httpx.Client() as http:
        provider = IdentityProvider(http, web.url, clock=lambda: now[0])
        scheme = BearerLogin(provider, TokenRules(web.url, "stager"), {})
        good, answer = token(), web.answers["/jwks"]
        assert scheme.login(good)
        web.answers["/jwks"] = (500, {})
        now[0] = 80_000.0
        assert scheme.login(good)
        now[0] = 90_000.0
        with pytest.raises(UnavailableError):
            scheme.login(good)
        web.answers["/jwks"] = answer
        now[0] += 5
        assert scheme.login(good)


def test_a_token_for_ever_is_one_for_very_long(bearer: BearerLogin, token: Token) -> None:
    """A number that no clock and no float holds is no fault of the service's."""
    assert bearer.login(token(exp=10**400)).expires


@pytest.mark.parametrize(
    "info",
    [
        {"sub": "someone else", "urn:dccn:uid": "jan"},
        {"urn:dccn:uid": "jan"},
        {"sub": "42"},
        {"sub": "42", "urn:dccn:uid": ["jan"]},
        {"sub": "42", "urn:dccn:uid": "../jan"},
    ],
)
def test_userinfo_has_to_be_about_the_tokens_person(
    bearer: BearerLogin, token: Token, web: WebServer, info: dict[str, object]
) -> None:
    """And to name a user."""
    web.answers["/userinfo"] = (200, info)
    with pytest.raises(UnauthenticatedError):
        bearer.login(token(scope=f"{API} {PERSON}"))


def test_provider_away_is_unavailable_not_a_wrong_login(bearer: BearerLogin, token: Token, web: WebServer) -> None:
    """Keys that are known stay in use."""
    web.answers["/jwks"] = (500, {})
    with pytest.raises(UnavailableError):
        bearer.login(token())
    web.answers["/userinfo"] = (503, {})
    web.answers["/jwks"] = (200, b"{")
    with pytest.raises(UnavailableError):
        bearer.login(token())


def test_userinfo_that_refuses_the_token_is_a_wrong_login(bearer: BearerLogin, token: Token, web: WebServer) -> None:
    """A revoked token, say."""
    web.answers["/userinfo"] = (401, {})
    with pytest.raises(UnauthenticatedError):
        bearer.login(token(scope=f"{API} {PERSON}"))


def basic(name: str, password: str) -> str:
    """An authorization value."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def authenticator() -> Authenticator:
    """Knows one service user."""
    return Authenticator({"basic": BasicLogin({"streamer": ServiceUser(passwords.hash_password("a:b"), STREAMER)})})


def test_good_password_is_remembered_for_a_while_only(authenticator: Authenticator) -> None:
    """A hash costs tens of milliseconds; the second call of a client doesn't."""
    good = basic("streamer", "a:b")
    assert authenticator.remembered(good) is None
    assert authenticator.check(good).principal == STREAMER
    assert authenticator.remembered(good) == Login(STREAMER)
    authenticator._clock = lambda: time.time() + 301
    assert authenticator.remembered(good) is None


def test_a_token_is_remembered_no_longer_than_it_lasts(bearer: BearerLogin, token: Token) -> None:
    """A good one is not looked at again for some minutes; one that has ended since is."""
    now = [time.time()]
    authenticator = Authenticator({"bearer": bearer}, lambda: now[0])
    value = f"Bearer {token(client_id='streamer', exp=int(now[0]) + 60)}"
    assert authenticator.check(value).principal == STREAMER
    now[0] += 50
    assert authenticator.remembered(value)
    now[0] += 20
    assert authenticator.remembered(value) is None


@pytest.mark.parametrize(
    "value",
    [
        basic("streamer", "no"), basic("streamer", ""), basic("", "a:b"), basic("ghost", "a:b"), "Basic", "Basic !",
        "Basic " + base64.b64encode(b"streamer").decode(), "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Bearer x", "streamer a:b", "", " ", "Basic " + "A" * 20_000,
    ],
)  # fmt: skip
def test_wrong_logins_are_refused_and_not_remembered(authenticator: Authenticator, value: str) -> None:
    """All in the same way."""
    with pytest.raises(UnauthenticatedError):
        authenticator.check(value)
    assert authenticator.remembered(value) is None


def test_unknown_name_takes_as_long_as_a_wrong_password(authenticator: Authenticator) -> None:
    """So that names can't be found out by the clock."""

    def seconds(value: str) -> float:
        began = time.perf_counter()
        with pytest.raises(UnauthenticatedError):
            authenticator.check(value)
        return time.perf_counter() - began

    seconds(basic("ghost", "x"))
    known = min(seconds(basic("streamer", "x")) for _ in range(5))
    unknown = min(seconds(basic("ghost", "x")) for _ in range(5))
    assert 0.3 < known / unknown < 3


@pytest.mark.usefixtures("redis")
def test_running_service_takes_tokens(
    token: Token, web: WebServer, settings: dict[str, Any], redis_server: RedisServer, users: Users,
    task: MakeTask, tmp_path: Path,
) -> None:  # fmt: skip
    """A person sees their own jobs alone and is lent no service account; a token is no password of anyone's."""
    web.answers["/userinfo"] = (200, {"sub": "42", "urn:dccn:uid": users.jan})
    api = start_api(tmp_path, {**settings, "oauth": {"issuer": web.url, "audience": "stager"}}, redis_server.url)
    try:
        text, own = token(scope=f"{API} {PERSON}"), pb.JobServiceListRequest()
        person = [("authorization", f"Bearer {text}")]
        assert not api.jobs.List(pb.JobServiceListRequest(), metadata=person, timeout=SECONDS).jobs
        other = pb.JobServiceListRequest(stager_user=users.piet)
        assert code(lambda: api.jobs.List(other, metadata=person, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED
        lent = pb.SubmitRequest(task=task(dr_user="dccn-streamer", dr_pass=""))
        assert code(lambda: api.jobs.Submit(lent, metadata=person, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED
        for name in ("jan", users.jan, "root"):
            typed = login(name, text)
            assert code(lambda t=typed: api.jobs.List(own, metadata=t, timeout=SECONDS)) is StatusCode.UNAUTHENTICATED
        assert not api.jobs.List(pb.JobServiceListRequest(), metadata=JAN, timeout=SECONDS).jobs
        soon = [("authorization", f"Bearer {token(scope=f'{API} {PERSON}', exp=int(time.time()) + 2)}")]
        stream = api.jobs.Watch(pb.WatchRequest(), metadata=soon, timeout=SECONDS)
        assert code(lambda: next(stream)) is StatusCode.UNAUTHENTICATED  # not the call's own time limit
    finally:
        assert api.stop() == 0
    written = api.log.read_text()
    assert text not in written
    assert "login refused" in written
