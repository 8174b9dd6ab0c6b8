#!/usr/bin/env python3
"""An unmodified `cometbft light` verifies what viperd says of its state, and so do eighty lines
of Python that know only docs/protocol.md, 6.

    tests/net/light.py BUILD COMETBFT

A chain of one validator; a light client that trusts the hash of block 1 alone. Ends with
"N passed, N failed"; exit code 77 means skipped: no cometbft."""

import base64
import hashlib
import os
import shutil
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import genesis, net, procs, rpc  # noqa: E402

STORES = ("accounts", "actors", "beacon", "chains", "commits", "delegation", "governance",
          "params", "price", "reportcards", "scores", "sessions", "settlement", "validators")
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
EMPTY = bytes(32)
HEIGHTS = 4  # back from the newest but one; a node keeps eight for proofs


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def address_bytes(text):
    """The 20 bytes of viper1..., whose checksum viperd itself made."""
    bits = "".join(f"{CHARSET.index(c):05b}" for c in text.rsplit("1", 1)[1][:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, 160, 8))


# ---- the verifier ----

class Refused(ValueError):
    pass


def need(truth, why):
    if not truth:
        raise Refused(why)


def varint(data, at):
    value, shift = 0, 0
    while True:
        need(at < len(data) and shift < 64, "a number that does not end")
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """[(number, int or bytes)] of a protobuf message."""
    out, at = [], 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            need(at + value <= len(data), "a field longer than its message")
            value, at = data[at:at + value], at + value
        else:
            need(tag & 7 == 0, "a type of field that proofs do not have")
        out.append((tag >> 3, value))
    return out


def one(data, number, default=b""):
    found = [v for n, v in fields(data) if n == number]
    need(len(found) < 2, "a field that stands twice")
    need(not found or isinstance(found[0], type(default)), "a field of another type")
    return found[0] if found else default


def walk(proof, hashed_key):
    """(key, value, root, steps) of an ExistenceProof; a step is (our side, the other's hash),
    the root's first. Every hash operation must be the one of our tree."""
    key, value, leaf = one(proof, 1), one(proof, 2), one(proof, 3)
    need(key and value, "no key or no value")
    need([one(leaf, n, 0) for n in (1, 2, 3, 4)] == [1, int(hashed_key), 1, 1]
         and one(leaf, 5) == b"\0", "not the leaf of our tree")
    name = sha(key) if hashed_key else key
    at = sha(b"\0", bytes([len(name)]), name, b"\x20", sha(value))
    steps = []
    for step in (v for n, v in fields(proof) if n == 4):
        prefix, suffix = one(step, 2), one(step, 3)
        need(one(step, 1, 0) == 1 and prefix[:1] == b"\1", "not an inner node of our tree")
        need({len(prefix), len(suffix)} in ({1, 32}, {33, 0}), "not one child of 32 bytes")
        steps.append((0, suffix) if suffix else (1, prefix[1:]))
        at = sha(prefix, at, suffix)
    return key, value, at, steps[::-1]


def existence(proof, root, hashed_key=True):
    key, value, got, steps = walk(proof, hashed_key)
    need(got == root, "another root")
    if hashed_key:  # a key's place is the bits of its hash
        place = int.from_bytes(sha(key), "big")
        need(all(side == place >> 255 - i & 1 for i, (side, _) in enumerate(steps)),
             "not the place of this key")
    return key, value, steps


def nothing_beyond(steps, side):
    """From here down to the leaf there is no other key on `side`."""
    return all(ours == side or other == EMPTY for ours, other in steps)


def absence(proof, root, key):
    left, right = one(proof, 2), one(proof, 3)
    need(one(proof, 1) == key and (left or right), "another key, or neither neighbour")
    if left:
        near, _, left = existence(left, root)
        need(sha(near) < sha(key), "the left neighbour is not left of the key")
    if right:
        near, _, right = existence(right, root)
        need(sha(near) > sha(key), "the right neighbour is not right of the key")
    if left == b"" or right == b"":
        side = 0 if left == b"" else 1
        need(nothing_beyond(left or right, side), "the only neighbour is not the outermost")
        return
    common = 0
    while left[common] == right[common]:
        common += 1
    need((left[common][0], right[common][0]) == (0, 1), "the neighbours do not part")
    need(nothing_beyond(left[common + 1:], 1) and nothing_beyond(right[common + 1:], 0),
         "a key lies between the neighbours")


def state(ops, app_hash, store, key):
    """The value under `key`, or None, as two ICS-23 operations prove it."""
    need(len(ops) == 2 and ops[1]["type"] == "ics23:simple", "not two operations")
    name, root, _ = existence(one(base64.b64decode(ops[1]["data"]), 1), app_hash, False)
    need(name == store.encode() and len(root) == 32, "another store")
    (kind, proof), = fields(base64.b64decode(ops[0]["data"]))
    if kind == 2:
        absence(proof, root, key)
        return None
    got, value, _ = existence(proof, root)
    need(kind == 1 and got == key, "another key")
    return value


# ---- the network ----

class World:
    def __init__(self, build, cometbft, folder):
        self.net = net.Net(folder, build, cometbft, net.Ports(1, free=True))
        self.cometbft, self.folder = cometbft, folder
        self.node = self.light = None

    def start(self):
        self.net.prepare()
        self.net.start_chain()
        procs.wait_until("block 13, in session 1", lambda: self.net.height() >= 13, 60,
                         self.net.group)
        self.node = self.net.comet()
        trusted = self.node.call("commit", {"height": "1"})["signed_header"]["commit"]
        port, = net.free_ports(1)
        url = f"http://127.0.0.1:{self.net.ports['rpc0']}"
        self.net.start("light", [
            self.cometbft, "light", genesis.CHAIN_ID, "-p", url, "-w", url, "--height", "1",
            "--hash", trusted["block_id"]["hash"], "--laddr", f"tcp://127.0.0.1:{port}",
            "--home-dir", os.path.join(self.folder, "light")])
        self.light = rpc.JsonRpc("127.0.0.1", port, timeout=30.0)
        procs.wait_until("the light client", lambda: self.light.call("status"), 20,
                         self.net.group)

    def keys(self):
        """(store, key) of what a chain at work has in state."""
        a = self.net.actors
        out = [(store, b"\0") for store in STORES]
        for actor in [a.requestor, *a.servicers[:3], a.fishermen[0], a.validators[0]]:
            out.append(("accounts", b"a" + address_bytes(actor["owner"]["address"])))
            out.append(("actors", b"a" + address_bytes(actor["operator"]["address"])))
        return out + [("accounts", b"s"), ("beacon", b"b"), ("chains", b"c\0\1"),
                      ("chains", b"z\0\1"), ("params", b"p" + bytes(8)), ("params", b"i"),
                      ("sessions", b"s" + bytes(8)), ("sessions", b"c"), ("sessions", b"b")]


def ask(client, path, key, height):
    answer = client.call("abci_query", {"path": path, "data": key.hex(), "prove": True,
                                        "height": str(height)})["response"]
    return answer, base64.b64decode(answer.get("value") or "")


def check_light_verifies_every_store(w):
    """Through the light client: the value, of the key asked for, as the node itself says it."""
    changed = set()
    for store, key in w.keys():
        newest = w.net.height() - 1
        for height in (newest, newest - HEIGHTS // 2, newest - HEIGHTS):
            answer, value = ask(w.light, f"/store/{store}/key", key, height)
            assert value and answer.get("code", 0) == 0, (store, key, answer)
            assert int(answer["height"]) == height, (store, key, answer)
            want = b"x:" + sha(key).hex().upper().encode()
            assert base64.b64decode(answer["key"]) == want, (store, key, answer)
            assert value == ask(w.node, f"/store/{store}/key", key, height)[1], (store, key)
            changed.add((store, key, value))
    assert len(changed) > len(w.keys()), "no value differs between heights: nothing was compared"


def check_light_without_a_height(w):
    answer, value = ask(w.light, "/store/sessions/key", b"b", 0)
    height = int.from_bytes(value[:8], "big")
    assert height == int(answer["height"]) > 2, (answer, value.hex())


def check_light_sees_balances_as_rest_does(w):
    who = w.net.actors.faucet["address"]
    _, value = ask(w.light, "/store/accounts/key", b"a" + address_bytes(who), 0)
    balance = int(w.net.rest(f"/viper/v1/accounts/{who}")["account"]["balance_uvipr"])
    assert balance in [v for _, v in fields(value)], (balance, value.hex())


def refusal(call):
    try:
        call()
    except rpc.RpcError as error:
        return str(error)
    raise AssertionError("accepted")


def check_light_and_what_is_absent(w):
    """An absence has no proof that `light` could read: it says so, and takes nothing."""
    height = w.net.height() - 1
    for store in STORES:
        text = refusal(lambda s=store: ask(w.light, f"/store/{s}/key", b"zz", height))
        assert "no proof ops" in text, (store, text)
        answer, value = ask(w.node, f"/store/{store}/key", b"zz", height)
        assert answer.get("code", 0) == 0 and not value and not answer.get("proofOps"), answer
    text = refusal(lambda: ask(w.light, "/store/nosuch/key", b"a", height))
    assert "err response code: 25" in text, text
    text = refusal(lambda: ask(w.light, "/store/accounts/key", b"s", height + 1000))
    assert "err response code: 25" in text, text


def app_hash(w, height):
    """The application's hash of `height`, from the header after it, as `light` verified it."""
    header = w.light.call("commit", {"height": str(height + 1)})["signed_header"]["header"]
    return bytes.fromhex(header["app_hash"])


def check_ics23_existence(w):
    heights = set()
    for store, key in w.keys():
        newest = w.net.height() - 1
        for height in (newest - HEIGHTS, newest):
            heights.add(height)
            root = app_hash(w, height)
            answer, value = ask(w.node, f"/ics23/{store}/key", key, height)
            assert base64.b64decode(answer["key"]) == key and int(answer["height"]) == height
            ops = answer["proofOps"]["ops"]
            assert base64.b64decode(ops[0]["key"]) == key and ops[0]["type"] == "ics23:viper"
            assert base64.b64decode(ops[1]["key"]) == store.encode(), ops
            assert value and state(ops, root, store, key) == value, (store, key)
    assert len(heights) > 1, heights


def check_ics23_absence(w):
    """Absent keys left of all, right of all and between, in stores of one key and of many."""
    height, kinds = w.net.height() - 1, {}
    root = app_hash(w, height)
    for store in STORES:
        for i in range(24):
            key = b"absent" + bytes([i])
            answer, value = ask(w.node, f"/ics23/{store}/key", key, height)
            ops = answer["proofOps"]["ops"]
            assert not value and state(ops, root, store, key) is None, (store, key)
            (_, proof), = fields(base64.b64decode(ops[0]["data"]))
            sides = (bool(one(proof, 2)), bool(one(proof, 3)))
            kinds[sides] = kinds.get(sides, 0) + 1
    assert len(kinds) == 3 and min(kinds.values()) >= 3, kinds


def check_the_verifier_refuses(w):
    """Each altered bit of a proof, a proof of another key, root or store; so that a pass above
    means something."""
    height = w.net.height() - 1
    root = app_hash(w, height)
    present = ("accounts", b"s")
    before = app_hash(w, height - 1)
    absent = ("accounts", b"absent")
    # All at once: a node proves its last eight heights, and what follows takes its time.
    proofs = {place: ask(w.node, f"/ics23/{place[0]}/key", place[1], height)[0]["proofOps"]["ops"]
              for place in (present, absent)}
    accepted, tried = [], 0
    for (store, key), ops in proofs.items():
        for which in (0, 1):
            data = base64.b64decode(ops[which]["data"])
            for bit in range(0, len(data) * 8, 3):
                bad = bytearray(data)
                bad[bit // 8] ^= 1 << bit % 8
                changed = [dict(op) for op in ops]
                changed[which]["data"] = base64.b64encode(bytes(bad)).decode()
                tried += 1
                try:
                    state(changed, root, store, key)
                    accepted.append((key, which, bit))
                except ValueError:
                    pass
        for other in ((store, key, before), ("actors", key, root)):
            try:
                state(ops, other[2], other[0], other[1])
                accepted.append(other)
            except Refused:
                pass
    try:  # absence of a key that is there, shown by the neighbours of another
        state(proofs[absent], root, *present)
        accepted.append(present)
    except Refused:
        pass
    assert tried > 1000 and not accepted, (tried, accepted[:20])


CHECKS = [check_light_verifies_every_store, check_light_without_a_height,
          check_light_sees_balances_as_rest_does, check_light_and_what_is_absent,
          check_ics23_existence, check_ics23_absence, check_the_verifier_refuses]


def main():
    build, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    folder = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    world = World(build, cometbft, folder)
    passed = failed = 0
    try:
        world.start()
        for check in CHECKS:
            try:
                check(world)
                passed += 1
                print("ok  ", check.__name__, flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("FAIL", check.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
    except procs.Died as error:
        failed += 1
        print("FAIL", error)
    finally:
        world.net.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
