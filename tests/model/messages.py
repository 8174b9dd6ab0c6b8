"""What a message must look like before any state is asked, field by field."""

from fields import ascending, data, key, url, who
from refusal import need

PPM = 10**6
CHAINS_MOST, PAIRS_MOST, KEYS_MOST = 15, 16, 8
ENTRIES_MOST, TAILS_ENTRY, TAILS_MOST, CARDS_MOST = 1000, 64, 1000, 100
POSITIONS_MOST = 16

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
}


def name_of(message):
    return message["@type"].rsplit(".", 1)[1]


def amount(text):
    need(int(text) > 0, "BAD_AMOUNT")


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


def token(m):
    need(len(data(m["token"])) == 128, "BAD_TOKEN")


def position(m, seen):
    need(m["position"] < POSITIONS_MOST, "BAD_FIELD")
    distinct(m["position"], seen)


def distinct(what, seen):
    need(what not in seen, "DUPLICATE")
    seen.add(what)


def siblings(m):
    for s in m["siblings"]:
        length(s["hash"], 32)


def send(m):
    who(m["from_address"])
    who(m["to_address"])
    coins = m["amount"]
    need(len(coins) == 1 and coins[0]["denom"] == "uvipr", "BAD_AMOUNT")
    text = coins[0]["amount"]
    need(text.isascii() and text.isdigit() and text == str(int(text)), "BAD_AMOUNT")
    need(0 < int(text) < 1 << 64, "BAD_AMOUNT")


def stake_servicer(m):
    staked(m)
    url(m["url"])
    key(m["relay_key"])
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
        id16(e["chain"])
        id16(e["zone"])
        length(e["root"], 32)
        need(int(e["sum"]) >= int(e["count"]) >= 1, "BAD_FIELD")


def prove(m):
    who(m["operator"])
    need(m["entries"] or m["samples"], "BAD_FIELD")
    need(sum(len(e["tails"]) for e in m["entries"]) <= TAILS_MOST, "BAD_FIELD")
    sids, positions = set(), set()
    for e in m["entries"]:
        length(e["sid"], 32)
        distinct(e["sid"], sids)
        need(1 <= len(e["tails"]) <= TAILS_ENTRY and len(e["tokens"]) == len(e["tails"]),
             "BAD_FIELD")
        for t in e["tokens"]:
            token(t)
        for t in e["tails"]:
            need(len(data(t)) == 204, "BAD_TAIL")
    for s in m["samples"]:
        position(s, positions)
        length(s["sid"], 32)
        need(len(data(s["leaf"])) == 236, "BAD_LEAF")
        need(s["token"] is not None, "BAD_FIELD")
        token(s["token"])
        siblings(s)


def report(m):
    who(m["operator"])
    need(len(m["entries"]) <= ENTRIES_MOST, "BAD_FIELD")
    for e in m["entries"]:
        who(e["requestor"])
        id16(e["chain"])
        id16(e["zone"])
        length(e["seal"], 32)


def reveal(m):
    who(m["operator"])
    need(1 <= len(m["cards"]) <= CARDS_MOST, "BAD_FIELD")
    sids = set()
    for c in m["cards"]:
        length(c["sid"], 32)
        distinct(c["sid"], sids)
        length(c["salt"], 32)
        length(c["samples_root"], 32)
        for line in c["lines"]:
            who(line["servicer"])
        for o in c["opened"]:
            need(len(data(o["sample"])) in (228, 326, 358), "BAD_SAMPLE")
            need(o["token"] is not None, "BAD_FIELD")
            token(o["token"])
            siblings(o)


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
    "MsgSetOwner": addresses("owner", "actor", "new_owner"),
    "MsgCommit": commit, "MsgProve": prove, "MsgReportCard": report, "MsgReveal": reveal,
}


def check_signer(message, signer):
    """Before the fee; all else of a message is looked at after it."""
    name = name_of(message)
    need(name in CHECK, "SYSTEM_ONLY" if name == "MsgSystem" else "UNKNOWN_MESSAGE")
    need(who(message[SIGNER[name]]) == signer, "BAD_SIGNER")
