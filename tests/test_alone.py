"""A round is played and scored without network, torch or pandas."""

import os
import subprocess
import sys
from pathlib import Path

ALONE = """
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a round may not use the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
sys.modules["torch"] = sys.modules["pandas"] = sys.modules["openai"] = None  # importing them fails
from simulator.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_round_needs_nothing_but_itself(tmp_path):
    said = (
        "I suspect the learning rate, or the data\nshow me the gradient norm\nthe loss of the known-good run\n/finish\n"
    )
    for round in ("debug", "review"):
        done = subprocess.run(
            [sys.executable, "-c", ALONE, "play", "--plain", "--round", round, "--seed", "1"],
            input=said,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent.parent,
            env=os.environ | {"FLATLINE_HOME": str(tmp_path)},
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert " of 100: " in done.stdout
