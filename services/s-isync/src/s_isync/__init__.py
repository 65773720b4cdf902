"""Moves a tree between a file system and iRODS, verified, restartable, fast."""
