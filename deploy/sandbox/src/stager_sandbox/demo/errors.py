"""What ends the demo."""


class DemoError(Exception):
    """Something isn't as it should be; the message says what, and what to do."""
