"""The provider's pages and endpoints."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from authlib.integrations.flask_oauth2.authorization_server import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import Flask, Response, jsonify, redirect, render_template, request, session
from werkzeug.wrappers import Response as BaseResponse

from stager_sandbox.oidc.claims import SCOPES, UID_CLAIM, claims_of
from stager_sandbox.oidc.clients import Client
from stager_sandbox.oidc.grants import AccessTokens, IdTokens, S256Challenge, ServiceGrant, code_grant, refresh_grant
from stager_sandbox.oidc.keys import ALGORITHM, SigningKeys
from stager_sandbox.oidc.store import Store
from stager_sandbox.oidc.tokens import InvalidTokenError, verified_claims
from stager_sandbox.people import People, Person

_PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def make_app(  # noqa: PLR0913 - the parts that the provider is made of
    issuer: str,
    *,
    people: People,
    clients: Mapping[str, Client],
    keys: SigningKeys,
    store: Store,
    token_seconds: int,
) -> Flask:
    """The provider as a WSGI application."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(
        SESSION_COOKIE_NAME="sandbox-oidc",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=issuer.startswith("https:"),
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    server = _authorization_server(app, issuer, clients=clients, keys=keys, store=store, token_seconds=token_seconds)
    _add_discovery(app, issuer, keys)
    _add_login(app, server, people)
    _add_userinfo(app, issuer, people, keys)
    _add_logout(app, server, store, keys)
    app.add_url_rule("/token", "token", server.create_token_response, methods=["POST"])

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _authorization_server(  # noqa: PLR0913 - see make_app
    app: Flask, issuer: str, *, clients: Mapping[str, Client], keys: SigningKeys, store: Store, token_seconds: int
) -> AuthorizationServer:
    def save_token(token: Mapping[str, Any], asked: Any) -> None:  # noqa: ANN401 - Authlib's request
        if refresh := token.get("refresh_token"):
            store.add_refresh(refresh, asked.client, asked.user, token["scope"])

    server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
    server.register_token_generator("default", AccessTokens(keys, issuer, token_seconds))
    challenge = S256Challenge(required=True)  # type: ignore[no-untyped-call] # Authlib has no types
    id_tokens = IdTokens(keys, issuer, store)
    server.register_grant(code_grant(store), [challenge, id_tokens])
    server.register_grant(refresh_grant(store), [id_tokens])
    server.register_grant(ServiceGrant)
    return server


def _add_discovery(app: Flask, issuer: str, keys: SigningKeys) -> None:
    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            userinfo_endpoint=f"{issuer}/userinfo",
            jwks_uri=f"{issuer}/jwks",
            end_session_endpoint=f"{issuer}/logout",
            response_types_supported=["code"],
            grant_types_supported=["authorization_code", "refresh_token", "client_credentials"],
            code_challenge_methods_supported=["S256"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=[ALGORITHM],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post", "none"],
            scopes_supported=list(SCOPES),
            claims_supported=["sub", "name", "preferred_username", "email", "email_verified", UID_CLAIM],
        )

    @app.get("/jwks")
    def jwks() -> Response:
        return jsonify(keys.published())


def _add_login(app: Flask, server: AuthorizationServer, people: People) -> None:
    def page(client: Client, *, failed: bool) -> tuple[str, int]:
        session.setdefault("form", secrets.token_urlsafe(24))
        text = render_template("login.html", client=client.client_id, form=session["form"], failed=failed)
        return text, 401 if failed else 200

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> BaseResponse | tuple[str, int]:
        person = people.find(session.get("sub", ""))
        try:
            grant = server.get_consent_grant(end_user=person)
        except OAuth2Error as error:
            return server.handle_error_response(None, error)  # type: ignore[no-any-return] # Authlib has no types
        failed = False
        if request.method == "POST":
            form_is_ours = hmac.compare_digest(request.form.get("form", ""), session.get("form", "-"))
            name, password = request.form.get("name", ""), request.form.get("password", "")
            person = people.login(name, password) if form_is_ours else None
            failed = person is None
            if person:
                session.clear()
                session["sub"] = person.name
        elif getattr(grant, "prompt", None):
            person = None
        if person is None:
            return page(grant.request.client, failed=failed)
        return server.create_authorization_response(grant_user=person, grant=grant)  # type: ignore[no-any-return] # as above


def _add_userinfo(app: Flask, issuer: str, people: People, keys: SigningKeys) -> None:
    def holder() -> tuple[Person, str] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = verified_claims(token, keys, issuer)
        except InvalidTokenError:
            return None
        person = people.find(claims["sub"])
        return (person, claims["scope"]) if person and claims["client_id"] != person.name else None

    @app.route("/userinfo", methods=["GET", "POST"])
    def userinfo() -> tuple[Response, int, dict[str, str]]:
        found = holder()
        if found is None:
            return jsonify(error="invalid_token"), 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        person, scope = found
        if "openid" not in scope.split():
            return jsonify(error="insufficient_scope"), 403, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        return jsonify(claims_of(person, scope)), 200, {}


def _add_logout(app: Flask, server: AuthorizationServer, store: Store, keys: SigningKeys) -> None:
    class Logout(EndSessionEndpoint):
        def get_server_jwks(self) -> Any:  # noqa: ANN401 - Authlib's
            return keys.all()

        def get_algorithms(self) -> list[str]:
            return [ALGORITHM]

        def end_session(self, _asked: object) -> None:
            store.drop_refresh_of(session.get("sub", ""))
            session.clear()

        def _is_valid_post_logout_redirect_uri(self, client: Client, post_logout_redirect_uri: str) -> bool:
            return client.check_redirect_uri(post_logout_redirect_uri)

    server.register_endpoint(Logout)

    @app.route("/logout", methods=["GET", "POST"])
    def logout() -> BaseResponse | str | tuple[str, int]:
        try:
            asked: Any = server.validate_endpoint_request("end_session")
        except OAuth2Error as error:
            return server.handle_error_response(None, error)  # type: ignore[no-any-return] # Authlib has no types
        if asked.needs_confirmation:
            form_is_ours = hmac.compare_digest(request.form.get("form", ""), session.get("form", "-"))
            if request.method == "GET" or not form_is_ours:
                session.setdefault("form", secrets.token_urlsafe(24))
                return render_template("logout.html", form=session["form"])
        return server.create_endpoint_response("end_session", asked) or redirect("/logged-out")

    @app.get("/logged-out")
    def logged_out() -> str:
        return render_template("logged-out.html")
