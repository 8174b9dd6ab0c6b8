"""The work of a session: draws, Commit, Prove."""

import codec
import curve
import rules
from actors import FISHERMAN, REQUESTOR, SERVICER
from fields import data, who
from refusal import need
from state import u16, u64

U64 = 2**64 - 1


def split_point(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def climb(leaf, index, count, siblings):
    """(root, start of the leaf's interval) or None: the branch has not the shape."""
    sides = []
    while count > 1:
        k = split_point(count)
        sides.append(index >= k)
        if index < k:
            count = k
        else:
            index, count = index - k, count - k
    if len(siblings) != len(sides) or any(len(other) != 32 for other, _ in siblings):
        return None
    (node, total), start = leaf, 0
    for right, (other, more) in zip(reversed(sides), siblings):
        if total + more > U64 or len(other) != 32:
            return None
        if right:
            node, start = rules.H("node", other, more, node, total), start + more
        else:
            node = rules.H("node", node, total, other, more)
        total += more
    return (node, total), start


def siblings_of(m):
    return [(data(s["hash"]), int(s["sum"])) for s in m["siblings"]]


def distinct(names):
    names = list(names)
    need(len(set(names)) == len(names), "DUPLICATE")
    return names


def seated(seats, ident):
    return any(seat["id"] == ident for seat in seats)


class Request:
    """The 140 bytes of a request part."""

    def __init__(self, raw):
        self.raw = raw[:140]
        self.sid, self.servicer, self.client = raw[:32], raw[32:52], raw[52:84]
        self.seq, self.cum_cu, self.cu = (int.from_bytes(raw[i:i + 8], "big")
                                          for i in (84, 92, 100))

    def signed(self, signature):
        return curve.verifies(self.client, rules.H("request", self.raw), signature)


class Work:
    # ---- the draw ----

    def place(self, letter, ident, session):
        """The terms of a chain or zone for a session, None without any."""
        return self.state.newest("chains", letter + u16(ident), session)[1]

    def score(self, servicer, chain, zone, session):
        found = self.state.newest("scores", b"s" + servicer + u16(chain) + u16(zone), session)[1]
        return found["ppm"] if found else self.param("score_initial", session)

    def benched(self, servicer, chain, zone, session):
        found = self.state.newest("scores", b"s" + servicer + u16(chain) + u16(zone), session)[1]
        return found is not None and found["benched"]

    def members(self, kind, session, chain, zone):
        """[(owner, id, weight)]: who may be drawn for that place."""
        cached = self.pools.get((session, kind, chain, zone))
        if cached is not None:
            return cached
        out = []
        floor = self.param("score_floor", session)
        for ident, _actor in self.of_kind(kind):
            terms = self.terms(ident, session)
            if (terms is None or not terms["eligible"] or terms["zone"] != zone
                    or chain not in terms["chains"]):
                continue
            if kind == SERVICER:
                if self.benched(ident, chain, zone, session):
                    continue
                weight = rules.weight(terms["stake"], terms["delegated"],
                                      self.score(ident, chain, zone, session), floor)
            else:
                weight = terms["stake"] // 10**6
            out.append((terms["owner"], ident, weight))
        self.pools[session, kind, chain, zone] = out
        return out

    def bench(self, session, requestor, chain, zone):
        """What the first Commit of the sid would write; None: no session."""
        key = (session, requestor, chain, zone)
        if key not in self.benches:
            self.benches[key] = self.draw_bench(*key)
        return self.benches[key]

    def draw_bench(self, session, requestor, chain, zone):
        terms = self.terms(requestor, session)
        if terms is None or terms["kind"] != REQUESTOR or not terms["eligible"]:
            return None
        share = [p["share_ppm"] for p in terms["pairs"]
                 if p["chain"] == chain and p["zone"] == zone]
        places = self.place(b"d", chain, session), self.place(b"y", zone, session)
        if not share or not all(p and p["active"] for p in places):
            return None
        allowance, budget = self.throughput(terms, session)
        if not allowance:
            return None
        sid = self.sid(session, requestor, chain, zone)
        key = rules.draw_key(sid, self.session(session)["seed"])
        pool = self.members(SERVICER, session, chain, zone)
        servicers = rules.draw("slot", key, terms["num_servicers"], pool, {terms["owner"]})
        if not servicers:
            return None
        owner = {ident: own for own, ident, _ in pool}
        out = {terms["owner"]} | {owner[i] for i in servicers}
        pool = self.members(FISHERMAN, session, chain, zone)
        fishermen = rules.draw("fish", key, self.param("fishermen_per_session", session), pool,
                               out)
        owner.update((ident, own) for own, ident, _ in pool)

        def seats(ids):
            return tuple(codec.new("BenchSeat", id=i, owner=owner[i]) for i in sorted(ids))
        return codec.new(
            "Bench", requestor=requestor, chain=chain, zone=zone, allowance_cu=allowance,
            budget=budget, share_ppm=share[0], servicers=seats(servicers),
            fishermen=seats(fishermen),
            quota_cu=rules.quota(allowance, share[0], len(servicers)))

    def sid(self, session, requestor, chain, zone):
        return rules.sid(self.chain_id, session, requestor, chain, zone)

    def gross(self, bench, cu, session):
        chain, zone = (self.place(letter, bench[name], session)
                       for letter, name in ((b"d", "chain"), (b"y", "zone")))
        need(chain is not None, "NO_CHAIN")
        need(zone is not None, "NO_ZONE")
        need(cu * bench["budget"] // bench["allowance_cu"] <= U64, "OVERFLOW")
        return rules.gross(cu, bench["budget"], bench["allowance_cu"], chain["multiplier_ppm"],
                           zone["multiplier_ppm"])

    # ---- windows ----

    def commit_window(self, session):
        need(self.current == session + 1, "WRONG_WINDOW")

    def prove_window(self, session):
        """-> the challenge."""
        need(self.current == session + 2, "WRONG_WINDOW")
        opens = (self.session(self.current)["first"]
                 + self.param("challenge_delay", session))
        need(self.height >= opens, "WRONG_WINDOW")
        return self.session(session)["challenge"]

    # ---- Commit ----

    def sids_named(self, session, entries):
        """The sids of entries {requestor, chain, zone}, none twice."""
        return distinct(self.sid(session, who(e["requestor"]), e["chain"], e["zone"])
                        for e in entries)

    def apply_MsgCommit(self, m, signer):
        session = int(m["session"])
        servicer, _ = self.by_operator(signer, SERVICER)
        self.commit_window(session)
        for sid, e in zip(self.sids_named(session, m["entries"]), m["entries"]):
            self.commit_entry(session, servicer, e, sid)

    def commit_entry(self, session, servicer, e, sid):
        requestor = who(e["requestor"])
        total, count = int(e["sum"]), int(e["count"])
        bench = self.bench(session, requestor, e["chain"], e["zone"])
        need(bench is not None, "NO_SESSION")
        need(seated(bench["servicers"], servicer), "NOT_DRAWN")
        need(self.gross(bench, min(total, bench["quota_cu"]), session)
             >= self.param("claim_min", session), "CLAIM_TOO_SMALL")
        at = u64(session) + sid
        stored = self.state.get("commits", b"b" + at)
        if stored is None:
            self.state.put("commits", b"i" + sid, session)
            stored = bench
        if self.state.get("commits", b"c" + at + servicer) is None:
            self.state.put("commits", b"d" + u64(session) + servicer + sid, b"\x01")
            stored = dict(stored, committed=stored["committed"] + 1)
        self.state.put("commits", b"b" + at, stored)
        self.state.put("commits", b"c" + at + servicer,
                       codec.new("Commit", root=data(e["root"]), sum=total, count=count))

    # ---- Prove ----

    def token(self, m, sid, client, requestor, session):
        """The token of a client key, signed by the gateway key that it names."""
        raw = data(m["token"]) if m else b""
        need(len(raw) == 128 and raw[:32] == sid and raw[32:64] == client, "BAD_TOKEN")
        keys = self.terms(requestor, session)["gateway_keys"]
        need(m["gateway_key"] < len(keys), "BAD_TOKEN")
        need(curve.verifies(keys[m["gateway_key"]], rules.H("token", sid, client), raw[64:]),
             "BAD_TOKEN")

    def apply_MsgProve(self, m, signer):
        session = int(m["session"])
        servicer, _ = self.by_operator(signer, SERVICER)
        challenge = self.prove_window(session)
        distinct(data(e["sid"]) for e in m["entries"])
        for e in m["entries"]:
            self.prove_tails(session, servicer, e)
        if m["samples"]:
            asked = self.samples_asked(session, servicer, challenge)
            for s in m["samples"]:
                self.prove_sample(session, servicer, asked, s)

    def commit_of(self, session, sid, servicer):
        at = u64(session) + sid
        commit = self.state.get("commits", b"c" + at + servicer)
        need(commit is not None, "NOT_COMMITTED")
        return b"c" + at + servicer, commit, self.state.get("commits", b"b" + at)

    @staticmethod
    def token_for(tokens, at, client):
        """The first of that client key, from the tail's own place on and round."""
        for step in range(len(tokens)):
            m = tokens[(at + step) % len(tokens)]
            raw = data(m["token"])
            if len(raw) == 128 and raw[32:64] == client:
                return m
        return tokens[at]

    def prove_tails(self, session, servicer, e):
        sid = data(e["sid"])
        key, commit, bench = self.commit_of(session, sid, servicer)
        total, clients = 0, []
        for n, tail in enumerate(e["tails"]):
            raw = data(tail)
            need(len(raw) == 204, "BAD_TAIL")
            part = Request(raw)
            need(part.sid == sid and part.servicer == servicer, "BAD_TAIL")
            self.token(self.token_for(e["tokens"], n, part.client), sid, part.client,
                       bench["requestor"], session)
            need(part.signed(raw[140:]), "BAD_TAIL")
            total += part.cum_cu
            need(total <= U64, "OVERFLOW")
            clients.append(part.client)
        distinct(clients)
        self.state.put("commits", key, dict(commit, tails_proved=True, tails_cu=total))

    def samples_asked(self, session, servicer, challenge):
        """[(sid, cu)] by position."""
        cached = self.claims.get((session, servicer))
        if cached is not None:
            return cached
        prefix = b"d" + u64(session) + servicer
        sids = [k[29:] for k in self.state.under("commits", prefix)]
        gross, sums = [], []
        for sid in sids:
            _, commit, bench = self.commit_of(session, sid, servicer)
            gross.append(self.gross(bench, min(commit["sum"], bench["quota_cu"]), session))
            sums.append(commit["sum"])
        need(sids, "NOT_COMMITTED")
        need(sum(gross), "BAD_LEAF")
        asked = [(sids[entry], cu) for entry, cu in rules.positions(
            challenge, servicer, gross, sums, self.param("proof_samples", session))]
        self.claims[session, servicer] = asked
        return asked

    def prove_sample(self, session, servicer, asked, s):
        sid, leaf, position = data(s["sid"]), data(s["leaf"]), s["position"]
        need(position < len(asked), "BAD_FIELD")
        need(len(leaf) == 236, "BAD_LEAF")
        part = Request(leaf)
        need(part.sid == sid and part.servicer == servicer, "BAD_LEAF")
        bench = self.state.get("commits", b"b" + u64(session) + sid)
        need(bench is not None, "NOT_COMMITTED")
        self.token(s["token"], sid, part.client, bench["requestor"], session)
        need(part.signed(leaf[140:204]), "BAD_LEAF")
        need(asked[position][0] == sid, "BAD_LEAF")
        _, commit, _ = self.commit_of(session, sid, servicer)
        index = int(s["index"])
        need(index < commit["count"], "BAD_LEAF")
        found = climb((rules.H("leaf", leaf), part.cu), index, commit["count"], siblings_of(s))
        need(found is not None and found[0] == (commit["root"], commit["sum"]), "BAD_LEAF")
        need(found[1] <= asked[position][1] < found[1] + part.cu, "BAD_LEAF")
        key = b"p" + u64(session) + servicer
        bits = (self.state.get("commits", key) or {"bits": 0})["bits"]
        self.state.put("commits", key, codec.new("SamplesProved", bits=bits | 1 << position))
