"""Clients of the gateway that keep every acknowledgement: who asked what is on the record.

An acknowledged relay is an answer whose receipt the gateway has verified: its headers bring
the signed request part and the receipt, so the leaf that must exist is known to the byte."""

import base64
import hashlib
import http.client
import json
import random
import threading
import time

PART, REQUEST, RECEIPT = 140, 204, 130


def H(tag, data):
    return hashlib.sha256(bytes([len(tag)]) + tag.encode() + data).digest()


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Ack:
    """One acknowledged relay."""

    def __init__(self, relay, receipt):
        request, answer = unbase64(relay), unbase64(receipt)
        if len(request) != REQUEST or len(answer) != RECEIPT:
            raise ValueError(f"{len(request)} and {len(answer)} bytes of request and receipt")
        if H("request-part", request[:PART]) != answer[:32]:
            raise ValueError("the receipt is of another request part")
        self.sid, self.servicer = request[:32], request[32:52]
        self.leaf = request + answer[34:66]


class Clients:
    """`count` threads for chain 2, whose requests take a fifth of a second at the backend, and
    a few for chain 1; never more than one request a connection."""

    def __init__(self, port, count, quick=2):
        self.port = port
        self.stop_event = threading.Event()
        self.lock = threading.Lock()
        self.acks, self.errors = [], []
        self.out = self.sent = self.failed = 0
        self.last_ok = 0.0
        self.last_failure = ""
        jobs = [(2, i) for i in range(count)] + [(1, i) for i in range(quick)]
        self.threads = [threading.Thread(target=self.run, args=job, daemon=True)
                        for job in jobs]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.stop_event.set()
        for t in self.threads:
            t.join(15)

    def body(self, chain, luck):
        call = (("waitfornewblock", [luck.randrange(150, 250)]) if chain == 2
                else ("status", []))
        return json.dumps({"jsonrpc": "2.0", "id": luck.randrange(10**9), "method": call[0],
                           "params": call[1]}).encode()

    def run(self, chain, number):
        luck = random.Random(f"{chain} {number}")
        connection = None
        while not self.stop_event.is_set():
            body = self.body(chain, luck)
            with self.lock:
                self.out += 1
                self.sent += 1
            good = False
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port,
                                                                      timeout=12)
                good = self.ask(connection, chain, body)
            except (OSError, http.client.HTTPException) as error:
                connection = self.drop(connection, f"{type(error).__name__} {error}")
            with self.lock:
                self.out -= 1
                self.failed += not good
            # Whoever was refused does not hammer; chain 1 is only there to be there.
            self.stop_event.wait(0.0 if good and chain == 2 else 0.1)

    def drop(self, connection, why):
        if connection:
            connection.close()
        self.last_failure = why
        return None

    def ask(self, connection, chain, body):
        connection.request("POST", f"/v1/{chain:04x}", body,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        # The headers alone acknowledge: a gateway killed in the middle of a body had verified.
        relay, receipt = answer.headers.get("Viper-Relay"), answer.headers.get("Viper-Receipt")
        if relay and receipt:
            self.keep(relay, receipt)
        data = answer.read()
        if not receipt:
            self.last_failure = f"{answer.status} {data[:200]!r}"
        return bool(receipt)

    def keep(self, relay, receipt):
        try:
            ack = Ack(relay, receipt)
        except ValueError as error:
            with self.lock:
                self.errors.append(str(error))
            return
        with self.lock:
            self.acks.append(ack)
            self.last_ok = time.monotonic()
