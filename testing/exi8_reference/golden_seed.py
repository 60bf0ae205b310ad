"""Writes the golden runs of the seed model: ids and logits digests by the integer reference.

Run from the repository root whenever assets/seed/model.exi8 changes:
python testing/exi8_reference/golden_seed.py
"""

import json
import os

from blake3 import blake3

import container
import exi8

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
MODEL = os.path.join(ROOT, "assets", "seed", "model.exi8")
SEED = bytes(range(32))
RUNS = [
    ([1, 4, 300, 301, 302, 500, 2, 5], (0, 0, 1_000_000)),
    ([1, 400, 401, 700], (0, 0, 1_000_000)),
    ([1, 4, 600, 900, 1200, 2, 5], (800_000, 0, 950_000)),
    ([1], (1_000_000, 40, 1_000_000)),
]


def main():
    with open(MODEL, "rb") as file:
        digest = blake3(file.read()).hexdigest()
    model = container.read_model(MODEL)
    runs = []
    for prompt, sampling in RUNS:
        ids, logits = exi8.generate(model, prompt, 48, None, sampling, SEED)
        print(logits[:16], ids[:8], flush=True)
        names = ("temperature_micro", "top_k", "top_p_ppm")
        runs.append(dict(prompt=prompt, **dict(zip(names, sampling)), ids=ids, logits_digest=logits))
    golden = dict(
        made_by="testing/exi8_reference/golden_seed.py",
        model_digest=digest,
        job_seed=SEED.hex(),
        runs=runs,
    )
    with open(os.path.join(ROOT, "testing", "fixtures", "seed.golden.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
