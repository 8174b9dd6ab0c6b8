#!/usr/bin/env python3
"""REST, events, abci_query and the command line against viperd behind the real CometBFT.

    tests/net/rest.py VIPERD COMETBFT

A fresh local genesis; loopback, ports of the OS, one temporary folder. Each check_* function is
one test. Ends with "N passed, N failed"; exit code 77 means skipped: no cometbft."""

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import genesis  # noqa: E402

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(words, prefix="viper"):
    """viper1... of 5-bit words."""
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + words + [0] * 6
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1ffffff) << 5 ^ value
        for i, g in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            check ^= g if top >> i & 1 else 0
    check ^= 1
    return prefix + "1" + "".join(CHARSET[w] for w in
                                  words + [check >> 5 * (5 - i) & 31 for i in range(6)])


NOBODY = bech32([0] * 32)


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def field(number, payload):
    """One length-delimited protobuf field."""
    if isinstance(payload, str):
        payload = payload.encode()
    size, out = len(payload), b""
    while True:
        out += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
        if not size:
            return bytes([number << 3 | 2]) + out + payload


class Chain:
    def __init__(self, viperd, cometbft, root):
        self.viperd, self.cometbft, self.root = viperd, cometbft, root
        self.home, self.sock = root + "/node0", "unix://" + root + "/abci.sock"
        self.rpc, self.p2p, self.api = free_ports(3)
        self.app = self.comet = None
        key = genesis.cometbft_home(cometbft, self.home)
        self.actors = genesis.Actors(genesis.Keys(viperd), root, 1)
        urls = [f"http://127.0.0.1:{p}" for p in free_ports(genesis.SERVICERS)]
        state = genesis.app_state(viperd, self.actors, [key], urls, "http://127.0.0.1:9",
                                  os.path.join(ROOT, "deploy", "corpus"))
        genesis.write(self.home + "/config/genesis.json", state, [key])
        with open(self.home + "/config/app.toml", "w", encoding="utf-8") as f:
            f.write(f'[abci]\naddress = "{self.sock}"\n'
                    f'[api]\nlisten = "127.0.0.1:{self.api}"\n'
                    'cors-origins = ["https://wallet.example"]\n'
                    f'[comet]\nrpc = "http://127.0.0.1:{self.rpc}"\n'
                    '[beacon]\nkey = "beacon"\n[keyring]\nbackend = "test"\n')

    def start_app(self):
        self.app = subprocess.Popen([self.viperd, "start", "--home", self.home],
                                    stderr=open(self.root + "/viperd.log", "a"))

    def start_comet(self):
        self.comet = subprocess.Popen(
            [self.cometbft, "start", "--home", self.home, "--proxy_app", self.sock,
             "--rpc.laddr", f"tcp://127.0.0.1:{self.rpc}",
             "--p2p.laddr", f"tcp://127.0.0.1:{self.p2p}", "--log_level", "error"],
            stdout=open(self.root + "/comet.log", "a"), stderr=subprocess.STDOUT,
            env=dict(os.environ, CMT_CONSENSUS_TIMEOUT_COMMIT="300ms"))

    def stop(self):
        for process in (self.comet, self.app):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def http(self, method, path, body=None, headers=None):
        """status, headers, JSON (or text)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=15)
        try:
            data = json.dumps(body).encode() if body is not None else None
            connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            raw = answer.read()
            if "json" in answer.getheader("content-type", "") and raw:
                raw = json.loads(raw)
            return answer.status, answer.headers, raw
        finally:
            connection.close()

    def get(self, path):
        status, headers, body = self.http("GET", path)
        assert status == 200, (path, status, body)
        assert int(headers["x-cosmos-block-height"]) > 0, path
        return body

    def error(self, method, path, status, code, body=None, headers=None):
        got, _, answer = self.http(method, path, body, headers)
        assert got == status, (path, got, answer)
        assert answer["code"] == code and answer["details"] == [] and answer["message"], answer
        return answer["message"]

    def comet_call(self, method, **params):
        connection = http.client.HTTPConnection("127.0.0.1", self.rpc, timeout=15)
        try:
            connection.request("POST", "/", json.dumps(
                {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                {"content-type": "application/json"})
            return json.loads(connection.getresponse().read())["result"]
        finally:
            connection.close()

    def cli(self, *args, home=None, code=0):
        command = [self.viperd, *args]
        if args[0] in ("tx", "keys"):
            command += ["--keyring-backend", "test", "--home", home or self.root + "/owners"]
        if args[0] in ("tx", "q", "query", "status"):
            command += ["--node", f"http://127.0.0.1:{self.api}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def height(self):
        return int(self.get("/viper/v1/chain")["height"])

    def until(self, what, wants, seconds=40):
        end, last = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                if got := wants():
                    return got
            except (OSError, AssertionError, KeyError, http.client.HTTPException) as error:
                last = error
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {what}: {last}")


# ---- reading ----

def check_every_route_answers(c):
    """Each GET row of the table; 404 is an answer where nothing can be there yet."""
    owner = c.actors.requestor["owner"]["address"]
    requestor = c.actors.requestor["operator"]["address"]
    chain = c.get("/viper/v1/chain")
    assert chain["chain_id"] == genesis.CHAIN_ID and chain["params"]["session_blocks"] == "10"
    assert len(base64.b64decode(chain["seed"])) == 32
    pairs = c.get(f"/viper/v1/requestors/{requestor}")
    assert pairs["allowance_cu"] == "500000" and pairs["num_servicers"] == 5, pairs
    sid = base64.b64decode(pairs["pairs"][0]["sid"]).hex()
    session = c.get("/viper/v1/chain")["session"]
    servicer = c.actors.servicers[0]["operator"]["address"]
    fisherman = c.actors.fishermen[0]["operator"]["address"]
    answers = {
        "/viper/v1/params": "params", "/viper/v1/params?current=true": "params",
        "/viper/v1/chains": "chains", "/viper/v1/pool/1/1": "members",
        "/viper/v1/pool/2/1?kind=KIND_FISHERMAN&pagination.limit=2": "members",
        "/viper/v1/actors": "actors", f"/viper/v1/servicers/{servicer}": "actor",
        f"/viper/v1/servicers/{servicer}/sids?session={session}": "sids",
        f"/viper/v1/requestors/{requestor}?session={session}": "actor",
        f"/viper/v1/fishermen/{fisherman}": "actor",
        f"/viper/v1/fishermen/{fisherman}/sids?session={session}": "sids",
        f"/viper/v1/sessions/{session}": "session",
        "/viper/v1/validators": "validators", "/viper/v1/beacon": "beacon",
        f"/viper/v1/delegations/{owner}": "delegations", f"/viper/v1/unbonding/{owner}": "entries",
        f"/viper/v1/delegators/{servicer}": "pool", f"/viper/v1/yield/{servicer}": "stake_uvipr",
        "/viper/v1/changes": "app_hash",
        "/viper/v1/supply": "total_uvipr", "/viper/v1/accounts": "accounts",
        f"/viper/v1/accounts/{owner}": "account",
        f"/cosmos/auth/v1beta1/accounts/{owner}": "account",
        f"/cosmos/bank/v1beta1/balances/{owner}": "balances",
        f"/cosmos/bank/v1beta1/balances/{owner}/by_denom?denom=uvipr": "balance",
        "/cosmos/bank/v1beta1/supply/by_denom?denom=uvipr": "amount",
    }
    for path, member in answers.items():
        assert member in c.get(path), path
    for path in (f"/viper/v1/sessions/{session}/{sid}", f"/viper/v1/commits/{sid}",
                 f"/viper/v1/cards/{sid}", f"/viper/v1/settlements/{sid}"):
        status, _, body = c.http("GET", path)
        assert status in (200, 404), (path, status, body)
    assert len(c.get("/viper/v1/pool/1/1")["members"]) == genesis.SERVICERS
    assert len(c.get("/viper/v1/pool/2/1?kind=KIND_FISHERMAN&pagination.limit=2")["members"]) == 2


def check_errors_are_the_gateways(c):
    c.error("GET", "/viper/v1/nothing", 404, 5)
    c.error("GET", "/", 404, 5)
    c.error("POST", "/viper/v1/chain", 501, 12, {})
    c.error("GET", "/cosmos/tx/v1beta1/simulate", 501, 12)
    c.error("DELETE", "/viper/v1/events", 501, 12)
    c.error("GET", "/viper/v1/pool/x/1", 400, 3)
    c.error("GET", "/viper/v1/pool/1/99999999999", 400, 3)
    c.error("GET", "/viper/v1/params?session=1&session=2", 400, 3)
    c.error("GET", "/viper/v1/servicers/garbage", 400, 3)
    c.error("GET", f"/viper/v1/servicers/{NOBODY}", 404, 5)
    c.error("GET", "/viper/v1/sessions/999999", 404, 5)
    c.error("GET", "/viper/v1/servicers/%zz", 400, 3)
    c.error("GET", "/cosmos/tx/v1beta1/txs/abc", 400, 3)
    c.error("GET", "/cosmos/tx/v1beta1/txs/" + "00" * 32, 404, 5)
    c.error("GET", "/cosmos/tx/v1beta1/txs", 400, 3)
    c.error("GET", "/cosmos/tx/v1beta1/txs?query=tx.height", 400, 3)
    c.error("GET", "/cosmos/tx/v1beta1/txs?query=tx.height%3D1&limit=101", 400, 3)
    c.error("POST", "/cosmos/tx/v1beta1/txs", 400, 3, {"tx_bytes": ""})
    c.error("POST", "/cosmos/tx/v1beta1/txs", 400, 3, {"tx_bytes": 5})
    c.error("POST", "/cosmos/tx/v1beta1/simulate", 400, 3, {"tx_bytes": "//8B"})
    c.error("POST", "/cosmos/tx/v1beta1/txs", 400, 3,
            {"tx_bytes": "AA==", "mode": "BROADCAST_MODE_BLOCK"})
    assert "unknown" not in c.get("/viper/v1/params?no_such_parameter=1")
    status, _, _ = c.http("GET", "/viper/v1/chain?" + "x" * 9000)
    assert status == 414, status
    status, _, _ = c.http("POST", "/cosmos/tx/v1beta1/txs", {"tx_bytes": "A" * (2 << 20)})
    assert status == 413, status


def check_heights(c):
    height = c.height()
    c.error("GET", "/viper/v1/chain", 400, 11, headers={"x-cosmos-block-height": "999999"})
    c.error("GET", "/viper/v1/chain", 400, 3, headers={"x-cosmos-block-height": "soon"})
    status, headers, body = c.http("GET", "/viper/v1/chain", headers={"x-cosmos-block-height": "0"})
    assert status == 200 and int(headers["x-cosmos-block-height"]) >= height
    assert body["height"] == headers["x-cosmos-block-height"]
    c.until("the present height taken", lambda: c.http(
        "GET", "/viper/v1/chain",
        headers={"x-cosmos-block-height": str(c.height())})[0] == 200)


def check_head_options_cors(c):
    status, headers, body = c.http("HEAD", "/viper/v1/chain")
    assert status == 200 and not body and int(headers["content-length"]) > 100
    origin = {"Origin": "https://wallet.example"}
    status, headers, _ = c.http("OPTIONS", "/cosmos/tx/v1beta1/txs", headers=origin)
    assert status == 204 and "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-origin"] == "https://wallet.example"
    _, headers, _ = c.http("GET", "/viper/v1/chain", headers=origin)
    assert headers["access-control-allow-origin"] == "https://wallet.example"
    _, headers, _ = c.http("GET", "/viper/v1/chain", headers={"Origin": "https://evil.example"})
    assert headers["access-control-allow-origin"] is None


# ---- transactions ----

def balance(c, address):
    return int(c.get(f"/viper/v1/accounts/{address}")["account"]["balance_uvipr"])


def check_bank_send_by_cli(c):
    to = c.actors.requestor["operator"]["address"]
    before = balance(c, to)
    out = json.loads(c.cli("tx", "bank", "send", "faucet", to, "0.5vipr", "-y", "--memo", "hi"))
    assert out["code"] == 0 and int(out["height"]) > 0 and len(out["txhash"]) == 64, out
    assert 0 <= int(out["gas_wanted"]) - int(out["gas_used"]) < 50, out
    assert balance(c, to) == before + 500_000
    tx = json.loads(c.cli("q", "tx", out["txhash"]))
    message = tx["tx"]["body"]["messages"][0]
    assert message["@type"] == "/cosmos.bank.v1beta1.MsgSend" and message["to_address"] == to
    assert tx["tx"]["auth_info"]["signer_infos"][0]["public_key"]["@type"].endswith("PubKey")
    assert tx["tx_response"]["txhash"] == out["txhash"] and tx["tx"]["body"]["memo"] == "hi"
    found = c.get(f"/cosmos/tx/v1beta1/txs?query=tx.height%3D{out['height']}"
                  "%20AND%20message.action%3D'/cosmos.bank.v1beta1.MsgSend'")
    assert found["total"] == "1" and found["tx_responses"] == [tx["tx_response"]], found
    assert found["txs"] == [tx["tx"]], found
    found = json.loads(c.cli("q", "tx", "txs", "--query", "beacon.revealed EXISTS", "--limit", "2",
                             "--order-by", "ORDER_BY_DESC"))
    heights = [int(t["height"]) for t in found["tx_responses"]]
    assert len(heights) == 2 and heights[0] > heights[1] and int(found["total"]) > 2, heights
    assert any(e["type"] for e in tx["tx_response"]["events"]), tx
    out = json.loads(c.cli("tx", "send", "--to-address", to, "--amount", "7", "--from",
                           c.actors.faucet["address"], "--unordered", "-y"))
    assert out["code"] == 0 and balance(c, to) == before + 500_007, out


def check_refusals_by_cli(c):
    to = c.actors.requestor["operator"]["address"]
    sentence = c.cli("tx", "bank", "send", "faucet", to, "99999999vipr", "-y", code=1)
    assert "NO_FUNDS" in sentence, sentence
    sentence = c.cli("tx", "bank", "send", "faucet", to, "5", "--gas", "10", "-y", code=1)
    assert "code 9" in sentence, sentence
    sentence = c.cli("tx", "bank", "send", "faucet", to, "5", "--fees", "1", "-y", code=1)
    assert "code 8" in sentence, sentence
    sentence = c.cli("tx", "bank", "send", "nobody", to, "5", "-y", code=3)
    c.cli("tx", "bank", "send", "faucet", to, "5eth", "-y", code=2)
    c.cli("tx", "no-such", "--x", "1", code=2)
    c.cli("tx", "send", "--no-such", "1", "--from", "faucet", code=2)
    c.cli("tx", "bank", "send", "faucet", to, "5", "--chain-id", "other-1", "-y", code=1)
    c.cli("q", "servicers", NOBODY, code=3)
    c.cli("q", "no-such", code=2)
    c.cli("q", "chain", "--no-such", "1", code=2)
    done = subprocess.run([c.viperd, "status", "--node", "http://127.0.0.1:9"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 4, done


def check_actor_messages_by_cli(c):
    """Fields from flags: lists, names of chains, hex keys; and the same from a file."""
    servicer = c.actors.servicers[0]
    who, home = servicer["operator"]["address"], c.root + "/relay1"
    key = servicer["relay"]["key"]
    out = json.loads(c.cli("tx", "edit-servicer", "--servicer", who, "--url",
                           "http://127.0.0.1:7777", "--relay-key", key, "--zone", "local",
                           "--chains", "viper,0002", "--from", "operator", "-y", home=home))
    assert out["code"] == 0, out
    got = c.get(f"/viper/v1/servicers/{who}")
    assert got["actor"]["url"] == "http://127.0.0.1:7777" and got["chains"] == [1, 2], got
    path = c.root + "/edit.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"@type": "/viper.v1.MsgEditServicer", "servicer": who, "zone": 1,
                   "url": "http://127.0.0.1:7778", "relay_key": genesis.b64(key),
                   "chains": [1, 2]}, f)
    out = json.loads(c.cli("tx", "--file", path, "--from", "operator", "-y", home=home))
    assert out["code"] == 0, out
    assert c.get(f"/viper/v1/servicers/{who}")["actor"]["url"] == "http://127.0.0.1:7778"
    requestor = c.actors.requestor
    out = json.loads(c.cli(
        "tx", "edit-requestor", "--requestor", requestor["operator"]["address"],
        "--num-servicers", "5", "--pairs", "0001/0001/400000,litecoin/local/600000",
        "--gateway-keys", requestor["gateway"]["key"], "--shadow-url", "http://127.0.0.1:9",
        "--from", "requestor-operator", "-y"))
    assert out["code"] == 0, out
    dry = json.loads(c.cli("tx", "pause", "--actor", who, "--from", "operator", "--dry-run",
                           home=home))
    assert int(dry["gas"]) > 20000 and int(dry["fee_uvipr"]) > 0, dry


def check_a_wallet_delegates(c):
    """Cosmos's own message and queries: to the validator by its vipervaloper address."""
    who, to = c.actors.faucet["address"], c.get("/viper/v1/validators")["validators"][0]["id"]
    valoper = bech32([CHARSET.index(x) for x in to[6:-6]], "vipervaloper")
    coin = {"denom": "uvipr", "amount": "250000000"}
    path = c.root + "/delegate.json"

    def send(kind, code=0, **more):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"@type": "/cosmos." + kind, "delegator_address": who, **more}, f)
        return c.cli("tx", "--file", path, "--from", "faucet", "-y", code=code)

    out = json.loads(send("staking.v1beta1.MsgDelegate", validator_address=valoper, amount=coin))
    assert out["code"] == 0, out
    told = send("staking.v1beta1.MsgBeginRedelegate", code=1, validator_src_address=valoper,
                validator_dst_address=valoper, amount=coin)
    assert "there is no redelegation" in told and "UNSUPPORTED" in told, told
    base = "/cosmos/staking/v1beta1"
    one = c.get(f"{base}/validators/{valoper}")["validator"]
    assert one["tokens"] == str(50000 * 10**6 + 250000000) and not one["jailed"], one
    assert one["consensus_pubkey"]["@type"] == "/cosmos.crypto.ed25519.PubKey", one
    assert one["status"] == "BOND_STATUS_BONDED", one
    assert c.get(f"{base}/validators?status=BOND_STATUS_BONDED")["validators"] == [one]
    have = c.get(f"{base}/delegations/{who}")["delegation_responses"]
    assert [d["balance"] for d in have] == [coin], have
    assert c.get(f"{base}/validators/{valoper}/delegations/{who}")["delegation_response"] == have[0]
    send("staking.v1beta1.MsgUndelegate", validator_address=valoper, amount=coin)
    waits = c.get(f"{base}/delegators/{who}/unbonding_delegations")["unbonding_responses"]
    assert waits[0]["entries"][0]["balance"] == coin["amount"], waits
    assert waits[0]["entries"][0]["completion_time"].endswith("Z"), waits
    send("distribution.v1beta1.MsgWithdrawDelegatorReward", validator_address=valoper)
    paid = c.get(f"/cosmos/distribution/v1beta1/delegators/{who}/rewards")
    assert paid["total"] == [], paid
    assert c.get(f"{base}/pool")["pool"]["bonded_tokens"] == str(50000 * 10**6)
    assert c.get(f"{base}/params")["params"]["unbonding_time"] == "60s"
    told = c.cli("q", "history", who)
    assert f"delegated to {to}: -250000000 uvipr" in told, told
    assert " = 1000000000000 before the node's index begins + " in told, told
    told = c.cli("q", "why", "account", who)  # its exit code says whether it adds up
    assert f"from {to}: " in told and told.count("uvipr in all") == 1, told
    assert "ppb a session" in c.cli("q", "estimate", to, "--block-ms", "1000")


def signed_send(c):
    """The bytes of a signed transaction, as the node gave them back."""
    to = c.actors.requestor["operator"]["address"]
    out = json.loads(c.cli("tx", "bank", "send", "faucet", to, "1", "-y"))
    answer = c.comet_call("tx", hash=base64.b64encode(bytes.fromhex(out["txhash"])).decode())
    return answer["tx"], out["txhash"]


def check_broadcast(c):
    tx, txhash = signed_send(c)
    status, _, body = c.http("POST", "/cosmos/tx/v1beta1/txs",
                             {"tx_bytes": tx, "mode": "BROADCAST_MODE_SYNC"})
    response = body["tx_response"]
    assert status == 200 and response["txhash"] == txhash, body
    # Its sequence is used up, or CometBFT still has it in its cache.
    assert response["code"] in (0, 5), response
    status, _, body = c.http("POST", "/cosmos/tx/v1beta1/txs",
                             {"tx_bytes": "/wE=", "mode": "BROADCAST_MODE_SYNC"})
    assert status == 200 and body["tx_response"]["code"] == 1, body
    assert body["tx_response"]["codespace"] == "viper" and body["tx_response"]["raw_log"], body
    status, _, body = c.http("POST", "/cosmos/tx/v1beta1/txs",
                             {"tx_bytes": "/wI=", "mode": "BROADCAST_MODE_ASYNC"})
    assert status == 200 and body["tx_response"]["code"] == 0, body


def check_sent_twice_is_the_same(c):
    """While it waits in the mempool's cache, sending again is no error."""
    tx, txhash = signed_send(c)
    for _ in range(2):
        _, _, body = c.http("POST", "/cosmos/tx/v1beta1/txs", {"tx_bytes": tx})
        assert body["tx_response"]["txhash"] == txhash, body


def check_simulate(c):
    tx, _ = signed_send(c)
    # Its sequence is spent: simulating says so.
    status, _, body = c.http("POST", "/cosmos/tx/v1beta1/simulate", {"tx_bytes": tx})
    assert status in (200, 400), (status, body)
    if status == 200:
        assert int(body["gas_info"]["gas_used"]) > 20000, body


# ---- as cosmjs asks, through CometBFT's RPC ----

def abci(c, path, request):
    return c.comet_call("abci_query", path=path, data=request.hex())["response"]


def check_abci_queries(c):
    who = c.actors.faucet["address"]
    r = abci(c, "/cosmos.bank.v1beta1.Query/Balance", field(1, who) + field(2, "uvipr"))
    assert r.get("code", 0) == 0, r
    assert str(balance(c, who)).encode() in base64.b64decode(r["value"]), r
    r = abci(c, "/cosmos.auth.v1beta1.Query/Account", field(1, who))
    value = base64.b64decode(r["value"])
    assert b"/cosmos.auth.v1beta1.BaseAccount" in value and who.encode() in value, r
    r = abci(c, "/cosmos.auth.v1beta1.Query/Account", field(1, NOBODY))
    assert r["code"] == 25 and r["codespace"] == "viper", r
    tx, _ = signed_send(c)
    r = abci(c, "/cosmos.tx.v1beta1.Service/Simulate", field(2, base64.b64decode(tx)))
    assert r.get("code", 0) in (0, 5), r
    r = abci(c, "/viper.v1.Query/Chain", b"")
    assert genesis.CHAIN_ID.encode() in base64.b64decode(r["value"]), r
    r = abci(c, "/viper.v1.Query/Nothing", b"")
    assert r["code"] != 0, r


# ---- events, metrics, health ----

class Stream:
    def __init__(self, c, last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", c.api, timeout=20)
        self.connection.request("GET", "/viper/v1/events", headers={"Last-Event-ID": str(last)}
                                if last is not None else {})
        self.answer = self.connection.getresponse()

    def block(self):
        lines = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith(":") or line.startswith("retry"):
                continue
            if not line:
                if "data" in lines:
                    return int(lines["id"]), json.loads(lines["data"])
                continue
            name, _, value = line.partition(": ")
            lines[name] = value

    def close(self):
        self.connection.close()


def check_events(c):
    stream = Stream(c)
    assert stream.answer.getheader("content-type") == "text/event-stream"
    first, data = stream.block()
    assert data["height"] == str(first) and len(data["app_hash"]) == 64 and not data["cut"], data
    second, data = stream.block()
    assert second == first + 1
    to = c.actors.requestor["operator"]["address"]
    out = json.loads(c.cli("tx", "bank", "send", "faucet", to, "3", "-y"))
    while True:
        height, data = stream.block()
        hit = [t for t in data["txs"] if t["hash"] == out["txhash"]]
        if hit:
            assert height == int(out["height"]) and hit[0]["code"] == 0 and hit[0]["events"], data
            break
    stream.close()
    again = Stream(c, first)
    heights = [again.block()[0] for _ in range(height - first)]
    assert heights == list(range(first + 1, height + 1)), heights
    again.close()


def check_streams_have_a_limit(c):
    streams = [Stream(c) for _ in range(64)]
    assert all(s.answer.status == 200 for s in streams)
    c.error("GET", "/viper/v1/events", 429, 8)
    for s in streams:
        s.close()
    c.until("room again", lambda: Stream(c).answer.status == 200)


def check_metrics_and_health(c):
    status, headers, body = c.http("GET", "/metrics")
    text = body.decode()
    assert status == 200 and headers["content-type"].startswith("text/plain"), headers
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert int(values["viper_height"]) >= 3 and int(values["viper_txs_total{code=\"OK\"}"]) > 3
    assert int(values["viper_block_commit_seconds_count"]) >= 3
    assert int(values["viper_mempool_checks_total{code=\"OK\"}"]) > 0
    status, _, body = c.http("GET", "/healthz")
    assert status == 200 and body["synced"] and 0 <= body["last_block_age_s"] < 60, body


def check_parallel_readers(c):
    """Many requests on many connections at once, none lost, each of one height."""
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: c.http("GET", "/viper/v1/chain"), range(400)))
    assert all(s == 200 and b["height"] == h["x-cosmos-block-height"] for s, h, b in answers)


def raw(c, data):
    """What comes back for bytes on a connection; the server may close it."""
    with socket.create_connection(("127.0.0.1", c.api), timeout=10) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
        return got


def check_garbage_is_survived(c):
    for path in ("/viper/v1/pool/%ff/1", "/viper/v1/servicers/%ff%fe", "/viper/v1/params?x=%ff",
                 "/viper/v1/params?session=%ff", "/viper/v1/params?%ff=1", "/%ff",
                 "/viper/v1/params?session=-1", "/viper/v1/params?session=1.5",
                 "/viper/v1/actors?pagination.limit=99999999999999999999",
                 "/viper/v1/actors?pagination.key=!!!", "/viper/v1/actors?kind=NOPE",
                 "/viper/v1/actors?" + "&".join(f"a{i}=1" for i in range(900)),
                 "/viper/v1/actors?pagination.limit=1&pagination.limit=1",
                 "/viper/v1/accounts?pagination.key=" + "QUFB" * 1000):
        status, _, body = c.http("GET", path)
        assert status in (200, 400, 404), (path, status, body)
        assert isinstance(body, dict), (path, body)
    deep = {"tx": {"body": {"messages": []}}}
    for body in (b"[" * 100000, b"{" * 50000, b'{"tx_bytes":"' + b"A" * 100000, b"\xff\xfe", b"",
                 b"null", b"[]", b"5", b'{"tx_bytes":"AA=="}{}', b'{"mode":99,"tx_bytes":"AA=="}',
                 b'{"tx":{"body":{"messages":[{"@type":"/x.Y","a":1}]}}}',
                 b'{"tx":{"body":{"messages":[{"@type":"/viper.v1.MsgPause","actor":"x"}]}}}',
                 json.dumps(deep).encode(), b'{"tx_bytes":"' + b"/" * 4000 + b'"}'):
        for path in ("simulate", "txs"):
            answer = raw(c, b"POST /cosmos/tx/v1beta1/%s HTTP/1.1\r\nHost: x\r\nConnection: close"
                         b"\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
            status = int(answer.split()[1])
            assert status in (200, 400, 404, 501, 503), (path, body[:60], answer)
            json.loads(answer.split(b"\r\n\r\n", 1)[1])
    for data in (b"\0" * 5000, b"GET / HTTP/9.9\r\n\r\n", os.urandom(3000), b"GET " + b"a" * 20000,
                 b"GET /viper/v1/chain HTTP/1.1\r\n\r\n", b"\r\n" * 2000):
        raw(c, data)
    assert c.get("/viper/v1/chain")["chain_id"] == genesis.CHAIN_ID and c.app.poll() is None


def check_keys_by_cli(c):
    """Both backends, a secret carried from one to the other, and what is refused."""
    home, secret, word = c.root + "/keys", c.root + "/secret", c.root + "/word"
    with open(word, "w", encoding="utf-8") as f:
        f.write("correct horse\n")

    def keys(*args, backend="file", code=0):
        done = subprocess.run([c.viperd, "keys", *args, "--home", home, "--keyring-backend",
                               backend, "--passphrase-file", word], capture_output=True,
                              text=True, check=False, timeout=60)
        assert done.returncode == code, (args, done)
        return done.stdout

    made = json.loads(keys("add", "one", "--output", "json"))
    assert made["address"].startswith("viper1") and made["end"] == "" and len(made["key"]) == 66
    with open(secret, "w", encoding="utf-8") as f:
        f.write(keys("export", "one", "--unsafe"))
    keys("export", "one", code=2)
    again = json.loads(keys("add", "two", "--import", secret, "--output", "json",
                            backend="test"))
    assert again["address"] == made["address"] and again["key"] == made["key"]
    keys("add", "one", code=5)
    keys("add", "../one", code=5)
    keys("add", "x", "--kind", "wallet", code=2)
    keys("add", "x", "--kind", "relay", "--algo", "secp256k1", code=2)
    keys("show", "nobody", code=3)
    for kind in ("operator", "relay", "gateway", "beacon"):
        one = json.loads(keys("add", kind, "--kind", kind, "--output", "json", backend="test"))
        assert one["kind"] == kind and (one["address"] != "") == (kind == "operator"), one
        assert (len(one["end"]) == 64) == (kind == "beacon"), one
        assert (one["key"] == "") == (kind == "beacon"), one
    assert [k["name"] for k in json.loads(keys("list", "--output", "json", backend="test"))] == [
        "beacon", "gateway", "operator", "relay", "two"]
    with open(word, "w", encoding="utf-8") as f:
        f.write("wrong horse!\n")
    keys("export", "one", "--unsafe", code=5)


# ---- stopping ----

def check_node_outlives_cometbft(c):
    c.comet.send_signal(signal.SIGTERM)
    c.comet.wait(timeout=20)
    height = c.height()
    c.error("GET", "/cosmos/tx/v1beta1/txs/" + "00" * 32, 503, 14)
    c.start_comet()
    c.until("blocks again", lambda: c.height() > height + 1)


def check_stops_with_streams_open(c):
    stream = Stream(c)
    c.comet.send_signal(signal.SIGTERM)
    c.comet.wait(timeout=20)
    c.app.send_signal(signal.SIGTERM)
    assert c.app.wait(timeout=20) == 0
    stream.close()


def check_state_at_rest(c):
    """check-state, export, rollback, each on the stopped node's home."""
    out = json.loads(c.cli("check-state", "--home", c.home))
    assert out["invariants"] == "hold", out
    exported = json.loads(c.cli("export", "--home", c.home))
    assert int(exported["initial_height"]) == int(out["height"]) + 1
    assert exported["app_hash_of_export"] == out["app_hash"] and exported["app_state"]["stores"]
    path = c.root + "/export.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(exported, f)
    again = json.loads(c.cli("genesis", "validate", path))
    assert again["app_hash"] == out["app_hash"], (again, out)
    back = json.loads(c.cli("rollback", "--home", c.home))
    assert int(back["height"]) == int(out["height"]) - 1, back
    c.cli("rollback", "--home", c.home, "--to", "999999999", code=2)
    c.cli("check-state", "--home", c.root + "/empty", code=3)


def check_genesis_by_cli(c):
    out = json.loads(c.cli("genesis", "validate", c.home + "/config/genesis.json"))
    assert out["chain_id"] == genesis.CHAIN_ID and out["validators"] == 1, out
    bad = c.root + "/bad.json"
    with open(c.home + "/config/genesis.json", encoding="utf-8") as f:
        state = json.load(f)
    state["app_state"]["servicers"][0]["zone"] = "x"
    with open(bad, "w", encoding="utf-8") as f:
        json.dump(state, f)
    assert "servicers[0].zone" in c.cli("genesis", "validate", bad, code=1)


def check_init_by_cli(c):
    home = c.root + "/fresh"
    assert "cometbft init" in c.cli("init", "m", "--chain-id", "x-1", "--home", home)
    subprocess.run([c.cometbft, "init", "--home", home], check=True, capture_output=True)
    assert "kept" in c.cli("init", "m", "--chain-id", "x-1", "--home", home, "--local")
    with open(home + "/config/genesis.json", encoding="utf-8") as f:
        made = json.load(f)
    assert made["chain_id"] == "x-1" and made["consensus_params"]["version"]["app"] == "1"
    assert made["consensus_params"]["block"]["max_gas"] == "-1"
    assert made["app_state"]["params"]["session_blocks"] == "10"
    c.cli("init", "m", "--home", home, code=2)


CHECKS = [check_keys_by_cli, check_genesis_by_cli, check_init_by_cli, check_every_route_answers,
          check_errors_are_the_gateways, check_heights, check_head_options_cors,
          check_bank_send_by_cli, check_refusals_by_cli, check_actor_messages_by_cli,
          check_a_wallet_delegates,
          check_broadcast, check_sent_twice_is_the_same, check_simulate, check_abci_queries,
          check_events, check_streams_have_a_limit, check_metrics_and_health,
          check_parallel_readers, check_garbage_is_survived,
          check_node_outlives_cometbft, check_stops_with_streams_open,
          check_state_at_rest]


def main():
    viperd, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    wanted = sys.argv[3:]
    root = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    chain = Chain(viperd, cometbft, root)
    passed = failed = 0
    try:
        chain.start_app()
        chain.start_comet()
        chain.until("the third block", lambda: chain.height() >= 3)
        for check in CHECKS:
            if wanted and check.__name__ not in wanted:
                continue
            try:
                check(chain)
                passed += 1
                print("ok  ", check.__name__, flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("FAIL", check.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
    except AssertionError as error:
        failed += 1
        print("FAIL", error)
    finally:
        chain.stop()
        if failed:
            for name in ("viperd", "comet"):
                with open(f"{root}/{name}.log", encoding="utf-8", errors="replace") as f:
                    print(f"--- {name}:\n" + f.read()[-3000:])
        shutil.rmtree(root, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
