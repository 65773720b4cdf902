"""Verbs on one file."""
