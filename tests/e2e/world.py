"""The running network as the end-to-end tests see it: waiting, sending, reading.

One driver thread: every wait follows the chain, so no session passes unread."""

import base64
import http.client
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy"), os.path.join(ROOT, "tests", "model"),
                os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "tests")]
import rules as R  # noqa: E402
import wallet  # noqa: E402
from local import chronicle, genesis, procs, rpc, table  # noqa: E402

VIPR = genesis.VIPR


class Failed(AssertionError):
    pass


def need(truth, sentence):
    if not truth:
        raise Failed(sentence)


def same(what, got, want):
    need(got == want, f"{what}: {got} instead of {want}")


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text)


def flip(data, at):
    """bytes or base64 with one bit changed, in kind"""
    raw = bytearray(unb64(data) if isinstance(data, str) else data)
    raw[at] ^= 1
    return b64(raw) if isinstance(data, str) else bytes(raw)


class World:
    def __init__(self, net):
        self.net = net
        self.book = chronicle.Chronicle(net)
        self.wallets = {}
        self.traffic = None
        self.clients = []        # that the tests played (relays.py)
        self.pushed = set()      # transactions that the tests sent
        self.mine = None         # the fisherman that a test plays
        self.first_full = None   # the first session with traffic in all its blocks
        self.disturbed_from = 1 << 62  # the first session in which a good servicer was bent

    # ---- time ----

    def chain(self):
        return self.net.rest("/viper/v1/chain")

    def follow(self):
        """Sessions that passed while we were busy are read too, as long as they are kept."""
        current = int(self.chain()["session"])
        start = max(self.book.requestors, default=current - 1)
        for number in range(start + 1, current + 1):
            self.book.remember(number)
        return self.book.follow()

    def wait(self, what, test, seconds):
        """Poll until test() is true; the chain is followed meanwhile."""
        end, problem = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                self.follow()
                if value := test():
                    return value
            except (OSError, ValueError, KeyError) as error:
                problem = error
            if dead := self.net.group.dead():
                raise Failed(f"{dead[0].name} ended; log: {dead[0].log_path}")
            time.sleep(0.2)
        raise Failed(f"waited {seconds} s for {what}" + (f": {problem}" if problem else ""))

    def session(self, number, past=0, seconds=150):
        """Wait for block first + past of a session; its record."""
        def there():
            now = self.chain()
            return (int(now["session"]) > number or
                    (int(now["session"]) == number
                     and int(now["height"]) >= int(now["first"]) + past))
        self.wait(f"block {past} of session {number}", there, seconds)
        return self.book.sessions[number]

    def now(self):
        return int(self.chain()["session"])

    def fresh_session(self, past=1, left=2):
        """The running session if it is `past` blocks old and has `left` left, or the next."""
        def good():
            now = self.chain()
            height = int(now["height"])
            return (int(now["first"]) + past <= height <= int(now["last"]) - left
                    and int(now["session"]) in self.book.requestors and int(now["session"]) + 1)
        return self.wait("an early block of a session", good, 60) - 1

    # ---- accounts ----

    def secret(self, home, name):
        done = subprocess.run([self.net.viperd, "keys", "export", name, "--unsafe", "--home",
                               self.net.home(home), "--keyring-backend", "test"],
                              capture_output=True, text=True, check=True)
        return bytes.fromhex(done.stdout.strip())

    def wallet(self, home, name):
        if (home, name) not in self.wallets:
            self.wallets[home, name] = self.adopt(wallet.Secp(self.secret(home, name)))
        return self.wallets[home, name]

    def adopt(self, key):
        return wallet.Wallet(key, genesis.CHAIN_ID, self.net.rest)

    def operator(self, servicer):
        """Wallet of the operator of servicer 1.."""
        return self.wallet(f"relay{servicer}", "operator")

    def number_of(self, ident):
        """1.. of a servicer's id"""
        return 1 + [s["operator"]["address"] for s in self.net.actors.servicers].index(ident)

    # ---- transactions ----

    def push(self, raw):
        """(code, sentence) of the node that takes it: CheckTx."""
        self.pushed.add(wallet.tx_hash(raw))
        answer = rpc.post(f"http://127.0.0.1:{self.net.ports['rest0']}/cosmos/tx/v1beta1/txs",
                          {"tx_bytes": b64(raw), "mode": "BROADCAST_MODE_SYNC"})["tx_response"]
        return int(answer["code"]), answer["raw_log"]

    def results(self, hashes, seconds=30):
        """hash -> (code, sentence, height) once all are in blocks."""
        out = {}

        def all_there():
            for tx in hashes:
                if tx in out:
                    continue
                told = chronicle.tx_exists(self.net, tx)
                if told and int(told["tx_response"]["height"]):
                    r = told["tx_response"]
                    out[tx] = int(r["code"]), r["raw_log"], int(r["height"])
            return len(out) == len(hashes)
        try:
            self.wait(f"{len(hashes)} transactions", all_there, seconds)
        except Failed:
            raise Failed(f"{len(hashes) - len(out)} of {len(hashes)} transactions are in no "
                         f"block after {seconds} s") from None
        return out

    def send(self, who, messages, **how):
        """Sign, send, wait: (code, sentence, height, hash); height 0: the mempool refused."""
        raw = who.sign(messages if isinstance(messages, list) else [messages], **how)
        code, why = self.push(raw)
        tx = wallet.tx_hash(raw)
        if code:
            return code, why, 0, tx
        return (*self.results([tx])[tx], tx)

    def must(self, who, messages, **how):
        code, why, height, tx = self.send(who, messages, **how)
        same(f"code of {tx} ({why})", code, 0)
        return height, tx

    def refused(self, cases):
        """cases: (name, wallet, message, code): all at once. Each is refused with its code;
        a message that was executed left nothing but its fee."""
        waiting, wrong = {}, []
        for name, who, message, want in cases:
            raw = who.sign([message])
            code, why = self.push(raw)
            if code:
                if code != want:
                    wrong.append(f"{name}: code {code} instead of {want} ({why})")
            else:
                waiting[wallet.tx_hash(raw)] = (name, want)
        done = self.results(list(waiting))
        for tx, (name, want) in waiting.items():
            code, why, _ = done[tx]
            if code != want:
                wrong.append(f"{name}: code {code} instead of {want} ({why})")
        self.follow()
        for tx, (name, _) in waiting.items():
            left = [k for _, t, k, _ in self.book.events if t == tx and k != "tx"]
            if left:
                wrong.append(f"{name}: refused, but left the events {left}")
        need(not wrong, "; ".join(wrong))

    # ---- reading ----

    def metric(self, daemon, name, **labels):
        """Sum over the rows of a metric whose labels match."""
        connection = http.client.HTTPConnection("127.0.0.1",
                                                self.net.ports[f"metrics-{daemon}"], timeout=5)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        total = 0
        for line in text.splitlines():
            head, _, value = line.rpartition(" ")
            if (head.split("{")[0] == name
                    and all(f'{k}="{v}"' in head for k, v in labels.items())):
                total += float(value)
        return total

    def bench(self, number, chain):
        """(sid hex, bench) of the requestor's pair on a chain."""
        pair = next(p for p in self.book.requestors[number]["pairs"] if p["chain"] == chain)
        sid = unb64(pair["sid"]).hex()
        return sid, self.book.benches[number, sid]

    def seat(self, number, chain, avoid=()):
        """(sid, n of a drawn servicer that works as it should, its seat)"""
        sid, bench = self.bench(number, chain)
        for seat in bench["servicers"]:
            n = self.number_of(seat["id"])
            if n not in (5, 6) and n not in avoid:
                return sid, n, seat
        raise Failed(f"no good servicer is drawn in session {number}")

    def settled(self, number):
        """The last score move of a session and all its Verify entries are behind us."""
        return self.book.height > int(self.book.sessions[number]["last"]) + 20 and (
            len(self.book.of("verify", session=number)) > 0)

    def wait_settled(self, number, seconds=150):
        self.session(number + 3, 1, seconds)
        self.wait(f"Verify of session {number}", lambda: self.settled(number), 30)


def gateway_post(world, chain, value):
    """(status, headers, bytes) of one call through the gateway, on a connection of its own."""
    return world.net.gateway(chain).raw(json.dumps(value).encode())


def account_total(world):
    return table.supply_of(world.book)


__all__ = ["R", "ROOT", "VIPR", "Failed", "World", "account_total", "b64", "flip",
           "gateway_post", "genesis", "need", "procs", "rpc", "same", "table", "unb64",
           "wallet"]
