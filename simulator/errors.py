"""The room's one error."""

from __future__ import annotations


class FlatlineError(Exception):
    """Something the user can put right; the message is one line that says what and how."""
