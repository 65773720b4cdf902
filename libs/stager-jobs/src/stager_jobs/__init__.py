"""What a transfer job is, and the one place that talks to Redis and RQ about jobs."""
