"""Clients of the gateway that keep every acknowledgement, and what the chain must make of them.

An acknowledged relay is an answer with a receipt; its leaf is then known to the byte, must lie
on its servicer's disk, in the tree that the servicer committed, and be settled."""

import http.client
import importlib.util
import json
import os
import re
import threading
import time

from local import packages
from local.traffic import CALLS

CRASH = os.path.join(packages.ROOT, "tests", "crash")
THREADS, RATE = 3, 4.0  # a chain; requests a second and thread
SEGMENT = re.compile(r"session-(\d+)\.leaves")
TIMEOUT = 11.0          # the gateway gives up before


def load(name):
    """A module of tests/crash: the same books are kept there."""
    spec = importlib.util.spec_from_file_location("crash_" + name,
                                                  os.path.join(CRASH, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Ack = load("clients").Ack
books = load("books")


class Clients:
    def __init__(self, view):
        self.view = view
        self.over, self.lock = threading.Event(), threading.Lock()
        self.acks = []                       # (monotonic time, chain, Ack)
        self.by_sid = {}                     # sid -> [Ack]
        self.failures = []                   # (monotonic time, chain, why)
        self.broken = []                     # receipts of another request
        self.threads = [threading.Thread(target=self.run, args=(chain, i), daemon=True)
                        for chain in CALLS for i in range(THREADS)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(TIMEOUT + 2)

    def run(self, chain, number):
        connection, due = None, time.monotonic()
        while not self.over.is_set():
            number += THREADS
            method, params = CALLS[chain][number % len(CALLS[chain])]
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                               "params": params}).encode()
            try:
                connection = connection or http.client.HTTPConnection(
                    self.view.address("gateway"), 8481, timeout=TIMEOUT)
                why = self.ask(connection, chain, body)
            except (OSError, http.client.HTTPException) as error:
                if connection:
                    connection.close()
                connection, why = None, f"{type(error).__name__} {error}"
            if why:
                with self.lock:
                    self.failures.append((time.monotonic(), chain, why))
            due = max(due + 1.0 / RATE, time.monotonic() - 1.0)
            self.over.wait(max(0.0, due - time.monotonic()))

    def ask(self, connection, chain, body):
        """None, or why there was no answer."""
        connection.request("POST", f"/v1/{chain:04x}", body,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        relay, receipt = answer.headers.get("Viper-Relay"), answer.headers.get("Viper-Receipt")
        data = answer.read()
        if not relay or not receipt:
            return f"{answer.status} {data[:160]!r}"
        try:
            ack = Ack(relay, receipt)
        except ValueError as error:
            with self.lock:
                self.broken.append(str(error))
            return str(error)
        with self.lock:
            self.acks.append((time.monotonic(), chain, ack))
            self.by_sid.setdefault(ack.sid, []).append(ack)
        return None

    def of(self, sid):
        with self.lock:
            return list(self.by_sid.get(sid, ()))

    def count(self, since, until=None, chain=None):
        """(answered, failed) in a span of time."""
        until = until or time.monotonic()
        with self.lock:
            return tuple(sum(since <= t <= until and chain in (None, c) for t, c, _ in kept)
                         for kept in (self.acks, self.failures))


class Keeper:
    """Every segment that was ever seen, open: a file that is open outlives its name."""

    def __init__(self, folders):
        self.folders, self.open = folders, {}  # (folder, session) -> descriptor, None: taken

    def look(self):
        for folder in self.folders:
            try:
                names = os.listdir(folder)
            except FileNotFoundError:
                continue
            for name in names:
                if not (found := SEGMENT.fullmatch(name)):
                    continue
                key = folder, int(found[1])
                if key not in self.open:
                    try:
                        self.open[key] = os.open(os.path.join(folder, name), os.O_RDONLY)
                    except FileNotFoundError:
                        continue

    def take(self, session):
        """{(sid, servicer): [leaf]} of a session that is over; asked for once."""
        out = {}
        for key, descriptor in self.open.items():
            if key[1] != session or descriptor is None:
                continue
            if os.fstat(descriptor).st_size >= books.HEADER:  # else its relay ended before
                number, servicer, leaves = books.read_segment(f"/proc/self/fd/{descriptor}")
                if number != session:
                    raise ValueError(f"session {number} in the segment of {session}")
                for leaf in leaves:
                    out.setdefault((leaf[:32], servicer), []).append(leaf)
            os.close(descriptor)
            self.open[key] = None
        return out
