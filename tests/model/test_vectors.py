#!/usr/bin/env python3
"""The model against the golden vectors: every group, every case; documents in JSON against the
SDK's; verdicts of entries, by hand; the golden genesis with the blocks after it, by app hash."""

import base64
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import amino  # noqa: E402
import codec  # noqa: E402
import curve  # noqa: E402
import oracle  # noqa: E402
import rules as R  # noqa: E402

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
PATH = os.path.join(GOLDEN, "protocol.json")
passed = failed = 0


def expect(ident, got, want):
    global passed, failed
    if got == want:
        passed += 1
    else:
        failed += 1
        print(f"{ident}: got {got}, want {want}")


def label(text):
    """o7: an address; #seed: 32 bytes; else hex."""
    if text.startswith("#"):
        return hashlib.sha256(text[1:].encode()).digest()
    return hashlib.sha256(text.encode()).digest()[:20]


def rows(table):
    for row in table["rows"]:
        yield dict(zip(table["columns"], row))


def part(p):
    (kind, value), = p.items()
    if kind == "int":
        return int(value)
    if kind == "fixed":
        return bytes.fromhex(value)
    if kind == "var":
        return ("var", bytes.fromhex(value))
    return (kind, int(value))


def flat(parts):
    for p in parts:
        if "list" in p:
            yield ("u32", len(p["list"]))
            for item in p["list"]:
                yield from flat(item if isinstance(item, list) else [item])
        else:
            yield part(p)


def hashes(d):
    for c in d["H"]:
        expect(c["id"], R.H(c["tag"], *flat(c["parts"])).hex(), c["hash"])
    for c in d["addresses"]["good"]:
        key = bytes.fromhex(c["key"])
        if c["type"] == "ed25519":
            expect(c["id"], hashlib.sha256(key).digest()[:20].hex(), c["address"])
        address = bytes.fromhex(c["address"])
        for prefix, field in (("viper", "viper"), ("vipervaloper", "valoper"),
                              ("vipervalcons", "valcons")):
            if field in c:
                expect(c["id"], R.to_bech32(address, prefix), c[field])
                expect(c["id"], R.from_bech32(c[field], prefix), address)
    for c in d["addresses"]["refused"]:
        try:
            R.from_bech32(c["text"])
            expect(c["id"], "accepted", "refused")
        except ValueError:
            expect(c["id"], 0, 0)


def sessions(d):
    b = d["beacon"]
    now = R.beacon_genesis(b["chain_id"])
    expect("beacon-genesis", now.hex(), b["B_0"])
    ends = {"v0": bytes.fromhex(b["end_v0"]), "v1": bytes.fromhex(b["end_v1"])}
    for s in b["steps"]:
        pre = bytes.fromhex(s["preimage"]) if s["preimage"] else None
        now, end = R.beacon_step(now, label(s["proposer"]), ends.get(s["proposer"]), pre)
        ends[s["proposer"]] = end
        expect(s["id"], now.hex(), s["B"])
    for c in d["sid"]:
        sid = R.sid(c["chain_id"], c["s"], label(c["requestor"]), c["chain"], c["zone"])
        expect(c["id"], sid.hex(), c["sid"])
        expect(c["id"], R.draw_key(sid, label(c["seed"])).hex(), c["key"])
    for r in rows(d["weight"]):
        expect(r["id"], R.weight(int(r["own"]), int(r["delegated"]), r["score"],
                                 r["score_floor"]), int(r["weight"]))
    for group, tag in (("servicer_draw", "slot"), ("fishermen_draw", "fish")):
        for c in d[group]:
            names = {}
            if "gen" in c:
                listed = [(f"o{i}", f"s{i}", 15000 * (100000 + i * 7919 % 900001))
                          for i in range(c["gen"])]
            else:
                listed = c["members"]
            members = []
            for owner, ident, w in listed:
                names[label(ident)] = ident
                members.append((label(owner), label(ident), int(w)))
            out = {label(o) for o in c["excluded"]}
            for x in c["draws"]:
                got = R.draw(tag, label(x["key"]), c["n"], members, out)
                expect(c["id"], [names[g] for g in got], x["drawn"])


def relays(d):
    parts = {}
    for c in d["signed"]:
        kind = c["id"].split("-")[1]
        if kind == "token":
            got = R.H("token", bytes.fromhex(c["sid"]), bytes.fromhex(c["client_key"]))
        elif kind == "request":
            req = R.h_req(c["method"], c["path"], bytes.fromhex(c["body"]))
            raw = R.request_part(bytes.fromhex(c["sid"]), bytes.fromhex(c["servicer"]),
                                 bytes.fromhex(c["client_key"]), int(c["seq"]),
                                 int(c["cum_cu"]), int(c["cu"]), req)
            parts[c["id"]] = raw
            got = R.H("request", raw)
        elif kind == "receipt":
            got = R.H("receipt", R.H("request-part", parts[c["request"]]),
                      ("u16", c["status"]), R.h_res(c["status"], bytes.fromhex(c["body"])))
        elif kind == "refusal":
            got = R.H("refusal", R.H("request-part", parts[c["request"]]),
                      ("u16", c["reason"]))
        else:
            got = R.H("shadow", bytes.fromhex(c["sid"]), bytes.fromhex(c["servicer"]),
                      ("var", c["method"].encode()), ("var", c["path"].encode()),
                      ("var", bytes.fromhex(c["body"])), int(c["nonce"]))
        expect(c["id"], got.hex(), c["hash"])
    for c in d["sum_tree"]:
        leaves = [(hashlib.sha256(f"leaf-{i}".encode()).digest(), i * 37 % 100 + 1)
                  for i in range(c["leaves"])]
        root, total = R.tree_root(leaves)
        expect(c["id"], (root.hex(), total), (c["root"], c["sum"]))
        for b in c["branches"]:
            got = [[h.hex(), s] for h, s in R.tree_branch(leaves, b["index"])]
            expect(c["id"], got, b["siblings"])
            expect(c["id"], sum(s for _, s in leaves[:b["index"]]), b["before"])
    for c in d["prove_position"]:
        got = R.positions(label(c["challenge"]), label(c["servicer"]),
                          [int(g) for g in c["gross"]], [int(s) for s in c["sum"]],
                          len(c["positions"]))
        expect(c["id"], got, [(e, int(p)) for e, p in c["positions"]])
    for c in d["card"]["cards"]:
        samples = c.get("samples", [])
        leaves = [(R.H("sample", bytes.fromhex(s["bytes"])), s["sum"]) for s in samples]
        expect(c["id"], [h.hex() for h, _ in leaves], [s["leaf"] for s in samples])
        root, answered = R.tree_root(leaves)
        expect(c["id"], (root.hex(), answered), (c["root"], c["root_sum"]))
        lines = [(label(line[0]), *line[1:]) for line in c["lines"]]
        expect(c["id"], R.card_seal(label(c["salt"]), label(c["sid"]), label(c["fisherman"]),
                                    lines, root).hex(), c["seal"])
        for o in c["opened"]:
            at = R.card_position(label(o["challenge"]), label(c["sid"]), label(c["fisherman"]),
                                 o["i"], len(leaves))
            expect(c["id"], at, o["position"])
            expect(c["id"], [[h.hex(), s] for h, s in R.tree_branch(leaves, at)],
                   o["siblings"])
    for r in rows(d["card"]["positions"]):
        expect(r["id"], R.card_position(label(r["challenge"]), label(r["sid"]),
                                        label(r["fisherman"]), r["i"], r["sum_of_sent"]),
               r["position"])


def scores(d):
    s = d["score"]
    for r in rows(s["line"]):
        full = R.full_use(r["settled_cu"], r["quota"])
        expect(r["id"], full, r["full"])
        expect(r["id"], R.line_score(r["sent"], r["refused"], r["answered"], r["checked"],
                                     r["correct"], r["p90"], full, r["target_ms"], r["max_ms"],
                                     r["weight_latency"], r["min_samples"]), r["score"])
    for r in rows(s["session"]):
        expect(r["id"], R.median(r["counting_line_scores"], r["k"]), r["median"])
    for r in rows(s["running"]):
        expect(r["id"], R.running(r["old"], [(m, int(w)) for m, w in r["median_and_weight"]],
                                  r["alpha"]), r["new"])
    for r in rows(s["card_factor"]):
        expect(r["id"], R.card_factor(r["median_and_line_score"], r["card_tolerance"]),
               r["factor"])


def money(d):
    for r in rows(d["pay"]["split"]):
        got = R.split(int(r["gross"]), r["score"], r["k"], r["factors_of_paid_cards"],
                      r["ppm_servicer_fishermen_validator_chain_dao"])
        want = {k: int(r[k]) for k in ("servicer", "validator", "chain", "dao", "not_minted")}
        want["fishermen"] = [int(f) for f in r["fishermen"]]
        expect(r["id"], got, want)
    for r in rows(d["pay"]["reward"]):
        expect(r["id"], R.reward(int(r["R"]), int(r["own"]), int(r["delegated"]),
                                 r["commission"]),
               (int(r["to_owner"]), int(r["to_delegators"])))
    for r in rows(d["pay"]["gross"]):
        expect(r["id"], R.gross(int(r["cu"]), int(r["budget"]), int(r["allowance"]),
                                r["chain_multiplier"], r["zone_multiplier"]), int(r["gross"]))
    for r in rows(d["throughput"]):
        usd = R.usd(int(r["stake"]), r["price"])
        b = R.budget(int(r["stake"]), r["requestor_yield"], r["session_blocks"])
        a = R.allowance(usd, r["cu_per_usd"], r["session_blocks"], b, r["cu_price_min"])
        expect(r["id"], (usd, b, a, R.quota(a, r["share"], r["n"])),
               tuple(int(r[k]) for k in ("usd", "budget", "allowance", "quota")))
    for r in rows(d["price"]["median"]):
        got = R.price_median([(p, int(s)) for p, s in r["votes_price_stake"]],
                             int(r["set_stake"]))
        expect(r["id"], got, r["median_or_null"])
        expect(r["id"], r["old_price"] if got is None else R.price_clamp(r["old_price"], got),
               r["next_price"])
    for r in rows(d["price"]["clamp"]):
        expect(r["id"], R.price_clamp(r["old"], r["median"]), r["new"])
    for r in rows(d["price"]["stake_price"]):
        expect(r["id"], R.price_for_stake(r["prices_by_session_running_last"], r["pending"],
                                          r["newest_median"]), r["price_for_a_stake"])


def signed_json(case):
    """A golden transaction as tests/driver/RECORD.md writes one."""
    envelope, _ = codec.load("cosmos/tx/v1beta1/tx.proto", "cosmos/base/v1beta1/coin.proto",
                             "cosmos/crypto/secp256k1/keys.proto")
    envelope["Any"] = [(1, False, "string", "type_url"), (2, False, "bytes", "value")]

    def opened(name, data):
        return codec.decode(name, data, envelope)
    raw = opened("TxRaw", base64.b64decode(case["tx"]))
    body, auth = opened("TxBody", raw["body_bytes"]), opened("AuthInfo", raw["auth_info_bytes"])
    found = []
    for message in body["messages"]:
        _, package, version, name = message["type_url"].split(".")
        folder = f"cosmos/{package}/{version}/"
        file = {"bank": "bank", "gov": "tx"}.get(package, package)
        schemas, _ = codec.load(folder + file + ".proto", "cosmos/base/v1beta1/coin.proto")
        found.append(dict(codec.decode(name, message["value"], schemas),
                          **{"@type": message["type_url"]}))
    coins, signer = auth["fee"]["amount"], auth["signer_infos"][0]
    return {"messages": found, "memo": body["memo"], "timeout_height": body["timeout_height"],
            "sequence": signer["sequence"], "gas_limit": auth["fee"]["gas_limit"],
            "fee": coins[0]["amount"] if coins else 0,  # as text, so that a coin of 0 stays one
            "key": opened("PubKey", signer["public_key"]["value"])["key"].hex(),
            "key_type": "secp256k1", "signature": raw["signatures"][0].hex()}


def amino_documents():
    """Every document is the one that the Cosmos SDK makes, and signed; bent it is not."""
    with open(os.path.join(GOLDEN, "amino.json"), encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    for case in cases:
        tx, number = signed_json(case), int(case["account_number"])
        expect(case["name"], amino.document(tx, case["chain_id"], number).decode(),
               case["document"])
        expect(case["name"] + " signed", amino.signed(tx, case["chain_id"], number), True)
        expect(case["name"] + " bent", amino.signed(tx, case["chain_id"], number ^ 1), False)


def edge_signatures():
    """What libsodium said when the file was made; the model asks the libsodium of today."""
    with open(os.path.join(GOLDEN, "ed25519.json"), encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    for c in cases:
        key, message, signature = (bytes.fromhex(c[n]) for n in ("key", "message", "signature"))
        expect(c["id"], curve.verifies(key, message, signature), c["accepted"])
        expect(c["id"] + " key", curve.usable(key), c["key_ok"])


def golden_chain():
    with open(os.path.join(GOLDEN, "genesis.json"), encoding="utf-8") as f:
        file = json.load(f)
    return file["app_state"], oracle.chain.Chain({
        "chain_id": file["chain_id"], "initial_height": 1, "genesis_time_s": 1767225600,
        "app_state": file["app_state"]})


SID, SERVICER, FISHERMEN = b"s" * 32, label("servicer"), (label("f1"), label("f2"))
AT = bytes(8) + SID


def proved_entry():
    """A chain in which the only entry of a sid may be settled: 500 of 1,000 CU, for 10 VIPR."""
    _, model = golden_chain()
    model.proposer, model.room, model.full = bytes(20), model.supply_room(), False
    put, new = model.state.put, codec.new
    for ident in (SERVICER, *FISHERMEN):
        put("actors", b"a" + ident, new("Actor", owner=label("owner"), status=1))
    put("commits", b"b" + AT, new(
        "Bench", requestor=label("r"), chain=1, zone=1, allowance_cu=1000, budget=20 * 10**6,
        share_ppm=10**6, quota_cu=1000, committed=1, servicers=(new("BenchSeat", id=SERVICER),),
        fishermen=tuple(new("BenchSeat", id=f) for f in FISHERMEN)))
    put("commits", b"c" + AT + SERVICER, new(
        "Commit", sum=500, count=1, tails_proved=True, tails_cu=600))
    put("commits", b"p" + bytes(8) + SERVICER, new("SamplesProved", bits=3))
    put("reportcards", b"r" + AT + FISHERMEN[0], new("CardRecord", lines=(
        new("LineRecord", servicer=SERVICER, sent=9, answered=9),)))
    return model


def without(store, key):
    return lambda model: model.state.delete(store, key)


def unpriced(model):
    """10^6 x 2^64 / 1: beyond 64 bits."""
    bench = model.state.get("commits", b"b" + AT)
    model.state.put("commits", b"b" + AT, dict(bench, allowance_cu=1, budget=2**64 - 1))


def scored(ppm):
    key = b"s" + SERVICER + bytes((0, 1, 0, 1)) + bytes(8)
    return lambda model: model.state.put("scores", key, codec.new("Score", ppm=ppm))


def verdicts():
    """Nothing leads to an error (docs/protocol.md, 9.7), so its causes are made by hand."""
    paid = (1, 500, 300000, 2100000)  # 10 VIPR x 0.7 x the score that everybody begins with
    error = (3, 0, 0, 0)
    for name, change, want in (
            ("as it is", lambda model: None, paid),
            ("score 1", scored(10**6), (1, 500, 10**6, 7000000)),
            ("score above 1", scored(10**6 + 1), error),
            ("no terms of the chain", without("chains", b"d\x00\x01" + bytes(8)), error),
            ("no terms of the zone", without("chains", b"y\x00\x01" + bytes(8)), error),
            ("gross of 2^64", unpriced, error),
            ("no record of the servicer", without("actors", b"a" + SERVICER), error),
            ("none of a fisherman with a card", without("actors", b"a" + FISHERMEN[0]), error),
            ("none of one without", without("actors", b"a" + FISHERMEN[1]), paid),
            ("not proved", without("commits", b"p" + bytes(8) + SERVICER), (2, 0, 0, 0))):
        model = proved_entry()
        before = model.state.get("accounts", b"s")
        change(model)
        expect("verdict, " + name, model.verify(0, SID, SERVICER), (0, SID, SERVICER, *want))
        expect("minted, " + name, model.state.get("accounts", b"s") != before, want[0] == 1)
        expect("sid gone, " + name, model.state.under("commits", b""), [b"\x00"])
    for room, pays in ((4100000, False), (4100001, True)):
        model = proved_entry()  # servicer 2.1, validator 0.5, chain 0.5, DAO 1, fishermen 0
        total = 2**62 - room
        model.state.put("accounts", b"s", (total, total, 0, 0))
        model.room = model.supply_room()
        expect(f"room {room}", model.verify(0, SID, SERVICER)[3:], paid)
        expect(f"room {room}", model.state.get("accounts", b"s")[2] > 0, pays)


def golden_blocks():
    """The model's own chain, from tests/golden/genesis.json on, has the pinned app hashes."""
    app_state, model = golden_chain()
    with open(os.path.join(GOLDEN, "genesis.txt"), encoding="utf-8") as f:
        pinned = dict(line.split() for line in f if not line.startswith("#"))
    links = [hashlib.sha256(b"viper golden beacon").digest()]
    while len(links) < 9:
        links.append(R.H("beacon-chain", links[-1]))
    expect("genesis", model.app_hash(), pinned["init"])
    key = base64.b64decode(app_state["validators"][0]["consensus_key"])
    links.pop()
    for height in range(1, 32):
        reveal = "" if height == 2 or not links else links.pop().hex()
        model.block({"block": height, "time_s": 1767225600 + height, "reveal": reveal,
                     "proposer": hashlib.sha256(key).digest()[:20].hex(),
                     "last_commit": [], "misbehavior": [], "txs": [{"system": True}]})
        if str(height) in pinned:
            expect(f"golden block {height}", model.app_hash(), pinned[str(height)])


with open(PATH, encoding="utf-8") as f:
    VECTORS = json.load(f)
for group in (hashes, sessions, relays, scores, money):
    group(VECTORS)
edge_signatures()
amino_documents()
verdicts()
golden_blocks()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
