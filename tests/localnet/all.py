#!/usr/bin/env python3
"""./deploy/localnet as a user types it: --once with its JSON, a warm second run, Ctrl-C, ports.

One run folder and one range of ports of our own; nothing of it is left behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOCALNET = os.path.join(ROOT, "deploy", "localnet")
PORTS = 48  # one after the other, for one validator

SHAPE = {
    "chain_id": str, "session": {"number": str, "first": str, "last": str, "seed": str},
    "verify_heights": [str],
    "requestor": {"operator": str, "chain": str, "zone": str, "sid": str, "allowance_cu": str,
                  "budget_uvipr": str, "quota_cu": str},
    "servicers": [{"operator": str, "owner": str, "injected": str, "relays": str, "cu": str,
                   "settled_cu": str, "availability_ppm": str, "reliability_ppm": str,
                   "p90_ms": str, "score_ppm": str, "gross_uvipr": str, "reward_uvipr": str,
                   "verdict": str}],
    "fishermen": [{"operator": str, "cards": int, "reward_uvipr": str}],
    "txs": {"commit": [str], "report_card": [str], "prove": [str], "reveal": [str]},
    "supply": {"genesis_uvipr": str, "minted_uvipr": str, "burned_uvipr": str,
               "total_uvipr": str},
}


def free_base():
    """A first port with PORTS free ones behind it."""
    for base in range(21000, 29000, PORTS):
        held = []
        try:
            for port in range(base, base + PORTS):
                s = socket.socket()
                held.append(s)
                s.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise OSError("no range of free ports")


def fits(value, shape, where="result"):
    """Sentences about what is missing, extra or of another type."""
    if isinstance(shape, dict):
        if not isinstance(value, dict) or set(value) != set(shape):
            return [f"{where}: has {sorted(value)}, wanted {sorted(shape)}"]
        return [s for k in shape for s in fits(value[k], shape[k], f"{where}.{k}")]
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [f"{where}: not a list with something in it"]
        return [s for i, v in enumerate(value) for s in fits(v, shape[0], f"{where}[{i}]")]
    return [] if isinstance(value, shape) else [f"{where}: {value!r} is no {shape.__name__}"]


def ours(folder):
    """Processes that still speak of the run folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                text = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in text and int(pid) != os.getpid():
            found.append(f"{pid} {text}")
    return found


class Case:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="viper-localnet.", dir="/tmp")
        self.base = free_base()
        self.options = ["--dir", self.folder, "--port-base", str(self.base)]
        self.sockets = set(self.socket_folders())

    @staticmethod
    def socket_folders():
        return [n for n in os.listdir("/tmp") if n.startswith("viper.")]

    def once(self):
        """--once --json ends with 0 and prints both chains' objects."""
        done = subprocess.run([LOCALNET, "--once", "--json", *self.options],
                              capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            return [f"exit {done.returncode}: {done.stderr[-1500:]}"]
        out = []
        results = [json.loads(line)["result"] for line in done.stdout.splitlines()]
        if [r["requestor"]["chain"] for r in results] != ["0002", "0001"]:
            return [f"chains: {[r['requestor']['chain'] for r in results]}"]
        for r in results:
            out += fits(r, SHAPE)
            pay = {s["injected"]: [] for s in r["servicers"]}
            for s in r["servicers"]:
                if s["verdict"] != "paid" or int(s["relays"]) < 1:
                    out.append(f"{s['operator']}: {s['verdict']} for {s['relays']} relays")
                pay[s["injected"]].append(int(s["reward_uvipr"]) / int(s["settled_cu"]))
            for bad in set(pay) - {"none"}:
                if max(pay[bad]) >= 0.95 * min(pay["none"]):
                    out.append(f"{bad} is paid {pay[bad]} a CU, good ones {pay['none']}")
            supply = {k: int(v) for k, v in r["supply"].items()}
            if supply["total_uvipr"] != (supply["genesis_uvipr"] + supply["minted_uvipr"]
                                         - supply["burned_uvipr"]):
                out.append(f"supply does not meet: {supply}")
        if {s["injected"] for s in results[1]["servicers"]} != {"none", "slow", "stale"}:
            out.append("chain 0001 did not draw both bad servicers")
        return out + self.nothing_left()

    def nothing_left(self):
        time.sleep(0.5)
        out = [f"still running: {p}" for p in ours(self.folder)]
        out += [f"left: /tmp/{n}" for n in set(self.socket_folders()) - self.sockets
                if os.path.exists(f"/tmp/{n}/n0.sock")]
        for port in range(self.base, self.base + PORTS):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError as problem:
                    out.append(f"port {port}: {problem}")
        return out

    def warm(self):
        """Chain data is kept; the first relay is answered in under 20 s; Ctrl-C stops all."""
        start, out = time.monotonic(), []
        with subprocess.Popen([LOCALNET, *self.options], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as run:
            for line in run.stdout:
                if "genesis" in line and "kept" not in line:
                    out.append(f"the chain was not kept: {line}")
                if "first relay" in line:
                    took = time.monotonic() - start
                    if " ok " not in line or took > 20:
                        out.append(f"{took:.1f} s: {line}")
                    break
            out += self.taken()
            run.send_signal(signal.SIGINT)
            rest = run.stdout.read()
            if run.wait(30):
                out.append(f"Ctrl-C: exit {run.returncode}: {rest[-500:]}")
        return out + self.nothing_left()

    def taken(self):
        """A second one on the same ports names each port's owner and starts nothing."""
        done = subprocess.run([LOCALNET, "--dir", self.folder + ".second", "--port-base",
                               str(self.base)], capture_output=True, text=True, timeout=120,
                              check=False)
        shutil.rmtree(self.folder + ".second", ignore_errors=True)
        wanted = f"port {self.base} (p2p0) is in use by pid "
        if done.returncode != 4 or wanted not in done.stderr or "cometbft" not in done.stderr:
            return [f"ports in use: exit {done.returncode}: {done.stderr[-500:]}"]
        return []

    def early(self):
        """Ctrl-C in the middle of starting stops what was started."""
        out = []
        for phase in ("genesis", "chain", "backends"):
            with subprocess.Popen([LOCALNET, *self.options], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True) as run:
                for line in run.stdout:
                    if f"] {phase}" in line:
                        break
                run.send_signal(signal.SIGINT)
                run.stdout.read()
                if run.wait(30):
                    out.append(f"Ctrl-C after {phase}: exit {run.returncode}")
            out += [f"after {phase}: {s}" for s in self.nothing_left()]
        return out


def main():
    case = Case()
    passed = failed = 0
    try:
        for test in (case.once, case.warm, case.early):
            start = time.monotonic()
            problems = test()
            if problems:
                failed += 1
                print(f"FAIL {test.__doc__}\n  " + "\n  ".join(problems[:20]))
            else:
                passed += 1
                print(f"ok   {test.__doc__} ({time.monotonic() - start:.1f} s)", flush=True)
    finally:
        shutil.rmtree(case.folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
