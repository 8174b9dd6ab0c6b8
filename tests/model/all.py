#!/usr/bin/env python3
"""all.py [--seeds A-B] [--seconds N] [--keep DIR]: random histories through real viperds, computed
again by the model.

Each seed has a world and dice of its own (SHAPES, by seed). The driver writes the record into a
pipe, the oracle reads it. At the first difference the seed is driven again with ever fewer
sessions, transactions and actors while the difference stays; the shortest is printed with its
command. Without options: the slice that ./tests/all runs."""

import argparse
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import oracle  # noqa: E402
from refusal import NAMES  # noqa: E402

BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "local")
DRIVER = os.path.join(BUILD, "tests", "driver", "driver")
VIPERD = os.path.join(BUILD, "app", "node", "viperd")
SLICE_TXS = 20000

# What differs between worlds; seed % len picks one, --sessions and --txs are scaled below.
SHAPES = [
    {},
    {"--spoil": 30, "--faults": 20},
    {"--requestors": 1, "--servicers": 6, "--fishermen": 3, "--idle": 50},
    {"--evidence": 20, "--absent": 60, "--rounds": 20},
    {"--requestors": 6, "--servicers": 12, "--fishermen": 8, "--idle": 10},
    {"--validators": 1, "--nodes": 1, "--silent": 60},
    {"--restarts": 10, "--spoil": 10},
]


def command(seed, shape, record="-"):
    words = [DRIVER, "random", "--viperd", VIPERD, "--seeds", str(seed), "--record", record]
    for name, value in shape.items():
        words += [name, str(value)]
    return words


def shape_of(seed, sessions, txs):
    return {"--nodes": 1, "--sessions": sessions, "--txs": txs, **SHAPES[seed % len(SHAPES)]}


def play(seed, shape, judge):
    """None, or the difference (or the driver's failure) as text."""
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command(seed, shape), stdout=subprocess.PIPE, stderr=errors,
                              text=True) as driver:
            wrong = judge.read(driver.stdout)
            if wrong:
                driver.kill()
        if wrong is None and driver.returncode:
            errors.seek(0)
            wrong = (f"seed {seed}: the driver ended with {driver.returncode}: "
                     f"{errors.read()[-400:]}")
    return wrong


def shrink(seed, shape, wrong):
    """The shape with the least of everything at which there still is a difference."""
    floor = {"--sessions": 1, "--txs": 0, "--requestors": 1, "--servicers": 1, "--fishermen": 0,
             "--spoil": 0, "--faults": 0, "--evidence": 0, "--absent": 0, "--rounds": 0,
             "--restarts": 0, "--silent": 0}
    for name in floor:
        while name in shape and shape[name] > floor[name]:
            less = dict(shape, **{name: max(floor[name], shape[name] // 2)})
            found = play(seed, less, oracle.Oracle())
            if found is None or "the driver ended" in found:
                break
            shape, wrong = less, found
    return shape, wrong


def report(seed, shape, wrong):
    print(wrong)
    shape, wrong = shrink(seed, shape, wrong)
    print(f"--- the shortest history that still differs:\n{wrong}")
    print("--- again: " + " ".join(command(seed, shape)) + " | tests/model/oracle.py -")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="8-1000000", metavar="A-B")
    parser.add_argument("--seconds", type=int, default=0, help="stop after so many; 0: by --count")
    parser.add_argument("--count", type=int, default=SLICE_TXS, help="stop after so many txs")
    parser.add_argument("--sessions", type=int, default=12)
    parser.add_argument("--txs", type=int, default=20, help="at most a block, beside the work")
    parser.add_argument("--go-on", action="store_true", help="only list differences")
    args = parser.parse_args()
    different = 0
    first, last = (int(n) for n in (args.seeds.split("-") * 2)[:2])
    judge, start = oracle.Oracle(), time.time()
    for seed in range(first, last + 1):
        if args.seconds and time.time() - start > args.seconds or judge.txs >= args.count:
            break
        shape = shape_of(seed, args.sessions, args.txs)
        wrong = play(seed, shape, judge)
        if wrong and args.go_on:
            print(wrong, flush=True)
            different += 1
            continue
        if wrong:
            report(seed, shape, wrong)
            print(f"{judge.histories} passed, 1 failed")
            sys.exit(1)
        print(f"seed {seed}: {judge.txs} transactions, {time.time() - start:.0f} s", flush=True)
    print(" ".join(f"{NAMES[c]}={n}" for c, n in sorted(judge.codes.items())))
    print(f"{judge.histories} histories, {judge.blocks} blocks, {judge.txs} transactions "
          f"({judge.refused} refused), {different} with a difference, "
          f"{time.time() - start:.0f} s")
    print(f"{judge.histories} passed, {different} failed")


if __name__ == "__main__":
    main()
