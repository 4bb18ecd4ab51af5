"""The interview: session and clock, the interviewer's ear and mouth, the screens and the command line."""

import os

# The matrices that a message is read with are tiny: a second thread of numpy's would wait longer than it works.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
