"""The price of VIPR (docs/protocol.md, 12): votes of validators, median, clamp, valuation."""

import rules
from actors import VALIDATOR
from refusal import need
from state import u64

PRICES = 24


class Price:
    def apply_MsgPrice(self, m, signer):
        ident, _ = self.by_operator(signer, VALIDATOR)
        self.state.put("price", b"v" + ident, int(m["price_micro_usd"]))

    def price_closes(self, session):
        """In the first block of the next session."""
        votes = {k[1:]: self.state.get("price", k) for k in self.state.under("price", b"v")}
        members = [ident for ident, actor in self.of_kind(VALIDATOR)
                   if actor["validator"]["power"]]
        median = rules.price_median(
            [(votes[i], self.total_stake(i)) for i in members if i in votes],
            sum(self.total_stake(i) for i in members))
        for ident in votes:
            self.state.delete("price", b"v" + ident)
        if median is not None:
            self.state.put("price", b"m", median)
            before = self.state.newest("price", b"p", session + 1)[1]
            self.state.put("price", b"p" + u64(session + 2), rules.price_clamp(before, median))
        oldest = session + 1 - (PRICES - 1)
        if oldest >= 1:
            needed = self.state.newest("price", b"p", oldest)[0]
            for since in list(self.state.versions["price", b"p"]):
                if since < needed:
                    self.reached["price pruned"] += 1
                    self.state.delete("price", b"p" + u64(since))

    def price_for_stake(self):
        since = max(0, self.current - PRICES + 1)
        prices = [self.state.newest("price", b"p", s)[1] for s in range(since, self.current + 2)]
        median = self.state.get("price", b"m")
        return min(prices if median is None else prices + [median])
