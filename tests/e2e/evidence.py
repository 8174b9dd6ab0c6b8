"""Commits and proofs with something turned in them, signed by the servicers' own operators:
refused by number, and the servicer settles as if they had never been sent."""

import copy

import audits
from world import b64, flip, genesis, need, same, unb64

SERVICERS = range(1, genesis.SERVICERS + 1)


def work_of(world):
    """The session of the tests' own samples, or one whose windows lie ahead."""
    if world.mine and world.mine.session:
        return world.mine.session
    return max(world.first_full, world.now() - 1)


def commit(world):
    """While work of s-1 is committed; the daemons' own commits stand."""
    number = work_of(world)
    record = world.session(number + 1, 1)
    world.wait("the daemons' commits", lambda: world.book.of("commit", session=number), 15)
    sid, bench = world.bench(number, 1)
    drawn = [world.number_of(s["id"]) for s in bench["servicers"]]
    out = next(n for n in SERVICERS if n not in drawn)
    mine, stranger = world.operator(drawn[0]), world.operator(out)
    before = world.net.rest(f"/viper/v1/commits/{sid}")["commits"]
    entry = {"requestor": world.net.actors.requestor["operator"]["address"], "chain": 1,
             "zone": genesis.ZONE, "root": bytes(range(32)), "sum": 40, "count": 20}

    def message(who, *entries, session=number):
        return {"@type": "/viper.v1.MsgCommit", "operator": who.address, "session": session,
                "entries": list(entries)}

    fisherman = world.wallet("fisherman1", "operator")
    world.refused([
        ("a sum below its count", mine, message(mine, dict(entry, sum=19)), 22),
        ("a count of 0", mine, message(mine, dict(entry, count=0)), 22),
        ("a root of 31 bytes", mine, message(mine, dict(entry, root=bytes(31))), 22),
        ("a commit without entries", mine, message(mine), 22),
        ("a servicer that was not drawn", stranger, message(stranger, entry), 52),
        ("a claim of 1 CU", mine, message(mine, dict(entry, sum=1, count=1)), 53),
        ("a sid twice", mine, message(mine, entry, entry), 61),
        ("a good entry beside a bad one", mine,
         message(mine, entry, dict(entry, chain=2, sum=1, count=1))
         if in_both(world, number, drawn[0]) else message(mine, dict(entry, count=0)),
         53 if in_both(world, number, drawn[0]) else 22),
        ("the running session", mine, message(mine, entry, session=number + 1), 51),
        ("a session long gone", mine, message(mine, entry, session=number + 40), 51),
        ("a commit by a fisherman", fisherman, message(fisherman, entry), 31),
        ("a commit in another's name", stranger, message(mine, entry), 11),
    ])
    height = world.book.height
    after = world.net.rest(f"/viper/v1/commits/{sid}")["commits"]
    for old in before:
        new = next((c for c in after if c["servicer"] == old["servicer"]), None)
        need(new is not None and new["root"] != b64(bytes(range(32))),
             f"a refused commit stands for {old['servicer']}")
    need(height <= int(record["last"]) + 1, "the window closed before all were sent")


def in_both(world, number, n):
    ident = world.net.actors.servicers[n - 1]["operator"]["address"]
    return all(ident in [s["id"] for s in world.bench(number, c)[1]["servicers"]]
               for c in genesis.CHAINS)


def daemons_proof(world, number):
    """(n, entries with tails, samples with siblings) as a daemon really sent them."""
    first = int(world.book.sessions[number + 2]["first"])
    found = {}
    for _, _, m in world.book.messages("/viper.v1.MsgProve", first, world.book.height):
        if int(m["session"]) == number:
            entries, samples = found.setdefault(m["operator"], ([], []))
            entries += m["entries"]
            samples += m["samples"]
    for operator, (entries, samples) in found.items():
        deep = [s for s in samples if s["siblings"]]
        if entries and deep:
            return world.number_of(operator), entries, deep
    return None


def bent_samples(sample):
    """(name, sample, code)"""
    def bent(**change):
        out = copy.deepcopy(sample)
        out.update(change)
        return out

    token, siblings = sample["token"], sample["siblings"]
    last = len(siblings) - 1
    richer = [dict(s, sum=str(int(s["sum"]) + (i == last))) for i, s in enumerate(siblings)]
    other = [dict(s, hash=flip(s["hash"], 7)) if i == 0 else s for i, s in enumerate(siblings)]
    leaf = sample["leaf"]
    cu = bytearray(unb64(leaf))
    cu[107] += 1
    return [
        ("a leaf with another response", bent(leaf=flip(leaf, 230)), 55),
        ("a leaf with another signature", bent(leaf=flip(leaf, 150)), 55),
        ("a leaf with one CU more", bent(leaf=b64(cu)), 55),
        ("a leaf of another sid", bent(leaf=flip(leaf, 3)), 55),
        ("a leaf of another servicer", bent(leaf=flip(leaf, 40)), 55),
        ("a leaf one byte short", bent(leaf=b64(unb64(leaf)[:-1])), 55),
        ("a sibling's sum one higher", bent(siblings=richer), 55),
        ("a sibling's hash changed", bent(siblings=other), 55),
        ("a sibling left out", bent(siblings=siblings[:-1]), 55),
        ("another index", bent(index=str(int(sample["index"]) ^ 1)), 55),
        ("an index beyond the tree", bent(index=str(2**40)), 55),
        ("another position's leaf", bent(position=1 - sample["position"]), 55),
        ("a leaf of a client without this token",
         bent(leaf=flip(leaf, 60)), 57),
        ("a leaf with a bent token", bent(token=dict(token, token=flip(token["token"], 80))),
         57),
        ("a leaf with a gateway key that is none", bent(token=dict(token, gateway_key=3)), 57),
        ("a leaf of a sid nobody has", bent(sid=b64(bytes(32)), leaf=b64(
            bytes(32) + unb64(leaf)[32:])), 54),
        ("a position above the parameter", bent(position=7), 22),
    ]


def bent_entries(entry):
    """(name, entry, code)"""
    def bent(**change):
        out = copy.deepcopy(entry)
        out.update(change)
        return out

    tail, token = entry["tails"][0], entry["tokens"][0]
    rest, others = entry["tails"][1:], entry["tokens"][1:]
    more = bytearray(unb64(tail))
    more[99] ^= 1
    return [
        ("a tail with another signature", bent(tails=[flip(tail, 190)] + rest), 56),
        ("a tail with another cum_cu", bent(tails=[b64(more)] + rest), 56),
        ("a tail of another servicer", bent(tails=[flip(tail, 40)] + rest), 56),
        ("a tail of another sid", bent(tails=[flip(tail, 3)] + rest), 56),
        ("a tail one byte short", bent(tails=[b64(unb64(tail)[:-1])] + rest), 56),
        ("a bent token", bent(tokens=[dict(token, token=flip(token["token"], 100))] + others),
         57),
        ("a gateway key that is none", bent(tokens=[dict(token, gateway_key=9)] + others), 57),
        ("a client key twice", bent(tails=[tail, tail], tokens=[token, token]), 61),
        ("more tails than tokens", bent(tails=[tail, tail], tokens=[token]), 22),
        ("no tail", bent(tails=[], tokens=[]), 22),
        ("a sid nobody has", bent(sid=b64(bytes(32))), 54),
    ]


def prove(world):
    """The daemons' own MsgProve, taken from the chain, bent and sent again in its window."""
    number = work_of(world)
    world.session(number + 2, 1)
    world.session(number + 2, int(world.book.params[number]["challenge_delay"]))
    n, entries, samples = world.wait("a daemon's proof",
                                     lambda: daemons_proof(world, number), 20)
    who = world.operator(n)
    before = proved(world, entries, who)

    def message(signer=who, session=number, **parts):
        return {"@type": "/viper.v1.MsgProve", "operator": signer.address, "session": session,
                "entries": [], "samples": [], **parts}

    cases = [(name, who, message(samples=[s]), code)
             for name, s, code in bent_samples(samples[0])]
    cases += [(name, who, message(entries=[e]), code)
              for name, e, code in bent_entries(entries[0])]
    thief = world.operator(next(i for i in SERVICERS if i != n and committed(
        world, number, i, unb64(entries[0]["sid"]).hex())))
    cases += [
        ("a sid twice in one message", who, message(entries=[entries[0]] * 2), 61),
        ("a position twice in one message", who, message(samples=[samples[0]] * 2), 61),
        ("a proof of nothing", who, message(), 22),
        ("a proof of the next session", who, message(session=number + 1, entries=entries), 51),
        ("a proof of the session before", who,
         message(session=number - 1, entries=entries), 51),
        ("another servicer's tails", thief, message(thief, entries=[entries[0]]), 56),
        ("another servicer's leaf", thief, message(thief, samples=[samples[0]]), 55),
        ("a good entry beside a bad sample", who, message(
            entries=[entries[0]],
            samples=[dict(samples[0], leaf=flip(samples[0]["leaf"], 230))]), 55),
    ]
    world.refused(cases)
    same("what is proved", proved(world, entries, who), before)


def committed(world, number, n, sid):
    ident = world.net.actors.servicers[n - 1]["operator"]["address"]
    return world.book.of("commit", session=number, sid=sid, servicer=ident)


def proved(world, entries, who):
    sid = unb64(entries[0]["sid"]).hex()
    told = world.net.rest(f"/viper/v1/commits/{sid}")["commits"]
    return next(c for c in told if c["servicer"] == who.address)


COMMITS = ("tampered commits are refused", commit)
PROOFS = ("tampered leaves, tails and tokens are refused", prove)

# In the order of a session's life: samples in s; seals and commits in s+1; the rest in s+2.
TESTS = [audits.SAMPLES, audits.SEALS, COMMITS, audits.REVEALS, PROOFS, audits.UNSEALED]
