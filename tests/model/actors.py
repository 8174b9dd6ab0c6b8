"""Validators, servicers, fishermen, requestors: stake, terms by session, status, unbonding."""

import hashlib

import codec
import rules
from fields import AMOUNT_END, data, who
from refusal import need
from state import u16, u64

PPM = 10**6
U64 = 2**64 - 1
KIND, STATUS = codec.ENUMS["Kind"], codec.ENUMS["Status"]
ACTIVE, PAUSED, UNSTAKING, GONE, JAILED, TOMBSTONED = (
    STATUS["STATUS_" + s] for s in ("ACTIVE", "PAUSED", "UNSTAKING", "GONE", "JAILED",
                                    "TOMBSTONED"))
VALIDATOR, SERVICER, FISHERMAN, REQUESTOR = (
    KIND["KIND_" + k] for k in ("VALIDATOR", "SERVICER", "FISHERMAN", "REQUESTOR"))
NAMES = {VALIDATOR: "validator", SERVICER: "servicer", FISHERMAN: "fisherman",
         REQUESTOR: "requestor"}
UNBONDING_SESSIONS, UNBOND_BLOCK = 6, 100


def consensus_address(consensus_key):
    return hashlib.sha256(consensus_key).digest()[:20]


class Actors:
    # ---- records ----

    def actor(self, ident):
        return self.state.get("actors", b"a" + ident)

    def put_actor(self, ident, record):
        self.state.put("actors", b"a" + ident, record)

    def of_kind(self, kind):
        return [(ident, actor) for ident, actor in self.every_actor() if actor["kind"] == kind]

    def every_actor(self):
        return [(k[1:], self.state.get("actors", k)) for k in self.state.under("actors", b"a")]

    def terms(self, ident, session):
        return self.state.newest("actors", b"t" + ident, session)[1]

    def newest_terms(self, ident):
        return self.state.newest("actors", b"t" + ident)[1]

    def put_terms(self, ident, terms):
        if terms == self.newest_terms(ident):
            return
        self.put_version("actors", b"t" + ident, self.counts_from(), terms)

    def total_stake(self, ident):
        """Own and delegated."""
        actor = self.actor(ident)
        return actor["stake"] + actor["delegated"]

    def by_operator(self, operator, kind):
        """Whose operator signs; the work of a session."""
        ident = self.state.get("actors", b"o" + operator)
        need(ident is not None, "NOT_STAKED")
        actor = self.actor(ident)
        need(actor["kind"] == kind, "NOT_STAKED")
        return ident, actor

    def target(self, text, kind=None):
        ident = who(text)
        actor = self.actor(ident)
        need(actor is not None and (kind is None or actor["kind"] == kind), "NOT_STAKED")
        return ident, actor

    # ---- throughput ----

    def throughput(self, terms, session):
        """(allowance, budget) of a requestor in a session that may not have begun."""
        record = self.session(session)
        blocks = (record["last"] - record["first"] + 1 if record
                  else self.param("session_blocks", session))
        budget = rules.budget(terms["stake"], self.param("requestor_yield", session), blocks)
        allowance = rules.allowance(terms["usd"], self.param("cu_per_usd", session), blocks, budget,
                                    self.param("cu_price_min", session))
        need(max(budget, allowance) <= U64, "OVERFLOW")
        return allowance, budget

    def check_quota(self, terms, session):
        """Pair by pair: its place, then what it gives."""
        allowance, _ = self.throughput(terms, session)
        for pair in terms["pairs"]:
            self.active([(pair["chain"], pair["zone"])], session)
            quota = rules.quota(allowance, pair["share_ppm"], terms["num_servicers"])
            need(quota >= self.param("min_quota", session), "QUOTA_TOO_LOW")

    # ---- places and gateway keys ----

    def active(self, places, session):
        """[(chain, zone)] in that session, one after the other."""
        for chain, zone in places:
            for letter, number, code in ((b"d", chain, "NO_CHAIN"), (b"y", zone, "NO_ZONE")):
                found = self.state.newest("chains", letter + u16(number), session)[1]
                need(found is not None and found["active"], code)

    @staticmethod
    def pairs(m):
        return (tuple(codec.new("PairTerms", **p) for p in m["pairs"]),
                tuple(data(k) for k in m["gateway_keys"]))

    # ---- stake ----

    def may_stake(self, m, kind):
        least = self.param("min_stake_" + NAMES[kind], self.counts_from())
        need(int(m["amount"]) >= least, "STAKE_TOO_LOW")
        need(int(m["amount"]) < AMOUNT_END, "BAD_AMOUNT")

    def stake_actor(self, m, kind, record, terms):
        """The part that is the same for all kinds."""
        owner, operator, amount = who(m["owner"]), who(m["operator"]), int(m["amount"])
        need(self.actor(operator) is None, "STAKED")
        need(self.state.get("actors", b"o" + operator) is None, "OPERATOR_TAKEN")
        self.move(owner, self.staked, amount)
        self.put_actor(operator, dict(record, kind=kind, owner=owner, operator=operator,
                                      status=ACTIVE, stake=amount))
        self.state.put("actors", b"o" + operator, operator)
        self.put_terms(operator, dict(terms, kind=kind, eligible=True, owner=owner,
                                      stake=amount))

    def stake_servicer(self, m):
        chains, session = tuple(m["chains"]), self.counts_from()
        self.active([(chain, m["zone"]) for chain in chains], session)
        commission = m.get("commission_ppm", 0)
        need(commission <= self.param("max_commission", self.current), "BAD_FIELD")
        self.may_stake(m, SERVICER)
        record = codec.new("Actor", url=m["url"], commission_ppm=commission,
                           commission_time_s=self.time_s)
        self.stake_actor(m, SERVICER, record, codec.new(
            "Terms", zone=m["zone"], chains=chains, relay_key=data(m["relay_key"])))

    def stake_fisherman(self, m):
        chains, session = tuple(m["chains"]), self.counts_from()
        self.active([(chain, m["zone"]) for chain in chains], session)
        self.may_stake(m, FISHERMAN)
        self.stake_actor(m, FISHERMAN, codec.new("Actor"), codec.new(
            "Terms", zone=m["zone"], chains=chains))

    def stake_requestor(self, m):
        self.may_stake(m, REQUESTOR)
        pairs, keys = self.pairs(m)
        usd = rules.usd(int(m["amount"]), self.price_for_stake())
        need(usd < 1 << 64, "OVERFLOW")
        terms = codec.new("Terms", usd=usd, num_servicers=m["num_servicers"], pairs=pairs,
                          gateway_keys=keys)
        session = self.counts_from()
        self.check_quota(dict(terms, stake=int(m["amount"])), session)
        self.stake_actor(m, REQUESTOR, codec.new("Actor", url=m["shadow_url"], usd=usd), terms)

    def stake_validator(self, m):
        genesis = self.session(self.current) is None
        consensus = data(m["consensus_key"])
        where = b"c" + consensus_address(consensus)
        need(m["commission_ppm"] <= self.param("max_commission", self.current), "BAD_FIELD")
        need(self.state.get("validators", where) is None, "STAKED")
        need(self.state.get("validators", b"t" + where[1:]) is None, "TOMBSTONED")
        self.may_stake(m, VALIDATOR)
        end = data(m["beacon_end"])
        info = codec.new("ValidatorInfo", consensus_key=consensus, beacon_end=end,
                         beacon_usable_from=0 if genesis else self.current + 2,
                         staked_height=0 if genesis else self.height)
        actor = codec.new("Actor", validator=info, commission_ppm=m["commission_ppm"],
                          commission_time_s=self.time_s)
        self.stake_actor(m, VALIDATOR, actor, codec.new("Terms"))
        self.state.put("validators", where, who(m["operator"]))

    def apply_MsgStakeServicer(self, m, _signer):
        self.stake_servicer(m)

    def apply_MsgStakeFisherman(self, m, _signer):
        self.stake_fisherman(m)

    def apply_MsgStakeRequestor(self, m, _signer):
        self.stake_requestor(m)

    def apply_MsgStakeValidator(self, m, _signer):
        self.stake_validator(m)

    # ---- edit ----

    def may_edit(self, text, kind, signer):
        ident, actor = self.target(text, kind)
        need(actor["status"] != GONE, "NOT_STAKED")
        need(signer in (actor["owner"], actor["operator"]), "DENIED")
        return ident, actor

    def edit_terms(self, ident, actor, **values):
        """What sessions read; who leaves changes none of it."""
        before = self.newest_terms(ident)
        after = dict(before, **values)
        if after == before:
            return
        need(actor["status"] != UNSTAKING, "BAD_STATUS")
        self.put_terms(ident, after)

    def apply_MsgEditServicer(self, m, signer):
        ident, actor = self.may_edit(m["servicer"], SERVICER, signer)
        chains = tuple(m["chains"])
        self.active([(chain, m["zone"]) for chain in chains],
                    self.counts_from())
        self.edit_terms(ident, actor, zone=m["zone"], chains=chains,
                        relay_key=data(m["relay_key"]))
        self.put_actor(ident, dict(actor, url=m["url"]))

    def apply_MsgEditFisherman(self, m, signer):
        ident, actor = self.may_edit(m["fisherman"], FISHERMAN, signer)
        chains = tuple(m["chains"])
        self.active([(chain, m["zone"]) for chain in chains],
                    self.counts_from())
        self.edit_terms(ident, actor, zone=m["zone"], chains=chains)

    def apply_MsgEditRequestor(self, m, signer):
        ident, actor = self.may_edit(m["requestor"], REQUESTOR, signer)
        before = self.newest_terms(ident)
        need(m["num_servicers"] == before["num_servicers"] or signer == actor["owner"], "DENIED")
        pairs, keys = self.pairs(m)
        after = dict(num_servicers=m["num_servicers"], pairs=pairs, gateway_keys=keys)
        self.check_quota(dict(before, **after), self.counts_from())
        self.edit_terms(ident, actor, **after)
        self.put_actor(ident, dict(actor, url=m["shadow_url"]))

    def apply_MsgSetCommission(self, m, signer):
        ident, actor = self.owned(m["actor"], signer)
        need(actor["kind"] in (VALIDATOR, SERVICER), "NO_DELEGATION")
        wanted, old = m["commission_ppm"], actor["commission_ppm"]
        need(wanted <= self.param("max_commission", self.current), "BAD_FIELD")
        if wanted > old:
            need(wanted - old <= 10000, "BAD_FIELD")
            need(self.time_s - actor["commission_time_s"] >= 86400, "TOO_SOON")
        self.put_actor(ident, dict(actor, commission_ppm=wanted, commission_time_s=self.time_s))

    def apply_MsgRenewBeacon(self, m, signer):
        ident, actor = self.may_edit(m["validator"], VALIDATOR, signer)
        end = data(m["beacon_end"])
        info = actor["validator"]
        need(not info["beacon_pending"], "TOO_SOON")
        self.put_actor(ident, dict(actor, validator=dict(
            info, beacon_pending=end, beacon_pending_from=self.current + 2)))

    def renew_beacons(self, session):
        for ident, actor in self.of_kind(VALIDATOR):
            info = actor["validator"]
            if actor["status"] == GONE:
                continue
            if info["beacon_pending"] and info["beacon_pending_from"] <= session:
                self.put_actor(ident, dict(actor, validator=dict(
                    info, beacon_end=info["beacon_pending"], beacon_pending=b"",
                    beacon_pending_from=0)))

    # ---- for every kind ----

    def owned(self, text, signer):
        ident, actor = self.target(text)
        need(actor["status"] != GONE, "NOT_STAKED")
        need(signer == actor["owner"], "DENIED")
        return ident, actor

    def apply_MsgIncreaseStake(self, m, signer):
        ident, actor = self.owned(m["actor"], signer)
        amount = int(m["amount"])
        need(actor["status"] != UNSTAKING, "BAD_STATUS")
        need(actor["status"] != TOMBSTONED, "TOMBSTONED")
        more = rules.usd(amount, self.price_for_stake()) if actor["kind"] == REQUESTOR else 0
        need(actor["stake"] + amount < AMOUNT_END and actor["usd"] + more < 1 << 64, "OVERFLOW")
        self.move(signer, self.staked, amount)
        actor = self.actor(ident)
        self.put_actor(ident, dict(actor, stake=actor["stake"] + amount,
                                   usd=actor["usd"] + more))
        terms = self.newest_terms(ident)
        self.put_terms(ident, dict(terms, stake=terms["stake"] + amount,
                                   usd=terms["usd"] + more))

    def apply_MsgPause(self, m, signer):
        ident, actor = self.target(m["actor"])
        need(actor["status"] != GONE, "NOT_STAKED")
        need(signer in (actor["owner"], actor["operator"]), "DENIED")
        need(actor["status"] == ACTIVE, "BAD_STATUS")
        self.pause(ident, actor)

    def pause(self, ident, actor):
        self.put_actor(ident, dict(actor, status=PAUSED))
        self.put_terms(ident, dict(self.newest_terms(ident), eligible=False))

    def apply_MsgResume(self, m, signer):
        ident, actor = self.target(m["actor"])
        need(actor["status"] != GONE, "NOT_STAKED")
        need(signer in (actor["owner"], actor["operator"]), "DENIED")
        need(actor["status"] != TOMBSTONED, "TOMBSTONED")
        if m["chain"]:
            need(actor["status"] != UNSTAKING, "BAD_STATUS")
            self.resume_pool(ident, m["chain"], m["zone"])
            return
        need(actor["status"] in (PAUSED, JAILED), "BAD_STATUS")
        need(actor["status"] == PAUSED or self.time_s >= actor["jailed_until_s"], "TOO_SOON")
        self.reached["resumed from jail"] += actor["status"] == JAILED
        self.put_actor(ident, dict(actor, status=ACTIVE, absent_sessions=0,
                                   jailed_until_s=0))
        self.put_terms(ident, dict(self.newest_terms(ident), eligible=True))

    def apply_MsgUnstake(self, m, signer):
        ident, actor = self.owned(m["actor"], signer)
        need(actor["status"] != UNSTAKING, "BAD_STATUS")
        due = self.time_s + self.param("unbonding_seconds", self.current)
        self.put_actor(ident, dict(actor, status=UNSTAKING, unbond_time_s=due,
                                   unbond_height=self.height,
                                   unbond_session=self.current + UNBONDING_SESSIONS))
        self.put_terms(ident, dict(self.newest_terms(ident), eligible=False))
        self.state.put("actors", b"u" + u64(due) + ident, b"\x01")

    def apply_MsgSetOperator(self, m, signer):
        ident, actor = self.owned(m["actor"], signer)
        operator = who(m["operator"])
        need(self.state.get("actors", b"o" + operator) is None, "OPERATOR_TAKEN")
        self.state.delete("actors", b"o" + actor["operator"])
        self.state.put("actors", b"o" + operator, ident)
        self.put_actor(ident, dict(actor, operator=operator))

    def apply_MsgSetOwner(self, m, signer):
        ident, actor = self.owned(m["actor"], signer)
        owner = who(m["new_owner"])
        self.put_actor(ident, dict(actor, owner=owner))
        if actor["status"] == UNSTAKING:
            return  # its terms are those of nobody who may be drawn
        self.put_terms(ident, dict(self.newest_terms(ident), owner=owner))

    # ---- unbonding, the validator set ----

    def unbond(self):
        """Not before its time, its session, and the last session that it served is settled."""
        gone = 0
        for k in self.state.under("actors", b"u")[:UNBOND_BLOCK]:
            if int.from_bytes(k[1:9], "big") > self.time_s:
                break
            ident = k[9:]
            actor = self.actor(ident)
            if actor["unbond_session"] > self.current or self.still_bound(ident, actor):
                continue
            gone += 1
            self.reached["100 own stakes return in a block"] += gone == UNBOND_BLOCK
            self.move(self.staked, actor["owner"], actor["stake"])
            self.state.delete("actors", k)
            self.put_actor(ident, dict(actor, status=GONE, stake=0))
            self.state.delete("actors", b"o" + actor["operator"])
            if actor["kind"] == VALIDATOR:
                where = consensus_address(actor["validator"]["consensus_key"])
                self.state.delete("validators", b"c" + where)

    def still_bound(self, ident, actor):
        if actor["kind"] == VALIDATOR and actor["validator"]["power"]:
            return True
        last = self.state.newest("actors", b"t" + ident)[0]
        return self.state.get("sessions", b"o") < last

    def validator_set(self):
        validators = self.of_kind(VALIDATOR)
        fit = [(-self.total_stake(ident), ident) for ident, actor in validators
               if actor["status"] == ACTIVE
               and actor["validator"]["beacon_usable_from"] <= self.current]
        fit = sorted(fit)[:self.param("max_validators", self.current)]
        powers = {ident: -stake // PPM for stake, ident in fit if -stake >= PPM}
        if not powers:
            return
        for ident, actor in validators:
            info = actor["validator"]
            power = powers.get(ident, 0)
            if power != info["power"]:
                self.put_actor(ident, dict(actor, validator=dict(info, power=power)))
                if not power:
                    self.end_run(ident)
                self.updates.append((info["consensus_key"].hex(), power))
