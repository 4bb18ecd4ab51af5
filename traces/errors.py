"""The one error class of this room."""


class TraceError(Exception):
    """A recorded run cannot be read or written. The message is one line, ready to be shown."""
