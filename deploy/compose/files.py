"""Homes, keys, genesis and configs of a container testnet, made on the host before it starts.

A folder a container under build/testnet/NAME, mounted there as its home; names of containers
are the only addresses. What is kept (keys, genesis, data) is never written twice."""

import json
import os
import shutil

from compose import engine
from local import genesis, net, packages

VALIDATORS = 4
MORE = ("node4", "node5", "node6")  # without a vote, by add-node
NODES = tuple(f"node{i}" for i in range(VALIDATORS))
RELAYS = tuple(f"relay{i}" for i in range(1, genesis.SERVICERS + 1))
FISHERMEN = tuple(f"fisherman{i}" for i in range(1, genesis.FISHERMEN + 1))
BACKENDS = ("litecoin", "miner", "slow", "stale")
ACTORS = RELAYS + ("gateway",) + FISHERMEN
ALL = NODES + BACKENDS + ACTORS
HOMES = NODES + ("litecoin",) + ACTORS

CORPUS = "/usr/local/share/viper/corpus"  # in the image
BAD = {net.SLOW: "slow", net.STALE: "stale"}
PORTS = {"gateway": 8481, "rest0": 1317, "rpc0": 26657}
METRICS = "127.0.0.1:9464"


def ports(base=None):
    return {name: base + i for i, name in enumerate(PORTS)} if base else dict(PORTS)


def node_of(number):
    """Which validator a daemon follows: they share them out, so no one is everybody's."""
    return f"http://node{number % VALIDATORS}:1317"


def backend(chain, number):
    if number in BAD:
        url = f"http://{BAD[number]}:{9000 + chain}"
    elif chain == 1:
        url = f"http://node{number % VALIDATORS}:26657"
    else:
        url = "http://litecoin:19332"
    return {"url": url, "auth": net.LITECOIN_AUTH} if chain == 2 else {"url": url}


class Files:
    def __init__(self, folder, build, cometbft):
        self.folder, self.cometbft = folder, cometbft
        self.viperd = os.path.join(build, "app", "node", "viperd")
        self.corpus = os.path.join(packages.ROOT, "deploy", "corpus")

    def home(self, name):
        return os.path.join(self.folder, name)

    def actors(self):
        return genesis.Actors(genesis.Keys(self.viperd), self.folder, VALIDATORS)

    def prepare(self):
        """(actors, whether the chain is new)."""
        for name in HOMES:
            os.makedirs(self.home(name), exist_ok=True)
        consensus = [genesis.cometbft_home(self.cometbft, self.home(n)) for n in NODES]
        actors = self.actors()
        kept = self.home("genesis.json")
        new = not os.path.exists(kept)
        if new:
            state = genesis.app_state(self.viperd, actors, consensus,
                                      [f"http://{r}:8500" for r in RELAYS],
                                      "http://gateway:8482", self.corpus)
            genesis.write(kept + ".new", state, consensus)
            os.rename(kept + ".new", kept)
        for name in NODES:
            self.node(name)
        self.daemons(actors)
        return actors, new

    def add(self, name):
        """The home of a node without a vote."""
        os.makedirs(self.home(name), exist_ok=True)
        genesis.cometbft_home(self.cometbft, self.home(name))
        self.node(name)

    def node(self, name):
        home = self.home(name)
        shutil.copyfile(self.home("genesis.json"), os.path.join(home, "config", "genesis.json"))
        peers = ",".join(f"{genesis.node_id(self.cometbft, self.home(n))}@{n}:26656"
                         for n in NODES if n != name)
        genesis.tune(home, {"addr_book_strict": "false", "log_level": '"error"',
                            "prometheus": "true", "moniker": f'"{name}"',
                            "persistent_peers": f'"{peers}"',
                            "timeout_commit": '"1s"', "timeout_propose": '"1s"'})
        net.toml(os.path.join(home, "config", "app.toml"), {
            "abci": {"address": "unix:///tmp/abci.sock"},
            "api": {"listen": "0.0.0.0:1317"},
            "comet": {"rpc": "http://127.0.0.1:26657"},
            "beacon": {"key": "beacon" if name in NODES else ""},
            "keyring": {"backend": "test"}})

    def daemons(self, actors):
        for i, name in enumerate(RELAYS, 1):
            config = {"node": node_of(i), "operator-key": "operator", "relay-key": "relay",
                      "keyring-backend": "test", "listen": "0.0.0.0:8500",
                      "metrics-listen": METRICS}
            for chain in genesis.CHAINS:
                config[f"backend-{chain:04x}"] = backend(chain, i)
            net.toml(os.path.join(self.home(name), "relay.toml"), config)
        for i, name in enumerate(FISHERMEN, 1):
            net.toml(os.path.join(self.home(name), "fisherman.toml"), {
                "node": node_of(i), "operator-key": "operator", "keyring-backend": "test",
                "corpus-dir": CORPUS, "allow-private-peers": True, "metrics-listen": METRICS})
        net.toml(os.path.join(self.home("gateway"), "gateway.toml"), {
            "node": node_of(0), "requestor": actors.requestor["operator"]["address"],
            "gateway-key": "gateway", "keyring-backend": "test", "corpus-dir": CORPUS,
            "allow-private-peers": True, "listen": "0.0.0.0:8481",
            "shadow-listen": "0.0.0.0:8482", "metrics-listen": METRICS})

    def env(self, used):
        """The variables of compose.yaml, as a file that both composes read."""
        path = self.home("env")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"VIPER_DIR={self.folder}\nVIPER_USER={os.getuid()}:{os.getgid()}\n"
                    f"VIPER_IMAGE={engine.IMAGE}\n"
                    f"VIPER_PORT_GATEWAY={used['gateway']}\nVIPER_PORT_REST={used['rest0']}\n"
                    f"VIPER_PORT_RPC={used['rpc0']}\n")
        return path

    # ---- what is kept of a run: ports, nodes, the cut ----

    def load(self):
        with open(self.home("run.json"), encoding="utf-8") as f:
            return json.load(f)

    def save(self, run):
        with open(self.home("run.json.new"), "w", encoding="utf-8") as f:
            json.dump(run, f, indent=1)
        os.rename(self.home("run.json.new"), self.home("run.json"))
