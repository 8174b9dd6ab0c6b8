"""Delegation (docs/protocol.md, 11): pools of shares, rewards a share, entries that wait."""

import codec
import rules
from actors import GONE, SERVICER, TOMBSTONED, UNBONDING_SESSIONS, UNSTAKING, VALIDATOR
from fields import AMOUNT_END, coin, valoper, who
from refusal import need
from state import u64

PPM = 10**6
SHARES_A_TOKEN, ENTRIES_MOST, LOOKED_AT = 1 << 20, 16, 100
FRACTION = 1 << 64


def big(n):
    return n.to_bytes(16, "big")


def small(data):
    return int.from_bytes(data, "big")


class Delegations:
    # ---- records ----

    def shares_of(self, ident):
        """The pool of an actor; a blank one before its first delegation."""
        return self.state.get("delegation", b"p" + ident) or codec.new(
            "DelegationPool", cumulative=big(0))

    def put_pool(self, ident, pool):
        """One with nothing in it is forgotten: the next delegation begins at 0."""
        self.state.put("delegation", b"p" + ident,
                       pool if pool["shares"] or pool["due"] else None)

    def delegation(self, ident, delegator):
        return self.state.get("delegation", b"d" + ident + delegator)

    def put_delegation(self, ident, delegator, record):
        key, back = b"d" + ident + delegator, b"i" + delegator + ident
        if not (record["shares"] or record["due"] or record["unbonding"]):
            self.state.delete("delegation", key)
            self.state.delete("delegation", back)
            return
        self.state.put("delegation", key, record)
        self.state.put("delegation", back, b"\x01")

    def count_due(self, ident, record):
        """The delegation with what it has earned since it was last seen."""
        pool = self.shares_of(ident)
        earned = ((small(pool["cumulative"]) - small(record["seen"])) * record["shares"]
                  // FRACTION)
        if earned:
            self.state.put("delegation", b"p" + ident, dict(pool, due=pool["due"] + earned))
        return dict(record, seen=pool["cumulative"], due=record["due"] + earned)

    def worth(self, ident, shares):
        pool = self.shares_of(ident)
        return shares * self.actor(ident)["delegated"] // pool["shares"] if pool["shares"] else 0

    def burn_shares(self, ident, shares):
        """With the last one, what floors left of the rewards goes to the DAO."""
        pool = self.shares_of(ident)
        pool = dict(pool, shares=pool["shares"] - shares)
        rest = pool["rewards"] - pool["due"]
        if not pool["shares"] and rest:
            self.move(self.rewards, self.dao, rest)
            pool["rewards"] -= rest
        self.put_pool(ident, pool)

    def put_delegated(self, ident, tokens):
        actor = dict(self.actor(ident), delegated=tokens)
        self.put_actor(ident, actor)
        terms = self.newest_terms(ident)
        if actor["status"] in (UNSTAKING, GONE) and not terms["eligible"]:
            return
        self.put_terms(ident, dict(terms, delegated=tokens))

    # ---- messages ----

    def delegable(self, text):
        ident, actor = self.target(text)
        need(actor["kind"] in (VALIDATOR, SERVICER), "NO_DELEGATION")
        return ident, actor

    def apply_MsgDelegate(self, m, signer):
        self.delegate(m["actor"], int(m["amount"]), signer)

    def delegate(self, text, amount, signer):
        ident, actor = self.delegable(text)
        need(actor["status"] not in (UNSTAKING, GONE), "BAD_STATUS")
        need(actor["status"] != TOMBSTONED, "TOMBSTONED")
        pool, tokens = self.shares_of(ident), actor["delegated"]
        need(not pool["shares"] or pool["shares"] <= SHARES_A_TOKEN * tokens, "NO_DELEGATION")
        shares = amount * pool["shares"] // tokens if pool["shares"] else amount
        need(pool["shares"] + shares < 1 << 64 and tokens + amount < AMOUNT_END, "OVERFLOW")
        self.move(signer, self.staked, amount)
        record = self.delegation(ident, signer) or codec.new("Delegation",
                                                             seen=pool["cumulative"])
        record = self.count_due(ident, record)
        pool = self.shares_of(ident)
        self.state.put("delegation", b"p" + ident, dict(pool, shares=pool["shares"] + shares))
        self.put_delegation(ident, signer, dict(record, shares=record["shares"] + shares))
        self.put_delegated(ident, tokens + amount)
        self.forget_votes(signer)

    def apply_MsgUndelegate(self, m, signer):
        self.undelegate(who(m["actor"]), int(m["amount"]), signer)

    def undelegate(self, ident, amount, signer):
        record = self.delegation(ident, signer)
        need(record is not None and amount <= self.worth(ident, record["shares"]),
             "NOT_DELEGATED")
        actor = self.actor(ident)
        self.reached["16 entries of a pair"] += record["unbonding"] == ENTRIES_MOST
        need(record["unbonding"] < ENTRIES_MOST, "TOO_SOON")
        record = self.count_due(ident, record)
        burned = -(-amount * self.shares_of(ident)["shares"] // actor["delegated"])
        self.burn_shares(ident, burned)
        self.put_delegation(ident, signer, dict(
            record, shares=record["shares"] - burned, unbonding=record["unbonding"] + 1))
        self.put_delegated(ident, actor["delegated"] - amount)
        self.put_entry(ident, signer, amount)
        self.forget_votes(signer)

    def put_entry(self, ident, signer, amount):
        number = self.state.get("delegation", b"n") or 0
        self.state.put("delegation", b"n", number + 1)
        due = self.time_s + self.param("unbonding_seconds", self.current)
        self.state.put("delegation", b"e" + signer + u64(number), codec.new(
            "Unbonding", actor=ident, amount=amount, height=self.height, time_s=due,
            session=self.current + UNBONDING_SESSIONS, settled=self.counts_from(),
            slashes=len(self.state.under("actors", b"s" + ident))))
        self.state.put("delegation", b"q" + u64(due) + u64(number), signer)

    def apply_MsgWithdraw(self, m, signer):
        self.withdraw(who(m["actor"]), signer)

    def withdraw(self, ident, signer):
        record = self.delegation(ident, signer)
        need(record is not None, "NOT_DELEGATED")
        record = self.count_due(ident, record)
        if record["due"]:
            self.move(self.rewards, signer, record["due"])
            pool = self.shares_of(ident)
            self.put_pool(ident, dict(pool, rewards=pool["rewards"] - record["due"],
                                      due=pool["due"] - record["due"]))
        if record["shares"] and not self.worth(ident, record["shares"]):
            self.burn_shares(ident, record["shares"])
            record = dict(record, shares=0)
        self.put_delegation(ident, signer, dict(record, due=0))

    # ---- the same under the names that wallets use ----

    def validator_of(self, text):
        ident = valoper(text)
        actor = self.actor(ident)
        need(actor is not None and actor["kind"] == VALIDATOR, "NOT_STAKED")
        return ident

    def apply_WalletDelegate(self, m, signer):
        ident = self.validator_of(m["validator_address"])
        self.delegate(rules.to_bech32(ident), coin(m["amount"]), signer)

    def apply_WalletUndelegate(self, m, signer):
        self.undelegate(self.validator_of(m["validator_address"]), coin(m["amount"]), signer)

    def apply_WalletWithdraw(self, m, signer):
        self.withdraw(self.validator_of(m["validator_address"]), signer)

    # ---- rewards ----

    def divide(self, ident, actor, part):
        """A servicer's or validator's part: its owner's, and delegators' after commission."""
        delegated = 0
        if actor["delegated"]:
            most = self.param("max_commission", self.current)
            delegated = part * actor["delegated"] // self.total_stake(ident)
            delegated -= delegated * min(actor["commission_ppm"], most) // PPM
        if delegated:
            self.earned[ident] = self.earned.get(ident, 0) + delegated
        return part - delegated, delegated

    def share_rewards(self):
        """What a pool earned in this step, added up and then once."""
        for ident, amount in self.earned.items():
            pool = self.shares_of(ident)
            more = amount * FRACTION // pool["shares"]
            self.state.put("delegation", b"p" + ident, dict(
                pool, cumulative=big(small(pool["cumulative"]) + more),
                rewards=pool["rewards"] + amount))
        self.earned = {}

    # ---- entries that wait ----

    def pay_entries(self):
        looked = 0
        for key in self.state.under("delegation", b"q"):
            if small(key[1:9]) > self.time_s:
                break
            if looked == LOOKED_AT:
                self.reached["100 entries looked at"] += 1
                break
            looked += 1
            delegator, number = self.state.get("delegation", key), key[9:]
            place = b"e" + delegator + number
            entry = self.state.get("delegation", place)
            if (entry["session"] > self.current
                    or self.state.get("sessions", b"o") < entry["settled"]):
                continue
            self.pay_entry(delegator, entry)
            self.state.delete("delegation", key)
            self.state.delete("delegation", place)
            record = self.delegation(entry["actor"], delegator)
            self.put_delegation(entry["actor"], delegator,
                                dict(record, unbonding=record["unbonding"] - 1))

    def pay_entry(self, delegator, entry):
        left = entry["amount"]
        for key in self.state.under("actors", b"s" + entry["actor"])[entry["slashes"]:]:
            slash = self.state.get("actors", key)
            if slash["fault_height"] <= entry["height"]:
                left -= left * slash["ppm"] // PPM
        burned = entry["amount"] - left
        if burned:
            self.debit(self.staked, burned)
            self.burn(burned)
        if left:
            self.move(self.staked, delegator, left)
