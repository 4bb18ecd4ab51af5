"""Who may import whom, and what the interview side may never pull in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "scenarios": set(),
    "traces": set(),
    "grader": {"scenarios", "traces"},
    "gen_traces": {"scenarios", "traces"},
    "simulator": {"scenarios", "traces", "grader"},
}


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def sources(room: str) -> list[Path]:
    reference = ROOT / "scenarios" / "reference"
    return [path for path in (ROOT / room).rglob("*.py") if reference not in path.parents]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_it_may(room):
    paths = sources(room)
    assert paths
    forbidden = set(ROOMS) - ROOMS[room] - {room} | ({"torch"} if room != "gen_traces" else set())
    offenders = {str(path.relative_to(ROOT)): bad for path in paths if (bad := imported_packages(path) & forbidden)}
    assert not offenders


@pytest.mark.parametrize(
    "module",
    ["simulator.cli", "simulator.plain", "simulator.interview", "simulator.desk", "simulator.tui.app", "grader.score"],
)
def test_the_interview_side_loads_neither_torch_nor_pandas(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
