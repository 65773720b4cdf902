"""What is wrong with a service's settings."""

from __future__ import annotations


class SettingsError(Exception):
    """Settings that can't be used.

    Its text has one line for each fault: the file and line, or the environment variable, the key, and what is wrong
    with it. It never holds a value, since that may be a secret.
    """
