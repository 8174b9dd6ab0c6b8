#!/usr/bin/python3
"""tests/e2e/all.py [--keep] [--only NAME] [--list]: one network of two validators, real daemons
and backends on free ports, and every scenario on it. Ends with N passed, N failed.

The scenarios read the chain only through public interfaces and run in this order: later ones
judge what earlier ones did. --only takes part of a name; what a test builds on runs too."""

import json
import os
import sys

import world as W
import suite
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


def stop(world):
    world.traffic.stop()
    world.net.stop()


sys.exit(suite.run("e2e", __doc__, TESTS, start, stop, W.Failed))
