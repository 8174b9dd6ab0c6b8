"""Sample traffic through the gateway, and which blocks of which session saw any of it."""

import json
import threading
import time

from . import rpc

CALLS = {1: [("status", []), ("abci_info", []), ("health", []), ("net_info", []),
             ("num_unconfirmed_txs", [])],
         2: [("getblockcount", []), ("getblockchaininfo", []), ("getdifficulty", []),
             ("getbestblockhash", []), ("getmempoolinfo", [])]}


class Traffic:
    """One thread a chain, `rate` requests a second each; counts answers by block height."""

    def __init__(self, net, rate=12.0):
        self.net, self.period = net, 1.0 / rate
        self.stop_event = threading.Event()
        self.lock = threading.Lock()
        self.answered = {c: {} for c in CALLS}  # chain -> height -> answers with a receipt
        self.sent = {c: 0 for c in CALLS}
        self.failed = {c: 0 for c in CALLS}
        self.last_failure = ""
        self.height = 0
        self.threads = [threading.Thread(target=self.run, args=(c,), daemon=True)
                        for c in CALLS] + [threading.Thread(target=self.watch, daemon=True)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.stop_event.set()
        for t in self.threads:
            t.join(12)

    def watch(self):
        while not self.stop_event.wait(0.1):
            try:
                self.height = self.net.height()
            except (OSError, ValueError):
                continue

    def run(self, chain):
        client, number = self.net.gateway(chain), 0
        due = time.monotonic()
        while not self.stop_event.is_set():
            number += 1
            method, params = CALLS[chain][number % len(CALLS[chain])]
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                               "params": params}).encode()
            height = self.height
            try:
                status, headers, data = client.raw(body)
                good = status == 200 and bool(headers.get("Viper-Receipt"))
                why = f"{status} {data[:200]!r}"
            except (OSError, ValueError, rpc.RpcError) as error:
                good, why = False, str(error)
            with self.lock:
                self.sent[chain] += 1
                if good:
                    self.answered[chain][height] = self.answered[chain].get(height, 0) + 1
                else:
                    self.failed[chain] += 1
                    self.last_failure = f"chain {chain:04x} {method}: {why}"
            due = max(due + self.period, time.monotonic() - 1.0)
            self.stop_event.wait(max(0.0, due - time.monotonic()))

    def covers(self, first, last):
        """Both chains had answers in every block of the range."""
        with self.lock:
            return all(self.answered[c].get(h) for c in CALLS for h in range(first, last + 1))
