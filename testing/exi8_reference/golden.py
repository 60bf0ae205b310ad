"""Writes the golden runs of the fixture: ids and logits digests by the integer reference.

Run from the repository root: python testing/exi8_reference/golden.py
"""

import json
import os

import convert
import exi8

ROOT = os.path.join(os.path.dirname(__file__), "..", "fixtures")
SEED = bytes(range(32))
RUNS = [
    ("greedy", (0, 0, 1_000_000)),
    ("warm", (800_000, 0, 1_000_000)),
    ("top-k", (1_300_000, 7, 1_000_000)),
    ("top-p", (1_000_000, 0, 900_000)),
    ("both", (700_000, 40, 650_000)),
]


def main():
    base = os.path.join(ROOT, "tiny-llama")
    lora = os.path.join(ROOT, "tiny-llama-lora")
    prompt = [0, 265, 300, 17, 99, 311, 42]
    runs = []
    for profile in ("D1", "D2", "D3"):
        model = convert.convert_model(base, profile)
        adapter = convert.convert_adapter(lora, base, model)
        for with_adapter in (False, True):
            for name, sampling in RUNS if profile == "D2" else RUNS[:1]:
                ids, digest = exi8.generate(
                    model, prompt, 48, adapter if with_adapter else None, sampling, SEED
                )
                runs.append(
                    dict(
                        name=name,
                        profile=profile,
                        adapter=with_adapter,
                        temperature_micro=sampling[0],
                        top_k=sampling[1],
                        top_p_ppm=sampling[2],
                        ids=ids,
                        logits_digest=digest,
                    )
                )
                print(profile, with_adapter, name, digest[:16], ids[:8], flush=True)
    golden = dict(
        made_by="testing/exi8_reference/golden.py",
        job_seed=SEED.hex(),
        prompt=prompt,
        weights_digest=convert.digest_weights(model),
        runs=runs,
    )
    with open(os.path.join(ROOT, "tiny-llama.golden.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
