#!/usr/bin/env python3
"""The same chain from four builds: a recorded run must give equal app hashes everywhere.

usage: all.py [RUN_FOLDER ...]; without arguments a network is run once (a whole settled
session) and every refusal that a stranger can provoke is sent into it before recording."""

import base64
import os
import subprocess
import sys
from datetime import datetime

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))

BUILDS = {
    "gcc-O0": ({"CC": "gcc"}, ["-Doptimization=0", "-Ddebug=true"]),
    "gcc-O2": ({"CC": "gcc"}, ["-Doptimization=2"]),
    "clang-O2": ({"CC": "clang"}, ["-Doptimization=2"]),
    "gcc-asan": ({"CC": "gcc"}, ["-Doptimization=1", "-Db_sanitize=address,undefined",
                                 "-Db_lundef=false"]),
}


def record(net, path):
    """Every block below the tip, from the RPC; returns the app hash after each height."""
    comet = net.comet()
    tip = int(comet.call("status")["sync_info"]["latest_block_height"])
    hashes = {}
    with open(path, "w", encoding="ascii") as out:
        for height in range(1, tip + 1):
            block = comet.call("block", {"height": str(height)})["block"]
            header = block["header"]
            hashes[height - 1] = header["app_hash"].lower()
            if height == tip:
                break
            seconds = int(datetime.fromisoformat(header["time"][:19] + "+00:00").timestamp())
            out.write(f"B {height} {seconds} {header['proposer_address'].lower()}\n")
            for tx in block["data"]["txs"] or []:
                out.write(f"T {base64.b64decode(tx).hex()}\n")
    return hashes


def build(name):
    env, options = BUILDS[name]
    folder = os.path.join(ROOT, "build", "replay-" + name)
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["meson", "setup", folder, *options], cwd=ROOT, check=True,
                       env=dict(os.environ, **env), capture_output=True)
    subprocess.run(["ninja", "-C", folder, "tests/replay/replay"], cwd=ROOT, check=True,
                   capture_output=True)
    return os.path.join(folder, "tests", "replay", "replay")


def replay(genesis, recording, hashes):
    """(passed, failed): one verdict a build."""
    passed = failed = 0
    outputs = {}
    for name in BUILDS:
        done = subprocess.run([build(name), genesis, recording], capture_output=True, text=True,
                              check=False)
        outputs[name] = done.stdout
        wrong = []
        for line in done.stdout.splitlines():
            height, app_hash = line.split()[:2]
            if hashes.get(int(height)) != app_hash:
                wrong.append(f"height {height}: {app_hash}, the chain has "
                             f"{hashes.get(int(height))}")
        if done.returncode or wrong or not done.stdout or done.stdout != outputs["gcc-O0"]:
            failed += 1
            print(f"{name}: exit {done.returncode}, {len(wrong)} hashes differ\n"
                  + "\n".join(wrong[:5]) + done.stderr[-2000:])
        else:
            passed += 1
            print(f"{name}: {len(done.stdout.splitlines())} blocks, equal app hashes and codes")
    return passed, failed
