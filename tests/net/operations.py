#!/usr/bin/env python3
"""What docs/operations.md tells the operator of a node to type, typed: backup, restore, rollback,
upgrade by restart, export. The commands are read from the page, not repeated here.

    tests/net/operations.py VIPERD COMETBFT

viperd behind the real CometBFT, loopback, one temporary folder. Ends with "N passed, N failed";
exit code 77 means skipped: no cometbft."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

import chain_smoke as smoke

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                    "docs", "operations.md")
SIZED_BLOCKS = 120


def commands(heading):
    """The indented lines of a section of the page."""
    with open(DOCS, encoding="utf-8") as f:
        text = f.read()
    section = re.split(rf"(?m)^#+ {re.escape(heading)}$", text)
    assert len(section) == 2, f"{DOCS}: no section {heading}"
    lines = re.split(r"(?m)^#+ ", section[1])[0].splitlines()
    out = [line[4:] for line in lines if line.startswith("    ")]
    assert out, heading
    return out


def folder_bytes(path):
    return sum(os.path.getsize(os.path.join(top, name))
               for top, _, names in os.walk(path) for name in names)


class World:
    def __init__(self, viperd, cometbft, root):
        self.root = root
        self.node = smoke.Node(viperd, cometbft, root)
        self.bin = root + "/bin"
        os.mkdir(self.bin)
        os.symlink(os.path.abspath(viperd), self.bin + "/viperd")
        os.symlink(os.path.abspath(cometbft), self.bin + "/cometbft")

    def type(self, heading, **more):
        """Run a section's commands in a shell; what they print, line by line."""
        env = dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"], VIPER=self.node.home,
                   BACKUP=self.root + "/backup.tar", **more)
        env.pop("VIPERD_HOME", None)
        done = subprocess.run(["sh", "-eu"], input="\n".join(commands(heading)) + "\n", text=True,
                              env=env, cwd=self.root, capture_output=True, check=False)
        assert done.returncode == 0, (heading, done.stdout, done.stderr)
        return done.stdout.splitlines()

    def state(self):
        done = subprocess.run([self.node.viperd, "check-state", "--home", self.node.home],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def hashes(self, first, last):
        return {h: self.node.app_hash(h) for h in range(first, last + 1)}

    def ready(self, height):
        self.node.until(f"height {height}", lambda: self.node.height() >= height)


def told(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


def check_backup_and_restore(w):
    """Elsewhere, from the archive alone, the state is the same and the chain goes on."""
    node = w.node
    kept = w.hashes(2, node.height())
    node.stop()
    before, = told(w.type("Backup"))
    assert before["invariants"] == "hold" and int(before["height"]) >= max(kept) - 1, before
    old, node.home = node.home, w.root + "/restored"
    os.rename(old, old + ".gone")
    after, = told(w.type("Restore"))
    assert after == before, (before, after)
    node.start()
    w.ready(int(before["height"]) + 3)
    assert w.hashes(min(kept), max(kept)) == kept
    assert smoke.amount_in(node.balance(smoke.BOB.address())) == 1000 * smoke.VIPR + 12345


def check_a_backup_has_what_makes_a_validator(w):
    names = subprocess.run(["tar", "-tf", w.root + "/backup.tar"], check=True,
                           capture_output=True, text=True).stdout.split()
    for want in ("config/priv_validator_key.json", "config/node_key.json", "config/genesis.json",
                 "data/priv_validator_state.json", "keyring-test/", "data/viper.db/CURRENT"):
        assert any(n.lstrip("./").startswith(want) for n in names), (want, names)


def check_a_running_node_lets_nobody_change_its_state(w):
    """The commands need a node that stands still, as the page warns; check-state only looks."""
    w.ready(w.node.height() + 1)
    height = w.node.height()
    beside = w.state()
    assert beside["invariants"] == "hold" and int(beside["height"]) >= height - 1, (beside, height)
    w.ready(int(beside["height"]) + 1)
    assert w.node.app_hash(int(beside["height"]) + 1).lower() == beside["app_hash"], beside
    for verb in ("rollback", "export"):
        done = subprocess.run([w.node.viperd, verb, "--home", w.node.home], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 5 and "lock" in done.stderr.lower(), (verb, done)


def check_rollback_of_one_block(w):
    node = w.node
    w.ready(node.height() + 2)
    node.stop()
    before = w.state()
    back = told(w.type("Rollback of one block"))
    assert int(back[0]["height"]) == int(before["height"]) - 1, (before, back)
    node.start()
    height = int(before["height"])
    w.ready(height + 3)
    assert node.app_hash(height + 1).lower() == before["app_hash"], height


def check_rollback_of_many_blocks(w):
    """CometBFT keeps its blocks and gives them again."""
    node = w.node
    w.ready(30)
    node.stop()
    before = w.state()
    height = int(before["height"])
    back, = told(w.type("Rollback of many blocks", HEIGHT=str(height - 20)))
    assert int(back["height"]) == height - 20, back
    node.start()
    w.ready(height + 3)
    assert node.app_hash(height + 1).lower() == before["app_hash"]
    assert node.app_hash(height - 19).lower() == back["app_hash"]


def check_upgrade_by_restart(w):
    """Another file of the same version stands in for the new one."""
    node = w.node
    new = w.root + "/viperd-new"
    shutil.copy(node.viperd, new)
    w.ready(node.height() + 1)
    node.stop()
    last = int(w.state()["height"])
    checked, = told(w.type("Upgrade by restart", NEW=new))
    assert int(checked["height"]) == last
    installed = w.bin + "/viperd"
    assert not os.path.islink(installed) and os.access(installed, os.X_OK)
    node.viperd = installed
    node.start()
    w.ready(last + 3)
    with open(f"/proc/{node.app.pid}/exe", "rb"):
        assert os.readlink(f"/proc/{node.app.pid}/exe") == installed


def check_export(w):
    node = w.node
    w.ready(node.height() + 1)
    node.stop()
    last = w.state()
    valid, = told(w.type("Export"))
    with open(w.root + "/genesis.json", encoding="utf-8") as f:
        exported = json.load(f)
    assert valid["chain_id"] == exported["chain_id"] == smoke.CHAIN, valid
    assert exported["app_hash_of_export"] == valid["app_hash"], (valid, last)
    assert int(exported["initial_height"]) == int(last["height"]) + 1
    node.start()
    w.ready(int(last["height"]) + 2)


def check_sizes_on_disk(w):
    """Printed for the page; bounded, so that a leak of space is seen."""
    node = w.node
    w.ready(SIZED_BLOCKS)
    node.stop()
    blocks = int(w.state()["height"])
    parts = {name: folder_bytes(os.path.join(node.home, "data", name))
             for name in ("viper.db", "blockstore.db", "state.db", "cs.wal", "tx_index.db")}
    print(f"     {blocks} blocks; bytes a block: " +
          ", ".join(f"{name} {size // blocks}" for name, size in parts.items()))
    assert parts["viper.db"] < 40_000 * blocks and parts["blockstore.db"] > 100 * blocks, parts
    node.start()
    w.ready(blocks + 2)


def check_it_all_ends_well(w):
    w.node.comet.send_signal(signal.SIGTERM)
    w.node.comet.wait(timeout=30)
    w.node.app.send_signal(signal.SIGTERM)
    assert w.node.app.wait(timeout=30) == 0, w.node.logs()
    assert w.state()["invariants"] == "hold"


CHECKS = [check_backup_and_restore, check_a_backup_has_what_makes_a_validator,
          check_a_running_node_lets_nobody_change_its_state, check_rollback_of_one_block,
          check_rollback_of_many_blocks, check_upgrade_by_restart, check_export,
          check_sizes_on_disk, check_it_all_ends_well]


def main():
    viperd, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    root = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    world = World(viperd, cometbft, root)
    passed = failed = 0
    try:
        world.node.start()
        world.ready(2)
        smoke.check_tx(world.node)
        world.ready(12)
        for check in CHECKS:
            try:
                check(world)
                passed += 1
                print("ok  ", check.__name__, flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("FAIL", check.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
    finally:
        world.node.kill()
        shutil.rmtree(root, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
