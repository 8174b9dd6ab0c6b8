"""The state that the model keeps: records under the keys of app/tx/keys.h.

Records are never changed in place: what is put is a new dict. So a transaction is undone, and
a block compared, by the old references."""

from bisect import bisect_right, insort

import codec

# store -> first byte of the key -> how its value is written: a message of state.proto, or
# "u64" (one or a tuple of them), or "raw".
KINDS = {
    "accounts": {"a": "Account", "s": "u64", "h": "u64", "n": "u64", "u": "u64", "q": "raw",
                 "c": "u64", "f": "u64"},
    "actors": {"a": "Actor", "o": "raw", "t": "Terms", "u": "raw", "s": "Slash"},
    "validators": {"c": "raw", "t": "u64", "s": "Signing", "m": "raw"},
    "beacon": {"b": "raw"},
    "chains": {"c": "Chain", "d": "ChainTerms", "z": "Zone", "y": "ZoneTerms"},
    "params": {"p": "Params", "i": "raw"},
    "price": {"p": "u64", "v": "u64", "m": "u64"},
    "scores": {"s": "Score", "m": "ScoreSum", "n": "Standing"},
    "sessions": {"s": "Session", "c": "u64", "b": "u64", "o": "u64", "x": "raw"},
    "commits": {"b": "Bench", "c": "Commit", "d": "raw", "p": "SamplesProved", "i": "u64"},
    "reportcards": {"s": "Seal", "f": "raw", "r": "CardRecord"},
    "delegation": {"p": "DelegationPool", "d": "Delegation", "i": "raw", "e": "Unbonding",
                   "q": "raw", "n": "u64"},
    "governance": {"p": "Proposal", "n": "u64", "o": "raw", "v": "VoteRecord", "s": "u64",
                   "x": "raw", "u": "Upgrade", "a": "u64", "b": "u64"},
    "settlement": {},
}
# Kept by version: the last 8 bytes of the key are the session it counts from.
VERSIONED = {("actors", 116), ("chains", 100), ("chains", 121), ("params", 112),
             ("price", 112), ("scores", 115)}


def u64(n):
    return n.to_bytes(8, "big")


def u16(n):
    return n.to_bytes(2, "big")


def pack(store, key, value):
    kind = KINDS[store][chr(key[0])] if key != b"\x00" else "raw"
    if kind == "raw":
        return value
    if kind == "u64":
        return b"".join(map(u64, value)) if isinstance(value, tuple) else u64(value)
    return codec.encode(kind, value)


def unpack(store, key, data):
    """What a value says, for people."""
    kind = KINDS[store].get(chr(key[0]), "raw")
    if data is None or kind == "raw":
        return data.hex() if data else data
    if kind == "u64":
        return tuple(int.from_bytes(data[i:i + 8], "big") for i in range(0, len(data), 8))
    return codec.decode(kind, data)


class State:
    def __init__(self):
        self.stores = {name: {} for name in KINDS}
        self.versions = {}   # (store, key without its session) -> sessions, ascending
        self.undo = None     # of the transaction: [(store, key, old)]
        self.touched = {}    # of the block: (store, key) -> old

    def get(self, store, key):
        return self.stores[store].get(key)

    def put(self, store, key, value):
        table = self.stores[store]
        old = table.get(key)
        if self.undo is not None:
            self.undo.append((store, key, old))
        self.touched.setdefault((store, key), old)
        self._set(store, table, key, old, value)

    def delete(self, store, key):
        self.put(store, key, None)

    def _set(self, store, table, key, old, value):
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
        if (old is None) != (value is None) and (store, key[0]) in VERSIONED:
            sessions = self.versions.setdefault((store, key[:-8]), [])
            session = int.from_bytes(key[-8:], "big")
            if value is None:
                sessions.remove(session)
            else:
                insort(sessions, session)

    def begin(self):
        self.undo = []

    def keep(self):
        self.undo = None

    def back(self):
        undo, self.undo = self.undo, None
        for store, key, old in reversed(undo):
            table = self.stores[store]
            self._set(store, table, key, table.get(key), old)

    def newest(self, store, base, session=None):
        """(session it counts from, record) of the newest version <= session; without one the
        newest of all, pending included; (None, None) if there is none."""
        sessions = self.versions.get((store, base), ())
        i = len(sessions) if session is None else bisect_right(sessions, session)
        if not i:
            return None, None
        return sessions[i - 1], self.stores[store][base + u64(sessions[i - 1])]

    def under(self, store, prefix):
        """Keys that begin so, ascending."""
        return sorted(k for k in self.stores[store] if k.startswith(prefix))

    def changes(self):
        """[(store, key, packed value or None)] since the last call, ascending."""
        out = []
        for (store, key), old in self.touched.items():
            value = self.stores[store].get(key)
            if value == old:
                continue
            out.append((store, key, None if value is None else pack(store, key, value)))
        self.touched = {}
        return sorted(out, key=lambda c: c[:2])
