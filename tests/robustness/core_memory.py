"""Generates again and again in the core and prints the memory after each, MB, as JSON.

python -m tests.robustness.core_memory GENERATIONS
"""

from __future__ import annotations

import json
import os
import sys

from facegen_core import pipeline
from facegen_core.bundle import load_bundle
from facegen_core.landmark_inference import Variation
from tests.core.sample_head import aligned_sample_head
from tests.robustness.same_bytes import SHIPPED, smile_and_scare

WARM_UP = 10


def main() -> None:
    bundle = load_bundle(SHIPPED)
    alignment, curves = aligned_sample_head(bundle), smile_and_scare(10)
    memory = []
    for number in range(WARM_UP + int(sys.argv[1])):
        clip = pipeline.generate(
            alignment,
            curves,
            30.0,
            bundle,
            contact=number % 4 == 0,
            generator=("lstm", "lm4dgan")[number % 2],
            variation=Variation(number % 5, 1.0),
        )
        pipeline.bake(clip, "compact")
        memory.append(memory_mb())
    print(json.dumps(memory[WARM_UP:]))


def memory_mb() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
