"""What can go wrong with sealed credentials; no message holds any part of a secret or of a ciphertext."""

from __future__ import annotations


class CredentialError(Exception):
    """The base of all errors of this package."""


class MalformedCredentialError(CredentialError):
    """The text is not a sealed credential: a clear password, an older format, or damaged."""


class UnsealablePasswordError(CredentialError):
    """The password is empty, too long, or holds a character that no password may hold."""


class UnknownKeyError(CredentialError):
    """The credential names a key that isn't in the keyring, or not any more; sealing it again helps.

    Attributes:
        key_id: The key that was named.
    """

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(
            f"the credential was sealed with the key {key_id}, which is not in use (any more); "
            "ask the stager for its current key and seal the password again"
        )


class CredentialNotOpenedError(CredentialError):
    """The ciphertext did not open: damaged, or sealed for another owner, another account or with another key."""

    def __init__(self) -> None:
        # One sentence for every reason: telling them apart would help someone who tries ciphertexts.
        super().__init__("the sealed credential does not open for this owner and account; seal the password again")


class KeyringError(CredentialError):
    """A key file is missing, is no key, or can be read or changed by others; the message names the file."""
