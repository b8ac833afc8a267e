#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: launches.py FOLDER...: by how much a candidate's time, relative to the default's of the same
launch, differs from launch to launch: from the journals of tunings of the same machine, per size, the
deviations of its logarithm from the candidate's median over all launches."""
import collections
import json
import math
import os
import sys


def ratios(folder):
    with open(os.path.join(folder, "journal.jsonl"), encoding="utf-8") as file:
        for line in file:
            samples = json.loads(line).get("samples", [])
            usual = {s["size_bytes"]: s["median_ns"] for s in samples if s["id"] == 0 and s["n"] > 20}
            for s in samples:
                if s["id"] and s["n"] > 20 and s["size_bytes"] in usual:
                    key = s["size_bytes"], s["algorithm"], s["segment_bytes"]
                    yield key, math.log(s["median_ns"] / usual[s["size_bytes"]])


def main(folders):
    launches = collections.defaultdict(list)
    for folder in folders:
        for key, ratio in ratios(folder):
            launches[key].append(ratio)
    deviations = collections.defaultdict(list)
    for (size, _, _), values in launches.items():
        if len(values) >= 8:
            median = sorted(values)[len(values) // 2]
            deviations[size] += [abs(v - median) for v in values]
    print("     size  times  median   1 in 10  1 in 20  1 in 50  most: off by more than")
    for size, values in sorted(deviations.items()):
        values.sort()
        at = [values[len(values) // 2]] + [values[int(len(values) * (1 - 1 / n))] for n in (10, 20, 50)]
        shares = "  ".join(f"{100 * (math.exp(v) - 1):5.1f} %" for v in at + [values[-1]])
        print(f"{size:>9} {len(values):>6}  {shares}")


main(sys.argv[1:])
