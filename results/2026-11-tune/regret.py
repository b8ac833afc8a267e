#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tunings beside exhaustive ones: regret.py DIR, with exhaustive-I and search-I in it.

The time of a candidate at a size is the geometric mean over all exhaustive runs that measured it. The
optimum takes the fastest candidate at each size that was asked for; a tuning takes what its ranges say.
"""
import glob
import json
import math
import sys


def key(choice):
    return choice["id"], choice["segment_bytes"]


def load(kind):
    runs = sorted(glob.glob(f"{sys.argv[1]}/{kind}-*/decisions.json"),
                  key=lambda path: int(path.split("/")[-2].split("-")[-1]))
    return [json.load(open(path)) for path in runs]


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def choice_at(decision, size):
    for r in decision["ranges"]:
        if r["from_bytes"] <= size and (r["to_bytes"] is None or size <= r["to_bytes"]):
            return key(r["choice"])


exhaustive, search = load("exhaustive"), load("search")
times = {}
for run in exhaustive:
    for point in run["decisions"][0]["points"]:
        if point["boundary"]:
            continue
        for e in point["evidence"]:
            if e["time_ns"] > 0 and e["fate"] == "measured":
                times.setdefault(point["size_bytes"], {}).setdefault(key(e["choice"]), []).append(e["time_ns"])
times = {s: {c: mean(t) for c, t in row.items() if len(t) * 2 > len(exhaustive)} for s, row in times.items()}
names = {key(e["choice"]): (e["choice"]["algorithm"], e["choice"]["segment_bytes"])
         for run in exhaustive for p in run["decisions"][0]["points"] for e in p["evidence"]}
sizes = sorted(times)
best = {s: min(times[s].values()) for s in sizes}
spent = mean([run["seconds"] for run in exhaustive])

print("times: geometric means over the exhaustive runs, us per operation")
print(f"{'size':>9}  {'default':>9}  {'fastest':>9}  which")
for s in sizes:
    c = min(times[s], key=times[s].get)
    print(f"{s:>9}  {times[s][(0, 0)] / 1e3:>9.2f}  {best[s] / 1e3:>9.2f}  {names[c][0]}"
          + (f" in segments of {names[c][1]}" if names[c][1] else ""))
print()
print("a run's choices over the optimum: total time of all sizes, geometric mean over sizes, worst size;")
print("seconds: what its launches took, and as a share of the mean exhaustive run's")
for kind, runs in (("exhaustive", exhaustive), ("search", search), ):
    totals = []
    for i, run in enumerate(runs, 1):
        taken = {s: times[s].get(choice_at(run["decisions"][0], s), float("nan")) for s in sizes}
        total = sum(taken.values()) / sum(best.values())
        each = [taken[s] / best[s] for s in sizes]
        totals.append(total)
        print(f"{kind:>10} {i:>2}: total {total:.3f}  mean {mean(each):.3f}  worst {max(each):.3f} at "
              f"{sizes[each.index(max(each))]}; {run['seconds']:.1f} s, {100 * run['seconds'] / spent:.0f} %")
    print(f"{kind:>10}: median total {sorted(totals)[len(totals) // 2]:.3f}, "
          f"{sum(t <= 1.02 for t in totals)} of {len(totals)} within 2 %")
usual = sum(times[s][(0, 0)] for s in sizes) / sum(best.values())
print(f"   default: total {usual:.3f}")
