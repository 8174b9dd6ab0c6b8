#!/usr/bin/python3
"""tests/members/all.py [--keep] [--only NAME] [--list] [--build DIR]: who comes, who goes and
whose keys change, on one running network of four validators with traffic that must not notice.
Ends with N passed, N failed.

The tests run in this order and lean on each other: what has to wait for later sessions is begun
early and judged late. --only takes part of a name; what a test builds on runs too."""

import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e"), HERE, os.path.dirname(HERE)]
import suite  # noqa: E402
import world as W  # noqa: E402
from world import VIPR, genesis, need, same, unb64  # noqa: E402
import changes  # noqa: E402
from audits import counts_from  # noqa: E402
from envelope import fund  # noqa: E402
from local import net as local_net, packages  # noqa: E402
from stream import Stream, judge  # noqa: E402

VALIDATORS = 4
NODE = 4          # the fifth node, later the fifth validator
NEW, LEAVER = 7, 3  # servicers; changes.KEYED is the one whose relay key changes
STAKED, BAD_STATUS = 30, 34  # codes: an id that was used before; one that is leaving
PORTS = ("p2p4", "rpc4", "rest4", "relay7", "metrics-relay7", "gateway2", "shadow2",
         "metrics-gateway2")


def tx(world, name, key, **fields):
    """`viperd tx NAME` with a key of the owners: its line of JSON, whatever the code; of one
    that already its simulation refuses, code and sentence, and height 0."""
    command = [world.net.viperd, "tx", name]
    for field, value in fields.items():
        command += ["--" + field.replace("_", "-"), str(value)]
    done = subprocess.run(command + ["--from", key, "--home", world.net.home("owners"),
                                     "--keyring-backend", "test", "--node", world.net.node,
                                     "-y"], capture_output=True, text=True, check=False)
    if refusal := re.search(r"\(viper (\d+), [A-Z_]+\)", done.stderr):
        return {"code": int(refusal[1]), "raw_log": done.stderr, "height": 0, "fee_uvipr": 0}
    need(done.stdout.startswith("{"), f"viperd tx {name}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def accepted(world, name, key, **fields):
    told = tx(world, name, key, **fields)
    same(f"code of {name} ({told['raw_log']})", told["code"], 0)
    height = int(told["height"])
    world.wait(f"block {height} to be read", lambda: world.book.height >= height, 10)
    return told, height


def session_at(world, height):
    return next(n for n, s in world.book.sessions.items()
                if int(s["first"]) <= height <= int(s["last"]))


def balance(world, address):
    return int(world.net.rest(f"/viper/v1/accounts/{address}")["account"]["balance_uvipr"])


def key(world, home, name, kind):
    return genesis.Keys(world.net.viperd).add(world.net.home(home), name, kind)


# ---- the fifth node ----

def a_fifth_node_syncs(world):
    """A node that is nobody's validator reaches the tip from block 1, with equal hashes."""
    net = world.net
    home = net.home(f"node{NODE}")
    world.consensus_key = genesis.cometbft_home(net.cometbft, home)
    shutil.copyfile(os.path.join(net.home("node0"), "config", "genesis.json"),
                    os.path.join(home, "config", "genesis.json"))
    world.validator = {"owner": key(world, "owners", "validator5", "account"),
                       "operator": key(world, f"node{NODE}", "operator", "operator"),
                       "beacon": key(world, f"node{NODE}", "beacon", "beacon")}
    net.write_node(NODE)
    net.start_node(NODE, [genesis.node_id(net.cometbft, net.home(f"node{i}"))
                          for i in range(VALIDATORS)])
    behind = net.height()
    need(behind > 5, f"the chain is at block {behind} only")

    def synced():
        told = net.comet(NODE).call("status")["sync_info"]
        return not told["catching_up"] and int(told["latest_block_height"]) >= behind
    world.wait("the fifth node to sync", synced, 60)
    equal_hashes(world, "the tip")


def equal_hashes(world, when):
    """The state that the fifth node computed is the one that the others agreed on."""
    def close():
        told = world.net.rest("/viper/v1/chain", NODE)
        return int(told["height"]) >= world.net.height() - 1 and told
    told = world.wait(f"the fifth node at {when}", close, 30)
    height = int(told["height"])
    world.wait(f"block {height + 1}", lambda: world.net.height() > height, 15)
    block = world.net.comet().call("block", {"height": str(height + 1)})["block"]
    same(f"app hash of block {height} at {when}", unb64(told["app_hash"]).hex(),
         block["header"]["app_hash"].lower())


# ---- beginnings ----

def a_servicer_is_added(world):
    """viperd keys add, viperd tx stake-servicer, viper-relay: with a home of its own."""
    net, home = world.net, f"relay{NEW}"
    new = {"owner": key(world, "owners", f"servicer{NEW}", "account"),
           "operator": key(world, home, "operator", "operator"),
           "relay": key(world, home, "relay", "relay")}
    world.new = new
    fund(world, new["owner"]["address"], 15_001 * VIPR)
    fund(world, new["operator"]["address"], 100 * VIPR)
    net.write_relay(NEW)
    told, height = accepted(
        world, "stake-servicer", f"servicer{NEW}", operator=new["operator"]["address"],
        amount="15000vipr", url=f"http://127.0.0.1:{net.ports[home]}",
        relay_key=new["relay"]["key"], zone="0001", chains="0001,litecoin")
    same("balance of the new owner", balance(world, new["owner"]["address"]),
         VIPR - int(told["fee_uvipr"]))
    net.start_daemon(home)
    world.new_since = counts_from(world, height)


def a_validator_stakes(world):
    v = world.validator
    fund(world, v["owner"]["address"], 50_001 * VIPR)
    fund(world, v["operator"]["address"], 100 * VIPR)
    _, height = accepted(
        world, "stake-validator", "validator5", operator=v["operator"]["address"],
        amount="50000vipr", consensus_key=world.consensus_key, beacon_end=v["beacon"]["end"],
        commission_ppm=0)
    # A chain end may be used from two sessions after the one it was registered in.
    world.enters = session_at(world, height) + 2


def a_servicer_unstakes(world):
    owner = world.net.actors.servicers[LEAVER - 1]["owner"]["address"]
    ident = world.operator(LEAVER).address
    fund(world, owner, VIPR)
    told, height = accepted(world, "unstake", f"servicer{LEAVER}", actor=ident)
    world.left = {"owner": owner, "id": ident, "height": height,
                  "fee": int(told["fee_uvipr"]), "session": session_at(world, height),
                  "since": counts_from(world, height)}
    again = tx(world, "unstake", f"servicer{LEAVER}", actor=ident)
    same(f"code of leaving twice ({again['raw_log']})", again["code"], BAD_STATUS)


# ---- keys that change under way ----

def the_relay_key_changes(world):
    """The daemon knows both keys, the chain says which one a session has."""
    n, who = changes.KEYED, world.operator(changes.KEYED)
    told = world.net.rest(f"/viper/v1/servicers/{who.address}")
    fresh = bytes.fromhex(changes.new_relay_key(world))
    height, _ = world.must(who, {
        "@type": "/viper.v1.MsgEditServicer", "signer": who.address, "servicer": who.address,
        "url": told["actor"]["url"], "relay_key": fresh, "zone": told["zone"],
        "chains": told["chains"]})
    since = counts_from(world, height)
    world.rotation = {"id": who.address, "n": n, "since": since,
                      "old": unb64(told["relay_key"]), "new": fresh}
    world.stream.unbroken()


def edit_keys(world, keys, shadow):
    who = world.wallet("owners", "requestor-operator")
    height, _ = world.must(who, changes.edit_message(
        world, who, gateway_keys=sorted(keys),
        shadow_url=f"http://127.0.0.1:{world.net.ports[shadow]}"))
    return counts_from(world, height)


def answers(world, name):
    """Status of a gateway's GET /: 200 while it can serve a session."""
    link = http.client.HTTPConnection("127.0.0.1", world.net.ports[name], timeout=5)
    try:
        link.request("GET", "/")
        return link.getresponse().status
    finally:
        link.close()


def the_gateway_key_changes(world):
    """Both keys on the chain, a second gateway beside the first, clients move, the first key
    and the first gateway go."""
    net = world.net
    old = bytes.fromhex(net.actors.requestor["gateway"]["key"])
    new = bytes.fromhex(key(world, "gateway2", "gateway", "gateway")["key"])
    both = edit_keys(world, [old, new], "shadow")
    net.write_gateway("2")
    net.start_daemon("gateway2")
    status = world.wait("the second gateway's port", lambda: answers(world, "gateway2"), 20)
    need(status != 200 or world.now() >= both, "it serves under a key that does not count yet")
    world.session(both, 1)
    world.wait("the second gateway", lambda: answers(world, "gateway2") == 200, 20)
    need(answers(world, "gateway") == 200, "the first gateway gave up while its key counts")
    world.stream.port = net.ports["gateway2"]
    time.sleep(1.0)
    moved = edit_keys(world, [new], "shadow2")
    world.session(moved, 1)
    world.wait("the first gateway to be done", lambda: answers(world, "gateway") != 200, 10)
    net.group["gateway"].stop()
    net.group.order.remove("gateway")
    world.gateway = {"both": both, "moved": moved}
    world.session(moved, 8)
    world.stream.unbroken()
    judge(world, world.stream.answers())


def sessions_of(world, servicer):
    """The session of every answer that the clients have from a servicer, in order."""
    known = {sid: number for number, sid in world.book.benches}
    return [known[k.sid] for k in world.stream.answers()
            if k.servicer == servicer and k.sid in known]


def receipts_under_both_keys(world):
    """Work of the rotated servicer before and after, each under the key of its session; then
    the old key goes from its configuration, and it works on."""
    r = world.rotation

    def sides():
        at = sessions_of(world, r["id"])
        return any(s < r["since"] for s in at) and any(s >= r["since"] for s in at)
    world.wait("answers under both relay keys", sides, 60)
    world.session(r["since"] + 1, 4)  # behind the grace of the last session of the old key
    r["dropped"] = world.now()
    changes.restart(world, f"relay{r['n']}", **{"relay-key": "relay2", "relay-key-next": ""})
    had = len(sessions_of(world, r["id"]))
    world.wait("an answer under the new key alone",
               lambda: len(sessions_of(world, r["id"])) > had, 60)
    for number in world.book.requestors:
        told = unb64(world.book.servicers[number, r["id"]]["relay_key"])
        same(f"relay key in session {number}", told,
             r["new"] if number >= r["since"] else r["old"])
    judge(world, world.stream.answers())  # each under the key of its bench
    world.stream.unbroken()


# ---- who came ----

def the_new_validator_signs(world):
    """In the set with the first block of the session in which its chain end is usable."""
    v = world.validator
    ident = v["operator"]["address"]
    record = world.session(world.enters, 0)
    first = int(record["first"])
    world.wait("its power", lambda: world.book.of("power", actor=ident), 10)
    same("(block, power)", [(h, a["power"]) for h, _, a in world.book.of("power", actor=ident)],
         [(first, "50000")])
    address = hashlib.sha256(unb64(world.consensus_key)).hexdigest()[:40].upper()
    world.address = address
    world.wait("its signature", lambda: signs(world, world.net.height(), address), 20)
    need(not signs(world, first + 1, address), "it signed before it was in the set")
    height = world.wait("a block that it proposes", lambda: next(
        (h for h, p in sorted(world.book.proposers.items()) if p == address), None), 40)
    system = world.book.transaction(world.book.txs[height][0])["body"]["messages"][0]
    same("bytes of its reveal", len(unb64(system["reveal"])), 32)
    members = world.net.comet().call("validators", {"height": str(height)})["validators"]
    same("validators that CometBFT has", len(members), VALIDATORS + 1)


def signs(world, height, address):
    """Whether a block's last_commit has a signature of this validator."""
    block = world.net.comet().call("block", {"height": str(height)})["block"]
    return any(s["validator_address"] == address and s["block_id_flag"] == 2
               for s in block["last_commit"]["signatures"])


def the_validator_leaves(world):
    """Power 0 in the block of the message; the chain goes on, its node as a follower."""
    ident = world.validator["operator"]["address"]
    _, height = accepted(world, "unstake", "validator5", actor=ident)
    same("(block, power)", [(h, a["power"]) for h, _, a in
                            world.book.of("power", actor=ident)][1:], [(height, "0")])
    world.wait("6 more blocks", lambda: world.net.height() >= height + 6, 40)
    members = world.net.comet().call("validators", {"height": str(height + 3)})["validators"]
    same("validators that CometBFT has", len(members), VALIDATORS)
    need(not signs(world, height + 5, world.address), "it signs though it has no power")
    rows = world.net.rest("/viper/v1/validators")["validators"]
    same("power of its row", [int(r["power"]) for r in rows if r["id"] == ident], [0])
    equal_hashes(world, "its leave")


def the_new_servicer_earns(world):
    """In the pool from the session the freeze rule says; then drawn, committed, paid."""
    ident = world.new["operator"]["address"]
    verify = world.wait("a paid Verify of the new servicer", lambda: [
        (h, a) for h, _, a in world.book.of("verify", servicer=ident, verdict="paid")
        if int(a["reward"])], 120)[0][1]
    for (number, chain, _, kind), members in world.book.pools.items():
        if kind == "KIND_SERVICER":
            same(f"in the pool of {chain} in session {number}",
                 ident in [m["id"] for m in members], number >= world.new_since)
    same("its owner", verify["owner"], world.new["owner"]["address"])
    need(int(verify["settled_cu"]) > 0, "paid without work")
    served = [k for k in world.stream.answers()
              if k.servicer == ident and k.sid == verify["sid"]]
    need(served, "none of the clients' answers of that sid is its own")


# ---- who went ----

def drawn_no_more(world):
    """Until the change counts it is in the pool; from there in no pool and on no bench."""
    left = world.left
    world.session(left["since"] + 1, 1)
    before = 0
    for (number, chain, _, kind), members in world.book.pools.items():
        if kind == "KIND_SERVICER":
            same(f"in the pool of {chain} in session {number}",
                 left["id"] in [m["id"] for m in members], number < left["since"])
    for (number, _), bench in world.book.benches.items():
        drawn = left["id"] in [s["id"] for s in bench["servicers"]]
        need(not (drawn and number >= left["since"]), f"drawn in session {number}")
        before += drawn
    need(before > 0, "it never was drawn")


def moment(text):
    return int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())


def the_stake_comes_back(world):
    """In the first block that is 60 s and six sessions later, after its last Verify."""
    left, book = world.left, world.book
    height, _, event = world.wait("the stake to return",
                                  lambda: book.of("unbond", actor=left["id"]), 150)[0]
    same("the amount", int(event["amount_uvipr"]), 15_000 * VIPR)
    due = moment(book.times[left["height"]]) + 60

    def ripe(h):
        return (session_at(world, h) >= left["session"] + 6 and moment(book.times[h]) >= due)
    need(ripe(height), f"block {height} is too early")
    need(not ripe(height - 1), f"block {height} is not the first that is ripe")
    claims = {(a["session"], a["sid"]) for _, _, a in book.of("commit", servicer=left["id"])}
    paid = {(a["session"], a["sid"]): h for h, _, a in
            book.of("verify", servicer=left["id"], verdict="paid")}
    need(claims, "it never committed anything")
    same("claims that were paid", set(paid), claims)
    need(max(paid.values()) < height, "the stake returned before the last Verify")
    rewards = sum(int(a["reward"]) for _, _, a in book.of("verify", owner=left["owner"]))
    same("balance of its owner", balance(world, left["owner"]),
         15_000 * VIPR + rewards + VIPR - left["fee"])


def the_id_stays_taken(world):
    """The record is gone; the same operator can never stake again."""
    ident = world.left["id"]
    rows = world.net.rest("/viper/v1/actors?pagination.limit=100")["actors"]
    need(all(r["status"] == "STATUS_GONE" for r in rows if r["id"] == ident),
         f"its record is not gone: {[r for r in rows if r['id'] == ident]}")
    before = balance(world, world.left["owner"])
    told = tx(world, "stake-servicer", f"servicer{LEAVER}", operator=ident,
              amount="15000vipr", url="http://127.0.0.1:1", zone="0001", chains="0001",
              relay_key=world.new["relay"]["key"], gas="100000")  # no simulation: in a block
    same(f"code of staking again ({told['raw_log']})", told["code"], STAKED)
    need(int(told["height"]) > 0, "it was refused before it was in a block")
    same("balance after the refusal", balance(world, world.left["owner"]),
         before - int(told["fee_uvipr"]))


def no_relay_was_lost(world):
    """Every answer that a client holds is a leaf that was committed, proved and paid."""
    last = max(world.gateway["moved"] + 1, world.rotation.get("dropped", 0))
    world.wait_settled(last)
    placed = judge(world, world.stream.answers())
    known = {sid: number for number, sid in world.book.benches}
    counted, wrong = 0, []
    for (sid, servicer), answers in sorted(placed.items()):
        if known[sid] > last:
            continue
        need(len({(k.key, k.seq) for k in answers}) == len(answers), "a seq was used twice")
        cu = sum(k.cu for k in answers)
        got = [a for _, _, a in world.book.of("verify", sid=sid, servicer=servicer)]
        if (len(got) != 1 or got[0]["verdict"] != "paid" or int(got[0]["count"]) < len(answers)
                or int(got[0]["settled_cu"]) < cu):
            wrong.append(f"session {known[sid]}, {servicer}: {len(answers)} answers, {cu} CU, "
                         f"but {got}")
        counted += len(answers)
    need(not wrong, f"{len(wrong)} claims: " + "; ".join(wrong[:3]))
    need(counted > 200, f"{counted} answers only")
    world.stream.unbroken()
    print(f"     {counted} answers, each settled, up to session {last}")


A, B, C = a_servicer_is_added, a_servicer_unstakes, a_validator_stakes
D, E = the_relay_key_changes, the_gateway_key_changes
TESTS = (
    (a_fifth_node_syncs, ()), (B, ()), (A, ()), (C, (a_fifth_node_syncs,)), (D, ()), (E, ()),
    (the_new_validator_signs, (a_fifth_node_syncs, C)),
    (the_validator_leaves, (a_fifth_node_syncs, C, the_new_validator_signs)),
    (receipts_under_both_keys, (D,)), (drawn_no_more, (B,)), (the_new_servicer_earns, (A,)),
    (the_stake_comes_back, (B,)), (the_id_stays_taken, (A, B, the_stake_comes_back)),
    (no_relay_was_lost, (D, E)),
)


def start(folder, build):
    with open(os.path.join(folder, "build.log"), "w", encoding="utf-8") as log:
        cometbft, _ = packages.ensure_cometbft(log)
    ports = local_net.Ports(VALIDATORS, free=True)
    ports.map.update(zip(PORTS, local_net.free_ports(len(PORTS))))
    network = local_net.Net(folder, build, cometbft, ports, VALIDATORS)
    world = W.World(network)
    try:
        network.prepare()
        network.start_chain()
        network.wait_height(1, 60)
        network.start_backends()
        network.start_daemons()
        W.procs.wait_until("the first relays", lambda: all(
            network.relay_once(c, m) for c, m in ((1, "status"), (2, "getblockcount"))), 60,
            network.group)
        world.stream = Stream(network).start()
        # Session 0 is over: whoever leaves has worked, and there is something to sync.
        world.session(1, 0)
    except BaseException:
        network.stop()
        raise
    return world


def stop(world):
    world.stream.stop()
    world.net.stop()


sys.exit(suite.run("members", __doc__, suite.named(TESTS), start, stop, W.Failed))
