"""What the provider says about a person, by scope."""

from __future__ import annotations

from stager_sandbox.people import Person

UID_SCOPE = "urn:dccn:identity:uid"
UID_CLAIM = "urn:dccn:uid"
API_SCOPE = "urn:dccn:data-stager-api:*"
SCOPES = ("openid", "profile", "email", "offline_access", UID_SCOPE, API_SCOPE)


def claims_of(person: Person, scope: str) -> dict[str, object]:
    """The claims about a person that the scopes, separated by spaces, give."""
    granted = set(scope.split())
    claims: dict[str, object] = {"sub": person.name}
    if "profile" in granted:
        claims |= {"name": person.full_name, "preferred_username": person.name}
    if "email" in granted:
        claims |= {"email": person.email, "email_verified": True}
    if UID_SCOPE in granted and person.uid:
        claims[UID_CLAIM] = person.uid
    return claims
