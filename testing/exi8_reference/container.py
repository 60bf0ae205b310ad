"""Reads an `.exi8` model file, by section 8 of the specification."""

import struct

import numpy as np


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        out = self.data[self.at : self.at + count]
        assert len(out) == count, "the file is cut short"
        self.at += count
        return out

    def field(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def array(self, dtype, count):
        raw = self.take(np.dtype(dtype).itemsize * count)
        return np.frombuffer(raw, dtype).astype(np.int64)

    def matrix(self, rows, cols):
        w = self.array("i1", rows * cols).reshape(rows, cols)
        return {"w": w, "e": self.array("i1", rows)}

    def norm(self, width):
        fraction = self.field("B")
        shifts = self.array("u1", width)
        self.take(4 * width)  # gains
        return shifts, fraction


def read_model(path):
    with open(path, "rb") as file:
        r = Reader(file.read())
    assert r.take(8) == b"EXI8\r\n\x1a\n" and r.field("H") == 1 and r.field("B") == 0
    names = ["hidden", "layers", "heads", "kv_heads", "head_dim", "ffn", "vocab", "context"]
    shape = {name: r.field("I") for name in names}
    limbs = {name: r.field("B") for name in "nkodh"}
    model = dict(shape=shape, limbs=limbs, fr=r.field("B"), y=r.field("i"), epsilon=r.field("Q"))
    r.field("B"), r.field("f"), r.field("d"), r.field("B")  # tied, norm epsilon, theta, scaling
    for _ in range(4):
        r.field("d")
    d, vocab = shape["hidden"], shape["vocab"]
    width = {1: "i1", 2: "<i2"}[r.field("B")]
    model["embedding"] = r.array(width, vocab * d).reshape(vocab, d)
    model["embedding_e"] = r.array("i1", vocab)
    angles = shape["context"] * shape["head_dim"] // 2
    model["cos"], model["sin"] = r.array("<i2", angles), r.array("<i2", angles)
    q, kv, ffn = shape["heads"] * shape["head_dim"], shape["kv_heads"] * shape["head_dim"], shape["ffn"]
    places = dict(q=(q, d), k=(kv, d), v=(kv, d), o=(d, q), gate=(ffn, d), up=(ffn, d), down=(d, ffn))
    model["layers"] = []
    for _ in range(shape["layers"]):
        layer = {"fractions": {p: r.field("b") for p in ("q", "k", "v", "gate", "up")}}
        layer["norm1"], layer["norm2"] = r.norm(d), r.norm(d)
        for place, (rows, cols) in places.items():
            layer[place] = r.matrix(rows, cols)
        model["layers"].append(layer)
    model["norm_f"] = r.norm(d)
    model["head"] = r.matrix(vocab, d)
    assert r.at == len(r.data), "bytes follow the last field"
    return model
