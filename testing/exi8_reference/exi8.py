"""EXI8 in numpy integers: the transformer step and the sampler, token by token.

Written from docs/specs/0001-exi8.md alone, to judge the engine's kernels. Everything is int64
with asserted bounds; nothing here is fast.
"""

import struct
from functools import lru_cache

import numpy as np
from blake3 import blake3

import tables

FIELD = 1_065_353_216  # half of KoalaBear's modulus


@lru_cache(None)
def table(name, fraction=0):
    made = {"exp": tables.exp_table, "rsq": tables.rsq_table, "rec": tables.rec_table}
    if name == "silu":
        return tables.silu_table(fraction).astype(np.int64)
    return made[name]().astype(np.int64)


def rsh(x, s):
    """floor(x / 2^s + 1/2), exact for negative s; arrays of exact integers."""
    x = np.asarray(x, dtype=object) if np.any(np.asarray(s) < 0) else np.asarray(x, dtype=np.int64)
    s = np.broadcast_to(np.asarray(s, dtype=np.int64), x.shape)
    assert np.all((s >= -40) & (s <= 62))
    if x.dtype == object:
        out = [
            (int(v) + (1 << (int(k) - 1))) >> int(k) if k > 0 else int(v) << -int(k)
            for v, k in zip(x.ravel(), s.ravel())
        ]
        return np.array(out, dtype=object).reshape(x.shape)
    half = np.where(s > 0, np.int64(1) << np.maximum(s - 1, 0), 0)
    return (x + half) >> s


def sat(x, b):
    clipped = np.clip(x, -b, b)
    return np.asarray(clipped, dtype=np.int64)


def bl(x):
    return int(x).bit_length()


def top(row):
    return int(np.max(np.abs(row))) if len(row) else 0


class Row:
    """A quantised row: whole values, number of limbs, fraction."""

    def __init__(self, values, limbs, fraction):
        self.values, self.limbs, self.fraction = values, limbs, fraction


def quant(row, fraction, limbs):
    bits, bound = (7, 127) if limbs == 1 else (14, 16256)
    e = max(0, bl(top(row)) - bits)
    return Row(sat(rsh(row, e), bound), limbs, fraction - e)


def dot(weights, x):
    """W.x and the fraction that goes with it."""
    if x.limbs == 1:
        acc = weights @ x.values
        fraction = x.fraction
    else:
        acc = weights @ (x.values >> 7) + rsh(weights @ (x.values & 127), 7)
        fraction = x.fraction - 7
    assert top(acc) < FIELD
    return acc, fraction


def lin(matrix, x, fraction, bound, low=None):
    acc, f = dot(matrix["w"], x)
    h = rsh(acc, matrix["e"] + f - fraction)
    if low is not None:
        z, f = dot(low["a"], x)
        z = quant(z, low["a_e"] + f, 1)
        acc, f = dot(low["b"], z)
        h = h + rsh(acc, low["b_e"] + f - fraction)
    return sat(h, bound)


def norm(model, shifts, fraction, residual):
    m = top(residual)
    if m == 0:
        return np.zeros_like(residual)
    d = model["shape"]["hidden"]
    t = bl(m) - 15
    u = sat(rsh(residual, t), 32767)
    ceil_half_log = 0
    while 4**ceil_half_log < d:
        ceil_half_log += 1
    b = 15 - ceil_half_log
    k0 = 15 - b
    v = rsh(u, k0)
    epsilon = model["epsilon"]
    s = 2 * (t + k0)
    epsilon = epsilon >> s if s >= 0 else epsilon << -s
    ss = min(1 << 30, int(np.sum(v * v)) + epsilon)
    k = -((16 - bl(ss)) // 2)
    mantissa = ss >> (2 * k) if k >= 0 else ss << (-2 * k)
    assert 1 << 14 <= mantissa < 1 << 16
    product = u * table("rsq")[mantissa - (1 << 14)]
    assert top(product) <= 1 << 29
    return sat(rsh(product, k0 + 21 + k - fraction + shifts), 32767)


def rotate(model, position, heads):
    half = model["shape"]["head_dim"] // 2
    c = model["cos"][position * half : (position + 1) * half]
    s = model["sin"][position * half : (position + 1) * half]
    out = np.empty_like(heads)
    x0, x1 = heads[:, 0::2], heads[:, 1::2]
    out[:, 0::2] = sat(rsh(x0 * c - x1 * s, 14), 32767)
    out[:, 1::2] = sat(rsh(x0 * s + x1 * c, 14), 32767)
    return out


def attend(cache, q):
    scores = []
    for key in cache["keys"]:
        raw = int(np.dot(key.values, q.values))
        scores.append(int(sat(rsh(raw, q.fraction + key.fraction - 12), 1 << 29)))
    best = max(scores)
    p = [int(table("exp")[min(65535, best - s)]) for s in scores]
    total = sum(p)
    ex = max(e for _, e in cache["values"])
    width = len(q.values)
    high, low = np.zeros(width, np.int64), np.zeros(width, np.int64)
    for weight, (value, e) in zip(p, cache["values"]):
        weight = int(rsh(weight, ex - e))
        high += (weight >> 7) * value
        low += (weight & 127) * value
    assert top(high) < FIELD
    y = high + rsh(low, 7)
    kk = bl(total) - 15
    mantissa = total >> kk if kk >= 0 else total << -kk
    y16 = sat(rsh(y, kk), 32767)
    return sat(rsh(y16 * table("rec")[mantissa - (1 << 14)], 22 - ex), 32767)


class Sequence:
    """One sequence of one model, with an optional adapter."""

    def __init__(self, model, adapter=None):
        self.model, self.adapter, self.length = model, adapter, 0
        shape = model["shape"]
        self.caches = [
            [{"keys": [], "values": []} for _ in range(shape["kv_heads"])] for _ in range(shape["layers"])
        ]

    def step(self, token):
        model = self.model
        shape, limbs = model["shape"], model["limbs"]
        fr, y = model["fr"], model["y"]
        r = sat(rsh(model["embedding"][token], int(model["embedding_e"][token]) - fr), y)
        width = shape["head_dim"]
        for index, layer in enumerate(model["layers"]):
            low = self.adapter[index] if self.adapter else {}
            f = layer["fractions"]
            n = norm(model, *layer["norm1"], r)
            x = quant(n, layer["norm1"][1], limbs["n"])
            q = lin(layer["q"], x, f["q"], 23170, low.get("q")).reshape(-1, width)
            k = lin(layer["k"], x, f["k"], 23170, low.get("k")).reshape(-1, width)
            v = lin(layer["v"], x, f["v"], 23170, low.get("v")).reshape(-1, width)
            q, k = rotate(model, self.length, q), rotate(model, self.length, k)
            for head, cache in enumerate(self.caches[index]):
                cache["keys"].append(quant(k[head], f["k"], limbs["k"]))
                value = quant(v[head], f["v"], 1)
                cache["values"].append((value.values, f["v"] - value.fraction))
            group = shape["heads"] // shape["kv_heads"]
            o = [attend(self.caches[index][h // group], quant(q[h], f["q"], 1)) for h in range(shape["heads"])]
            x = quant(np.concatenate(o), f["v"], limbs["o"])
            r = r + lin(layer["o"], x, fr, y, low.get("o"))
            n = norm(model, *layer["norm2"], r)
            x = quant(n, layer["norm2"][1], limbs["n"])
            g = lin(layer["gate"], x, f["gate"], 23170, low.get("gate"))
            u = lin(layer["up"], x, f["up"], 23170, low.get("up"))
            product = table("silu", f["gate"])[g + 32768] * u
            x = quant(product, f["gate"] + f["up"], limbs["d"])
            r = r + lin(layer["down"], x, fr, y, low.get("down"))
            assert top(r) <= 1 << 29
        self.length += 1
        n = norm(model, *model["norm_f"], r)
        x = quant(n, model["norm_f"][1], limbs["h"])
        return lin(model["head"], x, 14, 1 << 29)


def random_at(seed, position):
    return struct.unpack("<Q", blake3(struct.pack("<Q", position), key=seed).digest()[:8])[0]


def temperature_factor(micro):
    """mT, sT with mT / 2^sT = 4 log2(e) / T: 14 leading bits of a 60-bit quotient, rounded."""
    ratio = 4_000_000 * 0x171547652B82FE17 // micro
    drop = ratio.bit_length() - 14
    mantissa = (ratio + (1 << (drop - 1))) >> drop
    if mantissa == 1 << 14:
        mantissa, drop = mantissa >> 1, drop + 1
    return mantissa, 60 - drop


def sample(logits, temperature_micro, top_k, top_p_ppm, number):
    best = int(np.argmax(logits))
    if temperature_micro == 0 or top_k == 1:
        return best
    m, s = temperature_factor(temperature_micro)
    p = []
    for logit in logits:
        distance = min(65535, (int(logits[best]) - int(logit)) >> 4)
        index = min(65535, int(rsh(distance * m, s)))
        p.append(int(table("exp")[index]) >> (2 if len(logits) > 65536 else 0))
    order = sorted(range(len(logits)), key=lambda i: (-int(logits[i]), i))
    if top_k:
        order = order[:top_k]
    if top_p_ppm < 1_000_000:
        mass, kept, running = sum(p[i] for i in order), [], 0
        for i in order:
            if kept and running * 1_000_000 >= mass * top_p_ppm:
                break
            kept.append(i)
            running += p[i]
        order = kept
    order.sort()
    r = sum(p[i] for i in order) * number >> 64
    running = 0
    for i in order:
        running += p[i]
        if running > r:
            return i
    raise AssertionError("the number lies below the sum")


def generate(model, prompt, count, adapter=None, sampling=(0, 0, 1_000_000), seed=bytes(32)):
    """Ids and the BLAKE3 of the logits of every chosen position."""
    sequence = Sequence(model, adapter)
    for token in prompt:
        logits = sequence.step(token)
    ids, hasher = [], blake3()
    for position in range(count):
        hasher.update(logits.astype("<i4").tobytes())
        token = sample(logits, *sampling, random_at(seed, position))
        ids.append(int(token))
        if position + 1 < count:
            logits = sequence.step(token)
    return ids, hasher.hexdigest()
