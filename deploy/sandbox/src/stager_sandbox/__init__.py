"""All that the stager talks to, small and local: an iRODS zone, WebDAV, OIDC, project directories, mail."""
