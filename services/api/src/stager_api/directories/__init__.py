"""Directories of the project storage, listed as the user who asks."""
