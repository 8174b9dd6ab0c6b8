"""The servicers' segments against the trees on the chain, acknowledgements against both.

Segments are deleted when their session is settled: a second name of each file keeps it."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy"), os.path.join(ROOT, "tests", "model")]
import rules as R  # noqa: E402

HEADER, LEAF, LEAF_KIND = 64, 236, 3


def crc32c_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def read_segment(path):
    """(session, servicer, [leaf]) up to the first record that is not whole."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:8] != b"VPRLEAF1" or crc32c(data[:60]) != int.from_bytes(data[60:64], "big"):
        raise ValueError(f"{path}: no segment")
    session, servicer = int.from_bytes(data[8:16], "big"), data[16:36]
    leaves, at = [], HEADER
    while at + 9 <= len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        record = data[at + 8:at + 8 + size]
        if (size < 1 or len(record) != size
                or crc32c(record) != int.from_bytes(data[at + 4:at + 8], "big")):
            break
        if record[0] == LEAF_KIND:
            if size != 1 + LEAF:
                raise ValueError(f"{path}: a leaf of {size - 1} bytes at {at}")
            leaves.append(record[1:])
        at += 8 + size
    return session, servicer, leaves


def node(leaf):
    return R.H("leaf", leaf), int.from_bytes(leaf[100:108], "big")


def tree(leaves):
    """(root hex, sum, count) of one sid's leaves."""
    ordered = sorted(leaves, key=lambda leaf: leaf[52:92])  # client key, seq
    root, total = R.tree_root([node(leaf) for leaf in ordered])
    return root.hex(), total, len(ordered)


class Keeper:
    """Second names for every segment that was ever seen, in a folder of ours."""

    def __init__(self, net, servicers):
        self.folder = net.home("kept")
        self.sources = [(i, os.path.join(net.home(f"relay{i}"), "leaves")) for i in servicers]
        os.makedirs(self.folder, exist_ok=True)

    def look(self):
        for i, source in self.sources:
            try:
                names = os.listdir(source)
            except FileNotFoundError:
                continue
            for name in filter(lambda n: n.endswith(".leaves"), names):
                kept = os.path.join(self.folder, f"relay{i}-{name}")
                if not os.path.exists(kept):
                    try:
                        os.link(os.path.join(source, name), kept)
                    except FileNotFoundError:
                        continue

    def leaves(self):
        """{(session, sid, servicer): [leaf]}"""
        out = {}
        for name in sorted(os.listdir(self.folder)):
            path = os.path.join(self.folder, name)
            if os.path.getsize(path) < HEADER:
                continue  # its relay was killed before the first record
            session, servicer, leaves = read_segment(path)
            for leaf in leaves:
                if leaf[32:52] != servicer:
                    raise ValueError(f"{path}: a leaf of another servicer")
                out.setdefault((session, leaf[:32], servicer), []).append(leaf)
        return out


def events(net, last):
    """(commits, verifies): {(session, sid, servicer): attributes}, the last one each."""
    found = {"commit": {}, "verify": {}}
    comet = net.comet()
    for height in range(1, last + 1):
        results = comet.call("block_results", {"height": str(height)})
        for event in (e for tx in results.get("txs_results") or []
                      for e in tx.get("events") or []):
            if event["type"] in found:
                a = {x["key"]: x["value"] for x in event["attributes"]}
                key = (int(a["session"]), bytes.fromhex(a["sid"]),
                       R.from_bech32(a["servicer"]))
                found[event["type"]][key] = a
    return found["commit"], found["verify"]


def check(leaves, commits, acks, last_session):
    """(sentences about what is wrong, trees that are right, acknowledged leaves in them)."""
    wrong, right = [], set()
    for key, mine in sorted(leaves.items()):
        session, sid, servicer = key
        if session > last_session:
            continue
        place = f"session {session} sid {sid.hex()[:12]} {R.to_bech32(servicer)}"
        if len({leaf[52:92] for leaf in mine}) != len(mine):
            wrong.append(f"{place}: a seq twice")
        a = commits.get(key)
        if a is None:
            wrong.append(f"{place}: {len(mine)} leaves and no Commit")
        elif (a["root"], int(a["sum"]), int(a["count"])) != tree(mine):
            wrong.append(f"{place}: committed {a['root'][:12]} {a['sum']} {a['count']}, on "
                         f"disk {tree(mine)}")
        else:
            right.add(key)
    wrong += [f"a Commit of session {k[0]} by {R.to_bech32(k[2])} without leaves"
              for k in commits if k not in leaves]
    sessions = {k[1]: k[0] for k in leaves}
    stored = {key: set(mine) for key, mine in leaves.items()}
    kept = 0
    for ack in acks:
        key = (sessions.get(ack.sid), ack.sid, ack.servicer)
        if key[0] is not None and key[0] > last_session:
            wrong.append(f"session {key[0]} had traffic and is not over")
        elif ack.leaf not in stored.get(key, ()):
            wrong.append(f"acknowledged and lost: {R.to_bech32(ack.servicer)} session {key[0]} "
                         f"seq {int.from_bytes(ack.leaf[84:92], 'big')}")
        elif key in right:
            kept += 1
    return wrong, len(right), kept
