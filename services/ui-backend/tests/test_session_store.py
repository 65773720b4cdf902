"""Sessions in Redis."""

from __future__ import annotations

import pytest
from redis import Redis
from stager_ui.session_store import SessionStore, new_session_id

SECRET = "0123456789abcdef" * 2


@pytest.fixture
def store(redis: Redis) -> SessionStore:
    """A store whose sessions last a hundred seconds."""
    return SessionStore(redis, prefix="ui:", secret=SECRET, seconds=100)


def test_what_is_saved_is_loaded(store: SessionStore) -> None:
    """Values come back as they were, under their session's id only."""
    one, other = new_session_id(), new_session_id()
    store.save(one, {"person": {"uid": "älice"}, "n": 1}, set(), new=True, prolong=True)
    assert store.load(one) == {"person": {"uid": "älice"}, "n": 1}
    assert store.load(other) is None


def test_redis_holds_neither_values_nor_ids(store: SessionStore, redis: Redis) -> None:
    """Whoever reads Redis finds no password and nothing that could be put into a cookie."""
    session_id = new_session_id()
    store.save(session_id, {"repository": {"password": "hunter2hunter2"}}, set(), new=True, prolong=True)
    everything = repr([(key, redis.hgetall(key)) for key in redis.scan_iter()])
    assert "hunter2" not in everything
    assert session_id not in everything


def test_another_secret_opens_nothing(store: SessionStore, redis: Redis) -> None:
    """The id alone is half of the key."""
    session_id = new_session_id()
    store.save(session_id, {"n": 1}, set(), new=True, prolong=True)
    assert SessionStore(redis, prefix="ui:", secret="x" * 32, seconds=100).load(session_id) is None


def test_values_can_not_be_moved(store: SessionStore, redis: Redis) -> None:
    """A value that is copied to another name, or is changed, makes the session worthless."""
    session_id = new_session_id()
    store.save(session_id, {"a": 1, "b": 2}, set(), new=True, prolong=True)
    (key,) = list(redis.scan_iter())
    redis.hset(key, "a", redis.hget(key, "b"))
    assert store.load(session_id) is None


def test_an_ended_session_stays_ended(store: SessionStore) -> None:
    """A request that was on its way when the person signed out writes nothing."""
    session_id = new_session_id()
    store.save(session_id, {"n": 1}, set(), new=True, prolong=True)
    store.delete(session_id)
    assert not store.save(session_id, {"repository": {"password": "x"}}, set(), new=False, prolong=True)
    assert store.load(session_id) is None


def test_requests_at_the_same_time(store: SessionStore) -> None:
    """Each writes what it has changed and leaves the rest alone."""
    session_id = new_session_id()
    store.save(session_id, {"tokens": "old", "gone": 1}, set(), new=True, prolong=True)
    store.save(session_id, {"repository": "login"}, {"gone"}, new=False, prolong=True)
    store.save(session_id, {"tokens": "fresh"}, set(), new=False, prolong=False)
    assert store.load(session_id) == {"tokens": "fresh", "repository": "login"}


def test_time(store: SessionStore, redis: Redis) -> None:
    """A session has its time from the start, and anew only where it is prolonged."""
    session_id = new_session_id()
    store.save(session_id, {"n": 1}, set(), new=True, prolong=False)
    (key,) = list(redis.scan_iter())
    assert 95 < redis.ttl(key) <= 100
    redis.expire(key, 10)
    store.save(session_id, {"n": 2}, set(), new=False, prolong=False)
    assert redis.ttl(key) <= 10
    store.prolong(session_id)
    assert redis.ttl(key) > 95
