#!/usr/bin/env python3
"""kill -9, over real processes: viperd, CometBFT, relays and the gateway at random moments.

A row of PLAN is a kill; the order is drawn from --seed. After each the process starts again,
blocks go on, relays are answered, and no height was ever executed to two app hashes. In the
end the whole chain is replayed into a fresh application, and every acknowledged relay must be
in the tree that its servicer committed."""

import argparse
import collections
import importlib.util
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "deploy"), HERE]
from local import genesis, net as network, procs  # noqa: E402
import books  # noqa: E402
import clients as traffic  # noqa: E402
import links  # noqa: E402
import strace_leaf  # noqa: E402

CLIENTS = 64
IN_FLIGHT = 8
COMPLAINTS = ("halt: ", "Sanitizer", "runtime error")
# process, phase, how: a moment of a wire, the entry of a system call (strace; `wal`: only on
# RocksDB's log), once more while it starts, or just any time
PLAN = [
    ("viperd", "block", ("abci", ("block", "asked"))),
    ("viperd", "block", ("abci", ("block", "asked"))),
    ("viperd", "commit", ("abci", ("commit", "asked"))),
    ("viperd", "commit", ("abci", ("commit", "asked"))),
    ("viperd", "commit", ("abci", ("commit", "answered"))),
    ("viperd", "commit", ("wal", "write")),
    ("viperd", "sync", ("call", "fdatasync")),
    ("viperd", "start", ("again", None)),
    ("viperd", "any", None),
    ("cometbft", "block", ("abci", ("block", "asked"))),
    ("cometbft", "block", ("abci", ("block", "answered"))),
    ("cometbft", "commit", ("abci", ("commit", "answered"))),
    ("cometbft", "sync", ("call", "fsync,fdatasync")),
    ("cometbft", "any", None),
    ("relay", "sync", ("call", "fdatasync")),
    ("relay", "sync", ("call", "fdatasync")),
    ("relay", "sync", ("call", "pwrite64")),
    ("relay", "submit", ("rest", ("MsgCommit", "unsent"))),
    ("relay", "submit", ("rest", ("MsgCommit", "unheard"))),
    ("relay", "submit", ("rest", ("MsgProve", "unheard"))),
    ("relay", "start", ("again", None)),
    ("relay", "any", None),
    ("relay", "any", None),
    ("gateway", "any", None),
    ("gateway", "any", None),
    ("gateway", "any", None),
]


class CrashNet(network.Net):
    """The local network with a wire of ours between CometBFT and viperd, and one between each
    relay and the node."""

    def __init__(self, folder, build, cometbft, ports):
        super().__init__(folder, build, cometbft, ports)
        self.abci = links.AbciLink(f"{self.sockets}/link.sock", f"{self.sockets}/n0.sock")
        self.rests = {f"relay{i}": links.RestLink(ports["rest0"])
                      for i in range(1, genesis.SERVICERS + 1)}

    def write_configs(self):
        super().write_configs()
        for name, link in self.rests.items():
            path = os.path.join(self.home(name), "relay.toml")
            with open(path, encoding="utf-8") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(f"node = \"http://127.0.0.1:{self.ports['rest0']}\"",
                                     f'node = "http://127.0.0.1:{link.port}"'))

    def start(self, name, command, stdout=None, **more):
        if name == "cometbft0":
            command = [f"unix://{self.sockets}/link.sock" if c.startswith("unix://") else c
                       for c in command]
        if name == "litecoind":  # clients wait there, a thread each
            command = command + ["-rpcthreads=96", "-rpcworkqueue=512"]
        return super().start(name, command, stdout, **more)

    def in_flight(self, relay):
        """What the relay itself says; 0 if it does not answer."""
        url = f"http://127.0.0.1:{self.ports[f'metrics-{relay}']}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=2.0) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("viper_relay_in_flight "):
                        return int(line.split()[1])
        except OSError:
            pass
        return 0

    def stop(self):
        super().stop()
        for link in [self.abci, *self.rests.values()]:
            link.close()


class Failed(Exception):
    pass


class Run:
    def __init__(self, net, clients, keeper, luck):
        self.net, self.clients, self.keeper, self.luck = net, clients, keeper, luck
        self.passed = self.failed = 0

    def verdict(self, good, text):
        self.passed += good
        self.failed += not good
        print(("ok    " if good else "FAIL  ") + text, flush=True)

    def until(self, what, test, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.keeper.look()
            try:
                if value := test():
                    return value
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.02)
        raise Failed(f"waited {seconds} s for {what}")

    # ---- before ----

    def busy_relay(self):
        """A relay with at least eight relays in flight; None if there is none now."""
        names = list(self.net.rests)
        self.luck.shuffle(names)
        return next((n for n in names if self.net.in_flight(n) >= IN_FLIGHT), None)

    def moment(self, process):
        """The name of the process to kill, at a random moment under load."""
        time.sleep(self.luck.uniform(0.2, 1.2))
        self.until("relays in flight",
                   lambda: self.clients.out >= IN_FLIGHT
                   and time.monotonic() - self.clients.last_ok < 1.0, 30)
        if process == "relay":
            return self.until("a relay with 8 in flight", self.busy_relay, 30)
        return process if process == "gateway" else process + "0"

    # ---- the kill: (name, what was seen of the phase, relays in flight) ----

    def killer(self, name):
        return links.Kill(self.net.group[name], self.luck, lambda: self.clients.out)

    def kill_now(self, name):
        inside = self.net.in_flight(name) if name in self.net.rests else 0
        kill = self.killer(name)
        kill()
        return name, f"{inside} of them at this relay" if inside else "any moment", kill.seen

    def kill_again(self, name):
        """Once more within its start."""
        self.kill_now(name)
        self.revive(name, False)
        after = self.luck.uniform(0.002, 0.12)
        time.sleep(after)
        kill = self.killer(name)
        kill()
        return name, f"twice, the second time {after * 1000:.0f} ms after its start", kill.seen

    def kill_on_wire(self, wires, moment):
        """`wires`: {name: link}; the first on which the moment comes is killed."""
        trap = links.Trap(moment)
        for name, wire in wires.items():
            wire.set(trap, self.killer(name))
        try:
            self.until(" ".join(moment), trap.sprung.is_set, 45)
        finally:
            for wire in wires.values():
                wire.set(None)
        return trap.name, trap.text, trap.seen

    def kill_in_call(self, name, calls, path=None):
        """strace sends the signal at the entry of the call: nothing of it has happened."""
        out = os.path.join(self.net.folder, "inject.trace")
        when = 1 if path else self.luck.randrange(1, 4)
        command = ["strace", "-f", "-y", "-o", out, "-e", f"trace={calls}", "-e", "signal=none",
                   "-e", f"inject={calls}:signal=SIGKILL:when={when}",
                   "-p", str(self.net.group[name].pid)] + (["-P", path] if path else [])
        seen, end = 0, time.monotonic() + 20
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as strace:
            while self.net.group[name].alive() and time.monotonic() < end:
                seen = self.clients.out
                time.sleep(0.001)
            strace.terminate()
            problem = strace.communicate()[1].decode(errors="replace")
        if self.net.group[name].alive():
            raise Failed(f"no {calls} of {name} in 20 s; strace said: {problem[-200:]}")
        with open(out, encoding="utf-8", errors="replace") as f:
            last = [line for line in f if "(" in line and "<" in line][-1]
        call, _, rest = last.split(None, 1)[1].partition("(")
        file = rest.partition("<")[2].partition(">")[0].replace(self.net.folder + "/", "")
        return name, f"at the entry of {call} of {file}", seen

    def wal(self):
        """RocksDB's log of now."""
        folder = os.path.join(self.net.home("node0"), "data", "viper.db")
        logs = sorted(n for n in os.listdir(folder) if n.endswith(".log") and n[0].isdigit())
        return os.path.join(folder, logs[-1])

    def kill(self, process, how):
        name = self.moment(process)
        kind, detail = how or ("any", None)
        if kind == "any":
            return self.kill_now(name)
        if kind == "again":
            return self.kill_again(name)
        if kind == "abci":
            return self.kill_on_wire({name: self.net.abci}, detail)
        if kind == "rest":
            return self.kill_on_wire(self.net.rests, detail)
        return self.kill_in_call(name, detail, self.wal() if kind == "wal" else None)

    # ---- after ----

    def revive(self, name, alone):
        group = self.net.group
        self.until(f"the end of {name}", lambda: not group[name].alive(), 10)
        code = group[name].popen.returncode
        if code != -9:
            raise Failed(f"{name} ended with {code}, not by SIGKILL; see "
                         f"{group[name].log_path}")
        if alone:
            group[name].start()
            return
        revived = group.revive()
        strange = set(revived) - {name, group[name].pair}
        if strange:
            raise Failed(f"{', '.join(strange)} died too; see {self.net.logs}")

    def check_hash(self, height):
        """The height that was on its way is in the chain with the app hash first seen."""
        self.until("two more blocks", lambda: self.net.height() >= height + 2, 30)
        header = self.net.comet().call("block", {"height": str(height + 1)})["block"]["header"]
        mine = self.net.abci.hashes.get(height, set())
        if mine != {header["app_hash"].lower()}:
            raise Failed(f"height {height}: header {header['app_hash']}, executed to {mine}")
        return f"app hash of {height} {header['app_hash'][:8].lower()}, answered " \
            f"{self.net.abci.runs[height]}x"

    def recover(self, name, height, alone, answered):
        self.revive(name, alone)
        tail = self.check_hash(height)
        self.until("answers again", lambda: len(self.clients.acks) >= answered + 20, 30)
        if name in self.net.ports.map:
            self.until(f"{name} to listen", lambda: procs.port_owner(self.net.ports[name]), 10)
        return tail

    def one(self, number, process, phase, how):
        started, before = time.monotonic(), self.net.abci.height
        line = f"{number:2} {process:<9} {phase:<6}"
        try:
            name, text, seen = self.kill(process, how)
            line = f"{number:2} {name:<9} {phase:<6} {text}; {seen} relays in flight"
            if seen < IN_FLIGHT and phase in ("any", "start"):
                raise Failed("too few for a moment without a phase")
            # Half of the times CometBFT comes back alone, to a viperd that has run on.
            alone = process == "cometbft" and phase in ("block", "any")
            tail = self.recover(name, max(before, self.net.abci.height), alone,
                                len(self.clients.acks))
            self.verdict(True, f"{line}; {tail}; {time.monotonic() - started:.1f} s")
        except (Failed, procs.Died) as problem:
            self.verdict(False, f"{line}: {problem}")
            self.net.group.revive()

    # ---- the end ----

    def trees(self):
        number = int(self.net.rest("/viper/v1/chain")["session"])
        last = int(self.net.rest(f"/viper/v1/sessions/{number}")["session"]["last"])
        wrong = ["not looked"]
        for wait in (5, 10):  # Commits come after the grace; the window is ten blocks long
            self.until(f"height {last + wait}", lambda: self.net.height() > last + wait, 60)
            commits, verifies = books.events(self.net, self.net.height())
            leaves = self.keeper.leaves()
            wrong, trees, kept = books.check(leaves, commits, self.clients.acks, number)
            if not wrong:
                break
        for text in wrong[:10]:
            print(f"      {text}")
        total = sum(len(v) for v in leaves.values())
        self.verdict(not wrong and kept == len(self.clients.acks) > 0,
                     f"{kept} of {len(self.clients.acks)} acknowledged relays are in {trees} "
                     f"committed trees ({total} leaves, sessions 0 to {number})")
        some = self.clients.acks[0]
        key = next(k for k, v in leaves.items() if some.leaf in v)
        short = {**leaves, key: [leaf for leaf in leaves[key] if leaf != some.leaf]}
        missed = books.check(short, commits, self.clients.acks, number)[0]
        self.verdict(len(missed) == 2, "control: one leaf taken away is missed twice, in its "
                     "tree and by its client")
        for text in self.clients.errors[:5]:
            print(f"      {text}")
        self.verdict(not self.clients.errors, "every receipt is of the request it came with")
        verdicts = collections.Counter(a["verdict"] for a in verifies.values())
        self.verdict(set(verdicts) == {"paid"}, f"settled entries: {dict(verdicts)}")
        due = {k for k in commits if k[0] <= number - 3}
        self.verdict(due <= set(verifies), f"{len(due)} entries were due and settled")

    def logs(self):
        """No daemon of ours met a bug, a fault or a sanitizer's complaint."""
        bad = []
        for name in sorted(os.listdir(self.net.logs)):
            if name.startswith(("viperd", "relay", "gateway", "fisherman")):
                with open(os.path.join(self.net.logs, name), errors="replace",
                          encoding="utf-8") as log:
                    bad += [f"{name}: {line.strip()[:160]}" for line in log
                            if any(word in line for word in COMPLAINTS)]
        for text in bad[:10]:
            print(f"      {text}")
        self.verdict(not bad, f"logs of the daemons: {len(bad)} complaints")

    def replay(self):
        """The chain from its first block into a fresh application in memory."""
        spec = importlib.util.spec_from_file_location(
            "replay", os.path.join(ROOT, "tests", "replay", "all.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        recording = self.net.home("recording")
        hashes = module.record(self.net, recording)
        binary = os.path.join(self.net.build, "tests", "replay", "replay")
        done = subprocess.run([binary, self.net.home("node0/config/genesis.json"), recording],
                              capture_output=True, text=True, check=False)
        lines = [line.split() for line in done.stdout.splitlines()]
        wrong = [line[0] for line in lines if hashes.get(int(line[0])) != line[1]]
        good = done.returncode == 0 and len(lines) > 0 and not wrong
        if not good:
            print(done.stderr[-1000:])
        self.verdict(good, f"{len(lines)} blocks replayed by a fresh application: "
                     f"{len(wrong)} app hashes differ from the headers {wrong[:3]}")
        twice = [h for h, n in self.net.abci.runs.items() if n > 1]
        split = [h for h, s in self.net.abci.hashes.items() if len(s) > 1]
        self.verdict(bool(twice) and not split,
                     f"{len(twice)} heights were executed more than once, {len(split)} of them "
                     f"to different app hashes")


def start(net):
    # Built before anything runs: the same sources as the daemons'.
    done = subprocess.run(["ninja", "-C", net.build, "tests/replay/replay"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"tests/replay/replay does not build: {done.stdout[-600:]}")
    net.prepare()
    net.start_chain()
    procs.wait_until("the first block", lambda: net.height() >= 1, 40, net.group)
    net.start_backends()
    net.start_daemons()
    procs.wait_until("the first relay", lambda: net.relay_once(1), 40, net.group)


def strace(run):
    """Both ways to sync leaves."""
    for name, mode in (("relay1", "group"), ("relay2", "always")):
        if mode == "always":
            path = os.path.join(run.net.home(name), "relay.toml")
            run.net.group[name].stop()
            with open(path, encoding="utf-8") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8") as f:
                f.write(f'leaf-sync = "{mode}"\n{text}')
            run.net.group[name].start()
        good, _ = strace_leaf.check(run.net.group[name].pid,
                                    run.net.home(f"leaf-{mode}.trace"))
        run.verdict(bool(good), f"strace of {name}, leaf-sync {mode}, 100 relays")
    run.verdict(strace_leaf.control(run.net.home("leaf-group.trace")),
                "control: the trace without its syncs proves nothing")


def work(run, seed):
    strace(run)
    plan = list(PLAN)
    random.Random(seed).shuffle(plan)
    for number, row in enumerate(plan, 1):
        run.one(number, *row)
    run.clients.stop()
    run.trees()
    run.replay()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "local"))
    parser.add_argument("--keep", action="store_true", help="leave the run folder")
    args = parser.parse_args()
    sys.setswitchinterval(0.0005)
    folder = tempfile.mkdtemp(prefix="viper.crash.", dir="/tmp")
    net = CrashNet(folder, os.path.abspath(args.build),
                   os.path.join(ROOT, "build", "bin", "cometbft"), network.Ports(1, free=True))
    keeper = books.Keeper(net, range(1, genesis.SERVICERS + 1))
    clients = traffic.Clients(net.ports["gateway"], CLIENTS)
    run = Run(net, clients, keeper, random.Random(args.seed))
    print(f"seed {args.seed}, {len(PLAN)} kills, {CLIENTS} clients, in {folder}", flush=True)
    try:
        start(net)
        clients.start()
        work(run, args.seed)
    except (procs.Died, Failed, OSError, ValueError, KeyError) as problem:
        run.verdict(False, f"{type(problem).__name__}: {problem}")
    finally:
        clients.stop_event.set()
        net.stop()
    run.logs()
    if run.failed == 0 and not args.keep:
        shutil.rmtree(folder)
    else:
        print(f"the run's files are in {folder}")
    print(f"{clients.sent} requests, {len(clients.acks)} acknowledged; last failure: "
          f"{clients.last_failure}")
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main())
