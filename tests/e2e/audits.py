"""A fisherman that the tests play: staked on the running chain, its samples posted to the
gateway as the protocol says, its cards sealed by the Python model."""

import hashlib
import http.client
import secrets

import client
from envelope import fund
from world import R, VIPR, genesis, need, same, unb64, wallet

STAKE = 15_000 * VIPR


class Mine:
    """Keys, the session from which it counts, and what it sealed."""

    def __init__(self, world):
        self.owner = world.adopt(wallet.Secp())
        self.operator = world.adopt(wallet.Secp())
        self.from_session = None
        self.session = None   # whose samples it took
        self.cards = {}       # chain -> Card
        self.nonce = 0


class Card:
    """One real sample, one line that speaks of it, the others empty."""

    def __init__(self, mine, sid, bench, sample, token, servicer):
        self.sid, self.token, self.sample = sid, token, sample
        self.salt = secrets.token_bytes(32)
        self.root = R.H("sample", sample)
        self.lines = []
        for seat in bench["servicers"]:
            hit = int(seat["id"] == servicer)
            self.lines.append({"servicer": seat["id"], "sent": hit, "refused": 0,
                               "answered": hit, "checked": 0, "correct": 0,
                               "p90_ms": 12 * hit})
        rows = [(R.from_bech32(x["servicer"]), x["sent"], x["refused"], x["answered"],
                 x["checked"], x["correct"], x["p90_ms"]) for x in self.lines]
        self.seal = R.card_seal(self.salt, bytes.fromhex(sid), mine.operator.key.raw, rows,
                                self.root)

    def revealed(self):
        opened = [{"position": i, "sample": self.sample, "token": dict(self.token),
                   "index": 0, "siblings": []} for i in range(2)]
        return {"sid": bytes.fromhex(self.sid), "salt": self.salt,
                "lines": [dict(x) for x in self.lines], "samples_root": self.root,
                "opened": opened}


def sample_bytes(part, signature, receipt, latency_ms=12):
    return (part + signature + len(receipt).to_bytes(4, "big") + receipt + bytes(4)
            + latency_ms.to_bytes(8, "big") + bytes(8))


def counts_from(world, height):
    """The session from which a change in this block counts (docs/protocol.md, 8.3)."""
    for number in sorted(world.book.sessions):
        record = world.book.sessions[number]
        first, last = int(record["first"]), int(record["last"])
        if first <= height <= last:
            freeze = int(world.book.params[number]["freeze_blocks"])
            return number + 1 if last + 1 - height >= freeze else number + 2
    raise KeyError(f"block {height} is in no session")


def stake(world):
    """With an owner and operator of its own; drawn from the session the freeze rule says."""
    mine = Mine(world)
    for account, amount in ((mine.owner, STAKE + VIPR), (mine.operator, 10 * VIPR)):
        fund(world, account.address, amount)
    height, _ = world.must(mine.owner, {
        "@type": "/viper.v1.MsgStakeFisherman", "owner": mine.owner.address,
        "operator": mine.operator.address, "amount": STAKE, "zone": genesis.ZONE,
        "chains": sorted(genesis.CHAINS)})
    mine.from_session = counts_from(world, height)
    for number in (mine.from_session - 1, mine.from_session):
        if number > world.now() + 1:
            continue
        told = world.net.rest(
            f"/viper/v1/fishermen/{mine.operator.address}?session={number}")
        same(f"eligible in session {number}", told["eligible"], number == mine.from_session)
    world.mine = mine


def post_sample(world, mine, sid, seat, body, spoil=False):
    """(status, headers, body) of the gateway's shadow endpoint."""
    mine.nonce += 1
    key = mine.operator.key
    digest = R.H("shadow", bytes.fromhex(sid), R.from_bech32(seat["id"]), ("var", b"POST"),
                 ("var", b""), ("var", body), mine.nonce)
    head = (bytes.fromhex(sid) + R.from_bech32(seat["id"]) + mine.nonce.to_bytes(8, "big")
            + key.public + key.sign(hashlib.sha256(b"x").digest() if spoil else digest))
    connection = http.client.HTTPConnection("127.0.0.1", world.net.ports["shadow"], timeout=15)
    try:
        connection.request("POST", "/v1/shadow", body, {
            "Content-Type": "application/json", "Viper-Shadow": client.url64(head)})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def take_samples(world):
    """A sample a chain, relayed by the gateway under its own client key. One card will be
    honest, the other one has a sample with a bit turned in the client's signature."""
    mine = world.mine
    world.session(mine.from_session, 1)
    number = world.fresh_session(left=3)
    for chain, method in ((1, "status"), (2, "getblockcount")):
        sid, _, seat = world.seat(number, chain)
        bench = world.bench(number, chain)[1]
        need(mine.operator.address in [f["id"] for f in bench["fishermen"]],
             f"the new fisherman is not drawn in session {number}")
        body = client.call(method)
        status, _, _ = post_sample(world, mine, sid, seat, body, spoil=True)
        same("status of a post with a wrong signature", status, 401)
        status, headers, answer = post_sample(world, mine, sid, seat, body)
        same(f"status of a sample ({answer[:200]})", status, 200)
        part_and_signature = client.unurl64(headers["Viper-Relay"])
        part, signature = part_and_signature[:140], part_and_signature[140:]
        receipt = client.unurl64(headers["Viper-Receipt"])
        need(client.Receipt(headers["Viper-Receipt"]).holds(
            unb64(seat["relay_key"]), int(headers["Viper-Status"]), answer, part),
            "the receipt of a sample does not hold")
        if chain == 2:
            signature = signature[:63] + bytes([signature[63] ^ 1])
        token = {"token": client.unurl64(headers["Viper-Token"]), "gateway_key": 0}
        mine.cards[chain] = Card(mine, sid, bench, sample_bytes(part, signature, receipt),
                                 token, seat["id"])
    mine.session = number
    early = mine.from_session - 1
    if number == mine.from_session and early >= 0:
        entry = {"requestor": world.net.actors.requestor["operator"]["address"], "chain": 1,
                 "zone": genesis.ZONE, "seal": bytes(32)}
        world.refused([("a seal for a sid it was not drawn in", mine.operator, {
            "@type": "/viper.v1.MsgReportCard", "operator": mine.operator.address,
            "session": early, "entries": [entry]}, 52)])


def seal_message(world, mine):
    who = world.net.actors.requestor["operator"]["address"]
    return {"@type": "/viper.v1.MsgReportCard", "operator": mine.operator.address,
            "session": mine.session, "entries": [
                {"requestor": who, "chain": chain, "zone": genesis.ZONE, "seal": card.seal}
                for chain, card in sorted(mine.cards.items())]}


def seal(world):
    """In the session after; what is not sealed as it should be is refused."""
    mine = world.mine
    world.session(mine.session + 1, 0)
    message = seal_message(world, mine)
    twice = dict(message, entries=[message["entries"][0]] * 2)
    short = dict(message, entries=[dict(message["entries"][0], seal=bytes(31))])
    servicer = world.operator(1)
    world.refused([
        ("a sid sealed twice in one message", mine.operator, twice, 61),
        ("a seal of 31 bytes", mine.operator, short, 22),
        ("a seal of the running session", mine.operator,
         dict(message, session=mine.session + 1), 51),
        ("a seal by a servicer", servicer, dict(message, operator=servicer.address), 31)])
    world.must(mine.operator, message)
    for chain, card in mine.cards.items():
        told = world.net.rest(f"/viper/v1/cards/{card.sid}")
        seals = {c["fisherman"]: unb64(c["seal"]) for c in told["cards"]}
        same(f"seal of chain {chain}", seals.get(mine.operator.address), card.seal)


def turned(card, **change):
    return dict(card.revealed(), **change)


def bent_cards(mine):
    """(name, revealed card, code) of one that was sealed honestly"""
    card = mine.cards[1]
    plain = card.revealed()
    better = [dict(x, p90_ms=1 if x["sent"] else 0) for x in plain["lines"]]
    checked = [dict(x, checked=x["answered"], correct=x["answered"]) for x in plain["lines"]]
    more = [dict(x, answered=x["answered"] + 1) for x in plain["lines"]]
    late = sample_bytes(card.sample[:140], card.sample[140:204], card.sample[208:338], 900)

    def opened(**change):
        return [dict(o, **change) for o in plain["opened"]]

    bad_token = dict(card.token, token=card.token["token"][:100] + bytes(28))
    return [
        ("a card with another p90", turned(card, lines=better), 58),
        ("a card with other verdicts", turned(card, lines=checked), 58),
        ("a card with more answers than sent", turned(card, lines=more), 58),
        ("a card without its last line", turned(card, lines=plain["lines"][:-1]), 58),
        ("a card in another order", turned(card, lines=plain["lines"][::-1]), 58),
        ("a card with another salt", turned(card, salt=bytes(32)), 58),
        ("a card with another root", turned(card, samples_root=bytes(31) + b"\x01"), 58),
        ("a card that opens nothing", turned(card, opened=[]), 59),
        ("a card that opens another index", turned(card, opened=opened(index=1)), 59),
        ("a sample with another latency", turned(card, opened=opened(sample=late)), 59),
        ("a sample of garbage", turned(card, opened=opened(sample=b"\x01" * 358)), 59),
        ("a sample with a sibling too many",
         turned(card, opened=opened(siblings=[{"hash": bytes(32), "sum": 1}])), 59),
        ("a sample with another token", turned(card, opened=opened(token=bad_token)), 57),
        ("a card whose sealed sample is bent", mine.cards[2].revealed(), 59),
        ("a card of a sid nobody has", turned(card, sid=bytes(32)), 54),
    ]


def reveal(world):
    """Every changed card is refused, the sealed one is taken, once."""
    mine, number = world.mine, world.mine.session
    delay = int(world.book.params[number]["challenge_delay"])
    world.session(number + 2, delay - 1)
    message = {"@type": "/viper.v1.MsgReveal", "operator": mine.operator.address,
               "session": number}
    honest = dict(message, cards=[mine.cards[1].revealed()])
    cases = [(name, mine.operator, dict(message, cards=[card]), code)
             for name, card, code in bent_cards(mine)]
    cases += [("a card twice in one message", mine.operator,
               dict(message, cards=honest["cards"] * 2), 61),
              ("a card of another session", mine.operator,
               dict(honest, session=number + 1), 51)]
    world.refused(cases)
    told = world.net.rest(f"/viper/v1/cards/{mine.cards[1].sid}")["cards"]
    need(not [c for c in told if c["fisherman"] == mine.operator.address and c["revealed"]],
         "a refused card counts as revealed")
    world.must(mine.operator, honest)
    told = world.net.rest(f"/viper/v1/cards/{mine.cards[1].sid}")["cards"]
    need([c for c in told if c["fisherman"] == mine.operator.address and c["revealed"]],
         "the honest card is not revealed")
    cases = [("a card that is revealed already", mine.operator, honest, 60)]
    for name, who, theirs in daemons_reveals(world, number):
        cases.append((f"{name}'s card again", who, theirs, 60))
    world.refused(cases)


def daemons_reveals(world, number):
    first, last = int(world.book.sessions[number + 2]["first"]), world.book.height
    names = {f["operator"]["address"]: f"fisherman{i}"
             for i, f in enumerate(world.net.actors.fishermen, 1)}
    for _, _, m in world.book.messages("/viper.v1.MsgReveal", first, last):
        if m["operator"] in names and int(m["session"]) == number:
            name = names.pop(m["operator"])
            yield name, world.wallet(name, "operator"), m


def not_sealed(world):
    """In the next window: a card for a session in which nothing was sealed."""
    mine, number = world.mine, world.mine.session + 1
    delay = int(world.book.params[number]["challenge_delay"])
    world.session(number + 2, delay - 1)
    sid, bench = world.bench(number, 1)
    empty = {"sid": bytes.fromhex(sid), "salt": bytes(32), "samples_root": bytes(32),
             "lines": [{"servicer": s["id"]} for s in bench["servicers"]], "opened": []}
    world.refused([("a card that was never sealed", mine.operator, {
        "@type": "/viper.v1.MsgReveal", "operator": mine.operator.address, "session": number,
        "cards": [empty]}, 62)])


EARLY = [("a fisherman staked now counts by the freeze rule", stake)]
NEEDS = ("a fisherman staked now counts by the freeze rule",)
SAMPLES = ("a shadow sample is a relay like any other", take_samples, NEEDS)
SEALS = ("tampered seals are refused", seal, NEEDS + (SAMPLES[0],))
REVEALS = ("tampered report cards are refused", reveal, SEALS[2] + (SEALS[0],))
UNSEALED = ("a card never sealed is refused", not_sealed, SEALS[2])
