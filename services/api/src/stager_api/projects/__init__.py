"""From a project's number to its collection."""
