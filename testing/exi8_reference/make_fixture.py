"""Makes the random-weight Llama and its random adapter under testing/fixtures, from one seed.

Run from the repository root: python testing/exi8_reference/make_fixture.py
"""

import json
import os
import struct

import numpy as np

SEED = 7310
HIDDEN, LAYERS, HEADS, KV_HEADS, FFN, VOCAB, CONTEXT, RANK = 64, 2, 4, 2, 96, 320, 256, 4
ROOT = os.path.join(os.path.dirname(__file__), "..", "fixtures")
SPECIAL = ["<|bos|>", "<|eos|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEXT = "the river and the stone were there when the rain ran over the hill and into the mill "


def write_safetensors(path, tensors):
    header, blob = {"__metadata__": {"format": "pt"}}, b""
    for name, (values, dtype) in tensors.items():
        if dtype == "BF16":
            raw = (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        else:
            raw = values.astype({"F16": "<f2", "F32": "<f4"}[dtype]).tobytes()
        header[name] = {
            "dtype": dtype,
            "shape": list(values.shape),
            "data_offsets": [len(blob), len(blob) + len(raw)],
        }
        blob += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + blob)


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def tokenizer():
    """A byte-level BPE: specials, 256 bytes, merges learnt from one sentence."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    extra = iter(range(256, 512))
    byte_text = {b: chr(b) if b in printable else chr(next(extra)) for b in range(256)}
    vocab = {token: i for i, token in enumerate(SPECIAL)}
    for b in range(256):
        vocab[byte_text[b]] = len(vocab)
    words = [[byte_text[b] for b in w.encode()] for w in (" " + TEXT).replace(" ", " \0").split("\0") if w.strip()]
    words = [[byte_text[32]] + w[:-1] if w[-1] == byte_text[32] else w for w in words]
    merges = []
    while len(vocab) < VOCAB:
        counts = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(list(best))
        vocab["".join(best)] = len(vocab)
        joined = []
        for word in words:
            out, i = [], 0
            while i < len(word):
                if tuple(word[i : i + 2]) == best:
                    out.append("".join(best))
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            joined.append(out)
        words = joined
    added = [
        dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
        for i, t in enumerate(SPECIAL)
    ]
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=True)
    return dict(
        version="1.0",
        added_tokens=added,
        normalizer=None,
        pre_tokenizer=level,
        post_processor=None,
        decoder=level,
        model=dict(type="BPE", vocab=vocab, merges=merges),
    )


def main():
    rng = np.random.default_rng(SEED)
    width = HIDDEN // HEADS

    def matrix(rows, cols, gain=1.0):
        return rng.normal(0, gain / np.sqrt(cols), (rows, cols))

    directory = os.path.join(ROOT, "tiny-llama")
    os.makedirs(directory, exist_ok=True)
    shards = [{"model.embed_tokens.weight": (rng.normal(0, 1.0, (VOCAB, HIDDEN)), "BF16")}, {}]
    for i in range(LAYERS):
        p, shard, dtype = f"model.layers.{i}.", shards[i % 2], ["BF16", "F16"][i % 2]
        shard[p + "input_layernorm.weight"] = (rng.uniform(0.5, 1.5, HIDDEN), "F32")
        shard[p + "self_attn.q_proj.weight"] = (matrix(HEADS * width, HIDDEN, 2), dtype)
        shard[p + "self_attn.k_proj.weight"] = (matrix(KV_HEADS * width, HIDDEN, 2), dtype)
        shard[p + "self_attn.v_proj.weight"] = (matrix(KV_HEADS * width, HIDDEN), dtype)
        shard[p + "self_attn.o_proj.weight"] = (matrix(HIDDEN, HEADS * width), dtype)
        shard[p + "post_attention_layernorm.weight"] = (rng.uniform(0.5, 1.5, HIDDEN), "F32")
        shard[p + "mlp.gate_proj.weight"] = (matrix(FFN, HIDDEN, 2), dtype)
        shard[p + "mlp.up_proj.weight"] = (matrix(FFN, HIDDEN), dtype)
        shard[p + "mlp.down_proj.weight"] = (matrix(HIDDEN, FFN), dtype)
    shards[1]["model.norm.weight"] = (rng.uniform(0.5, 1.5, HIDDEN), "F32")
    shards[1]["lm_head.weight"] = (matrix(VOCAB, HIDDEN, 2), "F16")
    weight_map = {}
    for i, shard in enumerate(shards):
        name = f"model-0000{i + 1}-of-00002.safetensors"
        write_safetensors(os.path.join(directory, name), shard)
        weight_map.update({tensor: name for tensor in shard})
    write_json(
        os.path.join(directory, "model.safetensors.index.json"),
        {"metadata": {}, "weight_map": weight_map},
    )
    write_json(
        os.path.join(directory, "config.json"),
        dict(
            architectures=["LlamaForCausalLM"],
            model_type="llama",
            hidden_size=HIDDEN,
            intermediate_size=FFN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS,
            vocab_size=VOCAB,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-5,
            rope_theta=10000.0,
            rope_scaling=None,
            hidden_act="silu",
            attention_bias=False,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=1,
        ),
    )
    write_json(os.path.join(directory, "tokenizer.json"), tokenizer())
    template = (
        "{{ bos_token }}{% for message in messages %}"
        "<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    write_json(
        os.path.join(directory, "tokenizer_config.json"),
        dict(bos_token="<|bos|>", eos_token="<|eos|>", chat_template=template),
    )

    directory = os.path.join(ROOT, "tiny-llama-lora")
    os.makedirs(directory, exist_ok=True)
    sizes = {
        "self_attn.q_proj": (HEADS * width, HIDDEN),
        "self_attn.k_proj": (KV_HEADS * width, HIDDEN),
        "self_attn.v_proj": (KV_HEADS * width, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HEADS * width),
        "mlp.gate_proj": (FFN, HIDDEN),
        "mlp.up_proj": (FFN, HIDDEN),
        "mlp.down_proj": (HIDDEN, FFN),
    }
    tensors = {}
    for i in range(LAYERS):
        for name, (rows, cols) in sizes.items():
            p = f"base_model.model.model.layers.{i}.{name}."
            scales = 2.0 ** rng.integers(-6, 1, (RANK, 1))
            tensors[p + "lora_A.weight"] = (matrix(RANK, cols) * scales, "F32")
            tensors[p + "lora_B.weight"] = (rng.normal(0, 0.3, (rows, RANK)), "F32")
    write_safetensors(os.path.join(directory, "adapter_model.safetensors"), tensors)
    write_json(
        os.path.join(directory, "adapter_config.json"),
        dict(
            peft_type="LORA",
            task_type="CAUSAL_LM",
            base_model_name_or_path="tiny-llama",
            r=RANK,
            lora_alpha=8,
            lora_dropout=0.0,
            bias="none",
            fan_in_fan_out=False,
            target_modules=[name.split(".")[1] for name in sizes],
        ),
    )


if __name__ == "__main__":
    main()
