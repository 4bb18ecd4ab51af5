"""What goes wrong in this room."""


class GraderError(ValueError):
    """A transcript that cannot be scored. The message is one line, ready to be shown."""
