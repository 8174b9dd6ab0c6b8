#!/usr/bin/env python3
"""viper-relay against nginx as a reverse proxy, before the same backend: CPU per request,
requests per second, added latency, memory. One command:

    tests/bench/relay.py [--build build/local] [--rounds 5] [--requests 20000] [--json FILE]

Proxy on core 0, load and backend on core 1; 200-byte requests, 500-byte answers, 32 keep-alive
connections for both; rounds alternate. CPU is the sum over all threads of /proc/PID/schedstat.
Every relay carries the client's signature and gets a receipt back (one in 61 is verified), and
at the end the leaves on disk are counted: one for each answer. The chain is played by a small
server in here: one long session, one requestor, no blocks. docs/performance.md has figures."""

import argparse
import base64
import http.server
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 32
SINGLE_LANE = CONNECTIONS  # the client key of the runs with one connection
HEIGHT, LAST = 10, 10 ** 9
QUOTA = 10 ** 12
PROXY_CORE, LOAD_CORE = 0, 1
GOAL, PROTOTYPE, PROTOTYPE_US = 0.15, 0.19, 75


def on_core(core, command):
    return ["taskset", "-c", str(core)] + command


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- the chain ----

class Chain:
    """The answers viper-relay asks for, proto3 JSON as viperd writes it."""

    def __init__(self, facts):
        self.port = free_port()
        answers = {
            "chain": {"chain_id": facts["chain_id"], "height": str(HEIGHT), "time_s": "1",
                      "session": str(facts["session"]), "first": "1", "last": str(LAST),
                      "seed": base64.b64encode(bytes(32)).decode(),
                      "params": {"grace_blocks": "2"}, "oldest_unsettled": "0"},
            "chains": {"chains": [{"id": facts["chain"], "name": "bench", "active": True}]},
            f"servicers/{facts['servicer']}": {"eligible": True, "zone": facts["zone"],
                                               "relay_key": facts["relay_key"],
                                               "chains": [facts["chain"]]},
            f"servicers/{facts['servicer']}/sids": {"sids": [
                {"sid": facts["sid"], "requestor": facts["requestor"],
                 "chain": facts["chain"], "zone": facts["zone"], "quota_cu": str(QUOTA)}]},
            f"requestors/{facts['requestor']}": {"eligible": True,
                                                 "gateway_keys": [facts["gateway_key"]]},
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                name = self.path.split("?")[0].removeprefix("/viper/v1/")
                known = name in answers
                body = json.dumps(answers.get(name, {"code": 5, "message": "not here"})).encode()
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("x-cosmos-block-height", str(HEIGHT))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


# ---- processes ----

NGINX = """daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    upstream node {{
        server 127.0.0.1:{backend};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://node;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

RELAY = """node = "http://127.0.0.1:{node}"
keyring-backend = "test"
listen = "127.0.0.1:{port}"
metrics-listen = "127.0.0.1:{metrics}"
log-level = "info"

[backend-{chain:04x}]
url = "http://127.0.0.1:{backend}"
"""


def wait_port(port, proc, what):
    for _ in range(200):
        if proc.poll() is not None:
            raise SystemExit(f"{what} ended at once")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{what} does not listen on {port}")


def pids_of(proc):
    with open(f"/proc/{proc.pid}/task/{proc.pid}/children", encoding="ascii") as f:
        return [proc.pid] + [int(p) for p in f.read().split()]


def cpu_ns(proc):
    """Time on a CPU of all threads, children included."""
    total = 0
    for pid in pids_of(proc):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total


def memory_kb(proc):
    total = 0
    for pid in pids_of(proc):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    return total


class Bench:
    def __init__(self, args):
        self.args = args
        self.load = os.path.join(args.build, "tests", "bench", "bench_load")
        self.relay = os.path.join(args.build, "relay", "viper-relay")
        self.dir = tempfile.mkdtemp(prefix="bench-relay.", dir=args.dir or args.build)
        self.procs, self.proxies, self.seqs = [], {}, {0: 1, SINGLE_LANE: 1}

    def spawn(self, name, core, command, port):
        with open(os.path.join(self.dir, f"{name}.log"), "wb") as log:
            proc = subprocess.Popen(on_core(core, command), stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log)
        self.procs.append(proc)
        wait_port(port, proc, name)
        return proc

    def start(self):
        home = os.path.join(self.dir, "relay")
        os.mkdir(home)
        self.facts = json.loads(subprocess.check_output([self.load, "home", home]))
        chain = Chain(self.facts)
        ports = {name: free_port() for name in ("backend", "nginx", "relay", "metrics")}
        self.ports = ports
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(NGINX.format(dir=self.dir, backend=ports["backend"], port=ports["nginx"]))
        with open(os.path.join(home, "relay.toml"), "w", encoding="ascii") as f:
            f.write(RELAY.format(node=chain.port, port=ports["relay"], chain=self.facts["chain"],
                                 metrics=ports["metrics"], backend=ports["backend"]))
        self.spawn("backend", LOAD_CORE, [self.load, "backend", str(ports["backend"])],
                   ports["backend"])
        self.proxies["nginx"] = self.spawn("nginx", PROXY_CORE, [
            shutil.which("nginx") or "/usr/sbin/nginx", "-c", conf, "-p", self.dir, "-e",
            os.path.join(self.dir, "nginx.log")], ports["nginx"])
        self.proxies["relay"] = self.spawn("viper-relay", PROXY_CORE,
                                           [self.relay, "start", "--home", home], ports["relay"])
        self.wait_open()

    def wait_open(self):
        log = os.path.join(self.dir, "viper-relay.log")
        for _ in range(200):
            with open(log, encoding="utf-8") as f:
                if "session is open" in f.read():
                    return
            time.sleep(0.05)
        raise SystemExit(f"viper-relay opens no session; see {log}")

    def run(self, what, lanes, each):
        """One run of `lanes` connections; what the load says, and the proxy's CPU."""
        port = self.ports["backend" if what == "direct" else what]
        if what == "relay":
            lane = 0 if lanes > 1 else SINGLE_LANE
            command = [self.load, "relay", str(port), str(lanes), str(each), str(lane),
                       str(self.seqs[lane])]
            self.seqs[lane] += each
        else:
            command = [self.load, "plain", str(port), str(lanes), str(each)]
        proxy = self.proxies.get(what)
        load = subprocess.Popen(on_core(LOAD_CORE, command), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        if load.stdout.readline() != "ready\n":
            raise SystemExit(f"the load on {what} does not start")
        before = cpu_ns(proxy) if proxy else 0
        load.stdin.write("go\n")
        load.stdin.flush()
        line = load.stdout.readline()
        after = cpu_ns(proxy) if proxy else 0
        if load.wait() != 0 or not line:
            raise SystemExit(f"the load on {what} failed")
        result = json.loads(line)
        result["cpu_us"] = (after - before) / 1e3 / result["answers"]
        result["per_s"] = result["answers"] / result["elapsed_ns"] * 1e9
        result["per_cpu_s"] = 1e6 / result["cpu_us"] if proxy else 0
        return result

    def primitives(self):
        out = subprocess.check_output(on_core(PROXY_CORE, [self.load, "primitives", self.dir]))
        return json.loads(out)

    def metrics(self):
        url = f"http://127.0.0.1:{self.ports['metrics']}/metrics"
        with urllib.request.urlopen(url) as f:
            rows = f.read().decode().splitlines()
        return {r.rsplit(" ", 1)[0]: float(r.rsplit(" ", 1)[1]) for r in rows
                if r and not r.startswith("#")}

    def leaves_on_disk(self):
        """Records of kind leaf, read from the segments as the format says."""
        count, folder = 0, os.path.join(self.dir, "relay", "leaves")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            at = 64
            while at + 9 <= len(data):
                length = int.from_bytes(data[at:at + 4], "big")
                if length == 0:
                    break
                count += data[at + 8] == LEAF
                at += 8 + length
        return count

    def stop(self, keep):
        for proc in reversed(self.procs):
            proc.terminate()
        for proc in self.procs:
            proc.wait()
        if not keep:
            shutil.rmtree(self.dir)


LEAF = 3  # VPR_RECORD_LEAF of relay/leaves.h


# ---- rounds ----

def measure(bench, args):
    each = max(1, args.requests // CONNECTIONS)
    single = max(1, args.requests // 50)
    out = {"nginx": [], "relay": [], "direct": [], "primitives": [],
           "nginx_1": [], "relay_1": [], "direct_1": [], "load_average": []}
    for what in ("nginx", "relay", "direct"):
        bench.run(what, CONNECTIONS, max(1, each // 10))  # warm
    syncs = bench.metrics()["viper_relay_leaf_syncs"]
    answered = 0
    for number in range(args.rounds):
        order = ("nginx", "relay") if number % 2 == 0 else ("relay", "nginx")
        for what in order + ("direct",):
            out[what].append(bench.run(what, CONNECTIONS, each))
        answered += each * CONNECTIONS
        more = bench.metrics()["viper_relay_leaf_syncs"]
        out["relay"][-1]["per_sync"] = each * CONNECTIONS / max(1, more - syncs)
        for what in order + ("direct",):
            out[what + "_1"].append(bench.run(what, 1, single))
        syncs = bench.metrics()["viper_relay_leaf_syncs"]
        out["primitives"].append(bench.primitives())
        out["load_average"].append(os.getloadavg()[0])
        n, r = out["nginx"][-1], out["relay"][-1]
        print(f"round {number + 1}: nginx {n['cpu_us']:.1f} us, relay {r['cpu_us']:.1f} us of CPU"
              f", {r['per_cpu_s'] / n['per_cpu_s']:.3f} x", file=sys.stderr)
    out["rss_kb"] = {name: memory_kb(proc) for name, proc in bench.proxies.items()}
    return out


def middle(rows, key):
    return statistics.median(r[key] for r in rows)


def summary(out):
    """Medians of the rounds; ratios are taken within a round."""
    ratios = [r["per_cpu_s"] / n["per_cpu_s"] for n, r in zip(out["nginx"], out["relay"])]
    primitives = [(p["verify_ns"] + p["sign_ns"] + p["hash_ns"]) / 1e3
                  for p in out["primitives"]]
    s = {"ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
         "goal": GOAL, "primitives_us": statistics.median(primitives),
         "verify_us": middle(out["primitives"], "verify_ns") / 1e3,
         "sign_us": middle(out["primitives"], "sign_ns") / 1e3,
         "hash_us": middle(out["primitives"], "hash_ns") / 1e3,
         "sync_ms": middle(out["primitives"], "sync_ns") / 1e6,
         "relays_per_sync": middle(out["relay"], "per_sync"),
         "load_average": statistics.median(out["load_average"]), "rss_kb": out["rss_kb"]}
    for what in ("nginx", "relay"):
        s[what] = {k: middle(out[what], k) for k in ("cpu_us", "per_cpu_s", "per_s")}
    for suffix in ("", "_1"):
        for rank in ("p50", "p99"):
            base = middle(out["direct" + suffix], f"{rank}_ns")
            for what in ("direct", "nginx", "relay"):
                ns = middle(out[what + suffix], f"{rank}_ns")
                key = f"{rank}{suffix}_us"
                s.setdefault(what, {})[key] = ns / 1e3
                s[what]["added_" + key] = (ns - base) / 1e3
    s["rest_us"] = s["relay"]["cpu_us"] - s["primitives_us"]
    s["ceiling"] = s["nginx"]["cpu_us"] / s["primitives_us"]
    return s


def show(s, args):
    n, r, d = s["nginx"], s["relay"], s["direct"]
    print(f"""
{args.rounds} rounds of {args.requests} requests, {CONNECTIONS} connections; medians; load \
average {s['load_average']:.1f}

                            nginx      viper-relay
CPU per request          {n['cpu_us']:8.1f} us   {r['cpu_us']:10.1f} us
requests per CPU second  {n['per_cpu_s']:8.0f}      {r['per_cpu_s']:10.0f}      \
{s['ratio']:.3f} x ({s['ratio_min']:.3f} to {s['ratio_max']:.3f}; goal {GOAL}, prototype \
without leaves {PROTOTYPE})
requests per second      {n['per_s']:8.0f}      {r['per_s']:10.0f}
memory (RSS)             {s['rss_kb']['nginx'] / 1024:8.1f} MB   \
{s['rss_kb']['relay'] / 1024:10.1f} MB

latency, us           direct   nginx (added)    viper-relay (added)
32 connections  p50 {d['p50_us']:8.0f} {n['p50_us']:7.0f} ({n['added_p50_us']:.0f})\
    {r['p50_us']:10.0f} ({r['added_p50_us']:.0f})
                p99 {d['p99_us']:8.0f} {n['p99_us']:7.0f} ({n['added_p99_us']:.0f})\
    {r['p99_us']:10.0f} ({r['added_p99_us']:.0f})
1 connection    p50 {d['p50_1_us']:8.0f} {n['p50_1_us']:7.0f} ({n['added_p50_1_us']:.0f})\
    {r['p50_1_us']:10.0f} ({r['added_p50_1_us']:.0f})
                p99 {d['p99_1_us']:8.0f} {n['p99_1_us']:7.0f} ({n['added_p99_1_us']:.0f})\
    {r['p99_1_us']:10.0f} ({r['added_p99_1_us']:.0f})
one fdatasync of a leaf {s['sync_ms']:.2f} ms; {s['relays_per_sync']:.1f} relays a sync

primitives of one relay  {s['primitives_us']:.1f} us (verify {s['verify_us']:.1f}, sign \
{s['sign_us']:.1f}, hashes {s['hash_us']:.1f}); without anything else: {s['ceiling']:.2f} x nginx
all the rest of a relay  {s['rest_us']:.1f} us (nginx needs {n['cpu_us']:.1f})
goal {GOAL} x: {'met' if s['ratio'] >= GOAL else 'MISSED'}""")


def check_tools(bench):
    for tool in ("taskset", "nginx"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            raise SystemExit(f"{tool} is missing: apt-get install util-linux nginx-light")
    for path in (bench.load, bench.relay):
        if not os.path.exists(path):
            raise SystemExit(f"{path} is not built; --build names the build folder")
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build", "local"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20000, help="of one run")
    parser.add_argument("--dir", help="where leaves are written; default: the build folder")
    parser.add_argument("--json", help="file for all figures")
    parser.add_argument("--keep", action="store_true", help="leave logs and leaves")
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    if args.rounds < 1 or not 320 <= args.requests <= 1000000:
        parser.error("--rounds from 1, --requests from 320 to 1,000,000")
    bench = Bench(args)
    keep = args.keep
    try:
        check_tools(bench)
        bench.start()
        out = measure(bench, args)
        sent = CONNECTIONS * (bench.seqs[0] - 1) + bench.seqs[SINGLE_LANE] - 1
        leaves = bench.leaves_on_disk()
        if leaves != sent:
            raise SystemExit(f"{sent} relays were answered, {leaves} leaves lie on disk")
        s = summary(out)
        show(s, args)
        print(f"{leaves} relays answered, {leaves} leaves on disk")
        if args.json:
            with open(args.json, "w", encoding="ascii") as f:
                json.dump({"summary": s, "rounds": out}, f, indent=1)
    except BaseException:
        keep = True
        print(f"logs: {bench.dir}", file=sys.stderr)
        raise
    finally:
        bench.stop(keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
