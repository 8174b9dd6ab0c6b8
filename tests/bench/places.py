"""Where the load runs: the testnet of containers, or a localnet of processes. Both say where
the gateway is, what each process is and holds, and what the daemons count and log."""

import json
import os
import subprocess
import sys
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from compose import engine, files  # noqa: E402
from local import genesis, net, procs  # noqa: E402

RELAYS = [f"relay{i}" for i in range(1, genesis.SERVICERS + 1)]
DAEMONS = ["gateway"] + RELAYS + [f"fisherman{i}" for i in range(1, genesis.FISHERMEN + 1)]
WRAPPERS = ("docker-init", "entry", "bash", "sh", "sleep", "curl", "health")


def family(pid):
    """A process and all below it."""
    out, todo = [], [pid]
    while todo:
        one = todo.pop()
        out.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as f:
                    todo += [int(p) for p in f.read().split()]
        except OSError:
            continue
    return out


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return ""


def rows(text):
    """name{labels} -> value of a metrics page."""
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, value in pairs}


class Testnet:
    """A network of ./deploy/testnet, which is started if it is not there."""

    name = "testnet"

    def __init__(self, name, port_base, keep):
        self.network, self.base, self.keep = name, port_base, keep
        self.build = os.path.join(ROOT, "build", "local")

    def up(self):
        folder = os.path.join(ROOT, "build", "testnet", self.network)
        if not engine.containers("viper-" + self.network):
            command = [os.path.join(ROOT, "deploy", "testnet"), "--name", self.network, "up",
                       "--no-wait"]
            subprocess.run(command + (["--port-base", str(self.base)] if self.base else []),
                           check=True)
        compose, _ = engine.versions()
        self.files = files.Files(folder, self.build, os.path.join(ROOT, "build/bin/cometbft"))
        self.project = engine.Project(self.network, os.path.join(folder, "env"), compose)
        self.view = net.View(self.files.load()["ports"])
        self.view.actors = self.files.actors()
        self.found = self.project.containers()

    def down(self):
        if not self.keep:
            subprocess.run([os.path.join(ROOT, "deploy", "testnet"), "--name", self.network,
                            "down"], check=True)

    def gateway(self):
        """The container itself: docker's proxy before a published port costs as much."""
        return f"{engine.address(self.found['gateway'])}:8481"

    def home(self, name):
        return self.files.home(name)

    def processes(self):
        """label -> pid of what runs now, without what only starts others."""
        out = {}
        for name, found in self.found.items():
            for pid in family(found["State"]["Pid"]):
                what = comm(pid)
                if what and what not in WRAPPERS and name != "miner":
                    label = f"{name}/{what}"
                    out[label if label not in out else f"{label}.{pid}"] = pid
        return out

    def metrics(self, name):
        return rows(self.project.exec(name, "curl", "-sf", "-m", "20",
                                      f"http://{files.METRICS}/metrics").stdout)

    def log(self, name):
        done = engine.run("docker", "logs", self.found[name]["Id"])
        return done.stdout + done.stderr


class Localnet:
    """A network of processes as localnet makes it, in a folder of its own."""

    name = "localnet"

    def __init__(self, folder, validators):
        self.build = os.path.join(ROOT, "build", "local")
        self.view = net.Net(folder, self.build, os.path.join(ROOT, "build/bin/cometbft"),
                            net.Ports(validators, free=True), validators)

    def up(self):
        view = self.view
        view.prepare()
        view.start_chain()
        procs.wait_until("the first block", lambda: view.height() >= 1, 60, view.group)
        view.start_backends()
        view.start_daemons()
        procs.wait_until("a relay", view.relay_once, 60, view.group)

    def down(self):
        self.view.stop()

    def gateway(self):
        return f"127.0.0.1:{self.view.ports['gateway']}"

    def home(self, name):
        return self.view.home(name)

    def processes(self):
        group = self.view.group
        return {f"{n}/{comm(group[n].pid)}": group[n].pid for n in group.order
                if group[n].alive()}

    def metrics(self, name):
        port = self.view.ports[f"metrics-{name}"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as f:
            return rows(f.read().decode())

    def log(self, name):
        with open(os.path.join(self.view.logs, name + ".log"), encoding="utf-8") as f:
            return f.read()


def total(page, name, **labels):
    """Sum over the rows of a metric whose labels match."""
    want = [f"{k}={json.dumps(v)}" for k, v in labels.items()]
    return int(sum(v for row, v in page.items()
                   if row.split("{")[0] == name and all(w in row for w in want)))
