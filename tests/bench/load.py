#!/usr/bin/python3
"""Load through the gateway of a whole network, and every relay accounted for. One command:

    tests/bench/load.py [--seconds 600] [--connections N] [--json FILE]
    tests/bench/load.py --localnet --seconds 60          cheaper: processes, one validator

Mixed payloads (payloads.py) from bench_mix, each connection asking as soon as it is answered;
without --connections the number is found that gets most. The network is ./deploy/testnet's
(--network NAME; started if it is not there, and then removed unless --keep). Exit code 0 only
if: no answer is an error that no backend made; no process grew by more than ROOM after a third
of the time; clients, gateway, leaves on disk and chain agree on every relay of every session.
docs/performance.md has figures."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import payloads
import places
from account import Account

LADDER = (4, 8, 16, 32, 64)
STEP_SECONDS = 12
ENOUGH = 1.05         # so much more from twice the connections, or it is not worth it
STALE_BLOCKS = 25     # one backend is 20 blocks behind, on purpose
SETTLE_SECONDS = 600
# MiB that a process may grow by from the first third of a run to its end.
ROOM = {"viperd": 8, "viper-relay": 6, "viper-gateway": 6, "viper-fisherman": 6}
ROOM_OTHERS = 48      # CometBFT's collector, litecoind's caches, Python
TICK = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)


# ---- processes ----

class Watch:
    """Memory and CPU of every process: a sample a second, by a thread of its own."""

    def __init__(self, place):
        self.place = place
        self.pids = place.processes()
        self.memory = {label: [] for label in self.pids}  # (seconds, MiB)
        self.begun = time.monotonic()
        self.cpu = {label: self.ticks(pid) for label, pid in self.pids.items()}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.look()
        while not self.over.wait(1):
            self.look()

    def stop(self):
        self.over.set()
        self.thread.join()

    @staticmethod
    def ticks(pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            words = f.read().rsplit(")", 1)[1].split()
        return int(words[11]) + int(words[12])

    def look(self):
        now = time.monotonic() - self.begun
        for label, pid in self.pids.items():
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                    self.memory[label].append((now, int(f.read().split()[1]) * PAGE_MB))
            except OSError:
                continue  # gone: `gone` will tell

    def gone(self):
        now = self.place.processes()
        return sorted(label for label, pid in self.pids.items() if now.get(label) != pid)

    def rows(self):
        self.stop()
        took = time.monotonic() - self.begun
        return [self.row(label, took) for label in sorted(self.pids) if self.memory[label]]

    def row(self, label, took):
        seen = self.memory[label]

        def at(part):
            near = [m for t, m in seen if abs(t - part * took) <= 0.05 * took + 1]
            return middle(near or [m for _, m in seen[-1:]])
        try:
            spent = (self.ticks(self.pids[label]) - self.cpu[label]) / TICK
        except OSError:
            spent = 0
        return {"process": label, "start": at(0), "third": at(1 / 3), "two_thirds": at(2 / 3),
                "end": at(1), "growth_mb": at(1) - at(1 / 3),
                "slope_mb_min": 60 * slope([(t, m) for t, m in seen if t >= took / 3]),
                "room_mb": ROOM.get(label.split("/")[1], ROOM_OTHERS), "cores": spent / took}


def middle(values):
    return sorted(values)[len(values) // 2] if values else 0.0


def slope(points):
    """Least squares, MiB a second."""
    n = len(points)
    if n < 3:
        return 0.0
    mean_t, mean_m = sum(t for t, _ in points) / n, sum(m for _, m in points) / n
    over = sum((t - mean_t) ** 2 for t, _ in points)
    return sum((t - mean_t) * (m - mean_m) for t, m in points) / over


# ---- the load ----

def answers_a_second(load):
    return load["answers"] / load["elapsed_ns"] * 1e9


def faults(load):
    return sum(k["fault"] + k["lost"] for k in load["kinds"])


class Run:
    def __init__(self, args, place, folder):
        self.args, self.place, self.view = args, place, place.view
        self.plan = os.path.join(folder, "plan")
        self.mix = os.path.join(place.build, "tests", "bench", "bench_mix")
        self.account = Account(place)

    def prepare(self):
        """The block that is asked for: the largest that the stale backend has, too."""
        tip = self.view.wait_height(STALE_BLOCKS + 10, 120)
        metas = self.view.comet().call("blockchain", {"minHeight": "1", "maxHeight": str(
            min(20, tip - STALE_BLOCKS))})["block_metas"]
        block = max(metas, key=lambda m: int(m["block_size"]))
        self.kinds = payloads.write(self.plan, int(block["header"]["height"]))

    def load(self, connections, seconds, each=None):
        """What bench_mix says after so many seconds; `each` is called meanwhile."""
        command = [self.mix, self.place.gateway(), self.plan, str(connections), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proc:
            while each and proc.poll() is None:
                each()
                time.sleep(0.5)
            out = proc.stdout.read()
        if proc.returncode != 0:
            raise SystemExit(f"bench_mix: exit {proc.returncode}")
        return json.loads(out)

    def find(self):
        """As many connections as still bring something."""
        best, steps = None, []
        for n in LADDER:
            load = self.load(n, STEP_SECONDS)
            rate = answers_a_second(load)
            steps.append({"connections": n, "per_s": rate, "p50_us": load["p50_us"],
                          "p99_us": load["p99_us"], "faults": faults(load)})
            print(f"{n:>4} connections: {rate:6.0f} answers/s, p50 {load['p50_us'] / 1e3:.1f} ms"
                  f", p99 {load['p99_us'] / 1e3:.0f} ms, {faults(load)} faults", flush=True)
            if best and rate < ENOUGH * best["per_s"]:
                break
            best = steps[-1]
        return best["connections"], steps

    def follow(self):
        try:
            self.account.follow()
        except (OSError, ValueError, KeyError):
            pass  # a busy node; asked again at once

    def measure(self, connections):
        self.watch = Watch(self.place)
        before = self.account.pages()
        self.first = int(self.view.rest("/viper/v1/chain")["session"])
        load = self.load(connections, self.args.seconds, self.follow)
        self.processes, self.gone = self.watch.rows(), self.watch.gone()
        self.last = int(self.view.rest("/viper/v1/chain")["session"])
        print(f"sessions {self.first} to {self.last} had load; waiting until they are settled",
              flush=True)
        end = time.monotonic() + SETTLE_SECONDS
        while not self.account.settled(self.last) and time.monotonic() < end:
            self.follow()
            time.sleep(0.5)
        return load, before, self.account.pages()

    def judge(self, load, before, after):
        account = self.account
        if not account.settled(self.last):
            account.wrong.append(f"session {self.last} is not settled after {SETTLE_SECONDS} s")
            sessions = []
        else:
            sessions = account.judge(range(self.first, self.last + 1))
        counters = account.judge_counters(before, after, load)
        waits = sum(counters["failures"].get(k, 0) for k in ("timeout", "closed"))
        if account.late > waits:
            account.wrong.append(f"{account.late} leaves whose answers the gateway does not have,"
                                 f" and it gave up waiting for {waits}")
        wrong = list(account.wrong)
        if faults(load):
            wrong.append(f"{faults(load)} answers are errors that no backend made")
        if odd := sum(k["backend"] for k in load["kinds"]):
            wrong.append(f"{odd} answers of backends are not as planned")
        wrong += [f"{r['process']} grew by {r['growth_mb']:.1f} MiB, more than {r['room_mb']}"
                  for r in self.processes if r["growth_mb"] > r["room_mb"]]
        wrong += [f"{label} ended or was started again" for label in self.gone]
        return counters, sessions, wrong


# ---- tables ----

def show_kinds(load):
    print(f"\n{'kind':<20} {'share':>6} {'asked':>8} {'answers':>16} {'p50 ms':>7} {'p99 ms':>7} "
          f"{'max ms':>7}  {'of a backend, wrong':>5} faults lost")
    whole = sum(k["sent"] for k in load["kinds"])
    for k in load["kinds"]:
        size = (f"{k['in_min']}" if k["in_min"] == k["in_max"]
                else f"{k['in_min']}..{k['in_max']}")
        print(f"{k['name']:<20} {k['sent'] / whole:6.3f} {k['sent']:>8} {size:>14} B "
              f"{k['p50_us'] / 1e3:7.1f} {k['p99_us'] / 1e3:7.0f} {k['max_us'] / 1e3:7.0f}  "
              f"{k['backend']:>5} {k['fault']:>6} {k['lost']:>4}")


def show_processes(rows):
    print(f"\n{'process':<30} {'cores':>6}  {'MiB: start':>10} {'1/3':>7} {'2/3':>7} {'end':>7} "
          f"{'growth':>7} {'(room)':>7} {'MiB/min':>8}")
    for r in rows:
        print(f"{r['process']:<30} {r['cores']:6.3f}  {r['start']:10.1f} {r['third']:7.1f} "
              f"{r['two_thirds']:7.1f} {r['end']:7.1f} {r['growth_mb']:7.1f} "
              f"{'(' + str(r['room_mb']) + ')':>7} {r['slope_mb_min']:8.2f}")


def show_sessions(rows):
    names = ("session", "sent", "answered", "refused", "failed", "leaves", "leaves_cu",
             "acknowledged_cu", "settled_cu")
    print("\n" + " ".join(f"{n:>15}" for n in names))
    for r in rows:
        print(" ".join(f"{r[n]:>15}" for n in names))
    if rows:
        print(" ".join(f"{sum(r[n] for r in rows) if n != 'session' else 'all':>15}"
                       for n in names))


def show(result):
    load, c = result["load"], result["counters"]
    show_kinds(load)
    show_processes(result["processes"])
    show_sessions(result["sessions"])
    mb = sum(k["in_bytes"] + k["out_bytes"] for k in load["kinds"]) / (1 << 20)
    seconds = load["elapsed_ns"] / 1e9
    print(f"""
{result['place']}, {result['connections']} connections, {seconds:.0f} s; load average before \
{result['load_before'][0]:.1f}, after {result['load_after'][0]:.1f}
{load['answers']} answers, {answers_a_second(load):.0f} /s; {c['calls']} calls, \
{c['calls'] / seconds:.0f} /s; {mb:.0f} MiB, {mb / seconds:.1f} MiB/s
latency p50 {load['p50_us'] / 1e3:.1f} ms, p90 {load['p90_us'] / 1e3:.1f} ms, p99 \
{load['p99_us'] / 1e3:.1f} ms, max {load['max_us'] / 1e3:.0f} ms; bench_mix itself \
{load['cpu_ns'] / load['elapsed_ns']:.2f} of a core
relays until all was settled: {c['sent']} sent = {c['answered']} answered + {c['refused']} \
refused + {c['failed']} failed
  = {c['calls']} calls + {c['samples']} samples + {c['closing']} closing + {c['retries']} \
retries + {c['resends']} made anew; failures {c['failures'] or 'none'}, refusals \
{c['refusals'] or 'none'}; {c['late']} leaves whose answers came too late""")
    for sentence in result["wrong"][:40]:
        print(f"WRONG: {sentence}")
    print(f"{'all is accounted for' if not result['wrong'] else 'NOT all is accounted for'}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--connections", type=int, help="default: found by trying")
    parser.add_argument("--localnet", action="store_true", help="processes, no containers")
    parser.add_argument("--validators", type=int, default=1, help="of a localnet")
    parser.add_argument("--network", default="load", help="name of the testnet")
    parser.add_argument("--port-base", type=int, help="where the testnet is published")
    parser.add_argument("--keep", action="store_true", help="leave the network there")
    parser.add_argument("--json", help="file for all figures")
    args = parser.parse_args()
    if not 20 <= args.seconds <= 86400:
        parser.error("--seconds from 20 to 86,400")
    return args


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and so through `finally`
    folder = tempfile.mkdtemp(prefix="viper-load.", dir="/tmp")
    place = (places.Localnet(os.path.join(folder, "net"), args.validators) if args.localnet
             else places.Testnet(args.network, args.port_base, args.keep))
    try:
        place.up()
        run = Run(args, place, folder)
        run.prepare()
        connections, steps = (args.connections, []) if args.connections else run.find()
        load_before = os.getloadavg()
        load, before, after = run.measure(connections)
        load_after = os.getloadavg()
        counters, sessions, wrong = run.judge(load, before, after)
        result = {"place": place.name, "connections": connections, "steps": steps,
                  "load_before": load_before, "load_after": load_after, "load": load,
                  "counters": counters, "processes": run.processes, "sessions": sessions,
                  "wrong": wrong}
        show(result)
        if args.json:
            with open(args.json, "w", encoding="utf-8") as f:
                json.dump(result, f, indent=1)
    finally:
        place.down()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
