#!/usr/bin/env python3
"""all.py [--seeds A-B] [--seconds N] [--count N] [--go-on]: random histories through real viperds,
computed again by the model.

Each seed has a world and dice of its own (SHAPES, by seed). The driver writes the record into a
pipe, the oracle reads it. At the first difference the seed is driven again with ever fewer
sessions, transactions and actors while the difference stays, then with ever fewer of its single
transactions; the shortest is printed with its command. Without options: the slice that
./tests/all runs."""

import argparse
import os
import re
import signal
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
SLICE_TXS, SLICE_SEEDS = 20000, "45-1000000"
SHRINK_SECONDS = 300
# What the slice must come to; so that nobody makes the dice tamer without knowing.
MUST = ("1,024 unordered of an account", "100 entries looked at",
        "100 own stakes return in a block", "16 entries of a pair", "16 open proposals",
        "128 validators of a voter", "129 validators of a voter", "512 delegations of a voter",
        "513 delegations of a voter", "JSON falsified", "JSON of what has no form",
        "JSON signed", "bench", "entries carried over",
        "entry beyond the supply", "entry that fits behind one that did not", "jail",
        "paused for absence", "price pruned", "proposal failed", "proposal passed",
        "proposal rejected", "proposal vetoed", "resumed from a bench", "resumed from jail",
        "score moves carried over", "slash double_sign", "slash downtime", "slash quality",
        "upgrade", "yield beyond the supply")

# What differs between worlds; seed % len picks one. Parameters of genesis are there to reach a
# limit: jail, benches and quality slashes, work that is carried over, 16 entries of a pair,
# 1,024 unordered ones of an account, 16 open proposals, an upgrade, the end of the supply,
# 128 validators that a voter delegates to.
SHAPES = [
    {},
    {"--spoil": 30, "--faults": 20},
    {"--requestors": 1, "--servicers": 6, "--fishermen": 3, "--idle": 50},
    {"--evidence": 40, "--absent": 55, "--rounds": 20,
     "--genesis": "downtime_window=10,jail_seconds=5,unbonding_seconds=5"},
    {"--requestors": 4, "--servicers": 9, "--fishermen": 6, "--idle": 10, "--txs": 4,
     "--genesis": "settle_per_block=2"},
    {"--validators": 1, "--silent": 60, "--favour": "actors,unstaking"},
    {"--restarts": 10, "--spoil": 10},
    {"--favour": "governance",
     "--genesis": "voting_seconds=15,gov_deposit=1000000,gov_quorum=100000"},
    {"--favour": "governance", "--next": VIPERD + "-next", "--restarts": 10,
     "--genesis": "voting_seconds=10,chain_fee=1000000,gov_quorum=100000"},
    {"--favour": "delegation,governance", "--rich": 30, "--txs": 12,
     "--genesis": "voting_seconds=3000,gov_quorum=100000"},
    {"--favour": "delegation,leaving", "--rich": 1, "--validators": 1, "--servicers": 3,
     "--txs": 12, "--genesis": "session_blocks=8"},
    {"--favour": "money", "--rich": 1, "--unordered": 100, "--patience": 600, "--sessions": 6,
     "--txs": 24, "--idle": 90},
    {"--requestors": 3, "--servicers": 6, "--sessions": 9, "--txs": 5, "--idle": 5, "--genesis":
     "session_blocks=8,score_min=900000,bench_requestors=1,quality_slash=10000,jail_seconds=5"},
    {"--requestors": 3, "--headroom": 1500 * 10**6, "--evidence": 30, "--sessions": 8, "--txs": 3,
     "--idle": 5, "--spoil": 4, "--genesis": "settle_per_block=7,double_sign_slash=1000"},
    {"--headroom": 1 << 61, "--rich": 1, "--favour": "actors,delegation,unstaking", "--sessions": 8,
     "--evidence": 20, "--genesis": "validator_yield=1000000000,cu_price_min=1"},
    {"--favour": "spreading", "--times": 200, "--rich": 1, "--headroom": 1 << 61,
     "--validators": 129, "--sessions": 1, "--txs": 10,
     "--genesis": "session_blocks=60,voting_seconds=5000"},
]
# One seed in 7: what takes many transactions, sessions or actors. 100 entries in one block;
# fishermen that are absent for 24 sessions, and prices that are pruned; 100 own stakes that
# return in a block; a voter with 512 delegations, and with 513.
LONG_SHAPES = [
    {"--favour": "delegation,leaving", "--rich": 6, "--sessions": 8, "--busy": 2, "--txs": 26,
     "--idle": 90, "--genesis": "unbonding_seconds=1,session_blocks=32"},
    {"--favour": "price", "--sessions": 29, "--txs": 3, "--idle": 60, "--blind": 100,
     "--requestors": 1, "--genesis": "session_blocks=8"},
    {"--favour": "unstaking", "--times": 200, "--servicers": 140, "--sessions": 7, "--busy": 1,
     "--txs": 8, "--idle": 95, "--genesis": "unbonding_seconds=1,session_blocks=32"},
    {"--favour": "spreading", "--times": 200, "--rich": 1, "--headroom": 1 << 61,
     "--servicers": 507, "--sessions": 1, "--txs": 27,
     "--genesis": "session_blocks=72,voting_seconds=5000"},
]


def command(seed, shape, record="-"):
    words = [DRIVER, "random", "--viperd", VIPERD, "--seeds", str(seed), "--record", record,
             "--validate", "0", "--beacon", "2000"]
    for name, value in shape.items():
        words += [name, str(value)]
    return words


def shape_of(seed, sessions, txs):
    shape = (LONG_SHAPES[seed // 7 % len(LONG_SHAPES)] if seed % 7 == 6
             else SHAPES[seed % len(SHAPES)])
    return {"--nodes": 1, "--sessions": sessions, "--txs": txs, **shape}


def play(seed, shape, judge):
    """None, or the difference (or the driver's failure) as text; then judge.history is it."""
    with tempfile.TemporaryFile("w+") as errors, \
            tempfile.TemporaryDirectory(prefix="vo.", dir="/dev/shm") as homes:
        words = command(seed, shape) + ["--folder", homes]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors,
                              text=True) as driver:
            wrong = judge.read(driver.stdout)
            if wrong and not wrong.endswith(oracle.NO_END):
                driver.kill()
        if driver.returncode not in (0, -signal.SIGKILL):
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


def shrink_txs(seed, shape, wrong, sent):
    """Without what came after the difference, then without single transactions: halves of what
    is sent, quarters, ... are left out as long as a difference stays."""
    height = re.search(r"height (\d+)", wrong)
    if not height:
        return shape, wrong
    shape = dict(shape, **{"--blocks": int(height[1])})
    until, part = time.time() + SHRINK_SECONDS, len(sent) + 1
    while part > 1 and time.time() < until:
        part, first = max(1, part // 2), 0
        while first < len(sent) and time.time() < until:
            less = sent[:first] + sent[first + part:]
            found = play(seed, dict(shape, **{"--keep": listed(less)}), oracle.Oracle())
            if found is None or "the driver ended" in found:
                first += part
            else:
                sent, wrong = less, found
    return dict(shape, **{"--keep": listed(sent)}), wrong


def listed(numbers):
    """None at all is a number that is never reached."""
    return ",".join(map(str, numbers)) or str(2**64 - 1)


def report(seed, shape, wrong):
    print(wrong, flush=True)
    shape, wrong = shrink(seed, shape, wrong)
    judge = oracle.Oracle()
    wrong = play(seed, shape, judge) or wrong
    if judge.history:
        shape, wrong = shrink_txs(seed, shape, wrong, judge.history.sent)
    print(f"--- the shortest history that still differs:\n{wrong}")
    print("--- again: " + " ".join(command(seed, shape)) + " | tests/model/oracle.py -")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", metavar="A-B")
    parser.add_argument("--seconds", type=int, default=0, help="stop after so many; 0: by --count")
    parser.add_argument("--count", type=int, default=SLICE_TXS, help="stop after so many txs")
    parser.add_argument("--sessions", type=int, default=6)
    parser.add_argument("--txs", type=int, default=8, help="at most a block, beside the work")
    parser.add_argument("--go-on", action="store_true", help="only list differences")
    args = parser.parse_args()
    different = 0
    first, last = (int(n) for n in ((args.seeds or SLICE_SEEDS).split("-") * 2)[:2])
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
        print(f"seed {seed}: {judge.histories} histories, {judge.txs} transactions, "
              f"{time.time() - start:.0f} s", flush=True)
    print(" ".join(f"{NAMES[c]}={n}" for c, n in sorted(judge.codes.items())))
    print("reached: " + ", ".join(f"{what} {n}" for what, n in sorted(judge.reached.items())))
    missing = [what for what in MUST if not judge.reached[what]] if not args.seeds else []
    if missing:
        print("never reached: " + ", ".join(missing))
    print(f"{judge.histories} histories, {judge.blocks} blocks, {judge.txs} transactions "
          f"({judge.refused} refused), {different} with a difference, "
          f"{time.time() - start:.0f} s")
    print(f"{judge.histories} passed, {different + len(missing)} failed")


if __name__ == "__main__":
    main()
