"""Settlement: Verify entries, scores, pay, and what is deleted when a session is done."""

import codec
import rules
from actors import GONE
from refusal import Refused, need
from state import u16, u64

PPM = 10**6
SUPPLY_END = 1 << 62
LOW_MOST = 3
VERDICT = {"VERDICT_PAID": 1, "VERDICT_UNPROVED": 2, "VERDICT_ERROR": 3}
LINE = ("sent", "refused", "answered", "checked", "correct", "p90_ms")
SPLIT = ("split_servicer", "split_fishermen", "split_validator", "split_chain", "split_dao")


class Settle:
    # ---- what is due ----

    def due_sessions(self):
        """Unsettled sessions whose Verify may run, oldest first."""
        return range(self.state.get("sessions", b"o"), self.current - 2)

    def settle_block(self):
        """The Verify entries of this block, in order; then score moves in what is left; then seals
        of sids that nobody committed, as many once more."""
        left = sweeps = self.param("settle_per_block", self.current)
        self.room, self.full = self.supply_room(), False
        verify = []
        due = self.due_sessions()
        for session in due:
            if not left:
                break
            for key in self.state.under("commits", b"c" + u64(session)):
                if self.state.get("commits", key)["settled"]:
                    continue
                if not left:
                    self.reached["entries carried over"] += 1
                    break
                left -= 1
                verify.append(self.verify(session, key[9:41], key[41:]))
        self.pay_owed()
        self.share_rewards()
        for session in due:
            if self.state.under("commits", b"b" + u64(session)):
                break
            for key in self.state.under("scores", b"m" + u64(session)):
                if not left:
                    self.reached["score moves carried over"] += 1
                    return verify
                left -= 1
                self.move_score(session, key)
            for key in self.state.under("reportcards", b"s" + u64(session))[:sweeps]:
                self.state.delete("reportcards", key)
                sweeps -= 1
            if not sweeps:
                self.reached["seals carried over"] += 1
                break
            self.close_session(session)
        return verify

    def close_session(self, session):
        self.state.delete("sessions", b"s" + u64(session))
        self.state.put("sessions", b"o", session + 1)

    # ---- one entry ----

    def settled_cu(self, session, commit, bench, servicer):
        """None: not proved."""
        bits = (self.state.get("commits", b"p" + u64(session) + servicer) or {"bits": 0})["bits"]
        if not commit["tails_proved"] or bits != (1 << self.param("proof_samples", session)) - 1:
            return None
        return min(commit["sum"], commit["tails_cu"], bench["quota_cu"])

    def cards_of(self, session, sid, bench):
        """[(fisherman, lines by servicer)] of the revealed ones."""
        out = []
        for seat in bench["fishermen"]:
            card = self.state.get("reportcards", b"r" + u64(session) + sid + seat["id"])
            if card:
                out.append((seat["id"], {line["servicer"]: line for line in card["lines"]}))
        return out

    def line_scores(self, session, sid, bench, cards):
        """{servicer: [score or None per card]}, {servicer: median or None}"""
        place = self.place(b"d", bench["chain"], session)
        scores, medians = {}, {}
        if place is None:  # nothing says what is fast: no line counts
            return {}, {seat["id"]: None for seat in bench["servicers"]}
        for seat in bench["servicers"]:
            servicer = seat["id"]
            commit = self.state.get("commits", b"c" + u64(session) + sid + servicer)
            settled = (self.settled_cu(session, commit, bench, servicer) if commit else 0) or 0
            full = rules.full_use(settled, bench["quota_cu"])
            scores[servicer] = [rules.line_score(
                *(lines[servicer][name] for name in LINE), full, place["latency_target_ms"],
                place["latency_max_ms"], self.param("weight_latency", session),
                self.param("min_samples", session)) for _, lines in cards]
            counting = [s for s in scores[servicer] if s is not None]
            medians[servicer] = rules.median(counting, len(bench["fishermen"]))
        return scores, medians

    def verify(self, session, sid, servicer):
        at = u64(session) + sid
        key = b"c" + at + servicer
        commit, bench = self.state.get("commits", key), self.state.get("commits", b"b" + at)
        cards = self.cards_of(session, sid, bench)
        scores, medians = self.line_scores(session, sid, bench, cards)
        cu = self.settled_cu(session, commit, bench, servicer)
        verdict, told, settled = "VERDICT_UNPROVED", (0, 0, 0), 0
        if cu is not None:
            score = medians[servicer]
            if score is None:
                score = self.score(servicer, bench["chain"], bench["zone"], session)
            try:
                gross = self.payable(session, bench, servicer, cu, score, cards)
            except Refused:
                verdict = "VERDICT_ERROR"
            else:
                verdict = "VERDICT_PAID"
                factors = self.factors(session, cards, scores, medians)
                parts = rules.split(gross, score, len(bench["fishermen"]),
                                    list(factors.values()),
                                    [self.param(name, session) for name in SPLIT])
                told = cu, score, parts["servicer"]
                settled = cu if self.pay(bench, servicer, gross, factors, parts) else 0
        if bench["committed"] == 1:
            self.close_sid(session, sid, bench, medians)
        else:
            self.state.put("commits", key, dict(commit, settled=True, settled_cu=settled))
            self.state.put("commits", b"b" + at, dict(bench, committed=bench["committed"] - 1))
        return (session, sid, servicer, VERDICT[verdict], *told)

    def payable(self, session, bench, servicer, cu, score, cards):
        """-> gross. Refused, by whatever number: the entry is an error."""
        need(score <= PPM, "BAD_FIELD")
        need(all(self.actor(ident) for ident in (servicer, *(f for f, _ in cards))), "NOT_STAKED")
        return self.gross(bench, cu, session)

    def factors(self, session, cards, scores, medians):
        judged = [s for s, median in medians.items() if median is not None]
        if not judged:
            return {}
        tolerance = self.param("card_tolerance", session)
        return {fisherman: rules.card_factor([(medians[s], scores[s][i] or 0) for s in judged],
                                             tolerance)
                for i, (fisherman, _) in enumerate(cards)}

    def pay(self, bench, servicer, gross, factors, parts):
        """False: no room for it below the end of the supply, so nobody gets anything."""
        minted = gross - parts["not_minted"]
        if minted >= self.room:
            self.reached["entry beyond the supply"] += 1
            self.full = True
            return False
        self.reached["entry that fits behind one that did not"] += self.full
        self.room -= minted
        self.mint(minted)
        self.owe_actor(servicer, parts["servicer"])
        for fisherman, amount in zip(factors, parts["fishermen"]):
            self.owe(self.actor(fisherman)["owner"], amount)
        proposer = self.state.get("validators", b"c" + self.proposer)
        if proposer:
            self.owe_actor(proposer, parts["validator"])
        else:
            self.owe(self.dao, parts["validator"])
        payout = self.state.get("chains", b"c" + u16(bench["chain"]))["payout"]
        self.owe(payout or self.dao, parts["chain"])
        self.owe(self.dao, parts["dao"])
        return True

    def owe(self, whom, amount):
        self.owed[whom] = self.owed.get(whom, 0) + amount

    def owe_actor(self, ident, part):
        actor = self.actor(ident)
        own, delegated = self.divide(ident, actor, part)
        self.owe(actor["owner"], own)
        self.owe(self.rewards, delegated)

    def pay_owed(self):
        """In this order, since new accounts are numbered: the DAO holds it all for a moment; then
        by address; the delegators' pool account last."""
        total, delegated = sum(self.owed.values()), self.owed.pop(self.rewards, 0)
        self.credit(self.dao, total)
        self.debit(self.dao, total)
        for whom in sorted(self.owed):
            self.credit(whom, self.owed[whom])
        self.credit(self.rewards, delegated)
        self.owed = {}

    def close_sid(self, session, sid, bench, medians):
        at = u64(session) + sid
        for key in self.state.under("commits", b"c" + at):
            servicer = key[41:]
            self.state.delete("commits", key)
            self.state.delete("commits", b"d" + u64(session) + servicer + sid)
            if not self.state.under("commits", b"d" + u64(session) + servicer):
                self.state.delete("commits", b"p" + u64(session) + servicer)
        self.state.delete("commits", b"b" + at)
        self.state.delete("commits", b"i" + sid)
        for letter in (b"s", b"r"):
            for key in self.state.under("reportcards", letter + at):
                self.state.delete("reportcards", key)
        weight = bench["budget"] * bench["share_ppm"]
        for servicer, median in medians.items():
            if median is None:
                continue
            key = (b"m" + u64(session) + servicer + u16(bench["chain"]) + u16(bench["zone"]))
            old = self.state.get("scores", key) or codec.new("ScoreSum")
            owners, enough = self.owners_heard(session, bench, old)
            self.state.put("scores", key, codec.new(
                "ScoreSum", owners=owners, enough=enough,
                weighted=wide(int.from_bytes(old["weighted"], "big") + median * weight),
                weight=wide(int.from_bytes(old["weight"], "big") + weight)))

    def owners_heard(self, session, bench, old):
        """Distinct owners of requestors, listed until there are enough."""
        if old["enough"]:
            return (), True
        owner = self.terms(bench["requestor"], session)["owner"]
        owners = tuple(sorted({*old["owners"], owner}))
        if len(owners) >= self.param("bench_requestors", session):
            return (), True
        return owners, False

    # ---- running scores ----

    def move_score(self, session, key):
        servicer = key[9:29]
        chain, zone = (int.from_bytes(key[i:i + 2], "big") for i in (29, 31))
        total = self.state.get("scores", key)
        base = b"s" + servicer + key[29:33]
        newest = self.state.newest("scores", base)[1]
        old = newest["ppm"] if newest else self.param("score_initial", session)
        weighted, weight = (int.from_bytes(total[f], "big") for f in ("weighted", "weight"))
        alpha = self.param("score_alpha", session)
        new = old
        if weight:
            new = (old * (PPM - alpha) + weighted // weight * alpha) // PPM
            benched = newest["benched"] if newest else 0
            self.put_version("scores", base, self.counts_from(),
                             codec.new("Score", ppm=new, benched=benched))
        self.state.delete("scores", key)
        if total["enough"]:
            self.judge(session, servicer, key[29:33], new)

    # ---- the bench of bad servicers ----

    def judge(self, session, servicer, place, score):
        """Three sessions in a row below score_min: out of that pool, and slashed."""
        key = b"n" + servicer + place
        standing = self.state.get("scores", key) or codec.new("Standing")
        actor = self.actor(servicer)
        if (actor is None or actor["status"] == GONE or standing["benched"]
                or session < standing["counts_from"]):
            return
        low = standing["low_sessions"] + 1 if score < self.param("score_min", session) else 0
        standing = dict(standing, low_sessions=low)
        if low == LOW_MOST:
            self.reached["bench"] += 1
            standing.update(benched=True, resumable_s=self.time_s + self.param("jail_seconds",
                                                                               self.current))
            self.put_benched(servicer, place, True)
            self.slash(servicer, "QUALITY", self.height, self.param("quality_slash", session))
        self.put_standing(key, standing)

    def put_standing(self, key, standing):
        """Without a record all is 0."""
        self.state.put("scores", key, standing if any(standing.values()) else None)

    def put_benched(self, servicer, place, benched):
        base = b"s" + servicer + place
        newest = self.state.newest("scores", base)[1]
        self.put_version("scores", base, self.counts_from(), dict(newest, benched=benched))

    def resume_pool(self, ident, chain, zone):
        place = u16(chain) + u16(zone)
        standing = self.state.get("scores", b"n" + ident + place)
        need(standing is not None and standing["benched"], "BAD_STATUS")
        need(self.time_s >= standing["resumable_s"], "TOO_SOON")
        self.reached["resumed from a bench"] += 1
        self.put_benched(ident, place, False)
        self.state.put("scores", b"n" + ident + place,
                       codec.new("Standing", counts_from=self.counts_from()))


def wide(n):
    return n.to_bytes(16, "big")
