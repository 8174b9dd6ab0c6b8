"""Clients that keep what they were given: each answer's request part and receipt, judged at
once and again when the session is settled. They can be moved to another gateway at any time."""

import base64
import json
import threading
import time

import client
from world import R, need, rpc
from local.traffic import CALLS

RATE = 6.0  # a second and chain


class Kept:
    """What an answer proves: who served which request of which session's sid."""

    def __init__(self, part, receipt, status, body):
        self.sid, self.servicer = part[:32].hex(), R.to_bech32(part[32:52])
        self.key = part[52:84]
        self.seq, _, self.cu = (int.from_bytes(part[i:i + 8], "big") for i in (84, 92, 100))
        self.part, self.receipt, self.status, self.body = part, receipt, status, body


class Stream:
    def __init__(self, net):
        self.net = net
        self.port = net.ports["gateway"]
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.kept, self.wrong = [], []
        self.threads = [threading.Thread(target=self.run, args=(chain,), daemon=True)
                        for chain in CALLS]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.ended.set()
        for t in self.threads:
            t.join(12)

    def take(self, status, headers, data, body):
        """None, or what is wrong with the answer."""
        value = json.loads(data)
        if status != 200 or "result" not in value or value.get("id") != body["id"]:
            return f"{status} {data[:200]!r}"
        if not headers.get("Viper-Receipt") or not headers.get("Viper-Relay"):
            return "an answer without a receipt"
        part = client.unurl64(headers["Viper-Relay"])[:140]
        kept = Kept(part, client.Receipt(headers["Viper-Receipt"]), status, data)
        with self.lock:
            self.kept.append(kept)
        return None

    def run(self, chain):
        port = link = None
        number, due = 0, time.monotonic()
        while not self.ended.is_set():
            number += 1
            if port != self.port:
                port = self.port
                link = rpc.JsonRpc("127.0.0.1", port, f"/v1/{chain:04x}")
            method, params = CALLS[chain][number % len(CALLS[chain])]
            body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            try:
                why = self.take(*link.raw(json.dumps(body).encode()), body)
            except (OSError, ValueError) as error:
                why = repr(error)
            if why:
                with self.lock:
                    self.wrong.append(f"chain {chain:04x}, gateway at {port}, {method}: {why}")
            due = max(due + 1.0 / RATE, time.monotonic() - 1.0)
            self.ended.wait(max(0.0, due - time.monotonic()))

    def answers(self):
        with self.lock:
            return list(self.kept)

    def unbroken(self):
        with self.lock:
            need(not self.wrong, f"{len(self.wrong)} requests failed, the first: "
                 + "; ".join(self.wrong[:3]))


def seats(world):
    """(sid hex, servicer id) -> (session, seat) of all benches that were read"""
    return {(sid, seat["id"]): (number, seat) for (number, sid), bench
            in world.book.benches.items() for seat in bench["servicers"]}


def judge(world, answers):
    """Every receipt holds under the relay key of its session; returns {(sid, servicer): [...]}"""
    known, out = seats(world), {}
    for kept in answers:
        place = kept.sid, kept.servicer
        need(place in known, f"an answer of {kept.servicer}, which is not in sid {kept.sid}")
        session, seat = known[place]
        need(kept.receipt.holds(base64.b64decode(seat["relay_key"]), kept.status, kept.body,
                                kept.part),
             f"a receipt of {kept.servicer} in session {session} does not hold")
        out.setdefault(place, []).append(kept)
    return out
