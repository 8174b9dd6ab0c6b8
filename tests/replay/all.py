#!/usr/bin/env python3
"""The same chain from four builds: a recorded run must give equal app hashes everywhere.

Two recordings: a network of real processes run until a whole session is settled; and the
chains of the unit tests, in which every refusal code is met."""

import base64
import os
import subprocess
import sys
import tempfile
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

WORLDS = ["unit/domain/test_session", "unit/domain/test_actors", "unit/domain/test_accounts",
          "unit/domain/test_delegation", "unit/domain/test_governance", "unit/domain/test_random",
          "unit/tx/test_tx"]
CODES = os.path.join(ROOT, "tests", "golden", "codes.txt")
ABSENT = 1  # CometBFT's BlockIDFlagAbsent
ONLY_QUERIES = {25}  # NOT_FOUND: no message says it


def votes(comet, block):
    """Of the set of the block before, in its order; a commit does not name who is absent."""
    signatures = block["last_commit"]["signatures"]
    if not signatures:
        return []
    height = int(block["header"]["height"]) - 1
    members = comet.call("validators", {"height": str(height), "per_page": "100"})["validators"]
    return [(m["address"].lower(), s["block_id_flag"]) for m, s in zip(members, signatures,
                                                                       strict=True)]


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
            for who, flag in votes(comet, block):
                out.write(f"V {who} {int(flag != ABSENT)}\n")
            for one in block["evidence"]["evidence"] or []:
                vote = one["value"]["vote_a"]
                out.write(f"F {vote['validator_address'].lower()} {vote['height']}\n")
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



def worlds():
    """The unit tests' chains in every build: the same codes, gas and app hashes in order."""
    passed = failed = 0
    traces = {}
    with tempfile.TemporaryDirectory(prefix="viper.") as folder:
        for name in BUILDS:
            path = os.path.join(folder, name)
            where = os.path.join(ROOT, "build", "replay-" + name)
            targets = ["tests/" + w for w in WORLDS]
            subprocess.run(["ninja", "-C", where, *targets], cwd=ROOT, check=True,
                           capture_output=True)
            for target in targets:
                subprocess.run([os.path.join(where, target)], cwd=ROOT, capture_output=True,
                               env=dict(os.environ, VPR_TRACE=path), check=False)
            with open(path, encoding="ascii") as f:
                traces[name] = f.read()
    first = traces["gcc-O0"]
    for name, text in traces.items():
        if text and text == first:
            passed += 1
            print(f"worlds {name}: {text.count('block ')} blocks, {text.count('tx ')} "
                  "transactions, equal codes, gas and app hashes")
        else:
            failed += 1
            print(f"worlds {name}: {len(text)} bytes of trace differ from gcc-O0's "
                  f"{len(first)}")
    seen = {int(line.split()[1]) for line in first.splitlines() if line.startswith("tx ")}
    with open(CODES, encoding="ascii") as f:
        known = {int(line.split()[0]): line.split()[1] for line in f if line.split()}
    missing = [known[c] for c in sorted(set(known) - seen - ONLY_QUERIES)]
    if missing:
        failed += 1
        print(f"no transaction of these tests met: {missing}")
    else:
        passed += 1
        print(f"every refusal code was met: {len(known)}")
    return passed, failed


def live():
    """A network of its own, run until a whole session is settled, then recorded."""
    from local import chronicle, net, packages, procs, traffic
    with tempfile.TemporaryDirectory(prefix="viper.") as folder, \
            open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        cometbft, _ = packages.ensure_cometbft(log)
        run = net.Net(folder, packages.ensure_build(log), cometbft, net.Ports(1, free=True))
        load = None
        try:
            run.prepare()
            run.start_chain()
            procs.wait_until("a block", lambda: run.height() >= 1, 60, run.group)
            run.start_backends()
            run.start_daemons()
            procs.wait_until("a relay", lambda: run.relay_once(1), 60, run.group)
            load = traffic.Traffic(run).start()
            book = chronicle.Chronicle(run)
            procs.wait_until("a settled session",
                             lambda: book.follow() and book.of("session_settled", session=2),
                             180, run.group)
            recording = os.path.join(folder, "recording")
            hashes = record(run, recording)
            genesis = os.path.join(run.home("node0"), "config", "genesis.json")
        finally:
            if load:
                load.stop()
            run.stop()
        return replay(genesis, recording, hashes)


def main():
    total = [0, 0]
    for part in (live, worlds):
        for i, n in enumerate(part()):
            total[i] += n
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
