"""The local network as an object: homes, processes, readiness. localnet and the tests use it.

Layout of a run folder: node0.. (viperd's and CometBFT's home), owners, relay1..6,
fisherman1..3, gateway, litecoin, logs, run.json. Everything binds loopback."""

import json
import os
import shutil
import socket
import tempfile
import threading
import time

from . import genesis, packages, procs, rpc

LITECOIND = "/usr/lib/litecoin/litecoind"
LITECOIN_AUTH = "viper:viper"
SLOW, STALE = 5, 6  # the servicers behind tests/net/badbackend
INJECTED = {SLOW: ("slow", ["--delay", "700ms"]), STALE: ("stale", ["--behind", "20"])}


def free_ports(count):
    """Ports picked by the system; held open together so that they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


class Ports:
    """Every port of a network by name."""

    def __init__(self, validators, base=None, free=False):
        names = []
        for i in range(validators):
            names += [f"p2p{i}", f"rpc{i}", f"rest{i}"]
        names += ["gateway", "shadow", "litecoin"]
        names += [f"relay{i}" for i in range(1, genesis.SERVICERS + 1)]
        names += [f"bad{i}-{c}" for i in INJECTED for c in genesis.CHAINS]
        names += [f"metrics-{d}" for d in self.daemons()]
        names += [f"metrics-comet{i}" for i in range(validators)]
        if free:
            self.map = dict(zip(names, free_ports(len(names))))
        elif base:
            self.map = {name: base + i for i, name in enumerate(names)}
        else:
            self.map = self.standard(names)

    @staticmethod
    def daemons():
        return (["gateway"] + [f"relay{i}" for i in range(1, genesis.SERVICERS + 1)]
                + [f"fisherman{i}" for i in range(1, genesis.FISHERMEN + 1)])

    @staticmethod
    def standard(names):
        fixed = {"p2p0": 26656, "rpc0": 26657, "rest0": 1317, "gateway": 8481, "shadow": 8482,
                 "litecoin": 19332, "metrics-comet0": 26660}
        spare = iter(range(26700, 26900))
        out = {}
        for name in names:
            if name in fixed:
                out[name] = fixed[name]
            elif name.startswith("relay"):
                out[name] = 8500 + int(name[5:])
            elif name.startswith("metrics-") and name[8:] in Ports.daemons():
                out[name] = 9464 + Ports.daemons().index(name[8:])
            else:
                out[name] = next(spare)
        return out

    def __getitem__(self, name):
        return self.map[name]


def toml(path, values):
    """Write a config file: flat keys, and one table a nested dict."""
    lines = []
    for key, value in values.items():
        if not isinstance(value, dict):
            lines.append(f"{key} = {json.dumps(value)}")
    for key, value in values.items():
        if isinstance(value, dict):
            lines.append(f"\n[{key}]")
            lines += [f"{k} = {json.dumps(v)}" for k, v in value.items()]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


class View:
    """A network as it is asked from outside, by its ports; `actors` are its keys."""

    def __init__(self, ports):
        self.ports = ports
        self.actors = None

    def rest(self, path, node=0):
        return rpc.get(f"http://127.0.0.1:{self.ports[f'rest{node}']}{path}")

    def comet(self, node=0):
        return rpc.JsonRpc("127.0.0.1", self.ports[f"rpc{node}"])

    def gateway(self, chain):
        return rpc.JsonRpc("127.0.0.1", self.ports["gateway"], f"/v1/{chain:04x}")

    def height(self):
        return int(self.rest("/viper/v1/chain")["height"])

    def wait_height(self, height, seconds):
        return procs.wait_until(f"height {height}",
                                lambda: (h := self.height()) >= height and h, seconds)

    def relay_once(self, chain=1, method="status"):
        """One request through the gateway: (answer, receipt header, milliseconds)."""
        start = time.monotonic()
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []})
        status, headers, data = self.gateway(chain).raw(body.encode())
        took = (time.monotonic() - start) * 1000
        answer = json.loads(data)
        if status != 200 or "result" not in answer or not headers.get("Viper-Receipt"):
            raise rpc.RpcError(f"gateway: {status} {data[:300]!r}")
        return answer, headers, took


class Net(View):
    def __init__(self, folder, build, cometbft, ports, validators=1):
        super().__init__(ports)
        self.folder, self.build, self.cometbft = folder, build, cometbft
        self.validators = validators
        self.logs = os.path.join(folder, "logs")
        self.corpus = os.path.join(packages.ROOT, "deploy", "corpus")
        self.viperd = os.path.join(build, "app", "node", "viperd")
        self.group = procs.Group()
        self.sockets = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
        self.miner = None
        self.stopping = threading.Event()
        os.makedirs(self.logs, exist_ok=True)

    # ---- names ----

    def home(self, name):
        return os.path.join(self.folder, name)

    def binary(self, name):
        folder = {"viper-relay": "relay", "viper-gateway": "relay",
                  "viper-fisherman": "fisherman"}[name]
        return os.path.join(self.build, folder, name)

    def backend_url(self, chain):
        if chain == 1:
            return f"http://127.0.0.1:{self.ports['rpc0']}"
        return f"http://127.0.0.1:{self.ports['litecoin']}"

    # ---- files ----

    def reset(self):
        for name in os.listdir(self.folder):
            if name != "logs":
                path = self.home(name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def prepare(self):
        """Homes, keys, genesis (once) and configs (always, since ports may have moved)."""
        nodes = [self.home(f"node{i}") for i in range(self.validators)]
        consensus = [genesis.cometbft_home(self.cometbft, n) for n in nodes]
        self.actors = genesis.Actors(genesis.Keys(self.viperd), self.folder, self.validators)
        new = not os.path.exists(self.home("run.json"))
        if new:
            state = genesis.app_state(
                self.viperd, self.actors, consensus,
                [f"http://127.0.0.1:{self.ports[f'relay{i}']}"
                 for i in range(1, genesis.SERVICERS + 1)],
                f"http://127.0.0.1:{self.ports['shadow']}", self.corpus)
            paths = [os.path.join(n, "config", "genesis.json") for n in nodes]
            genesis.write(paths[0], state, consensus)
            for path in paths[1:]:  # one genesis: its time is consensus too
                shutil.copyfile(paths[0], path)
        self.write_configs()
        self.write_run()
        return new

    @property
    def node(self):
        """The REST of the first node, which all daemons ask."""
        return f"http://127.0.0.1:{self.ports['rest0']}"

    def write_configs(self):
        for i in range(self.validators):
            self.write_node(i)
        for i in range(1, genesis.SERVICERS + 1):
            self.write_relay(i)
        for i in range(1, genesis.FISHERMEN + 1):
            toml(os.path.join(self.home(f"fisherman{i}"), "fisherman.toml"), {
                "node": self.node, "operator-key": "operator", "keyring-backend": "test",
                "corpus-dir": self.corpus, "allow-private-peers": True,
                "metrics-listen": f"127.0.0.1:{self.ports[f'metrics-fisherman{i}']}"})
        self.write_gateway()

    def write_node(self, i):
        genesis.tune(self.home(f"node{i}"), {
            "addr_book_strict": "false", "allow_duplicate_ip": "true", "log_level": '"error"',
            "timeout_commit": '"1s"', "timeout_propose": '"1s"'})
        toml(os.path.join(self.home(f"node{i}"), "config", "app.toml"), {
            "abci": {"address": f"unix://{self.sockets}/n{i}.sock"},
            "api": {"listen": f"127.0.0.1:{self.ports[f'rest{i}']}"},
            "comet": {"rpc": f"http://127.0.0.1:{self.ports[f'rpc{i}']}"},
            "beacon": {"key": "beacon"},
            "keyring": {"backend": "test"}})

    def write_relay(self, i):
        config = {"node": self.node, "operator-key": "operator", "relay-key": "relay",
                  "keyring-backend": "test",
                  "listen": f"127.0.0.1:{self.ports[f'relay{i}']}",
                  "metrics-listen": f"127.0.0.1:{self.ports[f'metrics-relay{i}']}"}
        for chain in genesis.CHAINS:
            url = self.backend_url(chain)
            if i in INJECTED:
                url = f"http://127.0.0.1:{self.ports[f'bad{i}-{chain}']}"
            backend = {"url": url}
            if chain == 2:
                backend["auth"] = LITECOIN_AUTH
            config[f"backend-{chain:04x}"] = backend
        toml(os.path.join(self.home(f"relay{i}"), "relay.toml"), config)

    def write_gateway(self, number=""):
        """The gateway, or a further one beside it; its shadow port ends like its name."""
        toml(os.path.join(self.home(f"gateway{number}"), "gateway.toml"), {
            "node": self.node, "requestor": self.actors.requestor["operator"]["address"],
            "gateway-key": "gateway", "keyring-backend": "test", "corpus-dir": self.corpus,
            "allow-private-peers": True,
            "listen": f"127.0.0.1:{self.ports[f'gateway{number}']}",
            "shadow-listen": f"127.0.0.1:{self.ports[f'shadow{number}']}",
            "metrics-listen": f"127.0.0.1:{self.ports[f'metrics-gateway{number}']}"})

    def write_run(self):
        a = self.actors
        run = {
            "chain_id": genesis.CHAIN_ID,
            "validators": self.validators,
            "urls": {"gateway": f"http://127.0.0.1:{self.ports['gateway']}/v1/0001",
                     "rest": f"http://127.0.0.1:{self.ports['rest0']}",
                     "cometbft": f"http://127.0.0.1:{self.ports['rpc0']}"},
            "ports": self.ports.map,
            "pids": {n: p.pid for n, p in self.group.procs.items() if p.popen},
            "requestor": a.requestor["operator"]["address"],
            "servicers": [{"operator": s["operator"]["address"],
                           "owner": s["owner"]["address"],
                           "injected": INJECTED.get(i, ("none",))[0]}
                          for i, s in enumerate(a.servicers, 1)],
            "fishermen": [f["operator"]["address"] for f in a.fishermen],
        }
        with open(self.home("run.json"), "w", encoding="utf-8") as f:
            json.dump(run, f, indent=1)

    # ---- processes ----

    def start(self, name, command, stdout=None, **more):
        log = os.path.join(self.logs, name + ".log")
        return self.group.start(procs.Proc(name, command, log, **more), stdout)

    def start_chain(self):
        ids = [genesis.node_id(self.cometbft, self.home(f"node{i}"))
               for i in range(self.validators)]
        for i in range(self.validators):
            self.start_node(i, ids)

    def start_node(self, i, ids):
        """viperd and CometBFT of a node; ids are those of the validators, its peers."""
        home = self.home(f"node{i}")
        address = f"unix://{self.sockets}/n{i}.sock"
        self.start(f"viperd{i}", [self.viperd, "start", "--home", home], pair=f"cometbft{i}")
        peers = ",".join(f"{ids[j]}@127.0.0.1:{self.ports[f'p2p{j}']}"
                         for j in range(self.validators) if j != i)
        self.start(f"cometbft{i}", [
            self.cometbft, "start", "--home", home, "--proxy_app", address,
            "--p2p.laddr", f"tcp://127.0.0.1:{self.ports[f'p2p{i}']}",
            "--rpc.laddr", f"tcp://127.0.0.1:{self.ports[f'rpc{i}']}",
            "--p2p.persistent_peers", peers], pair=f"viperd{i}", env=self.watched(i))

    def watched(self, i):
        """CometBFT's metrics; a node that a test adds may have no port for them."""
        port = self.ports.map.get(f"metrics-comet{i}")
        return port and {"CMT_INSTRUMENTATION_PROMETHEUS": "true",
                         "CMT_INSTRUMENTATION_PROMETHEUS_LISTEN_ADDR": f"127.0.0.1:{port}"}

    def start_litecoin(self):
        data = self.home("litecoin")
        os.makedirs(data, exist_ok=True)
        user, password = LITECOIN_AUTH.split(":")
        self.start("litecoind", [
            LITECOIND, "-regtest", f"-datadir={data}", "-vbparams=mweb:-2:0", "-dnsseed=0",
            "-listen=0", "-disablewallet", f"-rpcuser={user}", f"-rpcpassword={password}",
            "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1",
            f"-rpcport={self.ports['litecoin']}", "-printtoconsole=0", "-debuglogfile=0",
            "-rpcworkqueue=512"])  # as many as the relays have connections; 16 by default

    def litecoin(self):
        return rpc.JsonRpc("127.0.0.1", self.ports["litecoin"], auth=LITECOIN_AUTH)

    def mine(self, blocks=1):
        # raw(51) is OP_TRUE: no wallet is needed to have blocks.
        self.litecoin().call("generatetodescriptor", [blocks, "raw(51)"])

    def start_miner(self):
        """One litecoin block every two seconds, as long as the network runs."""
        def loop():
            while not self.stopping.wait(2.0):
                try:
                    self.mine()
                except (OSError, ValueError):
                    pass  # litecoind is being restarted or stopped
        self.miner = threading.Thread(target=loop, daemon=True)
        self.miner.start()

    def start_backends(self):
        self.start_litecoin()
        procs.wait_until("litecoind", lambda: self.litecoin().call("getblockcount") >= 0, 30,
                         self.group)
        if self.litecoin().call("getblockcount") < 40:
            self.mine(40)
        self.start_miner()
        bad = os.path.join(packages.ROOT, "tests", "net", "badbackend")
        for i, (_, options) in INJECTED.items():
            for chain in genesis.CHAINS:
                url = self.backend_url(chain)
                if chain == 2:
                    url = url.replace("//", f"//{LITECOIN_AUTH}@")
                port = self.ports[f"bad{i}-{chain}"]
                self.start(f"bad{i}-{chain}", ["python3", bad, "--upstream", url, "--listen",
                                               f"127.0.0.1:{port}", *options])

    def start_daemons(self):
        for i in range(1, genesis.SERVICERS + 1):
            self.start_daemon(f"relay{i}")
        self.start_daemon("gateway")
        for i in range(1, genesis.FISHERMEN + 1):
            self.start_daemon(f"fisherman{i}")

    def start_daemon(self, name):
        binary = self.binary("viper-" + name.rstrip("0123456789"))
        return self.start(name, [binary, "start", "--home", self.home(name)])

    def stop(self):
        self.stopping.set()
        self.group.stop()
        if self.miner:
            self.miner.join(3)
        shutil.rmtree(self.sockets, ignore_errors=True)
