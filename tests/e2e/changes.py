"""Stake, pairs, num_servicers, a relay key and a URL changed in the middle of one session: the
running session keeps what it had, the ones after have the new, from where the freeze rule
says; traffic follows. The model recomputes them all later (settled.LATE)."""

import json
import os
import subprocess

import client
import relays
from audits import counts_from
from envelope import fund
from local import net as local_net
from middle import move
from wallet import tx_hash
from world import R, VIPR, b64, genesis, need, same, unb64

MORE = 200_000 * VIPR
SHARES = {1: 600_000, 2: 400_000}
KEYED, MOVED = 1, 2   # the servicers whose relay key, whose URL changes


class Plan:
    """What was, and from which session each change counts."""

    def __init__(self, world, session):
        self.session = session
        self.record = world.book.requestors[session]
        self.since = {}


def requestor(world, number):
    who = world.net.actors.requestor["operator"]["address"]
    return world.net.rest(f"/viper/v1/requestors/{who}?session={number}")


def restart(world, name, **config):
    """A daemon again, with keys of its configuration replaced."""
    path = os.path.join(world.net.home(name), name.rstrip("0123456789") + ".toml")
    with open(path, encoding="utf-8") as f:
        lines = [x for x in f.read().splitlines() if x.split(" =")[0] not in config]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join([f"{k} = {json.dumps(v)}" for k, v in config.items()] + lines) + "\n")
    world.net.group[name].stop()
    world.net.start_daemon(name)


def new_relay_key(world):
    """The hex of a second key in the relay's home; the daemon knows both from now on."""
    home = world.net.home(f"relay{KEYED}")
    done = subprocess.run([world.net.viperd, "keys", "add", "relay2", "--kind", "relay",
                           "--home", home, "--keyring-backend", "test", "--output", "json"],
                          capture_output=True, text=True, check=True)
    restart(world, f"relay{KEYED}", **{"relay-key-next": "relay2"})
    return json.loads(done.stdout)["key"]


def change_all(world):
    """Everything in one session; its blocks are noted by the freeze rule."""
    owner = world.wallet("owners", "requestor")
    ident = world.net.actors.requestor["operator"]["address"]
    fund(world, owner.address, MORE + VIPR)
    key = new_relay_key(world)
    port = local_net.free_ports(1)[0]
    session = world.fresh_session(past=1, left=7)
    plan = Plan(world, session)
    world.plan = plan
    plan.old_key = world.net.rest(
        f"/viper/v1/servicers/{world.operator(KEYED).address}")["relay_key"]
    plan.new_key = b64(bytes.fromhex(key))
    pairs = [{"chain": c, "zone": genesis.ZONE, "share_ppm": SHARES[c]} for c in sorted(SHARES)]
    who = world.operator(KEYED)
    told = world.net.rest(f"/viper/v1/servicers/{who.address}")
    plan.url = f"http://127.0.0.1:{port}"
    # Sent together, so that all of them stand in the same session.
    sent = [
        ("stake", owner, {"@type": "/viper.v1.MsgIncreaseStake", "owner": owner.address,
                          "actor": ident, "amount": MORE}),
        ("pairs", owner, {
            "@type": "/viper.v1.MsgEditRequestor", "signer": owner.address, "requestor": ident,
            "num_servicers": 4, "pairs": pairs,
            "gateway_keys": [unb64(k) for k in plan.record["gateway_keys"]],
            "shadow_url": f"http://127.0.0.1:{world.net.ports['shadow']}"}),
        ("key", who, {"@type": "/viper.v1.MsgEditServicer", "signer": who.address,
                      "servicer": who.address, "url": told["actor"]["url"],
                      "relay_key": bytes.fromhex(key), "zone": told["zone"],
                      "chains": told["chains"]})]
    hashes = {}
    for name, signer, message in sent:
        raw = signer.sign([message])
        same(f"CheckTx of {name}", world.push(raw)[0], 0)
        hashes[tx_hash(raw)] = name
    restart(world, f"relay{MOVED}", listen=f"127.0.0.1:{port}")
    plan.moved = move(world, MOVED, plan.url)
    for tx, (code, why, height) in world.results(list(hashes)).items():
        same(f"code of {hashes[tx]} ({why})", code, 0)
        first, last = (int(world.book.sessions[session][k]) for k in ("first", "last"))
        need(first < height <= last, f"{hashes[tx]} in block {height} of {first}..{last}")
        plan.since[hashes[tx]] = counts_from(world, height)


def by_session(world):
    """Old values for the running session and until the freeze rule ends, new from there."""
    plan = world.plan
    latest = max(plan.since.values())
    world.session(latest, 1)
    world.wait("the session to be read", lambda: latest in world.book.requestors, 10)
    old_stake = int(plan.record["actor"]["stake"])
    old_usd = int(plan.record["usd"])
    price = 50_000
    for number in range(plan.session, latest + 1):
        told = world.book.requestors[number]
        fresh = {k: number >= s for k, s in plan.since.items()}
        same(f"stake in session {number}", int(told["actor"]["stake"]),
             old_stake + MORE * fresh["stake"])
        same(f"usd in session {number}", int(told["usd"]),
             old_usd + R.usd(MORE, price) * fresh["stake"])
        same(f"num_servicers in session {number}", told["num_servicers"],
             4 if fresh["pairs"] else 5)
        same(f"shares in session {number}", {p["chain"]: p["share_ppm"] for p in told["pairs"]},
             SHARES if fresh["pairs"] else {1: 500_000, 2: 500_000})
        for chain in SHARES:
            _, bench = world.bench(number, chain)
            same(f"servicers of chain {chain} in session {number}", len(bench["servicers"]),
                 4 if fresh["pairs"] else 5)
        key = world.book.servicers[number, world.operator(KEYED).address]["relay_key"]
        same(f"relay key in session {number}", key,
             plan.new_key if fresh["key"] else plan.old_key)
    same("the changed session, asked again", [p["share_ppm"] for p in
         requestor(world, plan.session)["pairs"]], [500_000, 500_000])


def drawn_sessions(world, n, since):
    """[(session, chain)] in which servicer n is drawn, that are over by a session"""
    ident = world.operator(n).address
    return [(s, c) for s in sorted(world.book.requestors) if since <= s < world.now() - 1
            for c in genesis.CHAINS
            if ident in [x["id"] for x in world.bench(s, c)[1]["servicers"]]]


def receipts_under_the_new_key(world):
    """The test's own client at the servicer with the replaced key."""
    plan, ident = world.plan, world.operator(KEYED).address

    def seat():
        number = world.now()
        for chain in genesis.CHAINS:
            if number not in world.book.requestors or number < plan.since["key"]:
                return None
            sid, bench = world.bench(number, chain)
            for s in bench["servicers"]:
                if s["id"] == ident:
                    return number, chain, sid, s
        return None
    world.wait("a session that drew the servicer", seat, 80)
    world.fresh_session()
    _, chain, sid, found = world.wait("a seat", seat, 80)
    same("relay key of the seat", found["relay_key"], plan.new_key)
    c = client.Client(relays.gateway_key(world), sid, found, chain)
    answer = c.relay(client.call({1: "health", 2: "getblockcount"}[chain]))
    same("status", answer.status, 200)
    need(c.receipt_holds(answer, unb64(plan.new_key)), "no receipt under the new key")
    need(not c.receipt_holds(answer, unb64(plan.old_key)), "a receipt under both keys")


def traffic_follows(world):
    """Both changed servicers committed work of every session that drew them afterwards."""
    plan = world.plan
    for name, n, since in (("key", KEYED, plan.since["key"]),
                           ("URL", MOVED, plan.session + 1)):
        drawn = world.wait(f"a session that drew servicer {n}",
                           lambda n=n, since=since: drawn_sessions(world, n, since), 120)
        ident = world.operator(n).address
        for number, chain in drawn:
            sid, _ = world.bench(number, chain)
            counts = [int(a["count"]) for _, _, a in world.book.of(
                "commit", session=number, sid=sid, servicer=ident)]
            need(counts and counts[-1] > 0,
                 f"servicer {n}, whose {name} changed, committed nothing for chain {chain} in "
                 f"session {number}")
    told = world.net.rest(f"/viper/v1/servicers/{world.operator(MOVED).address}")
    same("URL", told["actor"]["url"], plan.url)


def edit_message(world, signer, **change):
    told = requestor(world, world.now())
    ident = world.net.actors.requestor["operator"]["address"]
    pairs = [{k: p[k] for k in ("chain", "zone", "share_ppm")} for p in told["pairs"]]
    return {"@type": "/viper.v1.MsgEditRequestor", "signer": signer.address,
            "requestor": ident, "num_servicers": told["num_servicers"], "pairs": pairs,
            "gateway_keys": [unb64(k) for k in told["gateway_keys"]],
            "shadow_url": f"http://127.0.0.1:{world.net.ports['shadow']}", **change}


def pairs_of(*shares):
    return [{"chain": c, "zone": z, "share_ppm": s} for c, z, s in shares]


def edit_is_checked(world):
    """What no requestor can be is refused, and the record stands."""
    owner = world.wallet("owners", "requestor")
    stranger = world.operator(1)
    fund(world, owner.address, VIPR)
    before = requestor(world, world.now())

    def edit(signer=owner, **change):
        return edit_message(world, signer, **change)

    world.refused([
        ("shares that are no whole", owner, edit(pairs=pairs_of((1, 1, 600_000),
                                                                (2, 1, 400_001))), 22),
        ("a pair twice", owner, edit(pairs=pairs_of((1, 1, 500_000), (1, 1, 500_000))), 22),
        ("a share of 0", owner, edit(pairs=pairs_of((1, 1, 10**6), (2, 1, 0))), 22),
        ("no pair", owner, edit(pairs=[]), 22),
        ("a chain that does not exist", owner, edit(pairs=pairs_of((77, 1, 10**6))), 37),
        ("a zone that does not exist", owner, edit(pairs=pairs_of((1, 77, 10**6))), 38),
        ("two servicers", owner, edit(num_servicers=2), 22),
        ("25 servicers", owner, edit(num_servicers=25), 22),
        ("a quota too low", owner, edit(pairs=pairs_of((1, 1, 999_000), (2, 1, 1_000))), 36),
        ("no gateway key", owner, edit(gateway_keys=[]), 22),
        ("an edit by a stranger", stranger, edit(stranger), 26),
        ("a stake by another than the owner", stranger, {
            "@type": "/viper.v1.MsgIncreaseStake", "owner": stranger.address,
            "actor": edit()["requestor"], "amount": 1}, 26),
    ])
    after = requestor(world, int(before["session"]))
    same("the requestor's record", after, before)


def change_late(world):
    """The same edit back, so near to the session's end that the freeze holds it back."""
    owner, plan = world.wallet("owners", "requestor"), world.plan
    session = world.fresh_session(past=6, left=1)
    height, _ = world.must(owner, edit_message(
        world, owner, num_servicers=5, pairs=pairs_of((1, 1, 500_000), (2, 1, 500_000))))
    ran = next(n for n, r in world.book.sessions.items()
               if int(r["first"]) <= height <= int(r["last"]))
    plan.since["late"] = counts_from(world, height)
    need(plan.since["late"] == ran + 2 or ran > session,
         f"block {height} of session {ran} lies outside the freeze")


def late_by_session(world):
    plan = world.plan
    since = plan.since["late"]
    world.session(since, 1)
    world.wait("the session to be read", lambda: since in world.book.requestors, 10)
    for number in range(plan.session, since + 1):
        told = world.book.requestors[number]
        between = plan.since["pairs"] <= number < since
        same(f"num_servicers in session {number}", told["num_servicers"], 4 if between else 5)
        same(f"shares in session {number}", {p["chain"]: p["share_ppm"] for p in told["pairs"]},
             SHARES if between else {1: 500_000, 2: 500_000})


def judged(world):
    """The session of the changes, its neighbours and those after are settled."""
    world.wait_settled(max(world.plan.since.values()) + 1, 120)


CHANGED = "stake, pairs, num_servicers, relay key and URL changed in one session"
LATE = "an edit within the freeze is held back"
TESTS = [(CHANGED, change_all),
         ("changes count by the freeze rule", by_session, (CHANGED,)),
         ("receipts are under the replaced key", receipts_under_the_new_key, (CHANGED,)),
         ("a requestor's edit is checked", edit_is_checked),
         (LATE, change_late, (CHANGED,)),
         ("traffic follows the changes", traffic_follows, (CHANGED,)),
         ("the held back edit counts a session later", late_by_session, (CHANGED, LATE)),
         ("the sessions around the changes are settled", judged, (CHANGED,))]
