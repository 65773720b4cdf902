"""Reads a service's settings from YAML and environment, and names what is wrong with them by file and line."""

from stager_settings.addresses import is_loopback
from stager_settings.errors import SettingsError
from stager_settings.load import load_settings
from stager_settings.model import Settings

__all__ = ["Settings", "SettingsError", "is_loopback", "load_settings"]
