"""The iRODS wire protocol: frames, packing instructions and the structures that travel. Knows nothing of a zone."""
