#!/usr/bin/env python3
"""A chain is exported, its node wiped, and started again from the export behind the real
CometBFT: same app hash, the next height, the same balances.

    tests/net/export.py VIPERD COMETBFT

Exit code 77 means skipped: there is no cometbft to be had."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

import chain_smoke as smoke


GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")


def validated(viperd, path):
    done = subprocess.run([viperd, "genesis", "validate", path], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)["app_hash"]


def check_golden(viperd):
    """What the file is told to be is what InitChain answers for it."""
    with open(os.path.join(GOLDEN, "genesis.txt"), encoding="utf-8") as f:
        pinned = dict(line.split() for line in f if not line.startswith("#"))
    assert validated(viperd, os.path.join(GOLDEN, "genesis.json")) == pinned["init"]


# What is done to a store, and the invariant that a node then names: the supply's last number,
# whom an operator serves, whose a consensus key is.
BREACHES = (("accounts", b"s", lambda value: value[:-1] + bytes([value[-1] ^ 1]),
             "supply_is_held"),
            ("actors", b"o", None, "stakes_are_pooled"),
            ("validators", b"c", None, "consensus_keys_lead_back"))


def check_breaches(viperd, exported, folder):
    """A state that breaks a rule begins no chain, and the sentence begins with the rule."""
    for store, first, change, name in BREACHES:
        state = json.loads(exported)
        pairs = next(s for s in state["app_state"]["stores"] if s["name"] == store)["pairs"]
        at = next(i for i, p in enumerate(pairs) if base64.b64decode(p["key"])[:1] == first)
        if change:
            pairs[at]["value"] = base64.b64encode(
                change(base64.b64decode(pairs[at]["value"]))).decode()
        else:
            del pairs[at]
        path = os.path.join(folder, "broken.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(state, f)
        done = subprocess.run([viperd, "genesis", "validate", path], capture_output=True,
                              text=True, check=False)
        assert done.returncode != 0 and f"{name}: " in done.stderr, (name, done)


def start_again(node, exported):
    """As an operator does: keys stay, everything else comes from the new genesis."""
    subprocess.run([node.cometbft, "unsafe-reset-all", "--home", node.home], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(node.home + "/data/viper.db", ignore_errors=True)
    with open(node.home + "/config/genesis.json", "w", encoding="utf-8") as f:
        f.write(exported)
    told = validated(node.viperd, node.home + "/config/genesis.json")
    assert told == json.loads(exported)["app_hash_of_export"], told
    node.start()


def main():
    viperd, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    check_golden(viperd)
    root = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    node = smoke.Node(viperd, cometbft, root)
    try:
        node.start()
        node.until("the first block", lambda: node.height() >= 2)
        smoke.check_tx(node)
        node.until("session 1", lambda: node.height() >= 13)
        node.stop()
        exported = subprocess.run([viperd, "export", "--home", node.home], check=True,
                                  capture_output=True, text=True).stdout
        genesis = json.loads(exported)
        height = int(genesis["initial_height"])
        assert height >= 14, height
        check_breaches(viperd, exported, root)

        start_again(node, exported)
        node.until("blocks after the export", lambda: node.height() >= height + 2)
        assert int(node.call("status")["sync_info"]["earliest_block_height"]) == height
        assert node.app_hash(height).lower() == genesis["app_hash_of_export"]
        bob = smoke.amount_in(node.balance(smoke.BOB.address()))
        assert bob == 1000 * smoke.VIPR + 12345, bob
        node.stop()
        assert node.app.returncode == 0, node.logs()
        print(f"the export of height {height - 1} goes on at {height}, same app hash")
        return 0
    finally:
        node.kill()
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
