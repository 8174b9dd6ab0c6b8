"""Governance (docs/protocol.md, 13): proposals, votes, tally, what a passed one does, upgrades."""

import codec
import params
from actors import GONE, VALIDATOR
from fields import address, data, optional, who
from refusal import Refused, need
from state import u16, u64

PPM = 10**6
VOTING, PASSED, REJECTED, VETOED, FAILED = (
    codec.ENUMS["ProposalStatus"]["PROPOSAL_STATUS_" + s]
    for s in ("VOTING", "PASSED", "REJECTED", "VETOED", "FAILED"))
STATUS_NAMES = {PASSED: "passed", REJECTED: "rejected", VETOED: "vetoed", FAILED: "failed"}
YES, ABSTAIN, NO, VETO = 1, 2, 3, 4
OPEN_MOST, PARTS_MOST, DELEGATIONS_MOST, CUT_BLOCK = 16, 128, 512, 200
PARTS_BACK = 8192  # of votes, withdrawn in a block


def content_of(m):
    """MsgPropose's last five fields as the record keeps them."""
    spend, chain, zone, upgrade = (m[name] for name in ("spend", "chain", "zone", "upgrade"))
    return codec.new(
        "ProposalContent",
        params=tuple(codec.new("ParamChange", name=p["name"], value=int(p["value"]))
                     for p in m["params"]),
        spend=spend and codec.new("TreasurySpend", recipient=spend["recipient"],
                                  amount=int(spend["amount"])),
        chain=chain and genesis_chain(chain),
        zone=zone and codec.new("GenesisZone", **dict(
            zone, multiplier_ppm=int(zone["multiplier_ppm"]))),
        upgrade=upgrade and codec.new("Upgrade", name=upgrade["name"],
                                      height=int(upgrade["height"]),
                                      version=int(upgrade["version"])))


def genesis_chain(c):
    methods = tuple(codec.new("MethodCost", method=m["method"], cu=int(m["cu"]))
                    for m in c.get("methods", ()))
    return codec.new(
        "GenesisChain", id=c["id"], name=c["name"], owner=c.get("owner", ""),
        payout=c.get("payout", ""), active=c["active"],
        multiplier_ppm=int(c["multiplier_ppm"]), latency_target_ms=int(c["latency_target_ms"]),
        latency_max_ms=int(c["latency_max_ms"]), corpus_hash=data(c.get("corpus_hash", "")),
        methods=methods)


def cost(methods, method):
    """Its row; of a path the longest row that it begins with; else 1."""
    rows = {m["method"]: m["cu"] for m in methods}
    if method in rows:
        return rows[method]
    leading = [row for row in rows if method.startswith("/") and method.startswith(row)]
    return rows[max(leading, key=len)] if leading else 1


class Governance:
    # ---- records ----

    def proposal(self, number):
        return self.state.get("governance", b"p" + u64(number))

    def put_proposal(self, record):
        self.state.put("governance", b"p" + u64(record["id"]), record)

    def open_proposals(self):
        """Ids by (end, id)."""
        return [int.from_bytes(key[9:], "big") for key in self.state.under("governance", b"o")]

    # ---- submission ----

    def apply_MsgPropose(self, m, signer):
        count = len(self.open_proposals())
        self.reached["16 open proposals"] += count == OPEN_MOST
        need(count < OPEN_MOST, "TOO_MANY_PROPOSALS")
        content = content_of(m)
        self.possible(content)
        deposit = self.param("gov_deposit", self.current)
        chain = content["chain"]
        fresh = chain and self.state.get("chains", b"c" + u16(chain["id"])) is None
        fee = self.param("chain_fee", self.current) if fresh else 0
        self.move(signer, self.deposits, deposit + fee)
        number = self.state.get("governance", b"n") or 1
        self.state.put("governance", b"n", number + 1)
        end = self.time_s + self.param("voting_seconds", self.current)
        self.put_proposal(codec.new(
            "Proposal", id=number, proposer=signer, title=m["title"], summary=m["summary"],
            content=content, deposit=deposit, fee=fee, submit_time_s=self.time_s,
            end_time_s=end, status=VOTING))
        self.state.put("governance", b"o" + u64(end) + u64(number), b"\x01")

    def possible(self, content):
        """Now: at submission and at execution."""
        if content["params"]:
            self.draft(content["params"])
        elif content["chain"]:
            self.chain_possible(content["chain"])
        elif content["zone"]:
            self.unique(b"z", content["zone"]["id"], content["zone"]["name"])
        elif content["upgrade"]:
            self.upgrade_possible(content["upgrade"])

    # ---- votes ----

    def vote(self, voter, number, option):
        proposal = self.proposal(number)
        need(proposal is not None, "NOT_FOUND")
        need(proposal["status"] == VOTING and self.time_s < proposal["end_time_s"],
             "VOTE_CLOSED")
        parts = self.vote_parts(voter)
        need(parts or self.owns_validator(voter), "NO_POWER")
        self.withdraw_vote(number, voter)
        self.put_vote(number, voter, codec.new("VoteRecord", option=option, parts=parts))

    def vote_parts(self, voter):
        """What the voter's delegations to validators are worth now."""
        parts = []
        delegations = self.state.under("delegation", b"i" + voter)
        self.reached["512 delegations of a voter"] += len(delegations) == DELEGATIONS_MOST
        self.reached["513 delegations of a voter"] += len(delegations) > DELEGATIONS_MOST
        need(len(delegations) <= DELEGATIONS_MOST, "TOO_LARGE")
        for key in delegations:
            ident = key[21:]
            tokens = self.worth(ident, self.delegation(ident, voter)["shares"])
            if tokens and self.actor(ident)["kind"] == VALIDATOR:
                parts.append(codec.new("VotePart", validator=ident, tokens=tokens))
        self.reached["128 validators of a voter"] += len(parts) == PARTS_MOST
        self.reached["129 validators of a voter"] += len(parts) > PARTS_MOST
        need(len(parts) <= PARTS_MOST, "TOO_LARGE")
        return tuple(parts)

    def owns_validator(self, voter):
        return any(actor["owner"] == voter and actor["status"] != GONE
                   for _, actor in self.of_kind(VALIDATOR))

    def put_vote(self, number, voter, record):
        self.state.put("governance", b"v" + u64(number) + voter, record)
        self.add_parts(number, record, 1)

    def withdraw_vote(self, number, voter):
        key = b"v" + u64(number) + voter
        record = self.state.get("governance", key)
        if record:
            self.add_parts(number, record, -1)
            self.state.delete("governance", key)

    def forget_votes(self, account):
        """Its delegations change: its votes on what is open are withdrawn."""
        votes = [self.state.get("governance", b"v" + u64(number) + account)
                 for number in self.open_proposals()]
        parts = sum(len(vote["parts"]) for vote in votes if vote)
        if parts:
            height, taken = self.state.get("governance", b"b") or (0, 0)
            taken = parts + (taken if height == self.height else 0)
            need(taken <= PARTS_BACK, "TOO_SOON")
            self.state.put("governance", b"b", (self.height, taken))
        for number in self.open_proposals():
            self.withdraw_vote(number, account)

    def add_parts(self, number, record, sign):
        for part in record["parts"]:
            key = b"s" + u64(number) + part["validator"]
            sums = list(self.state.get("governance", key) or (0, 0, 0, 0))
            sums[record["option"] - 1] += sign * part["tokens"]
            self.state.put("governance", key, tuple(sums) if any(sums) else None)

    def apply_MsgVote(self, m, signer):
        self.vote(signer, int(m["proposal"]), codec.ENUMS["VoteOption"].get(m["option"], 0))

    def apply_WalletVote(self, m, signer):
        option = m["option"].replace("NO_WITH_VETO", "VETO")
        self.vote(signer, int(m["proposal_id"]), codec.ENUMS["VoteOption"][option])

    # ---- the tally, at the end of a block ----

    def tally(self):
        self.cut_votes()
        for number in self.open_proposals():
            proposal = self.proposal(number)
            if proposal["end_time_s"] > self.time_s:
                break
            self.close(proposal)

    def cut_votes(self):
        left = CUT_BLOCK
        for key in self.state.under("governance", b"x"):
            for letter in (b"v", b"s"):
                for old in self.state.under("governance", letter + key[1:]):
                    if not left:
                        self.reached["200 votes deleted"] += 1
                        return
                    left -= 1
                    self.state.delete("governance", old)
            self.state.delete("governance", key)

    def count_votes(self, number):
        """(yes, abstain, no, veto), bonded."""
        total, bonded = [0, 0, 0, 0], 0
        for ident, actor in self.of_kind(VALIDATOR):
            if not actor["validator"]["power"]:
                continue
            stake = self.total_stake(ident)
            sums = self.state.get("governance", b"s" + u64(number) + ident) or (0, 0, 0, 0)
            total = [a + b for a, b in zip(total, sums)]
            own = self.state.get("governance", b"v" + u64(number) + actor["owner"])
            if own:
                total[own["option"] - 1] += max(0, stake - sum(sums))
            bonded += stake
        return total, bonded

    def judge_votes(self, votes, bonded):
        yes, abstain, _, veto = votes
        quorum, threshold, most_veto = (self.param(name, self.current) for name in (
            "gov_quorum", "gov_threshold", "gov_veto"))
        if not sum(votes) or sum(votes) * PPM < bonded * quorum:
            return REJECTED
        if veto * PPM > sum(votes) * most_veto:
            return VETOED
        return PASSED if yes * PPM > (sum(votes) - abstain) * threshold else REJECTED

    def close(self, proposal):
        votes, bonded = self.count_votes(proposal["id"])
        status, failed = self.judge_votes(votes, bonded), 0
        if status == PASSED:
            failed = self.carry_out(proposal["content"])
            status = FAILED if failed else PASSED
        self.reached["proposal " + STATUS_NAMES[status]] += 1
        end = u64(proposal["end_time_s"]) + u64(proposal["id"])
        self.state.delete("governance", b"o" + end)
        tally = codec.new("Tally", bonded=bonded,
                          **dict(zip(("yes", "abstain", "no", "veto"), votes)))
        self.put_proposal(dict(proposal, status=status, tally=tally, failed_code=failed))
        self.state.put("governance", b"x" + u64(proposal["id"]), b"\x01")
        proposer = proposal["proposer"]
        if status == VETOED:
            self.debit(self.deposits, proposal["deposit"])
            self.burn(proposal["deposit"])
        else:
            self.move(self.deposits, proposer, proposal["deposit"])
        self.move(self.deposits, self.dao if status == PASSED else proposer, proposal["fee"])

    def carry_out(self, content):
        """0, or the number of the refusal that leaves no trace of it."""
        self.state.begin()
        try:
            self.possible(content)
            self.execute(content)
        except Refused as no:
            self.state.back()
            return no.code
        self.state.keep()
        return 0

    def execute(self, content):
        if content["params"]:
            self.put_version("params", b"p", self.current + 2, self.draft(content["params"]))
        elif content["spend"]:
            spend = content["spend"]
            self.move(self.dao, address(spend["recipient"]), spend["amount"])
        elif content["chain"]:
            self.put_chain(content["chain"])
        elif content["zone"]:
            self.put_zone(content["zone"])
        elif content["upgrade"]:
            plan = content["upgrade"]
            self.state.put("governance", b"u", plan if plan["height"] else None)

    # ---- parameters ----

    def draft(self, changes):
        """The newest, pending included, with the changes."""
        values = dict(self.state.newest("params", b"p")[1])
        for change in changes:
            params.step(change["name"], values[change["name"]], change["value"])
            values[change["name"]] = change["value"]
        for session in (self.current, self.current + 1):  # they are proved in the new length
            need(values["session_blocks"] >= 2 * self.param("challenge_delay", session),
                 "STEP_TOO_LARGE")
        params.check(values)
        return values

    # ---- chains and zones ----

    def unique(self, letter, number, name):
        for key in self.state.under("chains", letter):
            other = self.state.get("chains", key)
            need(other["id"] == number or other["name"] != name, "DUPLICATE")

    def chain_possible(self, chain):
        self.unique(b"c", chain["id"], chain["name"])
        old = self.state.newest("chains", b"d" + u16(chain["id"]))[1]
        for row in (*chain["methods"], *old["methods"]) if old else ():
            before, after = (cost(table["methods"], row["method"]) for table in (old, chain))
            need(after <= 2 * before and 2 * after >= before, "STEP_TOO_LARGE")

    def put_chain(self, chain):
        number = u16(chain["id"])
        self.state.put("chains", b"c" + number, codec.new(
            "Chain", id=chain["id"], name=chain["name"], owner=optional(chain["owner"]),
            payout=optional(chain["payout"])))
        self.put_version("chains", b"d" + number, self.counts_from(), codec.new(
            "ChainTerms", **{name: chain[name] for name in (
                "active", "multiplier_ppm", "latency_target_ms", "latency_max_ms",
                "corpus_hash", "methods")}))

    def put_zone(self, zone):
        number = u16(zone["id"])
        self.state.put("chains", b"z" + number, codec.new("Zone", id=zone["id"],
                                                          name=zone["name"]))
        self.put_version("chains", b"y" + number, self.counts_from(), codec.new(
            "ZoneTerms", active=zone["active"], multiplier_ppm=int(zone["multiplier_ppm"])))

    def apply_MsgEditChain(self, m, signer):
        number = u16(m["chain"])
        chain = self.state.get("chains", b"c" + number)
        need(chain is not None, "NO_CHAIN")
        need(signer == chain["owner"], "DENIED")
        self.unique(b"c", m["chain"], m["name"])
        self.state.put("chains", b"c" + number, dict(chain, name=m["name"],
                                                     payout=optional(m["payout"])))
        terms = self.state.newest("chains", b"d" + number)[1]
        after = dict(terms, latency_target_ms=int(m["latency_target_ms"]),
                     latency_max_ms=int(m["latency_max_ms"]))
        if after != terms:
            self.put_version("chains", b"d" + number, self.counts_from(), after)

    # ---- upgrades ----

    def upgrade_possible(self, upgrade):
        if not upgrade["height"]:
            need(self.state.get("governance", b"u") is not None, "NOT_FOUND")
            return
        need(upgrade["height"] > self.height, "TOO_SOON")
        need(upgrade["version"] > self.state.get("governance", b"a"), "BAD_FIELD")

    def upgrade(self):
        """First of all in the block of the plan's height."""
        plan = self.state.get("governance", b"u")
        if plan and self.height >= plan["height"]:
            self.reached["upgrade"] += 1
            self.state.put("governance", b"a", plan["version"])
            self.state.delete("governance", b"u")
