"""Somebody between the gateway and a servicer: bends answers, statuses and receipts. Nothing
bent ever reaches a client; what comes through untouched is served as before."""

import http.client
import http.server
import threading

import client
from world import gateway_post, genesis, need, same, unb64

VICTIM = 3
BENDS = ("body", "status", "receipt", "receipt of another", "no receipt")


class Middle(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream  # port of the relay
        self.bending = True
        self.lock = threading.Lock()
        self.count = dict.fromkeys(BENDS, 0)
        self.passed = 0
        self.bent_bodies = set()
        self.last_receipt = None
        self.turn = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bend(self, status, headers, body):
        """(status, headers, body), changed in one place; the next time in the next."""
        with self.lock:
            kind = BENDS[self.turn % len(BENDS)]
            if kind == "receipt of another" and self.last_receipt is None:
                kind = "body"
            self.turn += 1
            self.count[kind] += 1
            if kind == "body":
                body = body[:-3] + bytes([body[-3] ^ 1]) + body[-2:]
                self.bent_bodies.add(body)
            elif kind == "status":
                status = 203
            elif kind == "receipt":
                raw = bytearray(client.unurl64(headers["Viper-Receipt"]))
                raw[100] ^= 1
                headers["Viper-Receipt"] = client.url64(raw)
            elif kind == "receipt of another":
                headers["Viper-Receipt"], self.last_receipt = self.last_receipt, None
                return status, headers, body
            else:
                del headers["Viper-Receipt"]
            if "Viper-Receipt" in headers and kind in ("body", "status"):
                self.last_receipt = headers["Viper-Receipt"]
        return status, headers, body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        passed_on = {k: v for k, v in self.headers.items()
                     if k.lower().startswith("viper-") or k.lower() == "content-type"}
        connection = http.client.HTTPConnection("127.0.0.1", server.upstream, timeout=15)
        try:
            connection.request("POST", self.path, body, passed_on)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            connection.close()
        headers = {k: v for k, v in answer.headers.items()
                   if k.lower().startswith("viper-") or k.lower() == "content-type"}
        if server.bending and "Viper-Receipt" in headers:
            status, headers, body = server.bend(status, headers, body)
        elif "Viper-Receipt" in headers:
            with server.lock:
                server.passed += 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def move(world, n, url):
    """The servicer's URL, by its operator; the block it stands in."""
    who = world.operator(n)
    told = world.net.rest(f"/viper/v1/servicers/{who.address}")
    height, _ = world.must(who, {
        "@type": "/viper.v1.MsgEditServicer", "signer": who.address, "servicer": who.address,
        "url": url, "relay_key": unb64(told["relay_key"]), "zone": told["zone"],
        "chains": told["chains"]})
    return height


def session_of(world, height):
    return next(n for n, r in sorted(world.book.sessions.items())
                if int(r["first"]) <= height <= int(r["last"]))


class Judge:
    """Calls through the gateway; every answer is held against its receipt."""

    def __init__(self, world, middle):
        self.world, self.middle = world, middle
        self.number = self.answered = self.errors = 0
        self.keys = [unb64(world.net.rest(f"/viper/v1/servicers/{s['operator']['address']}")
                           ["relay_key"]) for s in world.net.actors.servicers]

    def ask(self):
        self.number += 1
        chain, method = ((1, "health"), (2, "getblockcount"))[self.number % 2]
        status, headers, body = gateway_post(self.world, chain, {
            "jsonrpc": "2.0", "id": self.number, "method": method, "params": []})
        need(body not in self.middle.bent_bodies, f"a bent body was released: {body[:100]}")
        text = headers.get("Viper-Receipt")
        if text is None:
            need(status != 200, f"status 200 without a receipt: {body[:100]}")
            self.errors += 1
            return
        receipt = client.Receipt(text)
        need(any(receipt.holds(k, status, body) for k in self.keys),
             f"an answer was released that no servicer signed: {status} {body[:100]}")
        self.answered += 1


def tampered_answers(world):
    """Bent until every kind was tried; then straight; then past the middle again."""
    middle = Middle(world.net.ports[f"relay{VICTIM}"])
    threading.Thread(target=middle.serve_forever, daemon=True).start()
    try:
        judge = Judge(world, middle)
        metric = "viper_gateway_relay_failures_total"
        before = {r: world.metric("gateway", metric, reason=r)
                  for r in ("bad_receipt", "no_receipt")}
        world.disturbed_from = world.now()
        moved = move(world, VICTIM, middle.url)

        def bent():
            for _ in range(10):
                judge.ask()
            return all(middle.count.values())
        world.wait(f"every kind of bent answer, so far {middle.count}", bent, 60)
        height = world.book.height
        need(session_of(world, height) <= session_of(world, moved) + 4,
             f"the URL of block {moved} was bent by only in block {height}")
        bad = sum(middle.count[k] for k in BENDS if k != "no receipt")
        grown = {r: world.metric("gateway", metric, reason=r) - before[r] for r in before}
        need(grown["bad_receipt"] >= bad - 2 and grown["no_receipt"] >= 1,
             f"{middle.count} were bent, the gateway counted {grown}")
        need(judge.answered >= 9 * judge.errors,
             f"{judge.answered} answers and {judge.errors} errors: others did not step in")
        middle.bending = False
        world.wait("answers through the middle",
                   lambda: [judge.ask() for _ in range(5)] and middle.passed >= 5, 60)
    finally:
        moved = move(world, VICTIM, f"http://127.0.0.1:{world.net.ports[f'relay{VICTIM}']}")
    past(world, middle, judge, moved)
    middle.shutdown()
    middle.server_close()


def past(world, middle, judge, moved):
    """Within two sessions the gateway goes to the servicer itself, if it is drawn."""
    ident = world.operator(VICTIM).address

    def directly():
        count, passed = relayed(world), middle.passed
        for _ in range(20):
            judge.ask()
        return relayed(world) > count and middle.passed == passed
    world.wait("relays past the middle", directly, 60)
    drawn = [n for n in world.book.sessions if n > session_of(world, moved) and any(
        s["id"] == ident for c in genesis.CHAINS for s in world.bench(n, c)[1]["servicers"])]
    need(session_of(world, world.book.height) <= (drawn[0] if drawn else world.now()) + 1,
         "traffic followed the URL too late")


def relayed(world):
    return world.metric(f"relay{VICTIM}", "viper_relay_requests_total", outcome="answered")


def url_is_checked(world):
    """What no URL can be is refused, and the old one stands."""
    who = world.operator(VICTIM)
    told = world.net.rest(f"/viper/v1/servicers/{who.address}")
    edit = {"@type": "/viper.v1.MsgEditServicer", "signer": who.address,
            "servicer": who.address, "url": told["actor"]["url"],
            "relay_key": unb64(told["relay_key"]), "zone": told["zone"],
            "chains": told["chains"]}
    stranger = world.operator(1)
    world.refused([
        ("a URL without a host", who, dict(edit, url="http://"), 22),
        ("a URL of a file", who, dict(edit, url="file:///etc/passwd"), 22),
        ("a URL of 300 bytes", who, dict(edit, url="http://a.example/" + "x" * 300), 22),
        ("a relay key of 31 bytes", who, dict(edit, relay_key=bytes(31)), 23),
        ("a zone that does not exist", who, dict(edit, zone=77), 38),
        ("a chain that does not exist", who, dict(edit, chains=[1, 77]), 37),
        ("chains out of order", who, dict(edit, chains=[2, 1]), 22),
        ("an edit by a stranger", stranger, dict(edit, signer=stranger.address), 26),
    ])
    same("the servicer's record", world.net.rest(f"/viper/v1/servicers/{who.address}")["actor"],
         told["actor"])


TESTS = [("tampered answers and receipts are never released", tampered_answers),
         ("a servicer's edit is checked", url_is_checked)]
