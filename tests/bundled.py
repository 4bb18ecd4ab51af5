"""The rounds that the bundled scenarios can be played in."""

from __future__ import annotations

from scenarios import catalog
from scenarios.schema import Round


def rounds() -> list[tuple[str, Round]]:
    """Every playable (slug, round)."""
    return [(slug, round) for slug in catalog.slugs() for round in catalog.load_scenario(slug).rounds]


def recorded() -> list[str]:
    """The slugs with a debugging round."""
    return [slug for slug, round in rounds() if round == "debug"]
