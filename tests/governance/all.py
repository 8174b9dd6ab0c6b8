#!/usr/bin/python3
"""tests/governance/all.py [--keep] [--only NAME] [--list] [--build DIR]: the price and what
token holders decide, on one network of two validators without daemons. Ends with N passed,
N failed.

The tests run in this order and lean on each other. --only takes part of a name; what a test
builds on runs too."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e"), HERE, os.path.dirname(HERE)]
import suite  # noqa: E402
import world as W  # noqa: E402
from world import VIPR, genesis, need, same  # noqa: E402
from local import net as local_net, packages  # noqa: E402

VALIDATORS = 2
PARAMS = {"voting_seconds": "40"}


# ---- the price ----

class Feed:
    """What the second node's feeder asks: JSON with the price, or an error."""

    def __init__(self):
        self.price, feed = None, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"viper": {"usd": feed.price}}).encode()
                self.send_response(200 if feed.price else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/viper"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def price_of(world):
    return world.net.rest("/viper/v1/price")


def set_price(world, text):
    with open(world.price_file, "w", encoding="utf-8") as f:
        f.write(text + "\n")
    world.feed.price = text


def votes_in(world, session):
    return sorted((a["validator"], a["price_micro_usd"])
                  for _, _, a in world.book.of("price_vote", session=session))


def feeders_move_the_price(world):
    """File and URL; the votes of s are pending in s+1 and in force in s+2."""
    need(not world.book.of("price_vote"), "somebody voted without a price to read")
    same("price of genesis", price_of(world)["price_micro_usd"], "50000")
    set_price(world, "0.053")
    voters = sorted(v["operator"]["address"] for v in world.net.actors.validators)
    first = world.wait("two votes in one session", lambda: [
        s for s in sorted({int(a["session"]) for _, _, a in world.book.of("price_vote")})
        if len(votes_in(world, s)) == VALIDATORS], 60)[0]
    same(f"votes of session {first}", votes_in(world, first), [(v, "53000") for v in voters])
    world.session(first + 1, 1)
    told = price_of(world)
    if int(told["session"]) == first + 1:
        same("pending price", told["pending_micro_usd"], "53000")
        same("running price", told["price_micro_usd"], "50000")
    world.session(first + 2, 1)
    same("the price of the event", [(a["session"], a["price_micro_usd"]) for _, _, a in
                                    world.book.of("price")][0], (str(first + 2), "53000"))
    told = price_of(world)
    same("price in force", told["price_micro_usd"], "53000")
    same("stakes are valued at", told["stake_price_micro_usd"], "50000")
    world.priced = first


def a_fall_is_clamped_and_nobody_votes_twice(world):
    """A tenth a session at most, while new stakes feel the median at once."""
    set_price(world, "0.01")
    low = world.wait("a session closed with the low median", lambda: [
        a for _, _, a in world.book.of("price") if a["median_micro_usd"] == "10000"], 60)[0]
    before = [int(a["price_micro_usd"]) for _, _, a in world.book.of("price")
              if int(a["session"]) < int(low["session"])][-1]
    same("the clamped price", int(low["price_micro_usd"]), before * 9 // 10)
    same("stakes are valued at", price_of(world)["stake_price_micro_usd"], "10000")
    for session in range(world.priced, int(low["session"]) - 1):
        need(len(votes_in(world, session)) <= VALIDATORS, f"votes of session {session}: "
             f"{votes_in(world, session)}")


def a_price_that_cannot_be_read_is_not_voted(world):
    with open(world.price_file, "w", encoding="utf-8") as f:
        f.write("none today\n")
    world.feed.price = None
    now = world.now()
    world.session(now + 2, 1)
    same(f"votes of session {now + 1}", votes_in(world, now + 1), [])
    for node, why in ((0, "no decimal number"), (1, "HTTP status 500")):
        with open(os.path.join(world.net.logs, f"viperd{node}.log"), encoding="utf-8") as f:
            lines = [line for line in f if "cannot read a price" in line]
        need(lines and why in lines[-1], f"node {node} does not say {why}: {lines[-1:]}")
    with open(world.price_file, "w", encoding="utf-8") as f:
        f.write("0.05\n")
    os.utime(world.price_file, (time.time() - 7200,) * 2)  # nobody writes it any more
    now = world.now()
    world.session(now + 2, 1)
    same(f"votes of session {now + 1}", votes_in(world, now + 1), [])
    with open(os.path.join(world.net.logs, "viperd0.log"), encoding="utf-8") as f:
        need("(max-age-s)" in f.read(), "node 0 does not say that the price is of old")
    set_price(world, "0.05")


# ---- proposals ----

def tx(world, name, key, **fields):
    """`viperd tx NAME` with a key of the owners: its line of JSON; it must be accepted."""
    command = [world.net.viperd, "tx", name]
    for field, value in fields.items():
        command += ["--" + field.replace("_", "-"), str(value)]
    done = subprocess.run(command + ["--from", key, "--home", world.net.home("owners"),
                                     "--keyring-backend", "test", "--node", world.net.node,
                                     "-y"], capture_output=True, text=True, check=False)
    need(done.returncode == 0, f"viperd tx {name}: {done.stdout}{done.stderr}")
    told = json.loads(done.stdout)
    world.wait(f"block {told['height']}", lambda: world.book.height >= int(told["height"]), 30)
    return told


def propose(world, title, **what):
    """By the faucet; its id."""
    height = int(tx(world, "propose", "faucet", title=title, summary="For the test.",
                    **what)["height"])
    return next(a["proposal"] for h, _, a in world.book.of("proposal") if h == height)


def vote(world, ident, option):
    for i in range(VALIDATORS):
        tx(world, "vote", f"validator{i}", proposal=ident, option=option)


def end(world, ident):
    """(height, event) of its end."""
    return world.wait(f"the end of proposal {ident}", lambda: [
        (h, a) for h, _, a in world.book.of("proposal_end", proposal=ident)], 180)[0]


def decided(world, title, **what):
    ident = propose(world, title, **what)
    vote(world, ident, "yes")
    height, told = end(world, ident)
    same(f"status of \"{title}\" ({told.get('reason')})", told["status"], "passed")
    return height, told


def session_of(world, height):
    return next(n for n, s in world.book.sessions.items()
                if int(s["first"]) <= height <= int(s["last"]))


def balance(world, address):
    return int(world.net.rest(f"/viper/v1/accounts/{address}")["account"]["balance_uvipr"])


def owners_vote(world):
    """Validators' owners get something for fees; their stakes took all."""
    for v in world.net.actors.validators:
        tx(world, "send", "faucet", to_address=v["owner"]["address"], amount="10vipr")


def a_parameter_change_counts_from_the_session_after_next(world):
    owners_vote(world)
    before = balance(world, world.net.actors.faucet["address"])
    height, told = decided(world, "A lower claim_min", params="claim_min=400,min_quota=300")
    same("kind", told["kind"], "params")
    passed = session_of(world, height)
    since = passed + 2
    same("(name, value, session)", [(a["name"], a["value"], int(a["session"]))
                                    for _, _, a in world.book.of("param")],
         [("claim_min", "400", since), ("min_quota", "300", since)])
    for session, value in ((passed + 1, "450"), (since, "400")):
        told = world.net.rest(f"/viper/v1/params?session={session}")["params"]
        same(f"claim_min of session {session}", told["claim_min"], value)
    world.session(since, 1)
    told = world.net.rest("/viper/v1/params?current=true")["params"]
    same("parameters in force", (told["claim_min"], told["min_quota"]), ("400", "300"))
    spent = before - balance(world, world.net.actors.faucet["address"])
    need(0 < spent < 10_000, f"the deposit did not come back: {spent} uvipr are missing")


def a_wallet_votes_under_cosmos_names(world):
    """A vote of MsgVote of cosmos.gov.v1beta1, a rejection, and a deposit that comes back."""
    ident = propose(world, "A text")
    for i, option in enumerate((1, 3)):  # yes, no
        key = world.wallet("owners", f"validator{i}")
        world.must(key, {"@type": "/cosmos.gov.v1beta1.MsgVote", "proposal_id": int(ident),
                         "voter": key.address, "option": option})
    told = world.net.rest(f"/viper/v1/tally/{ident}")
    same("yes and no", (told["tally"]["yes"], told["tally"]["no"]),
         (str(50_000 * VIPR), str(50_000 * VIPR)))
    same("outcome as of now", told["outcome"], "rejected")
    asked_by_wallets(world, ident)
    same("status", end(world, ident)[1]["status"], "rejected")
    same("its record", world.net.rest(f"/viper/v1/proposals/{ident}")["proposal"]["status"],
         "PROPOSAL_STATUS_REJECTED")


def asked_by_wallets(world, ident):
    """The same proposal in Cosmos's two shapes, over REST."""
    half = str(50_000 * VIPR)
    new = world.net.rest(f"/cosmos/gov/v1/proposals/{ident}")["proposal"]
    old = world.net.rest(f"/cosmos/gov/v1beta1/proposals/{ident}")["proposal"]
    same("both shapes", (new["id"], new["status"], new["title"], old["proposal_id"], old["status"],
                         old["content"]["@type"], old["content"]["title"]),
         (ident, "PROPOSAL_STATUS_VOTING_PERIOD", "A text", ident,
          "PROPOSAL_STATUS_VOTING_PERIOD", "/cosmos.gov.v1beta1.TextProposal", "A text"))
    tally = world.net.rest(f"/cosmos/gov/v1/proposals/{ident}/tally")["tally"]
    same("tally", (tally["yes_count"], tally["no_count"]), (half, half))
    tally = world.net.rest(f"/cosmos/gov/v1beta1/proposals/{ident}/tally")["tally"]
    same("tally", (tally["yes"], tally["no"]), (half, half))
    voter = world.wallet("owners", "validator0").address
    vote = world.net.rest(f"/cosmos/gov/v1beta1/proposals/{ident}/votes/{voter}")["vote"]
    same("vote", (vote["voter"], vote["option"]), (voter, "VOTE_OPTION_YES"))
    votes = world.net.rest(f"/cosmos/gov/v1/proposals/{ident}/votes")["votes"]
    same("weights", [v["options"][0]["weight"] for v in votes], ["1.000000000000000000"] * 2)
    told = world.net.rest("/cosmos/gov/v1/params/tallying")
    same("quorum", told["params"]["quorum"], told["tally_params"]["quorum"])
    listed = world.net.rest("/cosmos/gov/v1beta1/proposals?proposal_status=2")["proposals"]
    need(ident in [p["proposal_id"] for p in listed], f"{ident} is not among the open ones")


def a_chain_is_registered_and_its_fee_is_spent(world):
    """The fee goes to the DAO, a treasury spend takes it out again."""
    owner = world.net.actors.servicers[0]["owner"]["address"]
    chain = {"id": 33, "name": "ethereum", "owner": owner, "payout": owner, "active": True,
             "multiplier_ppm": "1000000", "latency_target_ms": "100", "latency_max_ms": "1100",
             "methods": [{"method": "eth_call", "cu": "2"}]}
    height, _ = decided(world, "Ethereum", chain=json.dumps(chain))
    since = next(int(a["session"]) for h, _, a in world.book.of("chain") if h == height)
    world.session(since, 1)
    told = {c["id"]: c for c in world.net.rest("/viper/v1/chains")["chains"]}
    same("the new chain", (told[33]["name"], told[33]["active"], told[33]["owner"],
                           told[33]["methods"]),
         ("ethereum", True, owner, [{"method": "eth_call", "cu": "2"}]))
    before = balance(world, owner)
    decided(world, "Spend", spend=f"{owner}/9000vipr")
    same("what the DAO paid", balance(world, owner) - before, 9_000 * VIPR)


def start_once(viperd, home):
    """For one that must refuse to start."""
    return subprocess.run([viperd, "start", "--home", home], capture_output=True, text=True,
                          check=False, timeout=60)


def an_upgrade_stops_the_old_version_before_the_block(world):
    """Exit code 7 on every node, the chain stands, the old one refuses to start, too."""
    net = world.net
    at = world.upgrade = net.height() + 120  # behind the vote of 40 s
    decided(world, "Version 2", upgrade=f"second/{at}/2")
    same("the plan", net.rest("/viper/v1/upgrade")["plan"],
         {"name": "second", "height": str(at), "version": "2"})
    for name in ("viperd1", "cometbft1"):  # the chain stands as long as one of two is away
        net.group[name].stop()
    early = start_once(net.viperd + "-next", net.home("node1"))
    same("exit code of the new version before the height", early.returncode, 7)
    need("needs version 1" in early.stderr, f"it says {early.stderr}")
    net.group.revive()
    for i in range(VALIDATORS):
        ended = net.group[f"viperd{i}"]
        W.procs.wait_until(f"viperd{i} to end", lambda: ended.popen.poll() is not None, 120)
        same(f"exit code of viperd{i}", ended.popen.poll(), 7)
        with open(ended.log_path, encoding="utf-8") as f:
            text = f.read()
        need(f"block {at} needs version 2" in text, f"{ended.log_path} does not say why")
    again = start_once(net.viperd, net.home("node0"))
    same("exit code of the old version at the height", again.returncode, 7)


def the_new_version_goes_on(world):
    net = world.net
    for name in [n for n in net.group.order if n.startswith(("viperd", "cometbft"))]:
        net.group[name].stop()
    net.group.order.clear()
    net.viperd += "-next"
    ids = [genesis.node_id(net.cometbft, net.home(f"node{i}")) for i in range(VALIDATORS)]
    for i in range(VALIDATORS):
        net.start_node(i, ids)
    net.wait_height(world.upgrade + 3, 120)
    told = net.rest("/viper/v1/upgrade")
    same("the version that runs", (told["version"], told["plan"]), ("2", None))
    results = net.comet().call("block_results", {"height": str(world.upgrade)})
    for height, version in ((world.upgrade, "1"), (world.upgrade + 1, "2")):
        header = net.comet().call("block", {"height": str(height)})["block"]["header"]
        same(f"version.app in the header of block {height}", header["version"]["app"], version)
    params = net.comet().call("consensus_params", {})["consensus_params"]
    same("consensus parameters", (params["version"]["app"], params["block"]["max_gas"]),
         ("2", "-1"))
    same("upgrades in its block", [e["type"] for e in results["txs_results"][0]["events"]
                                   if e["type"] == "upgrade"], ["upgrade"])


TESTS = (
    (feeders_move_the_price, ()),
    (a_fall_is_clamped_and_nobody_votes_twice, (feeders_move_the_price,)),
    (a_price_that_cannot_be_read_is_not_voted, (feeders_move_the_price,)),
    (a_parameter_change_counts_from_the_session_after_next, ()),
    (a_wallet_votes_under_cosmos_names,
     (a_parameter_change_counts_from_the_session_after_next,)),
    (a_chain_is_registered_and_its_fee_is_spent,
     (a_parameter_change_counts_from_the_session_after_next,)),
    (an_upgrade_stops_the_old_version_before_the_block,
     (a_parameter_change_counts_from_the_session_after_next,)),
    (the_new_version_goes_on, (an_upgrade_stops_the_old_version_before_the_block,)),
)


# ---- the network ----

def tune_genesis(network):
    for i in range(VALIDATORS):
        path = os.path.join(network.home(f"node{i}"), "config", "genesis.json")
        with open(path, encoding="utf-8") as f:
            told = json.load(f)
        told["app_state"]["params"].update(PARAMS)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(told, f)


def add_feeders(world):
    """The first node's price is in a file, the second's behind a URL."""
    tables = ({"file": world.price_file}, {"url": world.feed.url, "pointer": "/viper/usd"})
    for i, table in enumerate(tables):
        path = os.path.join(world.net.home(f"node{i}"), "config", "app.toml")
        with open(path, "a", encoding="utf-8") as f:
            f.write("\n[price]\n" + "".join(f"{k} = {json.dumps(v)}\n"
                                             for k, v in table.items()))


def start(folder, build):
    with open(os.path.join(folder, "build.log"), "w", encoding="utf-8") as log:
        cometbft, _ = packages.ensure_cometbft(log)
    network = local_net.Net(folder, build, cometbft, local_net.Ports(VALIDATORS, free=True),
                            VALIDATORS)
    world = W.World(network)
    world.feed = Feed()
    world.price_file = os.path.join(folder, "price")
    try:
        network.prepare()
        tune_genesis(network)
        add_feeders(world)
        network.start_chain()
        network.wait_height(1, 90)
    except BaseException:
        stop(world)
        raise
    return world


def stop(world):
    world.net.stop()
    world.feed.stop()


sys.exit(suite.run("governance", __doc__, suite.named(TESTS), start, stop, W.Failed))
