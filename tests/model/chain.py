"""The chain of docs/protocol.md as a model: one block after the other, integers only.

Only of a transaction that is signed DIRECT the record tells whether its own signature was spoilt,
since it does not hold those bytes. All else (documents in JSON, signatures inside messages, fees,
places, windows, draws, sums, branches, scores, pay) is computed here."""

import hashlib
from collections import Counter

import amino
import apphash
import codec
import messages
import rules
from actors import VALIDATOR, Actors, consensus_address
from cards import Cards
from delegation import Delegations
from faults import Faults
from fields import address
from governance import Governance, genesis_chain
from price import Price
from refusal import Refused, need
from settle import SUPPLY_END, Settle
from state import State, pack, u16, u64
from work import Work

PPM = 10**6
U64 = 2**64 - 1
GAS_BYTE, GAS_SIGNATURE = 10, 2000
GAS_ACTOR = 15000
# Of a message: its figure beyond message_gas, and what an item of its lists costs.
GAS = {name: (GAS_ACTOR, lists) for names, lists in (
    ("MsgStakeServicer MsgEditServicer MsgStakeFisherman MsgEditFisherman", {"chains": 2000}),
    ("MsgStakeRequestor MsgEditRequestor", {"pairs": 500, "gateway_keys": 3500}),
    ("MsgStakeValidator MsgRenewBeacon MsgIncreaseStake MsgPause MsgResume MsgUnstake "
     "MsgSetOperator MsgSetOwner MsgSetCommission", {})) for name in names.split()}
GAS.update({"MsgDelegate": (20000, {}), "MsgUndelegate": (20000, {}),
            "WalletDelegate": (20000, {}), "WalletUndelegate": (20000, {}),
            "MsgPropose": (20000, {}), "MsgVote": (400000, {}), "WalletVote": (400000, {})})
GAS.update({"MsgCommit": (0, {"entries": 12000}), "MsgReportCard": (0, {"entries": 12000})})
UNORDERED_S, UNORDERED_LIVE, FORGET_BLOCK = 600, 1024, 20000
MEMO_BYTES = 256
DIRECT, JSON = "SIGN_MODE_DIRECT", "SIGN_MODE_LEGACY_AMINO_JSON"


def pool(name):
    return hashlib.sha256(b"viper-pool-" + name.encode()).digest()[:20]


POOLS = STAKED, FEES, DAO, REWARDS, DEPOSITS = tuple(
    map(pool, ("staked", "fees", "dao", "rewards", "deposits")))


class Chain(Actors, Delegations, Price, Work, Cards, Settle, Faults, Governance):
    staked, dao, rewards, deposits = STAKED, DAO, REWARDS, DEPOSITS

    def __init__(self, history):
        self.state = State()
        self.chain_id = history["chain_id"]
        self.height = history["initial_height"]
        self.time_s = history["genesis_time_s"]
        self.pools = {}      # (session, kind, chain, zone) -> members of the draw
        self.benches = {}    # (session, requestor, chain, zone) -> Bench or None
        self.claims = {}     # (session, servicer) -> the positions of its samples
        self.updates = []
        self.earned = {}     # delegators' part of this step, by pool
        self.owed = {}       # of settlement, by account
        self.reached = Counter()  # limits and rare events, how often
        self.current = 0
        self.genesis(history["app_state"])

    # ---- parameters, sessions ----

    def param(self, name, session):
        return self.state.newest("params", b"p", session)[1][name]

    def session(self, number):
        return self.state.get("sessions", b"s" + u64(number))

    def blocks(self, number):
        record = self.session(number)
        return record["last"] - record["first"] + 1

    def counts_from(self):
        """The session from which a change in this block counts; of genesis: the first."""
        running = self.session(self.current)
        if running is None:
            return 0
        left = running["last"] + 1 - self.height
        return self.current + (1 if left >= self.param("freeze_blocks", self.current) else 2)

    # ---- versions ----

    def put_version(self, store, base, session, value):
        """What a newer version makes needless is cut once no unsettled session reads it."""
        before, _ = self.state.newest(store, base)
        self.state.put(store, base + u64(session), value)
        if before is not None and before != session:
            index = sorted(self.state.stores).index(store)
            self.state.put("sessions", b"x" + u64(session) + bytes([index]) + base, b"\x01")

    def cut(self, oldest):
        names = sorted(self.state.stores)
        for key in self.state.under("sessions", b"x"):
            if int.from_bytes(key[1:9], "big") > oldest:
                break
            store, base = names[key[9]], key[10:]
            needed = self.state.newest(store, base, oldest)[0]
            for session in list(self.state.versions[store, base]):
                if session < needed:
                    self.state.delete(store, base + u64(session))
            self.state.delete("sessions", key)

    # ---- accounts ----

    def account(self, who):
        return self.state.get("accounts", b"a" + who)

    def balance(self, who):
        account = self.account(who)
        return account["balance"] if account else 0

    def put_account(self, who, account):
        self.state.put("accounts", b"a" + who, account)

    def credit(self, who, amount):
        account = self.account(who)
        if account is None and not amount:
            return
        if account is None:
            number = self.state.get("accounts", b"n") or 0
            self.state.put("accounts", b"n", number + 1)
            account = codec.new("Account", number=number)
        self.put_account(who, dict(account, balance=account["balance"] + amount))
        self.state.put("accounts", b"h", (self.state.get("accounts", b"h") or 0) + amount)

    def debit(self, who, amount):
        need(self.balance(who) >= amount, "NO_FUNDS")
        if not amount:
            return
        account = self.account(who)
        self.put_account(who, dict(account, balance=account["balance"] - amount))
        self.state.put("accounts", b"h", self.state.get("accounts", b"h") - amount)

    def move(self, source, target, amount):
        self.debit(source, amount)
        self.credit(target, amount)

    def supply_room(self):
        """What is minted must stay below it."""
        total, _, minted, _ = self.state.get("accounts", b"s")
        return SUPPLY_END - max(total, minted)

    def mint(self, amount):
        total, genesis, minted, burned = self.state.get("accounts", b"s")
        self.state.put("accounts", b"s", (total + amount, genesis, minted + amount, burned))

    def burn(self, amount):
        total, genesis, minted, burned = self.state.get("accounts", b"s")
        self.state.put("accounts", b"s", (total - amount, genesis, minted, burned + amount))

    # ---- genesis ----

    def genesis(self, app):
        state = self.state
        for store in state.stores:
            state.put(store, b"\x00", b"\x01")
        state.put("params", b"i", self.chain_id.encode())
        state.put("params", b"p" + u64(0),
                  {name: int(app["params"].get(name, 0)) for name in codec.PARAM_NAMES})
        state.put("price", b"p" + u64(0), int(app["price_micro_usd"]))
        state.put("governance", b"a", 1)
        for entry in app.get("accounts", ()):
            self.credit(address(entry["address"]), int(entry["balance"]))
        total = state.get("accounts", b"h") or 0
        state.put("accounts", b"s", (total, total, 0, 0))
        for entry in app.get("chains", ()):
            self.put_chain(genesis_chain(entry))
        for entry in app.get("zones", ()):
            self.put_zone(entry)
        for kind in ("validator", "servicer", "fisherman", "requestor"):
            plural = {"fisherman": "fishermen"}.get(kind, kind + "s")
            for message in app.get(plural, ()):
                getattr(self, "stake_" + kind)(message)
        state.put("beacon", b"b", rules.beacon_genesis(self.chain_id))
        state.put("sessions", b"b", (self.height - 1, self.time_s))
        self.open_session(0)
        self.validator_set()

    def app_hash(self):
        """Rebuilt from nothing but the records."""
        return apphash.app_hash({name: {key: pack(name, key, value)
                                        for key, value in pairs.items()}
                                 for name, pairs in self.state.stores.items()}).hex()

    # ---- a block ----

    def block(self, line):
        """line: of the record. -> what the model says of it: codes, verify, updates."""
        self.height, self.time_s = line["block"], line["time_s"]
        self.proposer = bytes.fromhex(line["proposer"])
        self.updates = []
        self.upgrade()
        self.open_if_due()
        self.beacon(line["reveal"])
        self.faults(line)
        verify = self.settle_block()
        results = []
        for tx in line["txs"]:
            results.append(0 if tx.get("system") else self.transaction(tx))
        self.end_block()
        self.state.put("sessions", b"b", (self.height, self.time_s))
        return {"codes": results, "verify": verify, "updates": self.updates}

    def open_if_due(self):
        if self.session(self.current)["last"] + 1 == self.height:
            self.open_session(self.current + 1)

    def open_session(self, number):
        last = self.height + self.param("session_blocks", number) - 1
        self.state.put("sessions", b"s" + u64(number), codec.new(
            "Session", number=number, first=self.height, last=last,
            seed=self.state.get("beacon", b"b")))
        self.current = number
        self.state.put("sessions", b"c", number)
        if number == 0:
            self.state.put("sessions", b"o", 0)
            return
        self.renew_beacons(number)
        self.pay_validators(number - 1)
        self.price_closes(number - 1)
        if number >= 2:
            self.count_presence(number - 2)
        self.cut(self.state.get("sessions", b"o"))
        self.forget_caches()

    def forget_caches(self):
        oldest = self.state.get("sessions", b"o")
        for cache in (self.pools, self.benches, self.claims):
            for key in [k for k in cache if k[0] < oldest]:
                del cache[key]

    def beacon(self, reveal):
        before = self.state.get("beacon", b"b")
        ident = self.state.get("validators", b"c" + self.proposer)
        if reveal and ident:
            actor = self.actor(ident)
            x = bytes.fromhex(reveal)
            now, end = rules.beacon_step(before, self.proposer,
                                         actor["validator"]["beacon_end"], x)
            self.put_actor(ident, dict(actor, validator=dict(actor["validator"],
                                                             beacon_end=end)))
        else:
            now = rules.beacon_step(before, self.proposer, None, None)[0]
        self.state.put("beacon", b"b", now)
        if self.current >= 2:
            worked = self.session(self.current - 2)
            delay = self.param("challenge_delay", self.current - 2)
            if worked and self.session(self.current)["first"] + delay - 1 == self.height:
                self.state.put("sessions", b"s" + u64(self.current - 2),
                               dict(worked, challenge=now))

    def pay_validators(self, ended):
        members = [(ident, actor) for ident, actor in self.of_kind(VALIDATOR)
                   if actor["validator"]["power"]]
        members.sort(key=lambda m: consensus_address(m[1]["validator"]["consensus_key"]))
        stakes = [self.total_stake(ident) for ident, _ in members]
        bonded = sum(stakes)
        minted = bonded * self.param("validator_yield", ended) * self.blocks(ended) // 10**12
        fees = self.balance(FEES)
        if not bonded:
            return
        if minted >= self.supply_room():
            self.reached["yield beyond the supply"] += 1
            minted = 0
        self.mint(minted)
        self.credit(FEES, minted)
        self.debit(FEES, minted + fees)
        left = minted + fees
        for (ident, actor), stake in zip(members, stakes):
            part = minted * stake // bonded + fees * stake // bonded
            own, delegated = self.divide(ident, actor, part)
            self.credit(actor["owner"], own)
            self.credit(REWARDS, delegated)
            left -= part
        self.credit(DAO, left)
        self.share_rewards()

    # ---- transactions ----

    def transaction(self, tx):
        try:
            signer = self.admit(tx)
        except Refused as no:
            return no.code
        self.state.begin()
        try:
            for message in tx["messages"]:
                self.apply(message, signer)
        except Refused as no:
            self.state.back()
            return no.code
        self.state.keep()
        return 0

    def admit(self, tx):
        """All that stands before the messages; takes the fee and the place."""
        spoilt = tx["falsified"] or {}
        need(spoilt.get("what") != "bytes", "BAD_ENCODING")
        need(len(tx["memo"].encode()) <= MEMO_BYTES, "TOO_LARGE")
        mode = tx["sign_mode"]
        need(mode == DIRECT or mode == JSON and not tx["timeout_s"], "UNSUPPORTED")
        need(not tx["unordered"] or tx["sequence"] == 0, "BAD_SEQUENCE")
        has_form = all(map(amino.has_form, tx["messages"]))
        self.reached["JSON of what has no form"] += mode == JSON and not has_form
        need(mode == DIRECT or has_form, "UNSUPPORTED")
        signer = address(tx["signer"])
        for message in tx["messages"]:
            messages.check_signer(message, signer)
        account = self.account(signer)
        need(account is not None, "NO_FUNDS")
        need(not tx["timeout_height"] or self.height <= tx["timeout_height"], "EXPIRED")
        ident = bytes.fromhex(tx["id"])
        if tx["unordered"]:
            need(tx["timeout_s"] >= self.time_s, "EXPIRED")
            need(tx["timeout_s"] <= self.time_s + UNORDERED_S, "BAD_FIELD")
            need(self.state.get("accounts", b"u" + signer + ident) is None, "REPLAYED")
            live = self.state.get("accounts", b"c" + signer) or 0
            self.reached["1,024 unordered of an account"] += live == UNORDERED_LIVE
            need(live < UNORDERED_LIVE, "REPLAYED")
        else:
            need(tx["sequence"] == account["sequence"], "BAD_SEQUENCE")
        gas = self.gas(tx)
        need(tx["gas_limit"] >= gas, "GAS_TOO_LOW")
        price = self.param("min_gas_price", self.current)
        need(tx["fee"] >= -(-gas * price // 1000), "FEE_TOO_LOW")
        need(account["balance"] >= tx["fee"], "NO_FUNDS")
        need(self.verifies(tx, account["number"]), "BAD_SIGNATURE")
        self.take(tx, signer, account, ident)
        return signer

    def verifies(self, tx, number):
        if tx["sign_mode"] == JSON:
            signed = amino.signed(tx, self.chain_id, number)
            self.reached["JSON signed" if signed else "JSON falsified"] += 1
            return signed
        spoilt = tx["falsified"] or {}
        return (tx["number"] == number
                and (spoilt.get("what"), spoilt.get("at")) != ("signature", "envelope"))

    def gas(self, tx):
        gas = GAS_BYTE * tx["bytes"] + GAS_SIGNATURE * tx["signatures"]
        for message in tx["messages"]:
            figure, lists = GAS.get(messages.name_of(message), (0, {}))
            gas += self.param("message_gas", self.current) + figure
            gas += sum(each * len(message[name]) for name, each in lists.items())
        return gas

    def take(self, tx, signer, account, ident):
        self.move(signer, FEES, tx["fee"])
        account = dict(self.account(signer), key=bytes.fromhex(tx["key"]),
                       key_type=codec.ENUMS["KeyType"]["KEY_TYPE_" + tx["key_type"].upper()])
        if tx["unordered"]:
            timeout = tx["timeout_s"]
            self.state.put("accounts", b"u" + signer + ident, timeout)
            self.state.put("accounts", b"q" + u64(timeout) + signer + ident, b"\x01")
            live = self.state.get("accounts", b"c" + signer) or 0
            self.state.put("accounts", b"c" + signer, live + 1)
        else:
            account["sequence"] += 1
        self.put_account(signer, account)

    def forget(self):
        """Unordered ones whose time has passed leave the seen set."""
        gone = [k for k in self.state.under("accounts", b"q")
                if int.from_bytes(k[1:9], "big") < self.time_s][:FORGET_BLOCK]
        for key in gone:
            who, ident = key[9:29], key[29:]
            self.state.delete("accounts", key)
            self.state.delete("accounts", b"u" + who + ident)
            live = self.state.get("accounts", b"c" + who) - 1
            self.state.put("accounts", b"c" + who, live or None)
        if gone:
            self.state.put("accounts", b"f", int.from_bytes(gone[-1][1:9], "big"))

    def apply(self, message, signer):
        name = messages.name_of(message)
        messages.CHECK[name](message)
        getattr(self, "apply_" + name)(message, signer)

    def apply_MsgSend(self, message, signer):
        amount = sum(int(c["amount"]) for c in message["amount"])
        to = address(message["to_address"])
        need(to not in POOLS, "DENIED")
        self.move(signer, to, amount)

    # ---- the end of a block ----

    def end_block(self):
        self.unbond()
        self.pay_entries()
        self.tally()
        self.forget()
        self.validator_set()
