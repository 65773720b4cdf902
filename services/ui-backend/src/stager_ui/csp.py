"""What browsers are told not to do with our pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request


def protect(app: Flask, *, secure: bool, issuer: str) -> None:
    """Put the security headers on every answer.

    Args:
        app: The application.
        secure: Whether browsers come by https.
        issuer: The OpenID provider; signing out is a form whose answer leads there.
    """
    parts = urlsplit(issuer)
    policy = "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {parts.scheme}://{parts.netloc}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )
    fixed = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        # Not `no-referrer`: the CSRF check of https requests reads it.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    if secure:
        fixed["Strict-Transport-Security"] = "max-age=31536000"

    def add_headers(response: Response) -> Response:
        response.headers.update(fixed)
        if request.endpoint != "assets.asset":
            # Pages and listings are one person's: neither a proxy nor the next one at this machine may see them.
            response.headers["Cache-Control"] = "no-store"
        return response

    app.after_request(add_headers)
