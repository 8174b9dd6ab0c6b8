#!/usr/bin/env python3
"""oracle.py RECORD… : the histories that tests/driver wrote, computed again and compared.

Of every block: each transaction's code, the Verify entries, validator updates, and every
pair of the state that it changed, byte for byte. The app hash is rebuilt from the model's own
state at the end of a history, and every --hash-every blocks. The first difference is printed with
seed, height and both values; exit code 1. RECORD - is standard input."""

import argparse
import collections
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chain  # noqa: E402
import fields  # noqa: E402
import state  # noqa: E402
from refusal import NAMES  # noqa: E402


NO_END = "the record has no end"


class Difference(Exception):
    """Where, and what either side says: (text, viperd's, the model's) each."""

    def __init__(self, where, items):
        super().__init__(where)
        self.where, self.items = where, items

    def __str__(self):
        lines = [self.where]
        for text, theirs, ours in self.items[:20]:
            lines += [f"  {text}", f"    viperd {theirs}", f"    model  {ours}"]
        if len(self.items) > 20:
            lines.append(f"  ... and {len(self.items) - 20} more")
        return "\n".join(lines)


def differing(ours, theirs):
    """Two records: only the fields that differ."""
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return ours, theirs
    names = [n for n in {**ours, **theirs} if ours.get(n) != theirs.get(n)]
    return {n: ours.get(n) for n in names}, {n: theirs.get(n) for n in names}


class History:
    def __init__(self, first):
        self.seed = first["seed"]
        self.chain = chain.Chain(first)
        self.blocks = self.txs = self.refused = 0
        self.codes = {}
        self.sent = []  # numbers of all transactions in blocks

    def block(self, line):
        self.sent += [tx["sent"] for tx in line["txs"] if "sent" in tx]
        try:
            said = self.chain.block(line)
        except Exception as fault:  # the model itself fell over: that is a difference, too
            raise Difference(f"height {line['block']}: the model fails: {fault!r}", []) from fault
        height = line["block"]
        self.blocks += 1
        self.compare_codes(height, line, said["codes"])
        self.compare_verify(height, line, said["verify"])
        theirs = sorted((key, power) for key, power in line["updates"])
        if sorted(said["updates"]) != theirs:
            raise Difference(f"height {height}: validator updates",
                             [("updates", theirs, sorted(said["updates"]))])
        self.compare_changes(height, line)

    def compare_codes(self, height, line, codes):
        wrong = []
        for i, (tx, code) in enumerate(zip(line["txs"], codes)):
            if tx.get("system"):
                continue
            self.txs += 1
            self.refused += tx["code"] != 0
            self.codes[tx["code"]] = self.codes.get(tx["code"], 0) + 1
            if tx["code"] != code:
                kinds = ", ".join(m["@type"].rsplit(".", 1)[1] for m in tx["messages"])
                wrong.append((f"tx {i} ({kinds}) of {tx['signer']}, falsified {tx['falsified']}",
                              f"{tx['code']} {NAMES.get(tx['code'])}: {tx['log']}",
                              f"{code} {NAMES.get(code)}"))
        if wrong:
            raise Difference(f"height {height}: codes", wrong)

    @staticmethod
    def compare_verify(height, line, verify):
        theirs = []
        for e in line["verify"]:
            verdict = e["verdict"]
            theirs.append((int(e["session"]), fields.data(e["sid"]), fields.address(e["servicer"]),
                           {"VERDICT_PAID": 1, "VERDICT_UNPROVED": 2, "VERDICT_ERROR": 3}[verdict],
                           int(e["settled_cu"]), int(e["score_ppm"]), int(e["reward_uvipr"])))
        if theirs == verify:
            return
        items = [("number of entries", len(theirs), len(verify))]
        items += [(f"entry {i}", show(a), show(b)) for i, (a, b) in enumerate(zip(theirs, verify))
                  if a != b]
        raise Difference(f"height {height}: Verify entries", items)

    def compare_changes(self, height, line):
        old = self.chain.state.touched
        ours = self.chain.state.changes()
        if line["changes"] is None:
            return
        mine = {(store, key.hex()): value for store, key, value in ours}
        theirs = {(store, key): value for store, key, value in line["changes"]}
        if len(mine) == len(theirs) and all(
                at in theirs and theirs[at] == (value.hex() if value is not None else None)
                for at, value in mine.items()):
            return
        items = []
        for store, key in sorted(set(mine) | set(theirs)):
            a, b = theirs.get((store, key), "as before"), mine.get((store, key), "as before")
            b = b.hex() if isinstance(b, bytes) else b
            if a == b:
                continue
            raw = bytes.fromhex(key)
            kind = state.KINDS[store].get(chr(raw[0]), "?") if raw[0] else "schema"
            if a == "as before" and (before := old.get((store, raw))) is not None:
                a = state.pack(store, raw, before).hex()
            a, b = differing(self.read(store, raw, a), self.read(store, raw, b))
            items.append((f"{store} {chr(raw[0])} {raw[1:].hex()} ({kind})", a, b))
        raise Difference(f"height {height}: state", items)

    @staticmethod
    def read(store, key, value):
        if value is None:
            return "deleted"
        if value == "as before":
            return value
        return state.unpack(store, key, bytes.fromhex(value))

    def check_hash(self, height, wanted):
        ours = self.chain.app_hash()
        if ours != wanted:
            raise Difference(f"height {height}: app hash", [("app hash", wanted, ours)])


def show(entry):
    return "(" + ", ".join(v.hex() if isinstance(v, bytes) else str(v) for v in entry) + ")"


class Oracle:
    def __init__(self, hash_every=0):
        self.hash_every = hash_every
        self.history = None
        self.histories = self.blocks = self.txs = self.refused = 0
        self.codes = {}
        self.reached = collections.Counter()

    def line(self, line):
        if "history" in line:
            self.history = History(line)
        elif "block" in line:
            self.history.block(line)
            if self.hash_every and line["block"] % self.hash_every == 0:
                self.history.check_hash(line["block"], line["app_hash"])
        elif "end" in line:
            self.history.check_hash(line["end"]["height"], line["end"]["app_hash"])
            self.done()

    def done(self):
        h = self.history
        self.histories += 1
        self.blocks, self.txs = self.blocks + h.blocks, self.txs + h.txs
        self.refused += h.refused
        self.reached += h.chain.reached
        for code, count in h.codes.items():
            self.codes[code] = self.codes.get(code, 0) + count
        self.history = None

    def read(self, stream):
        """None, or the difference as text."""
        self.history = None
        for text in stream:
            try:
                self.line(json.loads(text))
            except Difference as d:
                return f"seed {self.history.seed}, {d}"
        return None if self.history is None else f"seed {self.history.seed}: {NO_END}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", nargs="+")
    parser.add_argument("--hash-every", type=int, default=0, metavar="BLOCKS")
    args = parser.parse_args()
    oracle, start = Oracle(args.hash_every), time.time()
    for name in args.record:
        with sys.stdin if name == "-" else open(name, encoding="utf-8") as stream:
            wrong = oracle.read(stream)
        if wrong:
            print(f"{name}: {wrong}")
            sys.exit(1)
    spent = time.time() - start
    codes = " ".join(f"{NAMES[c]}={n}" for c, n in sorted(oracle.codes.items()))
    print(f"histories={oracle.histories} blocks={oracle.blocks} txs={oracle.txs} "
          f"refused={oracle.refused} differences=0 seconds={spent:.1f} "
          f"tx/s={oracle.txs / spent:.0f}")
    print(codes)


if __name__ == "__main__":
    main()
