#!/usr/bin/python3
"""tests/e2e/all.py [--keep] [--only NAME] [--list]: one network of two validators, real daemons
and backends on free ports, and every scenario on it. Ends with N passed, N failed.

The scenarios read the chain only through public interfaces and run in this order: later ones
judge what earlier ones did. --only takes part of a name; what a test builds on runs too."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import world as W
from local import net, packages, traffic

import audits
import changes
import envelope
import evidence
import middle
import relays
import settled

VALIDATORS = 2
# A claim of 1 CU is worth 2,000 uvipr here, so that "too small" can be shown.
CLAIM_MIN = "2500"

LOGS = os.path.join(W.ROOT, "build", "test-logs", "e2e")  # after a failure

TESTS = (audits.EARLY + envelope.TESTS + relays.TESTS + evidence.TESTS + middle.TESTS
         + settled.EARLY + changes.TESTS + settled.LATE)


def tune_genesis(network):
    for i in range(VALIDATORS):
        path = os.path.join(network.home(f"node{i}"), "config", "genesis.json")
        with open(path, encoding="utf-8") as f:
            told = json.load(f)
        told["app_state"]["params"]["claim_min"] = CLAIM_MIN
        with open(path, "w", encoding="utf-8") as f:
            json.dump(told, f)


def start(folder, build):
    with open(os.path.join(folder, "build.log"), "w", encoding="utf-8") as log:
        cometbft, _ = packages.ensure_cometbft(log)
    network = net.Net(folder, build, cometbft, net.Ports(VALIDATORS, free=True), VALIDATORS)
    try:
        network.prepare()
        tune_genesis(network)
        network.start_chain()
        network.wait_height(1, 60)
        network.start_backends()
        network.start_daemons()
        W.procs.wait_until("the first relay", lambda: network.relay_once(), 60, network.group)
    except BaseException:
        network.stop()
        raise
    world = W.World(network)
    world.traffic = traffic.Traffic(network).start()
    world.first_full = int(world.chain()["session"]) + 1
    return world


def run(world, name, test):
    begun = time.monotonic()
    try:
        test(world)
        problem = None
    except Exception as error:  # a failing scenario must not end the others
        problem = str(error) or repr(error)
        if not isinstance(error, W.Failed):
            problem = traceback.format_exc()
    took = time.monotonic() - begun
    height = world.book.height
    print(f"{'ok  ' if problem is None else 'FAIL'} {name} ({took:.1f} s, block {height})"
          + (f"\n     {problem}" if problem else ""), flush=True)
    return problem is None


def wanted(only):
    chosen = [t for t in TESTS if only is None or only in t[0]]
    first = {t for test in chosen for t in (test[2] if len(test) > 2 else ())}
    return [t for t in TESTS if t in chosen or t[0] in first]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the folder and its logs")
    parser.add_argument("--only", metavar="NAME", help="part of a scenario's name")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build", default=os.path.join(W.ROOT, "build", "local"))
    args = parser.parse_args()
    tests = wanted(args.only)
    if args.list or not tests:
        print("\n".join(t[0] for t in tests) or "no such scenario")
        return 0 if tests else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # runs the finally below
    folder = tempfile.mkdtemp(prefix="viper-e2e.", dir="/tmp")
    passed = failed = 0
    world, begun = None, time.monotonic()
    try:
        world = start(folder, args.build)
        print(f"network up after {time.monotonic() - begun:.1f} s in {folder}", flush=True)
        for name, test, *_ in tests:
            good = run(world, name, test)
            passed, failed = passed + good, failed + (not good)
    except (W.procs.Died, packages.Missing, OSError) as error:
        print(f"FAIL the network does not start: {error}")
        failed += 1
    finally:
        if world:
            world.traffic.stop()
            world.net.stop()
        if failed:
            shutil.copytree(os.path.join(folder, "logs"), LOGS, dirs_exist_ok=True)
            print(f"logs of the daemons: {LOGS}")
        if args.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
