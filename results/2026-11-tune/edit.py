#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Decisions edited by hand, as it were: edit.py KIND FROM TO-FOLDER.

default: every range is the library's own choice. bad: all-reduce from 1 MiB up is basic_linear. small: what is
above 1 MiB is left out.
"""
import json
import os
import sys

kind, source, folder = sys.argv[1:]
d = json.load(open(source))
one = {"ratio": 1.0, "lo": 1.0, "hi": 1.0, "n": 0, "reached": False}
usual = {"id": 0, "algorithm": "default", "segment_bytes": 0}
linear = {"id": 1, "algorithm": "basic_linear", "segment_bytes": 0}


def span(first, last, choice, npoints):
    return {"from_bytes": first, "to_bytes": last, "choice": choice, "gain": dict(one), "npoints": npoints,
            "runner_up": None}


for x in d["decisions"]:
    if kind == "small":
        x["points"] = [p for p in x["points"] if p["size_bytes"] <= 1 << 20]
        continue
    for p in x["points"]:
        p["choice"], p["gain"] = usual, dict(one)
    x["ranges"] = [span(0, None, usual, len(x["points"]))]
    if kind == "bad" and x["function"] == "MPI_Allreduce":
        below = sum(p["size_bytes"] < 1 << 20 for p in x["points"])
        x["ranges"] = [span(0, (1 << 20) - 1, usual, below),
                       span(1 << 20, None, linear, len(x["points"]) - below)]
        for p in x["points"][below:]:
            p["choice"] = linear
os.makedirs(folder, exist_ok=True)
json.dump(d, open(folder + "/decisions.json", "w"), indent=1)
