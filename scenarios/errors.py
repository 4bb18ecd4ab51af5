"""What goes wrong in this room."""


class ScenarioError(ValueError):
    """A scenario, pack, patch or vocabulary that cannot be used. The message is one line, ready to be shown."""
