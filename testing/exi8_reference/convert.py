"""Hugging Face and PEFT directories to EXI8 integers, in float64, by section 2 and 4 of the spec."""

import json
import math
import os
import struct

import numpy as np

PLACES = {
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
PROFILES = {
    "D1": dict(n=1, k=1, o=1, d=1, h=1),
    "D2": dict(n=1, k=2, o=1, d=2, h=1),
    "D3": dict(n=2, k=2, o=2, d=2, h=2),
}


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        raw = data[8 + length + start : 8 + length + end]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[entry["dtype"]])
        out[name] = values.astype(np.float64).reshape(entry["shape"])
    return out


def read_directory(directory):
    tensors = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".safetensors"):
            tensors.update(read_safetensors(os.path.join(directory, name)))
    return tensors


def pairs(matrix, width):
    """Half-split rows to interleaved pairs."""
    heads = matrix.reshape(-1, 2, width // 2, matrix.shape[1])
    return heads.transpose(0, 2, 1, 3).reshape(matrix.shape)


def half_even(x):
    return np.rint(x)


def base_exponent(largest):
    return 0 if largest == 0 else math.floor(math.log2(127 / largest))


def integer_row(row):
    """The better of two exponents."""
    w0 = base_exponent(np.max(np.abs(row)))
    best = None
    for e in (w0, w0 + 1):
        rounded = np.clip(half_even(row * 2.0**e), -127, 127)
        error = float(np.sum((rounded / 2.0**e - row) ** 2))
        if best is None or error < best[0]:
            best = (error, rounded, e)
    if not np.any(row):
        return np.zeros(len(row)), 0
    return best[1], best[2]


def integer_rows(matrix):
    rows = [integer_row(row) for row in matrix]
    w = np.array([r for r, _ in rows]).astype(np.int64)
    return {"w": w, "e": np.array([e for _, e in rows], dtype=np.int64)}


def site_fraction(matrix, d):
    bound = np.max(np.sqrt(np.sum(matrix**2, axis=1))) * (1 + math.sqrt(d) / 254)
    return math.floor(math.log2(23170 / (2 * bound)))


def convert_model(directory, profile="D2"):
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    t = read_directory(directory)
    d, heads = config["hidden_size"], config["num_attention_heads"]
    width = config.get("head_dim") or d // heads
    shape = dict(
        hidden=d,
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config["num_key_value_heads"],
        head_dim=width,
        ffn=config["intermediate_size"],
        vocab=config["vocab_size"],
        context=config["max_position_embeddings"],
    )
    c = np.zeros(d, dtype=np.int64)
    layers = []
    for index in range(shape["layers"]):
        prefix = f"model.layers.{index}."
        g1 = t[prefix + "input_layernorm.weight"] * math.sqrt(d)
        g2 = t[prefix + "post_attention_layernorm.weight"] * math.sqrt(d)
        w = {place: t[f"{prefix}{name}.weight"] for place, name in PLACES.items()}
        folded = {
            "q": pairs(w["q"], width) * g1 * (math.log2(math.e) / math.sqrt(width)),
            "k": pairs(w["k"], width) * g1,
            "v": w["v"] * g1,
            "o": w["o"],
            "gate": w["gate"] * g2,
            "up": w["up"] * g2,
            "down": w["down"],
        }
        fractions = {p: site_fraction(folded[p], d) for p in ("q", "k", "v", "gate", "up")}
        fractions["gate"] = min(13, max(2, fractions["gate"]))
        layer = {place: integer_rows(matrix) for place, matrix in folded.items()}
        layer.update(norm1=(c, 14), norm2=(c, 14), fractions=fractions)
        layers.append(layer)
    embedding = integer_rows(t["model.embed_tokens.weight"])
    head = t["model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"]
    gain = t["model.norm.weight"] * math.sqrt(d)
    frequencies = config["rope_theta"] ** (-2.0 * np.arange(width // 2) / width)
    angles = np.arange(shape["context"])[:, None] * frequencies[None, :]
    return dict(
        shape=shape,
        limbs=PROFILES[profile],
        fr=16,
        y=min(2**23 - 1, 2**29 // (2 * shape["layers"] + 1)),
        epsilon=int(half_even(config["rms_norm_eps"] * d * 2.0**32)),
        embedding=embedding["w"],
        embedding_e=embedding["e"],
        layers=layers,
        norm_f=(c, 14),
        head=integer_rows(head * gain),
        cos=half_even(np.cos(angles) * 16384).astype(np.int64).ravel(),
        sin=half_even(np.sin(angles) * 16384).astype(np.int64).ravel(),
    )


def convert_adapter(directory, base_directory, model):
    with open(os.path.join(directory, "adapter_config.json")) as file:
        config = json.load(file)
    t, base = read_directory(directory), read_directory(base_directory)
    scale = config["lora_alpha"] / config["r"]
    d, width = model["shape"]["hidden"], model["shape"]["head_dim"]
    out = []
    for index in range(model["shape"]["layers"]):
        layer = {}
        for place, name in PLACES.items():
            prefix = f"base_model.model.model.layers.{index}.{name}."
            if prefix + "lora_A.weight" not in t:
                continue
            a, b = t[prefix + "lora_A.weight"], t[prefix + "lora_B.weight"] * scale
            if place in ("q", "k"):
                b = pairs(b, width)
            if place == "q":
                b = b * (math.log2(math.e) / math.sqrt(width))
            if place in ("q", "k", "v"):
                a = a * base[f"model.layers.{index}.input_layernorm.weight"] * math.sqrt(d)
            if place in ("gate", "up"):
                a = a * base[f"model.layers.{index}.post_attention_layernorm.weight"] * math.sqrt(d)
            largest = np.max(np.abs(a), axis=1)
            shift = np.floor(np.log2(np.max(largest) / largest)).clip(0, 20)
            a, b = a * 2.0 ** shift[:, None], b / 2.0 ** shift[None, :]
            w, e = integer_row(a.ravel())
            rows = integer_rows(b)
            layer[place] = dict(a=w.astype(np.int64).reshape(a.shape), a_e=e, b=rows["w"], b_e=rows["e"])
        out.append(layer)
    return out


def digest_weights(model):
    """BLAKE3 of every integer weight and exponent, in file order."""
    from blake3 import blake3

    hasher = blake3()
    for layer in model["layers"]:
        for place in PLACES:
            hasher.update(layer[place]["w"].astype(np.int8).tobytes())
            hasher.update(layer[place]["e"].astype(np.int8).tobytes())
    for w, e in ((model["head"]["w"], model["head"]["e"]), (model["embedding"], model["embedding_e"])):
        hasher.update(w.astype(np.int8).tobytes())
        hasher.update(e.astype(np.int8).tobytes())
    return hasher.hexdigest()
