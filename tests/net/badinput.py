#!/usr/bin/env python3
"""Whatever comes in at a door of a running process: a clear answer, and the process lives.

    tests/net/badinput.py BUILD COMETBFT

A chain of one validator with servicers, a gateway and a fisherman, and one viperd that we drive
ourselves in place of CometBFT. Doors: the ABCI socket, REST and broadcast, relay port, gateway,
shadow endpoint, metrics. At the end everything still runs, blocks come, a relay works, nothing
in state has changed by it and nobody has grown to twice its size. Ends with "N passed, N
failed"; exit code 77 means skipped: no cometbft."""

import base64
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
sys.path.insert(0, os.path.join(ROOT, "tests", "net"))
from local import net, procs, rpc  # noqa: E402
from wire import abci, exchange, exception, field, frame, parts, request, rss, statuses, \
    varint  # noqa: E402

RELAYS = (1, 2, 3, 4)
ROUNDS = 3
BODY = 8 << 20  # one body of the size a daemon takes may stay with the allocator
CODES = {int(line.split()[0]) for line in
         open(os.path.join(ROOT, "tests", "golden", "codes.txt"), encoding="utf-8")
         if line[:1].isdigit()}


# ---- the network ----

class World:
    def __init__(self, build, cometbft, folder):
        self.net = net.Net(folder, build, cometbft, net.Ports(1, free=True))
        self.folder = folder
        self.sock = f"{self.net.sockets}/n0.sock"
        self.alone = f"{self.net.sockets}/alone.sock"
        self.before = None

    def start(self):
        n = self.net
        n.prepare()
        n.start_chain()
        procs.wait_until("the first block", lambda: n.height() >= 1, 30, n.group)
        for i in RELAYS:
            n.start_daemon(f"relay{i}")
        n.start_daemon("gateway")
        n.start_daemon("fisherman1")
        port, = net.free_ports(1)
        n.start("alone", [n.viperd, "start", "--home", n.home("alone"), "--address",
                          "unix://" + self.alone, "--api-listen", f"127.0.0.1:{port}",
                          "--beacon-key", ""])
        procs.wait_until("a relay", lambda: n.relay_once(1), 40, n.group)
        for _ in range(50):
            self.relay()
        self.before = {name: rss(p.pid) for name, p in n.group.procs.items()}

    def at(self, name):
        return "127.0.0.1", self.net.ports[name]

    def relay(self):
        return self.net.relay_once(1)

    def send(self, door, data, **more):
        return exchange(self.at(door), data, **more)

    def get(self, door, verb, target, headers=(), body=b""):
        return parts(self.send(door, request(verb, target, headers, body)))

    def alive(self):
        dead = [p.name for p in self.net.group.dead()]
        assert not dead, f"gone: {dead}"


# ---- the ABCI socket ----

INFO, FLUSH, COMMIT = field(3, b""), field(2, b""), field(11, b"")
STAMP = field(1, 1_800_000_000)
PARAMS = field(1, field(1, 8388608) + field(2, -1)) + field(4, field(1, 1))


def init_chain(state, params=PARAMS, chain_id=b"viper-local-1"):
    return field(5, field(1, STAMP) + field(2, chain_id) + field(3, params)
                 + field(5, state) + field(6, 1))


def block(method, height, size=20):
    first = field(1, 4 << 20) if method == 16 else b""
    return field(method, first + field(5, height) + field(6, STAMP) + field(8, b"p" * size))


def check_abci_garbage(w):
    """An Exception and the end of that connection; CometBFT's own go on."""
    deep = b"\x0b" * 100_000
    nested = b""
    for _ in range(2000):
        nested = field(4, nested)
    for data in (b"\xff" * 9 + b"\x7f", b"\xff" * 20, b"\x80" * 10, varint(300 << 20),
                 varint(1 << 63), frame(os.urandom(5000)), frame(b"\x07" * 10), frame(deep),
                 frame(b"\x2a\xff\xff\xff\xff\x0f"), frame(field(20, b"\xff" * 50)),
                 frame(field(20, nested)), frame(field(8, b"\x0a\x05ab")), b"GET / HTTP/1.1\r\n"):
        for address in (w.sock, w.alone):
            no_end = data[:1] == b"G"  # the beginning of a frame of 71 bytes
            answers = abci(address, INFO, FLUSH, raw=data, count=2 if no_end else 3)
            assert [a[0] for a in answers[:2]] == [4, 3], (data[:20], answers)
            if no_end:
                continue
            assert len(exception(answers)) > 10, (data[:20], answers)
    for data in (b"", varint(100) + b"x" * 50, b"\x80", varint(200 << 20) + b"x" * 100_000):
        assert exchange(w.sock, data) == b""
    w.alive()


def check_abci_unknown_methods(w):
    """A method we do not know is answered in its place; the connection goes on."""
    for number in (4, 7, 9, 10, 30, 1000):
        answers = abci(w.alone, INFO, field(number, b""), INFO, FLUSH)
        assert [a[0] for a in answers] == [4, 1, 4, 3], (number, answers)
        assert b"no method" in answers[1][1], answers
    answers = abci(w.alone, b"", INFO)
    assert [a[0] for a in answers] == [1, 4], answers


def check_abci_queries(w):
    """What comes through CometBFT's RPC from anybody is refused in the answer, never by an
    Exception, which would end CometBFT."""
    for path, data in ((b"/\xff\xfe", b""), (b"\0", b""), (b"/store/accounts/key", b""),
                       (b"/store/accounts/key", b"k" * 100_000), (b"/store/none/key", b"a"),
                       (b"/ics23//key", b"a"), (b"", b""), (b"/" * 5000, b"x"),
                       (b"/viper.v1.Query/Chain", b"\xff" * 100),
                       (b"/cosmos.tx.v1beta1.Service/Simulate", b"\xff" * 9000),
                       (b"/viper.v1.Query/Actors", b"\x0a\xff\xff\xff\xff\x0f")):
        for height in (0, -5, 1 << 40):
            answers = abci(w.sock, field(6, field(1, data) + field(2, path) + field(3, height)
                                         + field(4, 1)))
            assert answers[0][0] == 7 and b"\x08" in answers[0][1][:1], (path, data[:9], answers)
    node = w.net.comet()
    for path in ("/nothing", "/store/x/key", "\u0000", "\ud800", "/" * 3000):
        try:
            answer = node.call("abci_query", {"path": path, "data": "ff" * 100})
            assert answer["response"]["code"] != 0, answer
        except rpc.RpcError:
            pass
    w.alive()


def check_abci_order(w):
    """Each illegal request is an Exception that names the state; the next legal one works."""
    for message in (COMMIT, block(20, 1), block(16, 1), block(17, 1)):
        text = exception(abci(w.alone, init_chain(b""), message))
        assert "illegal in state INIT" in text and "needs" in text, text
    for state, params, word in (
            (b"{}", b"", "consensus_params.block"), (b"", PARAMS, "app_state"),
            (b"[]", PARAMS, "app_state"), (b'{"acounts":[]}', PARAMS, "acounts"),
            (b"{}", field(1, field(1, 8388608) + field(2, -1)), "version.app"),
            (b"{}", field(1, field(1, 8388608) + field(2, 5)) + field(4, field(1, 1)),
             "max_gas"), (b"\xff" * 1000, PARAMS, "app_state"), (b"[" * 9000, PARAMS, "")):
        text = exception(abci(w.alone, init_chain(state, params)))
        assert text.count("InitChain") == 1 and word in text, (state, text)
    with open(w.net.home("node0") + "/config/genesis.json", encoding="utf-8") as f:
        good = json.dumps(json.load(f)["app_state"]).encode()
    started = [init_chain(good)]
    for message, words in ((COMMIT, "illegal in state GENESIS"),
                           (block(20, 7), "the next height is 1"),
                           (block(20, 1, size=19), "20 bytes")):
        answers = abci(w.alone, *started, message)
        assert answers[0][0] == 6 and words in exception(answers), (words, answers)
    answers = abci(w.alone, *started, block(16, 1), INFO)
    assert [a[0] for a in answers] == [6, 17, 4], answers
    w.alive()


def check_abci_second_consensus(w):
    """CometBFT has its consensus connection; nobody else gets in, whatever he sends."""
    height = w.net.height()
    for message in (COMMIT, block(16, height + 1), block(17, height + 1), block(20, height + 1),
                    init_chain(b"{}")):
        text = exception(abci(w.sock, message))
        assert "another connection carries consensus" in text, text
    held = []
    for _ in range(100):
        s = socket.socket(socket.AF_UNIX)
        s.connect(w.sock)
        held.append(s)
    w.net.wait_height(w.net.height() + 1, 15)
    for s in held:
        s.close()
    procs.wait_until("a place", lambda: abci(w.sock, INFO)[0][0] == 4, 5)
    w.alive()


# ---- HTTP at every door ----

def head(*lines, body=b""):
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


POST = ("POST /v1/x HTTP/1.1", "Host: a")
CHUNKED = (*POST, "Transfer-Encoding: chunked")
HTTP = [  # (name, bytes, statuses that are an answer)
    ("zeros", b"\0" * 5000, {400}),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), {400}),
    ("noise", bytes(random.Random(7).randrange(256) for _ in range(30000)), {400, 414, 431}),
    ("HTTP/9.9", head("GET / HTTP/9.9"), {505}),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    ("no version", head("GET /"), {400}),
    ("no target", head("GET  HTTP/1.1"), {400}),
    ("no Host", head("GET / HTTP/1.1"), {400}),
    ("two Hosts", head("GET / HTTP/1.1", "Host: a", "Host: b"), {400}),
    ("a Host that is none", head("GET / HTTP/1.1", "Host: a b/c"), {400}),
    ("a target of 9,000 bytes", head("GET /" + "a" * 9000 + " HTTP/1.1", "Host: a"), {414}),
    ("a target of 90,000 bytes", head("GET /" + "a" * 90000 + " HTTP/1.1"), {414, 431}),
    ("a target with a space", head("GET /a b HTTP/1.1", "Host: a"), {400}),
    ("100 headers", head("GET / HTTP/1.1", "Host: a", *["X: y"] * 100), {431}),
    ("100,000 headers", head("GET / HTTP/1.1", "Host: a", *["X: y"] * 100_000), {431}),
    ("a header of 20 KiB", head("GET / HTTP/1.1", "Host: a", "X: " + "y" * 20000), {431}),
    ("headers without an end", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 50000, {431}),
    ("a folded header", head("GET / HTTP/1.1", "Host: a", "X: y", " z"), {400}),
    ("a space before the colon", head("GET / HTTP/1.1", "Host : a"), {400}),
    ("a NUL in a header", head("GET / HTTP/1.1", "Host: a", "X: \0"), {400}),
    ("bare line feeds", b"GET / HTTP/1.1\nHost: a\n\n", {400}),
    ("two lengths", head(*POST, "Content-Length: 1", "Content-Length: 2", body=b"ab"), {400}),
    ("length -1", head(*POST, "Content-Length: -1"), {400}),
    ("length +5", head(*POST, "Content-Length: +5", body=b"abcde"), {400}),
    ("length 0x5", head(*POST, "Content-Length: 0x5", body=b"abcde"), {400}),
    ("length 2^64", head(*POST, "Content-Length: 18446744073709551616"), {400, 413}),
    ("length 1 GiB", head(*POST, "Content-Length: 1073741824", body=b"x"), {413}),
    ("half a body", head(*POST, "Content-Length: 100", body=b"x" * 50), {400}),
    ("length and chunks", head(*CHUNKED, "Content-Length: 3", body=b"3\r\nabc\r\n0\r\n\r\n"),
     {400}),
    ("chunks in HTTP/1.0", head("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"),
     {400}),
    ("another coding", head(*POST, "Transfer-Encoding: gzip"), {501}),
    ("chunked hidden in a list", head(*POST, "Transfer-Encoding: chunked, identity"),
     {400, 501}),
    ("no chunk size", head(*CHUNKED, body=b"x\r\nabc\r\n"), {400}),
    ("a negative chunk", head(*CHUNKED, body=b"-1\r\n"), {400}),
    ("a chunk of 2^64 - 1", head(*CHUNKED, body=b"ffffffffffffffff\r\nabc"), {400, 413}),
    ("a chunk longer than it says", head(*CHUNKED, body=b"1\r\nabc\r\n0\r\n\r\n"), {400}),
    ("a chunk extension", head(*CHUNKED, body=b"1;a=b\r\nx\r\n0\r\n\r\n"), {400}),
    ("an endless chunk size", head(*CHUNKED, body=b"0" * 9000), {400}),
    ("many trailers", head(*CHUNKED, body=b"0\r\n" + b"X: y\r\n" * 9000), {400, 431}),
    ("chunks without an end", head(*CHUNKED, body=b"1\r\nx\r\n" * 1000), {400}),
    ("Expect: a miracle", head(*POST, "Expect: a-miracle", "Content-Length: 1", body=b"x"),
     {417}),
    ("an answer", head("HTTP/1.1 200 OK", "Content-Length: 0"), {400}),
    ("nothing", b"", set()),
    ("half a line", b"GET /v1", {400}),
    ("empty lines", b"\r\n" * 3000, {400}),
]
DOORS = ("rest0", "relay1", "gateway", "shadow", "metrics-relay1", "metrics-gateway",
         "metrics-fisherman1")


def check_http_garbage_at_every_door(w):
    wrong = []
    for door in DOORS:
        for name, data, allowed in HTTP:
            answer = w.send(door, data)
            got = statuses(answer)
            if (got[:1] and got[0] not in allowed) or (not got and allowed) or len(got) > 1:
                wrong.append((door, name, got, answer[:120]))
        w.alive()
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


def check_paths_and_verbs_at_every_door(w):
    wrong = []
    for door in DOORS:
        for verb, target in (("GET", "/nothing/here"), ("DELETE", "/"), ("PUT", "/metrics"),
                             ("BREW", "/v1/0001"), ("get", "/health"), ("GET", "/%00"),
                             ("GET", "/../../etc/passwd"), ("GET", "/v1/%ff%fe"),
                             ("CONNECT", "a:1"), ("GET", "http://b/metrics"),
                             ("POST", "/v1/shadow?x=1"), ("POST", "/v1/relay/00zz"),
                             ("POST", "/v1/relay/"), ("TRACE", "/"), ("HEAD", "/nothing")):
            status, headers, body = w.get(door, verb, target)
            if not 400 <= status < 600 or status in (500, 502) or b"root:" in body:
                wrong.append((door, verb, target, status, body[:80]))
            if body and "json" not in headers["content-type"] and "text" not in \
                    headers["content-type"]:
                wrong.append((door, verb, target, headers))
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


def good(w, door):
    """One request that works, and how long it took."""
    start = time.monotonic()
    target = {"rest0": "/viper/v1/chain", "relay1": "/health", "gateway": "/health",
              "shadow": "/v1/shadow"}.get(door, "/metrics")
    status, _, _ = w.get(door, "GET", target)
    if status not in (200, 204):
        raise ValueError(f"{door}: {status}")
    return time.monotonic() - start


def check_slow_and_many_connections(w):
    """Requests that never end, many at a time, hold up nobody; at a metrics port, which takes
    few, only until they are gone."""
    for door in DOORS:
        held = []
        for i in range(300):
            s = socket.create_connection(w.at(door), timeout=5)
            try:
                s.sendall((b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"P",
                           b"POST /v1/0001 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx",
                           b"")[i % 4])
            except OSError:
                pass  # one too many
            held.append(s)
        if not door.startswith("metrics"):
            took = good(w, door)
            assert took < 2, (door, took)
        for s in held:
            s.close()
        procs.wait_until(door, lambda d=door: good(w, d) < 2, 5)
    for door in ("relay1", "gateway"):
        hard = []
        for _ in range(200):  # gone with a reset, an answer on its way
            s = socket.create_connection(w.at(door), timeout=5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(request("POST", "/v1/0001", (), b"x" * 5000))
            hard.append(s)
        for s in hard:
            s.close()
        good(w, door)
    w.alive()


def check_pipelines_are_answered_in_order(w):
    many = b"GET /viper/v1/sessions/99999%d HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = w.send("rest0", b"".join(many % i for i in range(60)))
    assert re.findall(rb"99999(\d+)", answer) == [b"%d" % i for i in range(60)] or \
        statuses(answer) == [404] * 60, (len(answer), statuses(answer))
    calls = [json.dumps({"jsonrpc": "2.0", "id": i, "method": "abci_info"}).encode()
             for i in range(20)]
    answer = w.send("gateway", b"".join(
        b"POST /v1/0001 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(c) + c
        for c in calls), patience=15)
    assert [int(i) for i in re.findall(rb'"id":(\d+)', answer)] == list(range(20)), answer[:400]


# ---- REST and broadcast ----

def check_rest(w):
    """gRPC codes in JSON: 3 bad argument, 5 not found, 11 out of range, 12 no such verb."""
    wrong, session = [], w.net.rest("/viper/v1/chain")["session"]
    for verb, target, code, body, headers in (
            ("GET", "/viper/v1/pool/x/1", 3, b"", ()), ("GET", "/viper/v1/pool/1/1/1", 5, b"", ()),
            ("GET", "/viper/v1/sessions/-1", 3, b"", ()),
            ("GET", "/viper/v1/sessions/18446744073709551616", 3, b"", ()),
            ("GET", f"/viper/v1/sessions/{session}/zz", 3, b"", ()),
            ("GET", "/viper/v1/accounts/viper1", 3, b"", ()),
            ("GET", "/viper/v1/accounts/" + "q" * 4000, 3, b"", ()),
            ("GET", "/viper/v1/params?session=1e3", 3, b"", ()),
            ("GET", "/viper/v1/actors?pagination.limit=-1", 3, b"", ()),
            ("GET", "/viper/v1/actors?pagination.key=%3D%3D%3D", 3, b"", ()),
            ("GET", "/viper/v1/actors?kind=KIND_KING", 3, b"", ()),
            ("GET", "/viper/v1/chain", 11, b"", ("x-cosmos-block-height: 99999999",)),
            ("GET", "/viper/v1/chain", 3, b"", ("x-cosmos-block-height: -1",)),
            ("GET", "/viper/v1/chain", 3, b"", ("x-cosmos-block-height: 1 OR 1=1",)),
            ("POST", "/viper/v1/chain", 12, b"{}", ()),
            ("GET", "/cosmos/tx/v1beta1/txs/zz", 3, b"", ()),
            *(("POST", path, 3, body, ()) for path in ("/cosmos/tx/v1beta1/txs",
                                                       "/cosmos/tx/v1beta1/simulate")
              for body in (b"", b"{", b"[]", b"null", b"5", b"\xff", b'{"tx_bytes":1}',
                           b'{"tx_bytes":"AA=="}{}', b'{"tx_bytes":"%%%"}', b"[" * 90000,
                           b'{"a":' * 40000, b'{"tx_bytes":"AA==","mode":99}',
                           b'{"tx_bytes":"AA==","tx_bytes":"AA=="}', b'{"tx_bites":"AA=="}'))):
        if (target, body) in (("/cosmos/tx/v1beta1/simulate",
                               b'{"tx_bytes":"AA==","mode":99}'),):
            continue
        status, headers_back, raw = w.get("rest0", verb, target, headers, body)
        try:
            answer = json.loads(raw)
            ok = answer["code"] == code and answer["message"] and status in (400, 404, 501)
        except (ValueError, KeyError, TypeError):
            ok = False
        if not ok:
            wrong.append((verb, target[:60], body[:30], headers, status, raw[:150]))
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


def check_broadcast(w):
    """Bytes that are no transaction, and one that was good with a bit changed: a stable code of
    our own, twice the same, and nothing changes."""
    n, rng = w.net, random.Random(11)
    faucet = n.actors.faucet["address"]
    to = n.actors.requestor["operator"]["address"]
    out = subprocess.run(
        [n.viperd, "tx", "bank", "send", "faucet", to, "1", "-y", "--home", n.home("owners"),
         "--keyring-backend", "test", "--node", f"http://127.0.0.1:{n.ports['rest0']}"],
        check=True, capture_output=True, text=True)
    done = json.loads(out.stdout)["txhash"]
    sent = base64.b64decode(n.comet().call("tx", {
        "hash": base64.b64encode(bytes.fromhex(done)).decode()})["tx"])
    before = n.rest(f"/viper/v1/accounts/{faucet}")["account"]
    deep = b""
    for _ in range(3000):
        deep = field(1, deep)
    bad = [b"\xff", b"\0", b"\x0a", b"A" * 3000, os.urandom(500), deep, sent + b"\0",
           sent + sent, sent[:-1], sent[1:], sent[:len(sent) // 2], field(1, b"") * 3,
           b"\x80" * 2000, field(1, sent), b"\x0b" * 500, field(1, field(1, b"\x0a\x00" * 500)),
           field(1, b"x") + field(2, b"y") + field(3, b"z") * 2000]
    for _ in range(60):
        flipped = bytearray(sent)
        flipped[rng.randrange(len(sent))] ^= 1 << rng.randrange(8)
        bad.append(bytes(flipped))
    answers = []
    for again in (False, True):
        for i, tx in enumerate(bad):
            body = json.dumps({"tx_bytes": base64.b64encode(tx).decode(),
                               "mode": "BROADCAST_MODE_SYNC"}).encode()
            status, _, raw = w.get("rest0", "POST", "/cosmos/tx/v1beta1/txs", (), body)
            answer = json.loads(raw)
            assert status == 200, (tx[:30].hex(), status, raw)
            r = answer["tx_response"]
            assert r["codespace"] == "viper" and r["code"] in CODES and r["raw_log"], r
            if again:
                assert r["code"] == answers[i], (tx.hex(), r, answers[i])
            else:
                assert r["code"] != 0, (tx.hex(), r)
                answers.append(r["code"])
                if i < 17:
                    direct = n.comet().call("broadcast_tx_sync",
                                            {"tx": base64.b64encode(tx).decode()})
                    assert direct["code"] == r["code"], (direct, r)
    assert {1, 4} <= set(answers) or {1, 5} <= set(answers), sorted(set(answers))
    large = json.dumps({"tx_bytes": base64.b64encode(b"x" * (1200 << 10)).decode()}).encode()
    status, _, raw = w.get("rest0", "POST", "/cosmos/tx/v1beta1/txs", (), large)
    assert status == 413 or json.loads(raw)["code"] or json.loads(raw)["tx_response"]["code"]
    n.wait_height(n.height() + 2, 15)
    assert n.rest(f"/viper/v1/accounts/{faucet}")["account"] == before


# ---- the relay port ----

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def check_relay_port(w):
    """Form, sizes, membership, token, signature: each refused with its reason, in that order."""
    chain = w.net.rest("/viper/v1/chain")
    bench = w.net.rest(f"/viper/v1/requestors/{w.net.actors.requestor['operator']['address']}")
    sid = base64.b64decode(bench["pairs"][0]["sid"])
    assert int(chain["session"]) >= 0 and len(sid) == 32
    part = bytes(range(140)) + bytes(64)
    wrong = []

    def ask(what, status, reason, headers=(), target="/v1/relay/0001", verb="POST", body=b"{}",
            door="relay1"):
        got, back, raw = w.get(door, verb, target, headers, body)
        if status is not None and got != status or reason not in raw.decode("latin-1"):
            wrong.append((what, got, status, raw[:120]))
        if got == 200 or "viper-receipt" in back or "viper-refusal" in back:
            wrong.append((what, "is served or signed", back))

    relay = f"Viper-Relay: {b64(part)}"
    ask("no header", 400, "Viper-Relay")
    ask("an empty header", 400, "Viper-Relay", ("Viper-Relay:",))
    ask("no base64", 400, "Viper-Relay", ("Viper-Relay: " + "!" * 272,))
    ask("padding", 400, "Viper-Relay", (relay + "=",))
    ask("standard base64", 400, "Viper-Relay", (f"Viper-Relay: {'+/' * 136}",))
    ask("one byte short", 400, "Viper-Relay", (f"Viper-Relay: {b64(part[:-1])}",))
    ask("one byte more", 400, "Viper-Relay", (f"Viper-Relay: {b64(part + b'x')}",))
    ask("bits behind the end", 400, "Viper-Relay", (f"Viper-Relay: {'A' * 270}B",))
    ask("15 KiB of it", 400, "Viper-Relay", (f"Viper-Relay: {'A' * 15000}",))
    ask("a verb for the backend", 400, "Viper-Method", (relay, "Viper-Method: CONNECT"))
    ask("a verb in small letters", 400, "Viper-Method", (relay, "Viper-Method: get"))
    ask("a GET", 405, "POST", (relay,), verb="GET")
    ask("a chain it has not", None, '"code":3', (relay,), "/v1/relay/00ff")
    ask("a chain that is none", 404, "no relay", (relay,), "/v1/relay/1")
    ask("a path that is none", 404, "no relay", (relay,), "/v1/relay/0001x")
    ask("a session it does not know", None, '"code":3', (relay,))
    for i in RELAYS:
        who = w.net.rest("/viper/v1/servicers/"
                         + w.net.actors.servicers[i - 1]["operator"]["address"])
        assert who["actor"], who
    # A bench that these servicers serve: a request part that names another servicer, and then
    # one of its own with a client key nobody has vouched for.
    drawn = w.net.rest(f"/viper/v1/sessions/{chain['session']}/{sid.hex()}")
    ids = {s["id"] if isinstance(s, dict) else s for s in drawn["servicers"]}
    name, door = next((a["operator"]["address"], f"relay{i}") for i, a in
                      enumerate(w.net.actors.servicers, 1)
                      if a["operator"]["address"] in ids and i in RELAYS)
    mine = address_bytes(name)
    tail = bytes(32) + struct.pack(">QQQ", 1, 1, 1) + bytes(32) + bytes(64)
    known = f"Viper-Relay: {b64(sid + mine + tail)}"
    ask("another servicer's", None, '"code":3', (f"Viper-Relay: {b64(sid + bytes(20) + tail)}",),
        door=door)
    ask("no token", 428, "Viper-Token", (known,), door=door)
    for token in ("", "!", b64(bytes(127)), b64(bytes(128)), b64(sid + bytes(96)), "A" * 9000):
        ask("a bad token", None, '"code":4', (known, f"Viper-Token: {token}"), door=door)
    for size in (9 << 20,):
        ask("a body of 9 MiB", 413, '"code":11', (relay,), body=b"x" * size)
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


def address_bytes(text):
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{charset.index(c):05b}" for c in text.rsplit("1", 1)[1][:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, 160, 8))


# ---- the gateway ----

def call(**members):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "abci_info", **members}).encode()


PARSE, INVALID = {-32700}, {-32600}
CALLS = [  # (name, body, codes)
    ("nothing", b"", PARSE), ("space", b" \r\n\t ", PARSE), ("half an object", b'{"id":1', PARSE),
    ("two values", call() + call(), PARSE), ("zeros", b"\0" * 50, PARSE),
    ("broken UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}', PARSE),
    ("half a surrogate", b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', PARSE | INVALID),
    ("an overlong form", b'{"jsonrpc":"2.0","id":"\xc0\xaf","method":"x"}', PARSE),
    ("deep brackets", b"[" * 100_000, PARSE), ("deep objects", b'{"a":' * 50_000, PARSE),
    ("deep params", call()[:-1] + b',"params":' + b"[" * 5000 + b"]" * 5000 + b"}", PARSE),
    ("a comment", b"/**/" + call(), PARSE), ("NaN", b'{"id":NaN}', PARSE),
    ("null", b"null", INVALID), ("a number", b"5", INVALID), ("a string", b'"x"', INVALID),
    ("an empty batch", b"[]", INVALID), ("an empty object", b"{}", INVALID),
    ("a batch of 101", b"[" + b",".join([call()] * 101) + b"]", INVALID),
    ("a batch of 1,001", b"[" + b",".join([call()] * 1001) + b"]", INVALID),
    ("an id that is an object", call(id={}), INVALID), ("an id that is a list", call(id=[1]),
                                                        INVALID),
    ("an id that is true", call(id=True), INVALID), ("a method that is a number",
                                                     call(method=5), INVALID),
    ("no method", b'{"jsonrpc":"2.0","id":1}', INVALID), ("params that are a number",
                                                          call(params=5), INVALID),
    ("an id twice", b'{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}', INVALID),
    ("a method twice", b'{"jsonrpc":"2.0","id":1,"method":"status","method":"block"}', INVALID),
    ("a method hidden by an escape",
     b'{"jsonrpc":"2.0","id":1,"method":"status","m\\u0065thod":"block"}', INVALID),
    ("a method of 9,000 letters", call(method="m" * 9000), INVALID | {-32601, -32603}),
]


def check_gateway(w):
    wrong = []
    for name, body, codes in CALLS:
        status, _, raw = w.get("gateway", "POST", "/v1/0001", ("Content-Type: application/json",),
                               body)
        try:
            answer = json.loads(raw)
            ok = answer["error"]["code"] in codes and answer["error"]["message"] and \
                answer["jsonrpc"] == "2.0" and "id" in answer and status in (200, 400)
        except (ValueError, KeyError, TypeError):
            ok = False
        if not ok:
            wrong.append((name, status, raw[:200]))
    status, _, raw = w.get("gateway", "POST", "/v1/0001", (), b"[1,{},[],%s]" % call(id=7))
    answers = json.loads(raw)
    if [a.get("error", {}).get("code") for a in answers] != [-32600] * 3 + [None] or \
            answers[3]["id"] != 7:
        wrong.append(("a batch with one good call", raw))
    for target, want in (("/v1/00ff", 404), ("/v1/zzzz", 404), ("/v1/", 404), ("/v2/0001", 404),
                         ("/v1/0001%00", 404), ("/v1/" + "0" * 5000, 404),
                         ("/v1/0001/" + "p" * 5000, 414)):
        status, _, raw = w.get("gateway", "POST", target, (), call())
        if status != want or json.loads(raw)["error"]["code"] != -32600:
            wrong.append((target[:40], status, raw[:100]))
    status, _, _ = w.get("gateway", "POST", "/v1/0001", (), b"[" + b"1," * (3 << 20) + b"1]")
    if status != 413:
        wrong.append(("6 MiB", status))
    for text in ("1.50e3", "-0", '"\\u00e9"', '"a b"', "1234567890123456"):
        status, _, raw = w.get("gateway", "POST", "/v1/0001", (),
                               b'{"jsonrpc":"2.0","id":%s,"method":"abci_info"}' % text.encode())
        if status != 200 or b'"id":' + text.encode() not in raw.replace(b": ", b":"):
            wrong.append(("the id " + text, status, raw[:100]))
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


def check_shadow_port(w):
    """Nothing is relayed for whoever is no fisherman of the session; the reason says why."""
    wrong = []
    shadow = bytes(32 + 20 + 8 + 33 + 64)
    for name, want, verb, target, headers in (
            ("no header", "form", "POST", "/v1/shadow", ()),
            ("a PUT", "form", "PUT", "/v1/shadow", ()),
            ("another path", "form", "POST", "/v1/shadow/x", (f"Viper-Shadow: {b64(shadow)}",)),
            ("no base64", "form", "POST", "/v1/shadow", ("Viper-Shadow: ***",)),
            ("short", "form", "POST", "/v1/shadow", (f"Viper-Shadow: {b64(shadow[:100])}",)),
            ("long", "form", "POST", "/v1/shadow", (f"Viper-Shadow: {'A' * 9000}",)),
            ("a bad verb", "form", "POST", "/v1/shadow", (f"Viper-Shadow: {b64(shadow)}",
                                                          "Viper-Method: STEAL")),
            ("a bad path", "form", "POST", "/v1/shadow", (f"Viper-Shadow: {b64(shadow)}",
                                                          "Viper-Path: x")),
            ("a long path", "size", "POST", "/v1/shadow", (f"Viper-Shadow: {b64(shadow)}",
                                                           "Viper-Path: /" + "p" * 5000)),
            ("no session", "session", "POST", "/v1/shadow", (f"Viper-Shadow: {b64(shadow)}",)),
            ("an ed25519 key", "session", "POST", "/v1/shadow",
             (f"Viper-Shadow: {b64(shadow[1:])}",))):
        status, back, raw = w.get("shadow", verb, target, headers, b"{}")
        try:
            reason = json.loads(raw)["error"]["reason"]
        except (ValueError, KeyError, TypeError):
            reason = None
        if reason != want or not 400 <= status < 500 or "viper-relay" in back:
            wrong.append((name, want, status, raw[:150]))
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


# ---- afterwards ----

def check_everything_still_works(w):
    n = w.net
    w.alive()
    n.wait_height(n.height() + 2, 15)
    for door in DOORS:
        good(w, door)
    for _ in range(20):
        w.relay()
    assert [a[0] for a in abci(w.alone, INFO)] == [4]
    supply = n.rest("/viper/v1/supply")
    assert int(supply["total_uvipr"]) == int(supply["genesis_uvipr"]) + \
        int(supply["minted_uvipr"]) - int(supply["burned_uvipr"]), supply


def check_nobody_has_grown(w):
    grown = []
    with open(f"/proc/{w.net.group['gateway'].pid}/maps", encoding="utf-8") as f:
        if "libasan" in f.read():
            return  # it keeps what was freed, to watch it
    for name, proc in w.net.group.procs.items():
        now = rss(proc.pid)
        print(f"     {name}: {w.before[name] >> 20} MiB, now {now >> 20} MiB")
        if now > 2 * w.before[name] + BODY and not name.startswith("cometbft"):
            grown.append((name, w.before[name], now))
    assert not grown, grown


def check_all_end_well(w):
    """Told to stop, each ends by itself with 0, and its log has nothing of a bug or a leak."""
    w.net.stop()
    for name, proc in w.net.group.procs.items():
        with open(proc.log_path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        for word in ("assertion", "halt:", "Sanitizer", "runtime error", "panic"):
            assert word not in text, (name, word, text[-3000:])
        assert proc.popen.returncode == 0 or name.startswith("cometbft"), \
            (name, proc.popen.returncode, text[-1000:])


CHECKS = [check_abci_garbage, check_abci_unknown_methods, check_abci_queries, check_abci_order,
          check_abci_second_consensus, check_http_garbage_at_every_door,
          check_paths_and_verbs_at_every_door, check_slow_and_many_connections,
          check_pipelines_are_answered_in_order, check_rest, check_broadcast, check_relay_port,
          check_gateway, check_shadow_port, check_everything_still_works,
          check_nobody_has_grown, check_all_end_well]


def main():
    build, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    folder = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    world = World(build, cometbft, folder)
    wanted = sys.argv[3:]
    passed = failed = 0
    try:
        world.start()
        for check in CHECKS[:-3] * ROUNDS + CHECKS[-3:]:
            if wanted and check.__name__ not in wanted:
                continue
            start = time.monotonic()
            try:
                check(world)
                passed += 1
                print(f"ok   {check.__name__} {time.monotonic() - start:.1f} s", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("FAIL", check.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
    except procs.Died as error:
        failed += 1
        print("FAIL", error)
    finally:
        world.net.stop()
        if os.environ.get("KEEP"):
            print("kept", folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
