#!/usr/bin/env python3
"""viperd behind the real CometBFT: blocks, a bank send through RPC, kill -9 of both at once and
of each alone, and the same app hash when they are back.

    tests/net/chain_smoke.py VIPERD COMETBFT

Loopback only, ports given by the OS, everything below one temporary folder.  Exit code 77 means
skipped: there is no cometbft to be had."""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

CHAIN = "viper-smoke"
VIPR = 10**6

# ---- ed25519, slow and short (RFC 8032) ----
Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, Q - 2, Q) % Q


def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, Q - 2, Q) % Q
    x = pow(x2, (Q + 3) // 8, Q)
    if (x * x - x2) % Q:
        x = x * pow(2, (Q - 1) // 4, Q) % Q
    return Q - x if x & 1 != sign else x


GY = 4 * pow(5, Q - 2, Q) % Q
GX = recover_x(GY, 0)
G = (GX, GY, 1, GX * GY % Q)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % Q, (p[1] + p[0]) * (q[1] + q[0]) % Q
    c, d = 2 * p[3] * q[3] * D % Q, 2 * p[2] * q[2] % Q
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % Q, g * h % Q, f * g % Q, e * h % Q


def mul(s, p):
    r = (0, 1, 1, 0)
    while s:
        if s & 1:
            r = add(r, p)
        p, s = add(p, p), s >> 1
    return r


def compress(p):
    z = pow(p[2], Q - 2, Q)
    return ((p[1] * z % Q) | ((p[0] * z % Q) & 1) << 255).to_bytes(32, "little")


class Key:
    def __init__(self, name):
        self.seed = hashlib.sha256(name.encode()).digest()
        h = hashlib.sha512(self.seed).digest()
        self.a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = h[32:]
        self.public = compress(mul(self.a, G))

    def sign(self, m):
        r = int.from_bytes(hashlib.sha512(self.prefix + m).digest(), "little") % L
        big_r = compress(mul(r, G))
        k = int.from_bytes(hashlib.sha512(big_r + self.public + m).digest(), "little") % L
        return big_r + ((r + k * self.a) % L).to_bytes(32, "little")

    def address(self):
        return bech32("viper", hashlib.sha256(self.public).digest()[:20])


def bech32(hrp, data):
    chars = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = int.from_bytes(data, "big")
    values = [bits >> 5 * i & 31 for i in reversed(range(len(data) * 8 // 5))]

    def polymod(vs):
        chk = 1
        for v in vs:
            top, chk = chk >> 25, (chk & 0x1FFFFFF) << 5 ^ v
            for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                chk ^= g if top >> i & 1 else 0
        return chk

    head = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    check = polymod(head + values + [0] * 6) ^ 1
    return hrp + "1" + "".join(chars[v] for v in values + [check >> 5 * (5 - i) & 31
                                                           for i in range(6)])


# ---- protobuf ----
def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def f(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def send_tx(key, number, sequence, to, amount):
    coin = lambda n: f(1, "uvipr") + f(2, str(n))
    message = f(1, key.address()) + f(2, to) + f(3, coin(amount))
    body = f(1, f(1, "/cosmos.bank.v1beta1.MsgSend") + f(2, message))
    public = f(1, "/cosmos.crypto.ed25519.PubKey") + f(2, f(1, key.public))
    signer = f(1, public) + f(2, f(1, f(1, 1))) + f(3, sequence)
    auth = f(1, signer) + f(2, f(1, coin(1000)) + f(2, 40000))
    doc = f(1, body) + f(2, auth) + f(3, CHAIN) + f(4, number)
    return f(1, body) + f(2, auth) + f(3, key.sign(doc))


# ---- the network ----
ALICE, BOB, OWNER = Key("smoke alice"), Key("smoke bob"), Key("smoke owner")
OPERATOR = Key("smoke operator")

PARAMS = """session_blocks 10 freeze_blocks 4 challenge_delay 2 grace_blocks 2 settle_per_block 500
max_validators 100 min_stake_validator 50000000000 min_stake_servicer 15000000000
min_stake_fisherman 15000000000 min_stake_requestor 5000000000 fishermen_per_session 5
proof_samples 2 card_samples 2 min_samples 5 sample_share 50000 min_quota 500 claim_min 450
weight_latency 300000 score_initial 300000 score_min 300000 score_floor 100000 score_alpha 100000
card_tolerance 250000 bench_requestors 1 cu_per_usd 1000000 cu_price_min 4500
requestor_yield 100000000 validator_yield 112500000 max_commission 200000 split_servicer 700000
split_fishermen 100000 split_validator 50000 split_chain 50000 split_dao 100000
unbonding_seconds 60 min_gas_price 25 message_gas 20000 quality_slash 1000 double_sign_slash 50000
downtime_slash 100 downtime_window 50 downtime_min_signed 500000 jail_seconds 30
gov_deposit 1000000000 voting_seconds 60 gov_quorum 334000 gov_threshold 500000 gov_veto 334000
chain_fee 10000000000""".split()


def app_state(consensus_key, beacon):
    chain = {"active": True, "multiplier_ppm": "1000000", "latency_target_ms": "100",
             "latency_max_ms": "1100", "owner": ALICE.address(),
             "corpus_hash": base64.b64encode(beacon).decode()}
    return {
        "params": dict(zip(PARAMS[::2], PARAMS[1::2])),
        "price_micro_usd": "50000",
        "accounts": [{"address": ALICE.address(), "balance": str(1000 * VIPR)},
                     {"address": BOB.address(), "balance": str(1000 * VIPR)},
                     {"address": OWNER.address(), "balance": str(60000 * VIPR)}],
        "chains": [dict(chain, id=1, name="viper")],
        "zones": [{"id": 1, "name": "everywhere", "active": True, "multiplier_ppm": "1000000"}],
        "validators": [{"owner": OWNER.address(), "operator": OPERATOR.address(),
                        "amount": str(50000 * VIPR), "consensus_key": consensus_key,
                        "beacon_end": base64.b64encode(beacon).decode()}],
    }


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    def __init__(self, viperd, cometbft, root):
        self.viperd, self.cometbft, self.root = viperd, cometbft, root
        self.home, self.sock = root + "/home", "unix://" + root + "/abci.sock"
        self.rpc, self.p2p, self.api = free_port(), free_port(), free_port()
        self.app = self.comet = None
        subprocess.run([cometbft, "init", "--home", self.home], check=True,
                       stdout=subprocess.DEVNULL)
        made = subprocess.run(
            [viperd, "keys", "add", "beacon", "--kind", "beacon", "--keyring-backend", "test",
             "--home", self.home], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.edit_genesis(bytes.fromhex(made.split()[-1]))

    def edit_genesis(self, beacon):
        path = self.home + "/config/genesis.json"
        genesis = json.load(open(path))
        key = json.load(open(self.home + "/config/priv_validator_key.json"))["pub_key"]["value"]
        genesis["chain_id"] = CHAIN
        genesis["consensus_params"]["version"]["app"] = "1"
        genesis["consensus_params"]["block"] = {"max_bytes": "8388608", "max_gas": "-1"}
        genesis["validators"] = []
        genesis["app_state"] = app_state(key, beacon)
        json.dump(genesis, open(path, "w"))

    def start_app(self):
        self.app = subprocess.Popen(
            [self.viperd, "start", "--home", self.home, "--address", self.sock,
             "--beacon-key", "beacon", "--keyring-backend", "test",
             "--api-listen", f"127.0.0.1:{self.api}"],
            stderr=open(self.root + "/viperd.log", "a"))

    def start_comet(self):
        self.comet = subprocess.Popen(
            [self.cometbft, "start", "--home", self.home, "--proxy_app", self.sock,
             "--rpc.laddr", f"tcp://127.0.0.1:{self.rpc}",
             "--p2p.laddr", f"tcp://127.0.0.1:{self.p2p}", "--log_level", "error",
             "--consensus.create_empty_blocks_interval", "0s"],
            stdout=open(self.root + "/comet.log", "a"), stderr=subprocess.STDOUT,
            env=dict(os.environ, CMT_CONSENSUS_TIMEOUT_COMMIT="100ms"))

    def start(self):
        self.start_app()
        self.start_comet()

    def kill(self):
        running = [p for p in (self.comet, self.app) if p is not None]
        for process in running:
            process.kill()
        for process in running:
            process.wait(timeout=30)

    def stop(self):
        """CometBFT first: it may hang when its application leaves while it stops."""
        for process in (self.comet, self.app):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)

    def call(self, method, **params):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(f"http://127.0.0.1:{self.rpc}/",
                                         json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=10))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def until(self, what, wants, seconds=60):
        """Polls `wants` until it answers something true."""
        last, end = None, time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                got = wants()
                if got:
                    return got
            except (OSError, RuntimeError) as error:
                last = error
            time.sleep(0.1)
        raise SystemExit(f"waited {seconds} s for {what}: {last}\n" + self.logs())

    def logs(self):
        return "".join(open(f"{self.root}/{n}.log").read()[-3000:] for n in ("viperd", "comet"))

    def height(self):
        return int(self.call("status")["sync_info"]["latest_block_height"])

    def grow(self, blocks=3):
        start = self.until("status", lambda: self.height() + 1)
        self.until(f"{blocks} more blocks", lambda: self.height() >= start + blocks)

    def app_hash(self, height):
        return self.call("header", height=str(height))["header"]["app_hash"]

    def balance(self, address):
        data = f(1, address) + f(2, "uvipr")
        r = self.call("abci_query", path="/cosmos.bank.v1beta1.Query/Balance",
                      data=data.hex())["response"]
        assert r.get("code", 0) == 0, r
        return base64.b64decode(r["value"] or "")


def amount_in(value):
    return int(value[value.rindex(b"\x12") + 2:] or b"0")


def check_tx(node):
    tx = send_tx(ALICE, 0, 0, BOB.address(), 12345)
    answer = node.call("broadcast_tx_sync", tx=base64.b64encode(tx).decode())
    assert answer["code"] == 0, answer
    found = node.until("the transaction",
                       lambda: node.call("tx", hash=base64.b64encode(
                           bytes.fromhex(answer["hash"])).decode()))
    assert found["tx_result"]["code"] == 0, found
    assert amount_in(node.balance(BOB.address())) == 1000 * VIPR + 12345
    assert amount_in(node.balance(ALICE.address())) == 1000 * VIPR - 12345 - 1000
    again = node.call("check_tx", tx=base64.b64encode(tx).decode())
    assert (again["code"], again["codespace"]) == (5, "viper"), again
    garbage = node.call("broadcast_tx_sync", tx=base64.b64encode(b"\xff\x01").decode())
    assert (garbage["code"], garbage["codespace"]) == (1, "viper"), garbage
    return int(found["height"])


def check_reveals(node, first, last):
    """Every block between opens the next value of the proposer's chain."""
    for height in range(first, last):
        result = node.call("block_results", height=str(height))["txs_results"][0]
        beacon = [e for e in result["events"] if e["type"] == "beacon"]
        told = {a["key"]: a["value"] for a in beacon[0]["attributes"]}
        assert told["revealed"] == "true", (height, told)


def check_proof(node):
    key = b"a" + hashlib.sha256(ALICE.public).digest()[:20]
    r = node.call("abci_query", path="/store/accounts/key", data=key.hex(), prove=True)
    r = r["response"]
    assert r["value"] and len(r["proofOps"]["ops"]) == 2, r
    assert int(r["height"]) < node.height() + 1


def main():
    viperd, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    root = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    node = Node(viperd, cometbft, root)
    try:
        node.start()
        node.until("the first block", lambda: node.height() >= 2)
        height = check_tx(node)
        node.grow(2)
        check_proof(node)
        before = node.app_hash(height + 1)
        for what in ("both", "viperd", "cometbft"):
            if what == "viperd":
                node.app.kill()  # CometBFT stops by itself then
                node.app.wait(timeout=30)
                node.comet.wait(timeout=30)
            elif what == "cometbft":
                node.comet.kill()
                node.comet.wait(timeout=30)
            else:
                node.kill()
            if what != "cometbft":
                node.start_app()
            node.start_comet()
            node.grow()
            assert node.app_hash(height + 1) == before
            print(f"kill -9 {what}: goes on at height {node.height()}, same app hash")
        assert amount_in(node.balance(BOB.address())) == 1000 * VIPR + 12345
        node.until("session 1", lambda: node.height() >= 25)
        check_reveals(node, 1, node.height())
        node.stop()
        assert node.app.returncode == 0, node.logs()
        print("ok")
        return 0
    finally:
        node.kill()
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
