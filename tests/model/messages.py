"""What a message must look like before any state is asked, field by field."""

import hashlib
import re

import codec
import params
from fields import amount, ascending, coin, data, key, url, valoper, who
from refusal import need

PPM = 10**6
CHAINS_MOST, PAIRS_MOST, KEYS_MOST = 15, 16, 8
ENTRIES_MOST, TAILS_ENTRY, TAILS_MOST, CARDS_MOST = 1000, 64, 1000, 100
POSITIONS_MOST, LINES_MOST = 16, 24
POOLS = {hashlib.sha256(b"viper-pool-" + name).digest()[:20]
         for name in (b"staked", b"fees", b"dao", b"rewards", b"deposits")}

# who signs: the field that must be the transaction's signer
SIGNER = {
    "MsgSend": "from_address", "MsgStakeServicer": "owner", "MsgEditServicer": "signer",
    "MsgStakeRequestor": "owner", "MsgEditRequestor": "signer", "MsgStakeFisherman": "owner",
    "MsgEditFisherman": "signer", "MsgStakeValidator": "owner",
    "MsgDelegate": "delegator", "MsgUndelegate": "delegator", "MsgWithdraw": "delegator",
    "MsgSetCommission": "owner", "MsgPrice": "operator",
    "MsgRenewBeacon": "signer", "MsgIncreaseStake": "owner", "MsgPause": "signer",
    "MsgResume": "signer", "MsgUnstake": "owner", "MsgSetOperator": "owner",
    "MsgSetOwner": "owner", "MsgCommit": "operator", "MsgProve": "operator",
    "MsgReportCard": "operator", "MsgReveal": "operator",
    "MsgPropose": "proposer", "MsgVote": "voter", "MsgEditChain": "owner",
    "WalletDelegate": "delegator_address", "WalletUndelegate": "delegator_address",
    "WalletWithdraw": "delegator_address", "WalletVote": "voter",
    "MsgBeginRedelegate": "delegator_address", "MsgSetWithdrawAddress": "delegator_address",
    "MsgCancelUnbondingDelegation": "delegator_address", "MsgVoteWeighted": "voter",
}
# Two that have the last part of their names in common.
WALLETS = {
    "/cosmos.staking.v1beta1.MsgDelegate": "WalletDelegate",
    "/cosmos.staking.v1beta1.MsgUndelegate": "WalletUndelegate",
    "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward": "WalletWithdraw",
    "/cosmos.gov.v1.MsgVote": "WalletVote", "/cosmos.gov.v1beta1.MsgVote": "WalletVote",
}


def name_of(message):
    url_ = message["@type"]
    return WALLETS.get(url_) or url_.rsplit(".", 1)[1]


def length(text, *sizes):
    need(len(data(text)) in sizes, "BAD_FIELD")


def id16(n):
    need(n <= 65535, "BAD_FIELD")


def places(m):
    chains = m["chains"]
    need(1 <= len(chains) <= CHAINS_MOST and ascending(chains), "BAD_FIELD")
    id16(chains[-1])
    id16(m["zone"])


def pairs(m):
    need(3 <= m["num_servicers"] <= 24, "BAD_FIELD")
    need(1 <= len(m["pairs"]) <= PAIRS_MOST, "BAD_FIELD")
    need(ascending([(p["chain"], p["zone"]) for p in m["pairs"]]), "BAD_FIELD")
    for p in m["pairs"]:
        id16(p["chain"])
        id16(p["zone"])
        need(p["share_ppm"] > 0, "BAD_FIELD")
    need(sum(p["share_ppm"] for p in m["pairs"]) == PPM, "BAD_FIELD")
    keys = m["gateway_keys"]
    need(1 <= len(keys) <= KEYS_MOST, "BAD_FIELD")
    need(ascending([key(k) for k in keys]), "BAD_FIELD")
    url(m["shadow_url"], path=True, empty=True)


def staked(m):
    who(m["owner"])
    who(m["operator"])


def position(m, seen):
    need(m["position"] < POSITIONS_MOST, "BAD_FIELD")
    distinct(m["position"], seen)


def distinct(what, seen):
    need(what not in seen, "DUPLICATE")
    seen.add(what)


def send(m):
    who(m["from_address"])
    who(m["to_address"])
    need(len(m["amount"]) == 1, "BAD_AMOUNT")
    coin(m["amount"][0])


def stake_servicer(m):
    staked(m)
    url(m["url"])
    key(m["relay_key"])
    need(m["commission_ppm"] <= PPM, "BAD_FIELD")
    places(m)


def edit_servicer(m):
    who(m["signer"])
    who(m["servicer"])
    url(m["url"])
    key(m["relay_key"])
    places(m)


def stake_requestor(m):
    staked(m)
    pairs(m)


def edit_requestor(m):
    who(m["signer"])
    who(m["requestor"])
    pairs(m)


def stake_fisherman(m):
    staked(m)
    places(m)


def edit_fisherman(m):
    who(m["signer"])
    who(m["fisherman"])
    places(m)


def stake_validator(m):
    staked(m)
    key(m["consensus_key"])
    length(m["beacon_end"], 32)
    need(m["commission_ppm"] <= PPM, "BAD_FIELD")


def delegate(m):
    who(m["delegator"])
    who(m["actor"])
    amount(m["amount"])


def resume(m):
    who(m["signer"])
    who(m["actor"])
    id16(m["chain"])
    id16(m["zone"])
    need((m["chain"] == 0) == (m["zone"] == 0), "BAD_FIELD")


def price(m):
    who(m["operator"])
    need(1 <= int(m["price_micro_usd"]) <= 1 << 62, "BAD_FIELD")


def renew_beacon(m):
    who(m["signer"])
    who(m["validator"])
    length(m["beacon_end"], 32)


def increase(m):
    who(m["owner"])
    who(m["actor"])
    amount(m["amount"])


def commit(m):
    who(m["operator"])
    need(1 <= len(m["entries"]) <= ENTRIES_MOST, "BAD_FIELD")
    for e in m["entries"]:
        who(e["requestor"])
        length(e["root"], 32)
        id16(e["chain"])
        id16(e["zone"])
        need(int(e["sum"]) >= int(e["count"]) >= 1, "BAD_FIELD")


def prove(m):
    who(m["operator"])
    need(m["entries"] or m["samples"], "BAD_FIELD")
    tails, positions = 0, set()
    for e in m["entries"]:
        length(e["sid"], 32)
        need(1 <= len(e["tails"]) <= TAILS_ENTRY, "BAD_FIELD")
        need(len(e["tokens"]) == len(e["tails"]), "BAD_FIELD")
        tails += len(e["tails"])
        need(tails <= TAILS_MOST, "BAD_FIELD")
    for s in m["samples"]:
        length(s["sid"], 32)
        position(s, positions)


def report(m):
    who(m["operator"])
    need(len(m["entries"]) <= ENTRIES_MOST, "BAD_FIELD")
    for e in m["entries"]:
        who(e["requestor"])
        length(e["seal"], 32)
        id16(e["chain"])
        id16(e["zone"])


def reveal(m):
    who(m["operator"])
    need(1 <= len(m["cards"]) <= CARDS_MOST, "BAD_FIELD")
    for c in m["cards"]:
        for name in ("sid", "salt", "samples_root"):
            length(c[name], 32)
        need(1 <= len(c["lines"]) <= LINES_MOST, "BAD_FIELD")
        need(len(c["opened"]) <= POSITIONS_MOST, "BAD_FIELD")
        for line in c["lines"]:
            who(line["servicer"])


# ---- governance ----

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
PRINTABLE = re.compile(r"[!-~]+")


def text(value, most):
    need(1 <= len(value.encode()) <= most, "BAD_FIELD")


def printable(value, most):
    need(PRINTABLE.fullmatch(value) is not None and len(value) <= most, "BAD_FIELD")


def no_pool(value):
    need(who(value) not in POOLS, "BAD_ADDRESS")


def place_name(value):
    """Names stand where an id may stand."""
    need(NAME.fullmatch(value) is not None, "BAD_FIELD")
    need(re.fullmatch("[0-9a-f]{4}|[0-9]+", value) is None, "BAD_FIELD")


def place_id(n):
    need(1 <= n <= 65535, "BAD_FIELD")


def multiplier(value):
    need(1 <= int(value) <= PPM, "BAD_FIELD")


def latencies(m):
    need(1 <= int(m["latency_target_ms"]) < int(m["latency_max_ms"]) <= 60000, "BAD_FIELD")


def propose(m):
    who(m["proposer"])
    text(m["title"], 140)
    text(m["summary"], 4096)
    there = [name for name in CONTENT if m[name]]
    need(len(there) <= 1, "BAD_FIELD")
    for name in there:
        CONTENT[name](m[name])


def params_content(changes):
    seen = set()
    for change in changes:
        need(change["name"] in params.RULES, "BAD_FIELD")
        distinct(change["name"], seen)


def spend_content(c):
    no_pool(c["recipient"])
    amount(c["amount"])


def chain_content(c):
    place_id(c["id"])
    place_name(c["name"])
    for name in ("owner", "payout"):
        if c[name]:
            no_pool(c[name])
    multiplier(c["multiplier_ppm"])
    latencies(c)
    length(c["corpus_hash"], 0, 32)
    rows = c["methods"]
    need(len(rows) <= 1024, "BAD_FIELD")
    for row in rows:
        printable(row["method"], 128)
        need(1 <= int(row["cu"]) <= 1000, "BAD_FIELD")
    need(ascending([row["method"] for row in rows]), "BAD_FIELD")


def zone_content(c):
    place_id(c["id"])
    place_name(c["name"])
    multiplier(c["multiplier_ppm"])


def upgrade_content(c):
    printable(c["name"], 32)
    height, version = int(c["height"]), int(c["version"])
    need((height == 0) == (version == 0) and height < 1 << 63, "BAD_FIELD")


CONTENT = {"params": params_content, "spend": spend_content, "chain": chain_content,
           "zone": zone_content, "upgrade": upgrade_content}


def vote(m):
    who(m["voter"])
    option = str(m["option"]).replace("NO_WITH_VETO", "VETO")
    need(codec.ENUMS["VoteOption"].get(option, 0) != 0, "BAD_FIELD")


def edit_chain(m):
    who(m["owner"])
    id16(m["chain"])
    place_name(m["name"])
    if m["payout"]:
        no_pool(m["payout"])
    latencies(m)


# ---- wallets ----

def wallet_pair(m):
    who(m["delegator_address"])
    valoper(m["validator_address"])


def wallet_delegate(m):
    wallet_pair(m)
    coin(m["amount"])


def unsupported(_m):
    need(False, "UNSUPPORTED")


def set_owner(m):
    who(m["owner"])
    who(m["actor"])
    no_pool(m["new_owner"])


def addresses(*names):
    def check(m):
        for name in names:
            who(m[name])
    return check


CHECK = {
    "MsgSend": send, "MsgStakeServicer": stake_servicer, "MsgEditServicer": edit_servicer,
    "MsgStakeRequestor": stake_requestor, "MsgEditRequestor": edit_requestor,
    "MsgStakeFisherman": stake_fisherman, "MsgEditFisherman": edit_fisherman,
    "MsgStakeValidator": stake_validator,
    "MsgRenewBeacon": renew_beacon, "MsgIncreaseStake": increase,
    "MsgDelegate": delegate, "MsgUndelegate": delegate, "MsgPrice": price,
    "MsgWithdraw": addresses("delegator", "actor"),
    "MsgSetCommission": addresses("owner", "actor"),
    "MsgPause": addresses("signer", "actor"), "MsgResume": resume,
    "MsgUnstake": addresses("owner", "actor"),
    "MsgSetOperator": addresses("owner", "actor", "operator"),
    "MsgSetOwner": set_owner,
    "MsgCommit": commit, "MsgProve": prove, "MsgReportCard": report, "MsgReveal": reveal,
    "MsgPropose": propose, "MsgVote": vote, "WalletVote": vote, "MsgEditChain": edit_chain,
    "WalletDelegate": wallet_delegate, "WalletUndelegate": wallet_delegate,
    "WalletWithdraw": wallet_pair, "MsgBeginRedelegate": unsupported,
    "MsgCancelUnbondingDelegation": unsupported, "MsgSetWithdrawAddress": unsupported,
    "MsgVoteWeighted": unsupported,
}


def check_signer(message, signer):
    """Before the fee; all else of a message is looked at after it."""
    name = name_of(message)
    need(name in CHECK, "SYSTEM_ONLY" if name == "MsgSystem" else "UNKNOWN_MESSAGE")
    need(who(message[SIGNER[name]]) == signer, "BAD_SIGNER")
