"""Keys, homes and genesis of the local network (docs/protocol.md, 14).

Keys are made by `viperd keys add`; what this file knows of an account is what that prints.
Owners' keys lie in the home `owners`, operators' in the homes of their daemons."""

import base64
import json
import os
import re
import subprocess
from datetime import datetime, timezone

VIPR = 10**6
SERVICERS, FISHERMEN = 6, 3
CHAIN_ID = "viper-local-1"
ZONE = 1
CHAINS = {1: "viper", 2: "litecoin"}


def b64(hex_text):
    return base64.b64encode(bytes.fromhex(hex_text)).decode()


class Keys:
    def __init__(self, viperd):
        self.viperd = viperd

    def add(self, home, name, kind):
        """{"name", "kind", "address", "key", "end"}: made, or as it is already there."""
        os.makedirs(home, exist_ok=True)
        command = [self.viperd, "keys", "show", name, "--home", home, "--keyring-backend",
                   "test", "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            command[2] = "add"
            command += ["--kind", kind]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def cometbft_home(cometbft, home):
    """Make CometBFT's files once; returns its consensus key (base64)."""
    if not os.path.exists(os.path.join(home, "config", "priv_validator_key.json")):
        subprocess.run([cometbft, "init", "--home", home], check=True, capture_output=True)
    with open(os.path.join(home, "config", "priv_validator_key.json"), encoding="utf-8") as f:
        return json.load(f)["pub_key"]["value"]


def tune(home, values):
    """Set keys of CometBFT's config.toml that the command line cannot."""
    path = os.path.join(home, "config", "config.toml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for key, value in values.items():
        text, hits = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        if not hits:
            raise KeyError(f"{path}: no key {key}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def node_id(cometbft, home):
    return subprocess.run([cometbft, "show-node-id", "--home", home], check=True,
                          capture_output=True, text=True).stdout.strip()


def corpus_hash(path):
    import hashlib
    with open(path, "rb") as f:
        return base64.b64encode(hashlib.sha256(f.read()).digest()).decode()


class Actors:
    """Every key of the network, by role; `homes` maps a role to its folder."""

    def __init__(self, keys, root, validators):
        home = lambda name: os.path.join(root, name)
        owners = home("owners")
        self.faucet = keys.add(owners, "faucet", "account")
        self.requestor = {
            "owner": keys.add(owners, "requestor", "account"),
            "operator": keys.add(owners, "requestor-operator", "operator"),
            "gateway": keys.add(home("gateway"), "gateway", "gateway"),
        }
        self.servicers = [{
            "owner": keys.add(owners, f"servicer{i}", "account"),
            "operator": keys.add(home(f"relay{i}"), "operator", "operator"),
            "relay": keys.add(home(f"relay{i}"), "relay", "relay"),
        } for i in range(1, SERVICERS + 1)]
        self.fishermen = [{
            "owner": keys.add(owners, f"fisherman{i}", "account"),
            "operator": keys.add(home(f"fisherman{i}"), "operator", "operator"),
        } for i in range(1, FISHERMEN + 1)]
        self.validators = [{
            "owner": keys.add(owners, f"validator{i}", "account"),
            "operator": keys.add(home(f"node{i}"), "operator", "operator"),
            "beacon": keys.add(home(f"node{i}"), "beacon", "beacon"),
        } for i in range(validators)]


def app_state(viperd, actors, consensus_keys, relay_urls, shadow_url, corpus):
    """GenesisState in proto3 JSON."""
    params = json.loads(subprocess.run([viperd, "genesis", "params", "--local"], check=True,
                                       capture_output=True, text=True).stdout)
    accounts = [{"address": actors.faucet["address"], "balance": str(1_000_000 * VIPR)}]

    def fund(actor, stake):
        accounts.append({"address": actor["owner"]["address"], "balance": str(stake * VIPR)})
        accounts.append({"address": actor["operator"]["address"], "balance": str(1000 * VIPR)})
        return {"owner": actor["owner"]["address"], "operator": actor["operator"]["address"],
                "amount": str(stake * VIPR)}

    chains = sorted(CHAINS)
    return {
        "params": params,
        "price_micro_usd": "50000",
        "accounts": accounts,
        "chains": [{"id": c, "name": CHAINS[c], "active": True, "multiplier_ppm": "1000000",
                    "latency_target_ms": "100", "latency_max_ms": "1100",
                    "corpus_hash": corpus_hash(os.path.join(corpus, f"{c:04x}.jsonl")),
                    "methods": []} for c in chains],
        "zones": [{"id": ZONE, "name": "local", "active": True, "multiplier_ppm": "1000000"}],
        "validators": [dict(fund(v, 50_000), consensus_key=key,
                            beacon_end=b64(v["beacon"]["end"]), commission_ppm=0)
                       for v, key in zip(actors.validators, consensus_keys)],
        "servicers": [dict(fund(s, 15_000), url=url, relay_key=b64(s["relay"]["key"]),
                           zone=ZONE, chains=chains)
                      for s, url in zip(actors.servicers, relay_urls)],
        "fishermen": [dict(fund(f, 15_000), zone=ZONE, chains=chains)
                      for f in actors.fishermen],
        "requestors": [dict(fund(actors.requestor, 1_000_000), num_servicers=5,
                            pairs=[{"chain": c, "zone": ZONE, "share_ppm": 500_000}
                                   for c in chains],
                            gateway_keys=[b64(actors.requestor["gateway"]["key"])],
                            shadow_url=shadow_url)],
    }


def write(path, state, consensus_keys, chain_id=CHAIN_ID):
    """genesis.json as CometBFT reads it. max_gas stays -1: the application counts gas."""
    genesis = {
        "genesis_time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "chain_id": chain_id,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": "8388608", "max_gas": "-1"},
            "evidence": {"max_age_num_blocks": "100000", "max_age_duration": "172800000000000",
                         "max_bytes": "1048576"},
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": "1"},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [{"pub_key": {"type": "tendermint/PubKeyEd25519", "value": key},
                        "power": "50000", "name": f"validator{i}"}
                       for i, key in enumerate(consensus_keys)],
        "app_hash": "",
        "app_state": state,
    }
    with open(path, "w", encoding="utf-8") as f:
        json.dump(genesis, f, indent=1)
        f.write("\n")
