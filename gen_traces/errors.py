"""The one error class of this room."""


class RecordingError(Exception):
    """A recording cannot start, go on or be judged. The message is one line, ready to be shown."""
