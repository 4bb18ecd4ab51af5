"""Claims as candidates write them, with the verdict they deserve: what the judge of causes is made and measured with.

`scenarios/claims` holds a file for each persona, in `train` or in `test`; one claim a line, tab-separated: the text,
the scenario it is made in, the verdict, and its kind (the kinds that earn nothing are TRAPS). Not needed at run time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from grader.choice import Verdict

CLAIMS = Path(__file__).resolve().parents[1] / "scenarios" / "claims"
RIGHT = ("plain", "hedged", "ruled_out_first", "code", "fix_only", "wrong_fix", "story", "typos")
TRAPS = (
    "near_miss", "other_bug", "negated_truth", "shotgun", "salad", "vague", "symptom_only", "question", "injection",
    "flattery",
)  # fmt: skip


class Claim(NamedTuple):
    """`where` names the persona's file and the line."""

    text: str
    scenario: str
    verdict: Verdict
    kind: str
    persona: str
    where: str


def read(part: Literal["train", "test"], folder: Path = CLAIMS) -> Iterator[Claim]:
    """The claims of one part, by persona in the order of their names. Raises ValueError for a malformed line."""
    for path in sorted((folder / part).glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            where = f"{path.name}:{number}"
            fields = [field.strip() for field in line.split("\t")]
            if len(fields) != 4 or not all(fields):
                raise ValueError(f"{where}: four columns are needed")
            text, scenario, verdict, kind = fields
            if verdict not in get_args(Verdict) or kind not in (*RIGHT, *TRAPS):
                raise ValueError(f"{where}: there is no {verdict!r} or no {kind!r}")
            yield Claim(text, scenario, cast(Verdict, verdict), kind, path.stem, where)
