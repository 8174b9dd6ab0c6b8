#!/usr/bin/python3
"""tests/governance/all.py [--keep] [--only NAME] [--list] [--build DIR]: the price and what
token holders decide, on one network of two validators without daemons. Ends with N passed,
N failed.

The tests run in this order and lean on each other. --only takes part of a name; what a test
builds on runs too."""

import argparse
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e"), HERE]
import world as W  # noqa: E402
from world import VIPR, genesis, need, same  # noqa: E402
from local import net as local_net, packages  # noqa: E402

VALIDATORS = 2
LOGS = os.path.join(W.ROOT, "build", "test-logs", "governance")  # after a failure
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
    same("status", end(world, ident)[1]["status"], "rejected")
    same("its record", world.net.rest(f"/viper/v1/proposals/{ident}")["proposal"]["status"],
         "PROPOSAL_STATUS_REJECTED")


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


TESTS = (
    (feeders_move_the_price, ()),
    (a_fall_is_clamped_and_nobody_votes_twice, (feeders_move_the_price,)),
    (a_price_that_cannot_be_read_is_not_voted, (feeders_move_the_price,)),
    (a_parameter_change_counts_from_the_session_after_next, ()),
    (a_wallet_votes_under_cosmos_names,
     (a_parameter_change_counts_from_the_session_after_next,)),
    (a_chain_is_registered_and_its_fee_is_spent,
     (a_parameter_change_counts_from_the_session_after_next,)),
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


def run(world, test):
    begun = time.monotonic()
    try:
        test(world)
        problem = None
    except W.Failed as error:
        problem = str(error)
    except Exception:  # a failing test must not end the others
        problem = traceback.format_exc()
    name = test.__name__.replace("_", " ")
    print(f"{'ok  ' if problem is None else 'FAIL'} {name} ({time.monotonic() - begun:.1f} s, "
          f"block {world.book.height})" + (f"\n     {problem}" if problem else ""), flush=True)
    return problem is None


def wanted(only):
    chosen = {t for t, _ in TESTS
              if only is None or only in t.__name__ or only in t.__name__.replace("_", " ")}
    while more := {first for t, needs in TESTS if t in chosen for first in needs} - chosen:
        chosen |= more
    return [t for t, _ in TESTS if t in chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the folder and its logs")
    parser.add_argument("--only", metavar="NAME", help="part of a test's name")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build", default=os.path.join(W.ROOT, "build", "local"))
    args = parser.parse_args()
    tests = wanted(args.only)
    if args.list or not tests:
        print("\n".join(t.__name__ for t in tests) or "no such test")
        return 0 if tests else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # runs the finally below
    folder = tempfile.mkdtemp(prefix="viper-governance.", dir="/tmp")
    passed = failed = 0
    world, begun = None, time.monotonic()
    try:
        world = start(folder, os.path.abspath(args.build))
        print(f"network up after {time.monotonic() - begun:.1f} s in {folder}", flush=True)
        for test in tests:
            good = run(world, test)
            passed, failed = passed + good, failed + (not good)
    except (W.procs.Died, packages.Missing, OSError) as error:
        print(f"FAIL the network does not start: {error}")
        failed += 1
    finally:
        if world:
            stop(world)
        if failed:
            shutil.copytree(os.path.join(folder, "logs"), LOGS, dirs_exist_ok=True)
            print(f"logs of the daemons: {LOGS}")
        if args.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
