"""The gRPC service that authenticates, validates and enqueues transfers, and answers questions about them."""
