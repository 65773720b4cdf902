"""Telling who calls: service users with passwords, and access tokens."""
