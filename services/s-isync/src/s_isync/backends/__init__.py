"""The places that data is moved between; each is a `Tree`."""
