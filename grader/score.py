"""The way in: score an interview's events against the scenario it was about.

Light to import, since the session core imports this package for its events: the judgement is loaded when first used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from grader.events import AnyEvent
    from grader.material import Material
    from grader.scorecard import Scorecard
    from traces.format import Verdict


def score(
    events: Iterable[AnyEvent],
    slug: str,
    *,
    verdict: Verdict | None = None,
    pack: Path | str | None = None,
    material: Material | None = None,
) -> Scorecard:
    """The scorecard of an interview about the scenario `slug`; the same events always give the same card.

    `verdict` tells which evidence was out of the ordinary in the recorded runs; without it no claim can be held
    against the evidence. `material` replaces what would be read from the catalogue. Raises GraderError when the
    events are not those of one interview about this scenario, ScenarioError when its files cannot be read.
    """
    from grader.material import load_material
    from grader.scoring import score_material

    return score_material(tuple(events), material or load_material(slug, verdict=verdict, pack=pack))
