"""
Write scikit-learn's handwritten digits to one file.

    python prepare_digits.py digits.npz

- images (N, 8, 8) uint8, 0 is background and 16 the darkest ink
- labels (N,) int64, the digit that was written
- test (N,) bool, the images that no job trains or tunes on: TEST_PER_CLASS of each digit
"""

import sys

import numpy as np

TEST_PER_CLASS = 30


def main(out):
    from sklearn.datasets import load_digits  # only here: training needs the file and nothing else

    digits = load_digits()
    rng = np.random.default_rng(0)
    test = np.zeros(len(digits.target), dtype=bool)
    for label in range(10):
        test[rng.permutation(np.flatnonzero(digits.target == label))[:TEST_PER_CLASS]] = True
    with open(out, "wb") as f:
        np.savez_compressed(f, images=digits.images.astype(np.uint8), labels=digits.target.astype(np.int64), test=test)


if __name__ == "__main__":
    main(sys.argv[1])
