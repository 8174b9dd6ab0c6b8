"""Penalties (docs/protocol.md, 10): slashes, double signs and tombstones, downtime and jail."""

import codec
from actors import ACTIVE, GONE, JAILED, TOMBSTONED, UNSTAKING
from state import u64

PPM = 10**6
REASON = codec.ENUMS["SlashReason"]
DOUBLE_SIGNS = ("duplicate_vote", "light_client_attack")
PART_BITS, PART_BYTES = 512, 64


class Faults:
    # ---- slashes ----

    def slash(self, ident, reason, fault_height, ppm):
        actor = self.actor(ident)
        reached = not (actor["status"] == UNSTAKING and actor["unbond_height"] < fault_height)
        stake = actor["stake"] if reached else 0
        burned, others = stake * ppm // PPM, actor["delegated"] * ppm // PPM
        if burned + others:
            self.debit(self.staked, burned + others)
            self.burn(burned + others)
            self.put_actor(ident, dict(actor, stake=actor["stake"] - burned,
                                       delegated=actor["delegated"] - others))
            terms = self.newest_terms(ident)
            if actor["status"] not in (UNSTAKING, GONE) or terms["eligible"]:
                self.put_terms(ident, dict(terms, stake=terms["stake"] - burned,
                                           delegated=terms["delegated"] - others))
        self.reached["slash " + reason.lower()] += 1
        number = len(self.state.under("actors", b"s" + ident))
        self.state.put("actors", b"s" + ident + u64(number), codec.new(
            "Slash", reason=REASON["SLASH_REASON_" + reason], fault_height=fault_height,
            height=self.height, ppm=ppm, stake=stake, burned=burned,
            delegated=actor["delegated"], delegated_burned=others))

    # ---- what CometBFT says with a block ----

    def faults(self, line):
        for evidence in line["misbehavior"]:
            if evidence["type"] in DOUBLE_SIGNS:
                self.double_sign(bytes.fromhex(evidence["address"]), evidence["height"])
        for address, _, flag in line["last_commit"]:
            ident = self.state.get("validators", b"c" + bytes.fromhex(address))
            if ident:
                self.voted(ident, flag == "absent")

    def double_sign(self, consensus, height):
        ident = self.state.get("validators", b"c" + consensus)
        if ident is None or self.state.get("validators", b"t" + consensus) is not None:
            return
        if height <= self.actor(ident)["validator"]["staked_height"]:
            return
        self.state.put("validators", b"t" + consensus, self.height)
        self.slash(ident, "DOUBLE_SIGN", height - 1,
                   self.param("double_sign_slash", self.current))
        actor = self.actor(ident)
        if actor["status"] != UNSTAKING:
            self.put_actor(ident, dict(actor, status=TOMBSTONED))
            self.put_terms(ident, dict(self.newest_terms(ident), eligible=False))

    # ---- downtime ----

    def voted(self, ident, absent):
        actor = self.actor(ident)
        if actor["status"] != ACTIVE or not actor["validator"]["power"]:
            return
        window = self.param("downtime_window", self.current)
        key = b"s" + ident
        run = self.state.get("validators", key)
        if run is None or run["window"] != window:
            self.end_run(ident)
            run = codec.new("Signing", window=window, **{"from": self.height})
            self.state.put("validators", key, run)
        run = self.count(ident, run, absent)
        self.state.put("validators", key, run)
        least = -(-window * self.param("downtime_min_signed", self.current) // PPM)
        if self.height - run["from"] + 1 >= window and window - run["missed"] < least:
            self.slash(ident, "DOWNTIME", self.height - 2,
                       self.param("downtime_slash", self.current))
            self.jail(ident)

    def count(self, ident, run, absent):
        bit = (self.height - run["from"]) % run["window"]
        key = b"m" + ident + u64(bit // PART_BITS)
        part = self.state.get("validators", key) or bytes(PART_BYTES)
        at, mask = bit % PART_BITS // 8, 1 << bit % 8
        before = bool(part[at] & mask)
        if before == absent:
            return run
        part = part[:at] + bytes([part[at] ^ mask]) + part[at + 1:]
        self.state.put("validators", key, part)
        return dict(run, missed=run["missed"] + (1 if absent else -1))

    def end_run(self, ident):
        self.state.delete("validators", b"s" + ident)
        for key in self.state.under("validators", b"m" + ident):
            self.state.delete("validators", key)

    def jail(self, ident):
        self.reached["jail"] += 1
        until = self.time_s + self.param("jail_seconds", self.current)
        self.put_actor(ident, dict(self.actor(ident), status=JAILED, jailed_until_s=until))
        self.put_terms(ident, dict(self.newest_terms(ident), eligible=False))
        self.end_run(ident)
