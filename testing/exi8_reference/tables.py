"""The constant tables of EXI8, computed with 40 decimal digits, and their BLAKE3 digests.

Run it to compare with `crates/tensor/src/tests/table_hashes.rs`.
"""

import numpy as np
from blake3 import blake3
from mpmath import exp, floor, mp, mpf, sqrt

mp.dps = 40


def half_even(x):
    """Rounds to the nearest integer, ties to even."""
    whole = int(floor(x))
    rest = x - whole
    if rest > mpf(1) / 2 or (rest == mpf(1) / 2 and whole % 2 == 1):
        whole += 1
    return whole


def exp_table():
    table = [half_even(16383 * mpf(2) ** (-mpf(i) / 4096)) for i in range(65536)]
    table[65535] = 0
    return np.array(table, dtype="<u2")


def rsq_table():
    return np.array([half_even(mpf(2) ** 21 / sqrt(mpf(i))) for i in range(1 << 14, 1 << 16)], dtype="<u2")


def rec_table():
    return np.array([min(32767, half_even(mpf(2**29) / i)) for i in range(1 << 14, 1 << 15)], dtype="<u2")


def silu_table(fraction):
    values = [half_even(mpf(h) / (1 + exp(-mpf(h) / 2**fraction))) for h in range(-32768, 32768)]
    return np.array(values, dtype="<i2")


def digest(table):
    return blake3(table.tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    print("EXP", digest(exp_table()))
    print("RSQ", digest(rsq_table()))
    print("REC", digest(rec_table()))
    for f in range(2, 14):
        print("SILU", f, digest(silu_table(f)), flush=True)
