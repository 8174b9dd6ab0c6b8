"""Report cards: seals in s+1, cards and opened samples in s+2, presence."""

import codec
import curve
import rules
from actors import ACTIVE, FISHERMAN, GONE
from fields import data, who
from refusal import need
from state import u64
from work import U64, Request, climb, distinct, seated, siblings_of

ABSENT_MOST = 24
SIZES = {228: (0, 0), 358: (130, 0), 326: (0, 98)}  # a sample: receipt, refusal
LINE = ("sent", "refused", "answered", "checked", "correct", "p90_ms")


class Sample:
    """None of its parts may be longer or shorter than it says."""

    def __init__(self, raw):
        need(len(raw) in SIZES, "BAD_SAMPLE")
        receipt, refusal = SIZES[len(raw)]
        self.part = Request(raw)
        at = 204
        need(int.from_bytes(raw[at:at + 4], "big") == receipt, "BAD_SAMPLE")
        self.receipt = raw[at + 4:at + 4 + receipt]
        at += 4 + receipt
        need(int.from_bytes(raw[at:at + 4], "big") == refusal, "BAD_SAMPLE")
        self.refusal = raw[at + 4:at + 4 + refusal]
        at += 4 + refusal
        self.verdict = int.from_bytes(raw[at + 8:at + 16], "big")
        need(self.verdict <= 2, "BAD_SAMPLE")

    def answer_holds(self, relay_key):
        """A receipt or a refusal, whatever its reason, of this very request."""
        asked = rules.H("request-part", self.part.raw)
        if self.receipt:
            r = self.receipt
            return r[:32] == asked and curve.verifies(
                relay_key, rules.H("receipt", r[:32], r[32:34], r[34:66]), r[66:])
        if self.refusal:
            r = self.refusal
            return r[:32] == asked and curve.verifies(
                relay_key, rules.H("refusal", r[:32], r[32:34]), r[34:])
        return True


class Cards:
    # ---- the seal ----

    def apply_MsgReportCard(self, m, signer):
        session = int(m["session"])
        fisherman, _ = self.by_operator(signer, FISHERMAN)
        self.commit_window(session)
        seals = {}
        for sid, e in zip(self.sids_named(session, m["entries"]), m["entries"]):
            bench = self.bench(session, who(e["requestor"]), e["chain"], e["zone"])
            need(bench is not None, "NO_SESSION")
            need(seated(bench["fishermen"], fisherman), "NOT_DRAWN")
            seals[sid] = data(e["seal"])
        here = b"f" + u64(session) + fisherman
        before = self.state.get("reportcards", here) or b"\x01"
        for at in range(1, len(before), 32):
            sid = before[at:at + 32]
            self.state.delete("reportcards", b"s" + u64(session) + sid + fisherman)
        for sid, seal in seals.items():
            self.state.put("reportcards", b"s" + u64(session) + sid + fisherman,
                           codec.new("Seal", seal=seal))
        self.state.put("reportcards", here, b"\x01" + b"".join(seals))

    def count_presence(self, session):
        """When s+2 opens: all fishermen drawn in sids with a Commit."""
        drawn = set()
        for key in self.state.under("commits", b"b" + u64(session)):
            drawn |= {s["id"] for s in self.state.get("commits", key)["fishermen"]}
        for ident in sorted(drawn):
            actor = self.actor(ident)
            if actor["status"] == GONE:
                continue
            here = self.state.get("reportcards", b"f" + u64(session) + ident) is not None
            absent = 0 if here else min(actor["absent_sessions"] + 1, ABSENT_MOST)
            pauses = absent == ABSENT_MOST and actor["status"] == ACTIVE
            actor = dict(actor, absent_sessions=0 if pauses else absent)
            self.put_actor(ident, actor)
            if pauses:
                self.reached["paused for absence"] += 1
                self.pause(ident, actor)
        for key in self.state.under("reportcards", b"f" + u64(session)):
            self.state.delete("reportcards", key)

    # ---- the card ----

    def apply_MsgReveal(self, m, signer):
        session = int(m["session"])
        fisherman, _ = self.by_operator(signer, FISHERMAN)
        challenge = self.prove_window(session)
        distinct(data(card["sid"]) for card in m["cards"])
        for card in m["cards"]:
            self.reveal(session, fisherman, challenge, card)

    def reveal(self, session, fisherman, challenge, card):
        sid = data(card["sid"])
        at = u64(session) + sid
        bench = self.state.get("commits", b"b" + at)
        need(bench is not None, "NOT_COMMITTED")
        need(seated(bench["fishermen"], fisherman), "NOT_DRAWN")
        need(self.state.get("reportcards", b"r" + at + fisherman) is None, "REVEALED")
        lines = []
        for line in card["lines"]:
            lines.append((who(line["servicer"]),) + tuple(int(line[name]) for name in LINE))
        need([line[0] for line in lines] == [s["id"] for s in bench["servicers"]], "BAD_CARD")
        for _, sent, refused, answered, checked, correct, _ in lines:
            need(answered + refused <= sent and correct <= checked <= answered, "BAD_CARD")
        sent, root = sum(line[1] for line in lines), data(card["samples_root"])
        need(sent <= U64 and (sent or root == bytes(32)), "BAD_CARD")
        seal = self.state.get("reportcards", b"s" + at + fisherman)
        need(seal is not None, "NOT_SEALED")
        need(rules.card_seal(data(card["salt"]), sid, fisherman, lines, root) == seal["seal"],
             "BAD_CARD")
        self.opened(session, sid, fisherman, challenge, card, bench, lines, root)
        self.state.put("reportcards", b"r" + at + fisherman, codec.new(
            "CardRecord", lines=tuple(codec.new("LineRecord", servicer=line[0],
                                                **dict(zip(LINE, line[1:]))) for line in lines)))

    def opened(self, session, sid, fisherman, challenge, card, bench, lines, root):
        sent = sum(line[1] for line in lines)
        opened = card["opened"]
        need(len(opened) == (self.param("card_samples", session) if sent else 0), "BAD_SAMPLE")
        answered = sum(line[3] for line in lines)
        for n, o in enumerate(opened):
            need(o["position"] == n, "BAD_SAMPLE")
            where = rules.card_position(challenge, sid, fisherman, n, sent)
            need(int(o["index"]) == where, "BAD_SAMPLE")
            raw = data(o["sample"])
            sample = Sample(raw)
            servicer = self.sampled(lines, where)
            need(sample.part.sid == sid and sample.part.servicer == servicer, "BAD_SAMPLE")
            self.token(o["token"], sid, sample.part.client, bench["requestor"], session)
            need(sample.part.signed(raw[140:204]), "BAD_SAMPLE")
            need(sample.answer_holds(self.terms(servicer, session)["relay_key"]), "BAD_SAMPLE")
            leaf = rules.H("sample", raw), 1 if sample.receipt else 0
            found = climb(leaf, where, sent, siblings_of(o))
            need(found is not None and found[0] == (root, answered), "BAD_SAMPLE")

    @staticmethod
    def sampled(lines, where):
        for line in lines:
            if where < line[1]:
                return line[0]
            where -= line[1]
        return None
