"""What is sealed opens for whom it was sealed, and for nobody else."""

from __future__ import annotations

import traceback

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st
from stager_credentials import (
    CredentialError,
    CredentialNotOpenedError,
    Keyring,
    MalformedCredentialError,
    SealingKey,
    UnknownKeyError,
    UnsealablePasswordError,
    parse_sealed,
)
from stager_credentials.sealed_text import MAX_TEXT, binding, encode_blob, join_sealed, split_sealed

passwords = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=250)
names = st.text(max_size=300)


@given(password=passwords, owner=names, dr_user=names)
def test_round_trip(key: SealingKey, keyring: Keyring, password: str, owner: str, dr_user: str) -> None:
    """Every password opens again, for every name."""
    text = key.seal(password, owner=owner, dr_user=dr_user)
    assert len(text) <= MAX_TEXT
    assert parse_sealed(text) == "one"
    assert keyring.open(text, owner=owner, dr_user=dr_user) == password


def test_the_key_is_wrapped_with_oaep(key: SealingKey, keyring: Keyring) -> None:
    """By RSA-OAEP with SHA-256, and the password by AES-256-GCM; one that PKCS#1 v1.5 has wrapped opens nothing."""
    key_id, blob = split_sealed(key.seal("secret", owner="jan", dr_user="j"))
    private = keyring._keys[key_id]
    wrapped, nonce, sealed = blob[: private.key_size // 8], blob[private.key_size // 8 :][:12], blob[-64 - 16 :]
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    aes_key = private.decrypt(wrapped, oaep)
    assert len(aes_key) == 32
    plain = AESGCM(aes_key).decrypt(nonce, sealed, binding(key_id, "jan", "j"))
    assert plain.rstrip(b"\0") == b"secret"
    old = private.public_key().encrypt(aes_key, padding.PKCS1v15())
    with pytest.raises(CredentialNotOpenedError):
        keyring.open(join_sealed(key_id, old + nonce + sealed), owner="jan", dr_user="j")


@given(pair=st.tuples(names, names), other=st.tuples(names, names))
def test_bound_to_owner_and_account(
    key: SealingKey, keyring: Keyring, pair: tuple[str, str], other: tuple[str, str]
) -> None:
    """In a job of another owner or account it opens nothing, also where the names run together to the same text."""
    assume(pair != other)
    text = key.seal("secret", owner=pair[0], dr_user=pair[1])
    with pytest.raises(CredentialNotOpenedError):
        keyring.open(text, owner=other[0], dr_user=other[1])


def test_names_do_not_run_together(key: SealingKey, keyring: Keyring) -> None:
    """The border between owner and account counts."""
    text = key.seal("secret", owner="jan", dr_user="smith")
    with pytest.raises(CredentialNotOpenedError):
        keyring.open(text, owner="jans", dr_user="mith")


def test_bound_to_key_id(key: SealingKey, made_keys_ring_with_alias: Keyring) -> None:
    """The same key under another id opens nothing: the id is bound in."""
    text = key.seal("secret", owner="jan", dr_user="j").replace(":one:", ":alias:")
    with pytest.raises(CredentialNotOpenedError):
        made_keys_ring_with_alias.open(text, owner="jan", dr_user="j")


@pytest.fixture
def made_keys_ring_with_alias(keyring: Keyring) -> Keyring:
    """A keyring in which one private key has two names."""
    return Keyring({**keyring._keys, "alias": keyring._keys["one"]})


@given(data=st.data())
def test_damaged_ciphertext_opens_nothing(key: SealingKey, keyring: Keyring, data: st.DataObject) -> None:
    """Any flipped bit or cut, wherever it is, gives the one same error."""
    key_id, blob = split_sealed(key.seal("secret", owner="jan", dr_user="j"))
    if data.draw(st.booleans()):
        position = data.draw(st.integers(0, len(blob) * 8 - 1))
        changed = bytearray(blob)
        changed[position // 8] ^= 1 << (position % 8)
    else:
        changed = bytearray(blob[: data.draw(st.integers(1, len(blob) - 1))])
    with pytest.raises(CredentialNotOpenedError) as caught:
        keyring.open(join_sealed(key_id, bytes(changed)), owner="jan", dr_user="j")
    assert str(caught.value) == str(CredentialNotOpenedError())


def test_reasons_look_alike(key: SealingKey, keyring: Keyring) -> None:
    """A broken wrapped key and a broken ciphertext give the same error with nothing chained to it."""
    key_id, blob = split_sealed(key.seal("secret", owner="jan", dr_user="j"))
    seen = set()
    for changed in (bytes(len(blob)), blob[:-1] + bytes([blob[-1] ^ 1]), b"x"):
        with pytest.raises(CredentialNotOpenedError) as caught:
            keyring.open(join_sealed(key_id, changed), owner="jan", dr_user="j")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        seen.add(str(caught.value))
    assert len(seen) == 1


@given(text=st.one_of(st.text(), st.text(alphabet="sealed:v1onetw_-AB=+/\n"), st.binary().map(encode_blob)))
def test_anything_else_is_refused(keyring: Keyring, text: str) -> None:
    """Whatever text arrives, it is refused as a credential error and not repeated in it."""
    for candidate in (text, f"sealed:v1:{text}", f"sealed:v1:one:{text}", f"sealed:v1:one:{text}\n"):
        with pytest.raises(CredentialError) as caught:
            keyring.open(candidate, owner="jan", dr_user="j")
        assert len(text) < 30 or text not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "sealed:v1:",
        "sealed:v1:one:",
        "sealed:v1::AAAA",
        "sealed:v0:one:AAAA",
        "sealed:v2:one:AAAA",
        "SEALED:v1:one:AAAA",
        " sealed:v1:one:AAAA",
        "sealed:v1:one:AAAA\n",
        "sealed:v1:one:AAAA=",
        "sealed:v1:one:AA+A",
        "sealed:v1:one:AAAAA",  # a single sextet
        "sealed:v1:one:AB",  # bits after the last byte
        "sealed:v1:one/../two:AAAA",
        "sealed:v1:" + "k" * 65 + ":AAAA",
        "sealed:v1:one:" + "A" * MAX_TEXT,
        "9f" * 256,  # the Go stager's: hex of an RSA PKCS#1 v1.5 ciphertext
        "U2FsdGVkX1" + "A" * 40,  # the Node stager's kind: salted, base64
        "sealed:v1:öne:AAAA",
        "sealed:v1:one:AAA٣",
    ],
)
def test_other_formats_are_malformed(text: str) -> None:
    """Clear passwords, older formats and near misses are told from sealed ones."""
    with pytest.raises(MalformedCredentialError):
        parse_sealed(text)


def test_one_blob_one_text(key: SealingKey) -> None:
    """Taking apart and putting together again gives the same text."""
    text = key.seal("secret", owner="jan", dr_user="j")
    assert join_sealed(*split_sealed(text)) == text


def test_unknown_key(keyring: Keyring) -> None:
    """A key that isn't there is named, so that one knows to seal again."""
    with pytest.raises(UnknownKeyError, match="retired-7") as caught:
        keyring.open("sealed:v1:retired-7:AAAA", owner="jan", dr_user="j")
    assert caught.value.key_id == "retired-7"
    with pytest.raises(UnknownKeyError):
        keyring.sealing_key("retired-7")


@pytest.mark.parametrize("password", ["", "a\0b", "\0", "x" * 1025, "ö" * 513, "\ud800"])
def test_unsealable_passwords(key: SealingKey, password: str) -> None:
    """What no password can be is refused without being repeated, also not in what a traceback would show."""
    with pytest.raises(UnsealablePasswordError) as caught:
        key.seal(password, owner="jan", dr_user="j")
    shown = "".join(traceback.format_exception(caught.value))
    assert "UnicodeEncodeError" not in shown
    assert "x" * 20 not in str(caught.value)


def test_longest_password_fits(key: SealingKey, keyring: Keyring) -> None:
    """1024 bytes go in and come out."""
    text = key.seal("x" * 1024, owner="jan", dr_user="j")
    assert len(text) <= MAX_TEXT
    assert keyring.open(text, owner="jan", dr_user="j") == "x" * 1024


def test_length_is_hidden(key: SealingKey) -> None:
    """Short and middling passwords look alike."""
    assert len({len(key.seal("x" * n, owner="jan", dr_user="j")) for n in (1, 8, 33, 64)}) == 1


def test_each_sealing_differs(key: SealingKey) -> None:
    """The same password sealed twice gives no equal texts."""
    assert key.seal("secret", owner="jan", dr_user="j") != key.seal("secret", owner="jan", dr_user="j")


def test_nothing_shows_in_repr(keyring: Keyring, key: SealingKey) -> None:
    """Logging a key or keyring by mistake shows no key material."""
    assert repr(keyring) == "Keyring()"
    assert repr(key) == "SealingKey(key_id='one')"
