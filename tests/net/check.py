#!/usr/bin/env python3
"""`check` of the three daemons against a running network, whole and with pieces missing.

    tests/net/check.py BUILD COMETBFT

Every line that says something is wrong is followed by one that says what to do; the exit code
tells. And a home belongs to one process. Each check_* function is one test. Ends with "N passed,
N failed"; exit code 77 means skipped: no cometbft or litecoind."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import net, procs  # noqa: E402

NEXT = "         next: "
PROGRAMS = {"relay1": "viper-relay", "gateway": "viper-gateway",
            "fisherman1": "viper-fisherman"}


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
        subprocess.run([os.path.join(self.build, "app/node/viperd"), "keys", "add", name, "--kind",
                        kind, "--home", home, "--keyring-backend", "test"], check=True,
                       capture_output=True)

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
        assert w.run(name, "check").returncode == 0, program


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
