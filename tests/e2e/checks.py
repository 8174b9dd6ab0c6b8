"""What the chain did with a session, recomputed by the Python model from public data alone.

Every function takes a Chronicle and a session number and returns a list of sentences: the
differences found. An empty list is a pass."""

import base64
import hashlib
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy"), os.path.join(ROOT, "tests", "model")]
import rules as R  # noqa: E402

SPLIT = ("servicer", "fishermen", "validator", "chain", "dao")


def raw(b64):
    return base64.b64decode(b64)


def differ(out, what, got, want):
    if got != want:
        out.append(f"{what}: the chain has {got}, the model {want}")


def draws(book, number):
    """sid, quota and the drawn lists of every pair of the requestor."""
    out = []
    chain_id = book.net.rest("/viper/v1/chain")["chain_id"]
    record, params = book.requestors[number], book.params[number]
    requestor = R.from_bech32(record["actor"]["id"])
    owner = R.from_bech32(record["actor"]["owner"])
    seed = raw(book.sessions[number]["seed"])
    blocks = int(book.sessions[number]["last"]) - int(book.sessions[number]["first"]) + 1
    budget = R.budget(int(record["actor"]["stake"]), int(params["requestor_yield"]), blocks)
    allowance = R.allowance(int(record["usd"]), int(params["cu_per_usd"]), blocks, budget,
                            int(params["cu_price_min"]))
    for pair in record["pairs"]:
        chain, zone = pair["chain"], pair["zone"]
        sid = R.sid(chain_id, number, requestor, chain, zone)
        differ(out, f"sid of {chain:04x}", raw(pair["sid"]).hex(), sid.hex())
        bench = book.benches[number, sid.hex()]
        pools = {k: [(R.from_bech32(m["owner"]), R.from_bech32(m["id"]), int(m["weight"]))
                     for m in book.pools[number, chain, zone, k]]
                 for k in ("KIND_SERVICER", "KIND_FISHERMAN")}
        key = R.draw_key(sid, seed)
        servicers = R.draw("slot", key, record["num_servicers"], pools["KIND_SERVICER"],
                           {owner})
        differ(out, f"servicers of {chain:04x}", [s["id"] for s in bench["servicers"]],
               [R.to_bech32(s) for s in sorted(servicers)])
        owners = {o for o, i, _ in pools["KIND_SERVICER"] if i in servicers} | {owner}
        fishermen = R.draw("fish", key, int(params["fishermen_per_session"]),
                           pools["KIND_FISHERMAN"], owners)
        differ(out, f"fishermen of {chain:04x}", [f["id"] for f in bench["fishermen"]],
               [R.to_bech32(f) for f in sorted(fishermen)])
        differ(out, f"quota of {chain:04x}", int(bench["quota_cu"]),
               R.quota(allowance, pair["share_ppm"], len(servicers)))
        differ(out, "allowance", int(bench["allowance_cu"]), allowance)
        differ(out, "budget", int(bench["budget_uvipr"]), budget)
    return out


def weights(book, number):
    """Every weight of a pool from stake and running score of that session."""
    out = []
    floor = int(book.params[number]["score_floor"])
    for (n, chain, zone, kind), members in book.pools.items():
        if n != number or kind != "KIND_SERVICER":
            continue
        for m in members:
            known = book.servicers[number, m["id"]]
            score = next((int(s["score_ppm"]) for s in known["scores"]
                          if (s["chain"], s["zone"]) == (chain, zone)), None)
            if score is None:
                out.append(f"{m['id']} has no score for chain {chain:04x}")
                continue
            differ(out, f"weight of {m['id']}", int(m["weight"]),
                   R.weight(int(known["stake"]), int(known["delegated"]), score, floor))
    return out


def window(book, number):
    """Blocks in which work of the session comes in: those of s+1 and s+2."""
    first = int(book.sessions[number]["last"]) + 1
    return first, int(book.sessions[number + 2]["last"])


def tails(book, number, sid, servicer):
    """Sum of cum_cu of the tails in the last MsgProve entry of a servicer for a sid."""
    total = 0
    first, last = window(book, number)
    for _, _, m in book.messages("/viper.v1.MsgProve", first, last):
        if m["operator"] != servicer or int(m["session"]) != number:
            continue
        for entry in m["entries"]:
            if raw(entry["sid"]).hex() == sid:
                total = sum(int.from_bytes(raw(t)[92:100], "big") for t in entry["tails"])
    return total


def cards(book, number, sid):
    """fisherman -> {servicer: line}"""
    out = {}
    first, last = window(book, number)
    for _, _, m in book.messages("/viper.v1.MsgReveal", first, last):
        for card in m["cards"] if int(m["session"]) == number else []:
            if raw(card["sid"]).hex() == sid:
                out[m["operator"]] = {
                    line["servicer"]: {k: int(v) for k, v in line.items() if k != "servicer"}
                    for line in card["lines"]}
    return out


class Sid:
    """One committed sid: medians and factors as the model sees them."""

    def __init__(self, book, number, bench, target, most):
        self.book, self.number, self.bench = book, number, bench
        self.params = {k: int(v) for k, v in book.params[number].items()}
        self.sid = raw(bench["sid"]).hex()
        self.cards = cards(book, number, self.sid)
        self.quota = int(bench["quota_cu"])
        self.target, self.most = target, most
        self.committed = {a["servicer"]: a for _, _, a in
                          book.of("commit", session=number, sid=self.sid)}
        self.settled = {s: min(int(a["sum"]), tails(book, number, self.sid, s), self.quota)
                        for s, a in self.committed.items()}
        paid = {a["servicer"] for _, _, a in book.of("verify", session=number, sid=self.sid,
                                                     verdict="paid")}
        self.settled = {s: cu for s, cu in self.settled.items() if s in paid}
        self.medians = {s["id"]: self.median(s["id"]) for s in bench["servicers"]}

    def line(self, fisherman, servicer):
        line = self.cards[fisherman][servicer]
        p = self.params
        return R.line_score(line["sent"], line["refused"], line["answered"], line["checked"],
                            line["correct"], line["p90_ms"],
                            R.full_use(self.settled.get(servicer, 0), self.quota),
                            self.target, self.most, p["weight_latency"], p["min_samples"])

    def median(self, servicer):
        lines = [self.line(f, servicer) for f in self.cards]
        return R.median([x for x in lines if x is not None], len(self.bench["fishermen"]))

    def factors(self):
        judged = {s: m for s, m in self.medians.items() if m is not None}
        if not judged or len(self.bench["fishermen"]) < 2:
            return {}
        return {f: R.card_factor([(m, self.line(f, s) or 0) for s, m in judged.items()],
                                 self.params["card_tolerance"]) for f in self.cards}


def payments(book, number):
    """Paid = volume x quality: every Verify event of the session, to the unit."""
    out, seen = [], 0
    chains = {c["id"]: c for c in book.net.rest("/viper/v1/chains")["chains"]}
    for (n, _), bench in sorted(book.benches.items()):
        if n != number:
            continue
        chain = chains[bench["chain"]]
        of = Sid(book, number, bench, int(chain["latency_target_ms"]),
                 int(chain["latency_max_ms"]))
        factors = of.factors()
        for height, tx, a in book.of("verify", session=number, sid=of.sid):
            seen += 1
            out += entry(book, of, factors, height, tx, a)
        got = {a["servicer"] for _, _, a in book.of("verify", session=number, sid=of.sid)}
        differ(out, "verified servicers", got, set(of.committed))
    if not seen:
        out.append("no Verify event at all")
    return out


def entry(book, of, factors, height, tx, a):
    out, who = [], a["servicer"]
    p = of.params
    place = f"session {of.number} {who}"
    if tx != book.txs[height][0]:
        out.append(f"{place}: Verify does not stand in the system transaction of {height}")
    if a["verdict"] != "paid":
        differ(out, f"{place}: paid though {a['verdict']}", int(a["reward"]), 0)
        return out
    cu = of.settled[who]
    differ(out, f"{place}: settled cu", int(a["settled_cu"]), cu)
    score = of.medians[who]
    if score is None:
        known = book.servicers[of.number, who]["scores"]
        score = next(int(s["score_ppm"]) for s in known if s["chain"] == of.bench["chain"])
    differ(out, f"{place}: score", int(a["score_ppm"]), score)
    gross = R.gross(cu, int(of.bench["budget_uvipr"]), int(of.bench["allowance_cu"]),
                    R.PPM, R.PPM)
    differ(out, f"{place}: gross", int(a["gross"]), gross)
    k = len(of.bench["fishermen"])
    names = sorted(factors)
    parts = R.split(gross, score, k, [factors[f] for f in names],
                    [p[f"split_{s}"] for s in SPLIT])
    differ(out, f"{place}: reward", int(a["reward"]), parts["servicer"])
    rewards = {e["fisherman"]: int(e["reward"]) for _, _, e in book.of(
        "fisherman_reward", session=of.number, sid=of.sid, servicer=who)}
    differ(out, f"{place}: fishermen", {f: rewards.get(f, 0) for f in names},
           dict(zip(names, parts["fishermen"] or [0] * len(names))))
    minted = gross - parts["not_minted"]
    differ(out, f"{place}: minted", int(a["minted"]), minted)
    told = book.of("verify_split", session=of.number, sid=of.sid, servicer=who)
    if len(told) != 1:
        return out + [f"{place}: {len(told)} splits"]
    split = told[0][2]
    differ(out, f"{place}: split", [int(split[k]) for k in (
        "fishermen", "validator", "chain_part", "dao")], [
            sum(parts["fishermen"]), parts["validator"], 0,
            parts["chain"] + parts["dao"]])  # no chain here has a partner
    differ(out, f"{place}: validator", split.get("validator_owner"),
           validators(book).get(book.proposers[height], {}).get("owner"))
    differ(out, f"{place}: partner", split.get("partner"), None)
    return out


def validators(book):
    """consensus address, as headers write it -> row"""
    rows = book.net.rest("/viper/v1/validators")["validators"]
    return {hashlib.sha256(raw(r["consensus_key"])).hexdigest()[:40].upper(): r for r in rows}


def pools_hold(book, height_now):
    """Validators' owners and the DAO have their parts of Verify, yields and fees to the unit;
    None if a block came in between. Nobody delegates, and the set does not change."""
    rows = list(validators(book).values())
    bonded = sum(int(r["stake"]) for r in rows)
    out, want, dao, before = [], {r["owner"]: 0 for r in rows}, 0, 0
    for height, _, a in book.of("yield"):
        params = book.params[int(a["session"])]
        record = book.sessions[int(a["session"])]
        blocks = int(record["last"]) - int(record["first"]) + 1
        minted = bonded * int(params["validator_yield"]) * blocks // 10**12
        fees = sum(int(t["fee"].removesuffix("uvipr")) for h, _, t in book.of("tx")
                   if before <= h < height)
        differ(out, f"yield of session {a['session']}", int(a["minted"]), minted)
        differ(out, f"fees of session {a['session']}", int(a["fees"]), fees)
        shares = {r["owner"]: minted * int(r["stake"]) // bonded
                  + fees * int(r["stake"]) // bonded for r in rows}
        for owner, share in shares.items():
            want[owner] += share
        dao += minted + fees - sum(shares.values())
        before = height
    for _, _, a in book.of("verify_split"):
        want[a["validator_owner"]] += int(a["validator"])
        dao += int(a["dao"]) + int(a["chain_part"])
    want[R.to_bech32(hashlib.sha256(b"viper-pool-dao").digest()[:20])] = dao
    told = {address: int(book.net.rest(f"/viper/v1/accounts/{address}")["account"]
                         ["balance_uvipr"]) for address in want}
    book.follow()
    if book.net.height() != height_now:
        return None
    for address, amount in want.items():
        differ(out, f"balance of {address}", told[address], amount)
    return out


def owners_paid(book, height_now):
    """A servicer's owner does nothing but earn: its balance is the sum of its rewards."""
    out = []
    for s in book.net.actors.servicers:
        owner = s["owner"]["address"]
        told = int(book.net.rest(f"/viper/v1/accounts/{owner}")["account"]["balance_uvipr"])
        book.follow()
        if book.net.height() != height_now:
            return None  # a block came in between: ask again
        want = sum(int(a["reward"]) for _, _, a in book.of("verify", owner=owner))
        differ(out, f"balance of {owner}", told, want)
    return out


def scores_moved(book, number):
    """Score events of a session follow from its medians by the running mean, each from where
    the last one ended; every servicer with a median has one, nobody else."""
    out = []
    chains = {c["id"]: c for c in book.net.rest("/viper/v1/chains")["chains"]}
    alpha = int(book.params[number]["score_alpha"])
    for (n, _), bench in sorted(book.benches.items()):
        if n != number:
            continue
        chain = chains[bench["chain"]]
        of = Sid(book, number, bench, int(chain["latency_target_ms"]),
                 int(chain["latency_max_ms"]))
        share = next(p["share_ppm"] for p in book.requestors[number]["pairs"]
                     if p["chain"] == bench["chain"])
        name = f"{bench['chain']:04x}"
        moved = book.of("score", session=number, chain=name)
        differ(out, f"servicers whose score moved on {name}",
               sorted(a["servicer"] for _, _, a in moved),
               sorted(s for s, m in of.medians.items() if m is not None and of.committed))
        for height, _, a in moved:
            median = of.medians.get(a["servicer"])
            want = R.running(int(a["old_ppm"]), [] if median is None else
                             [(median, int(bench["budget_uvipr"]) * share)], alpha)
            differ(out, f"score of {a['servicer']}", int(a["score_ppm"]), want)
            before = [b for h, _, b in book.of("score", servicer=a["servicer"], chain=name)
                      if h < height]
            if before:
                differ(out, f"old score of {a['servicer']}", a["old_ppm"],
                       before[-1]["score_ppm"])
    return out
