#!/usr/bin/env python3
"""`check` of the three daemons against a running network, whole and with pieces missing.

    tests/net/check.py BUILD COMETBFT

Every line that says something is wrong is followed by one that says what to do; the exit code
tells. And a home belongs to one process. Each check_* function is one test. Ends with "N passed,
N failed"; exit code 77 means skipped: no cometbft or litecoind."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import genesis, net, procs  # noqa: E402

NEXT = "         next: "
PROGRAMS = {"relay1": "viper-relay", "gateway": "viper-gateway",
            "fisherman1": "viper-fisherman"}  # of each role


class World:
    def __init__(self, build, cometbft, folder):
        self.folder, self.build, self.copies = folder, build, 0
        self.net = net.Net(folder, build, cometbft, net.Ports(1, free=True))

    def start(self):
        self.net.prepare()
        self.net.start_chain()
        procs.wait_until("first block", lambda: self.net.height() >= 1, 60, self.net.group)

    def home(self, name):
        return os.path.join(self.folder, name)

    def copy(self, name, **keys):
        """A home like `name` with keys of its config changed."""
        self.copies += 1
        home = self.home(f"copy{self.copies}")
        shutil.copytree(self.home(name), home)
        path = os.path.join(home, PROGRAMS[name].removeprefix("viper-") + ".toml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for key, value in keys.items():
            key = key.replace("_", "-")
            text = re.sub(rf"(?m)^{key} = .*\n", "", text)
            text = f'{key} = "{value}"\n' + text
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return home

    def new_key(self, home, name, kind):
        return genesis.Keys(self.net.viperd).add(home, name, kind)

    def moved(self, name):
        """The home itself, with the daemon's port changed since it was started."""
        path = os.path.join(self.home(name), PROGRAMS[name].removeprefix("viper-") + ".toml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r"(?m)^listen = .*$",
                           f'listen = "127.0.0.1:{net.free_ports(1)[0]}"', text))
        return self.home(name)

    def tx(self, home, key, *words):
        done = subprocess.run([self.net.viperd, "tx", *words, "--from", key, "--home",
                               self.home(home), "--keyring-backend", "test", "--node",
                               self.net.node, "-y"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)

    def told_after(self, name, key):
        """The line on the key of a `check` right after that key was put on the chain; again
        with another one if it counted already, for the machine may be slow."""
        kind = key.removesuffix("_key")
        for number in range(5):
            home = self.copy(name, **{key: f"new{number}"})
            made = self.new_key(home, f"new{number}", kind)
            if kind == "relay":
                self.tx("relay1", "operator", "edit-servicer", "--servicer",
                        self.net.actors.servicers[0]["operator"]["address"], "--url",
                        f"http://127.0.0.1:{self.net.ports['relay1']}", "--zone", "0001",
                        "--chains", "0001,0002", "--relay-key", made["key"])
            else:
                self.tx("owners", "requestor-operator", "edit-requestor", "--requestor",
                        self.net.actors.requestor["operator"]["address"], "--num-servicers", "5",
                        "--pairs", "0001/0001/500000,0002/0001/500000", "--shadow-url",
                        f"http://127.0.0.1:{self.net.ports['shadow']}", "--gateway-keys",
                        made["key"])
            lines = [line for line in self.run(name, "check", home).stdout.splitlines()
                     if line.startswith("key ")]
            if "that of the chain" not in lines[0] and "a gateway key" not in lines[0]:
                return lines[0]
        raise AssertionError(f"{lines}: counted at once, five times")

    def run(self, name, verb, home=None):
        return subprocess.run([self.net.binary(PROGRAMS[name]), verb, "--home",
                               home or self.home(name)], capture_output=True, text=True,
                              timeout=40, check=False)

    def wrong(self, name, home=None):
        """[(the line, what to do about it)]."""
        done = self.run(name, "check", home)
        lines = done.stdout.splitlines()
        found = [(before, line.removeprefix(NEXT)) for before, line in zip(lines, lines[1:])
                 if line.startswith(NEXT)]
        assert not done.stderr and done.returncode == (1 if found else 0), done
        return found


def expect(found, *rows):
    """`rows` are (words of the line, words of what to do), in order, and no others."""
    assert len(found) == len(rows), found
    for (line, todo), (words, way) in zip(found, rows):
        assert words in line and way in todo, (line, todo, words, way)


def check_dead_backends_are_named(w):
    expect(w.wrong("relay1"), ("0002", "start the chain's node"))
    w.net.start_backends()


def check_all_is_well(w):
    for name in PROGRAMS:
        expect(w.wrong(name))


def check_other_keys_than_the_chains(w):
    home = w.copy("relay1", relay_key="another")
    expect(w.wrong("relay1", home), ("no key 'another'", "make it or name the right one"))
    w.new_key(home, "another", "relay")
    expect(w.wrong("relay1", home), ("NOT that of the chain", "edit-servicer"))
    home = w.copy("gateway", gateway_key="another")
    w.new_key(home, "another", "gateway")
    expect(w.wrong("gateway", home), ("NONE of the gateway keys", "edit-requestor"))


def check_somebody_who_is_not_staked(w):
    for name in ("relay1", "fisherman1"):
        home = w.copy(name, operator_key="another")
        w.new_key(home, "another", "operator")
        expect(w.wrong(name, home), ("is not the id of a", "stake it"))


def check_a_backend_that_is_missing(w):
    home = w.copy("relay1")
    path = os.path.join(home, "relay.toml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text[:text.index("[backend-0002]")])
    expect(w.wrong("relay1", home), ("[backend-0002] is missing", "add its table"))


def check_corpora_that_are_missing(w):
    for name in ("gateway", "fisherman1"):
        expect(w.wrong(name, w.copy(name, corpus_dir="/nowhere")),
               ("0001: cannot open /nowhere/0001.jsonl", "put the chain's file there"),
               ("0002: cannot open", "put the chain's file there"))


def check_a_node_that_is_down(w):
    for name in PROGRAMS:
        found = w.wrong(name, w.copy(name, node="http://127.0.0.1:9"))
        expect(found, ("connection refused", "start viperd"))


def check_ports_that_are_taken(w):
    """By somebody else: which line of the config, and what to do; by nobody: free."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        for name, keys in (("relay1", ("listen",)), ("fisherman1", ("metrics_listen",)),
                           ("gateway", ("listen", "shadow_listen", "metrics_listen"))):
            home = w.copy(name, **dict.fromkeys(keys, taken))
            expect(w.wrong(name, home), *((f"{k.replace('_', '-')} {taken}: Address already",
                                           "another process listens there") for k in keys))
    expect(w.wrong("relay1", w.copy("relay1", listen="192.0.2.1:8500")),
           ("192.0.2.1:8500: Cannot assign", "no such address"))
    assert f"listen 127.0.0.1:{w.net.ports['relay1']}: free" in w.run("relay1", "check").stdout


def check_a_home_belongs_to_one_process(w):
    for name, program in PROGRAMS.items():
        w.net.start_daemon(name)
        deadline = time.monotonic() + 20
        while not os.path.exists(os.path.join(w.home(name), "lock")):
            assert time.monotonic() < deadline, name
            time.sleep(0.05)
        done = w.run(name, "start")
        assert done.returncode == 1 and not done.stdout, done
        assert "another process runs in" in done.stderr and w.home(name) in done.stderr, done
        done = w.run(name, "check")
        assert done.returncode == 0, done
        assert f"in use, {program} runs in this home" in done.stdout, done
    found = w.wrong("relay1", w.moved("relay1"))
    expect(found, ("free, though viper-relay runs", "restart it"))


def check_a_key_that_counts_later(w):
    """Right after it was put on the chain: from which session on, not that it is wrong."""
    for name, key in (("relay1", "relay_key"), ("gateway", "gateway_key")):
        told = w.told_after(name, key)
        assert "counts from session" in told and "wait" in told, told


def check_a_stake_that_counts_later(w):
    home = w.copy("relay1", operator_key="late", relay_key="late-relay", listen="127.0.0.1:0",
                  metrics_listen="")
    late = w.new_key(home, "late", "operator")
    relay = w.new_key(home, "late-relay", "relay")
    w.tx("owners", "faucet", "bank", "send", "faucet", late["address"], "10vipr")
    w.tx("owners", "faucet", "stake-servicer", "--operator", late["address"], "--amount",
         "15000vipr", "--url", "http://127.0.0.1:1", "--relay-key", relay["key"], "--zone",
         "0001", "--chains", "0001,0002")
    found = w.wrong("relay1", home)
    # Nothing is wrong once it counts, which on a slow machine may be so already.
    assert not found or ("counts from session" in found[0][0] and "wait" in found[0][1]), found
    deadline = time.monotonic() + 120
    while w.wrong("relay1", home):
        assert time.monotonic() < deadline, w.wrong("relay1", home)
        time.sleep(1)


def main():
    build, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft) or not os.path.exists("/usr/lib/litecoin/litecoind"):
        print("no cometbft or no litecoind")
        return 77
    folder = tempfile.mkdtemp(prefix="viper-check-")
    passed = failed = 0
    w = World(os.path.abspath(build), os.path.abspath(cometbft), folder)
    try:
        w.start()
        for name, check in list(globals().items()):
            if not name.startswith("check_"):
                continue
            try:
                check(w)
                passed += 1
                print(f"ok   {name}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"FAIL {name}", flush=True)
                traceback.print_exc()
    finally:
        w.net.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
