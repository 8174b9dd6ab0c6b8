#!/usr/bin/python3
"""tests/validators/all.py [--keep] [--only NAME] [--list] [--build DIR]: the validator set of a
running network, by real CometBFT: a renewed beacon, jail, resume, a fifth validator, outbidding, a
double sign, leaving. Ends with N passed, N failed.

The tests run in this order and lean on each other; --only takes part of a name, and what stands
before it runs too. The chain alone: no servicers, no gateway."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy"), os.path.join(ROOT, "tests")]
import suite  # noqa: E402
from local import genesis, net as local_net, packages, procs  # noqa: E402

VALIDATORS, SEATS = 4, 4
OUT, FIFTH, TWIN = 3, 4, 5  # nodes: the one that is stopped, the newcomer, the second of OUT
WINDOW, JAIL_S = 20, 10
VIPR = genesis.VIPR
STAKE = 50_000 * VIPR
TOO_SOON, TOMBSTONED = 35, 45
PATIENCE = 150  # for what takes some blocks, on a machine that has other work too


class Failed(AssertionError):
    pass


def need(truth, sentence):
    if not truth:
        raise Failed(sentence)


def same(what, got, want):
    need(got == want, f"{what}: {got} instead of {want}")


class World:
    def __init__(self, network):
        self.net = network
        self.fifth = None

    def wait(self, what, test, seconds=PATIENCE):
        return procs.wait_until(what, test, seconds)

    def blocks(self, count):
        self.net.wait_height(self.net.height() + count, PATIENCE)

    def keys(self, i):
        return self.fifth if i == FIFTH else self.net.actors.validators[i]

    def ident(self, i):
        return self.keys(i)["operator"]["address"]

    def row(self, i):
        rows = self.net.rest("/viper/v1/validators")["validators"]
        return next(r for r in rows if r["id"] == self.ident(i))

    def slashes(self, i):
        return self.net.rest(f"/viper/v1/slashes/{self.ident(i)}")["slashes"]

    def tx(self, name, home, key, **fields):
        """`viperd tx NAME`: (code, sentence), also of one that its simulation refuses."""
        command = [self.net.viperd, "tx", name]
        for field, value in fields.items():
            command += ["--" + field.replace("_", "-"), str(value)]
        done = subprocess.run(command + ["--from", key, "--home", self.net.home(home),
                                         "--keyring-backend", "test", "--node", self.net.node,
                                         "-y"], capture_output=True, text=True, check=False)
        if refusal := re.search(r"\(viper (\d+), [A-Z_]+\)", done.stderr):
            return int(refusal[1]), done.stderr
        need(done.stdout.startswith("{"), f"viperd tx {name}: {done.stdout}{done.stderr}")
        told = json.loads(done.stdout)
        return told["code"], told["raw_log"]

    def why(self, i):
        """The text of `viperd q why`; exit 1 would mean a sum that is not the chain's."""
        done = subprocess.run([self.net.viperd, "q", "why", "validator", self.ident(i), "--node",
                               self.net.node], capture_output=True, text=True, check=False)
        need(done.returncode == 0, f"why: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def owner(self, name, i, **fields):
        return self.tx(name, "owners", f"validator{i}", actor=self.ident(i), **fields)

    def operator(self, name, i):
        return self.tx(name, f"node{i}", "operator", actor=self.ident(i))

    def accepted(self, told, what):
        same(f"code of {what} ({told[1]})", told[0], 0)

    def members(self):
        """Consensus addresses of the set that CometBFT has for its newest block."""
        told = self.net.comet().call("validators", {"per_page": "100"})
        return {v["address"]: int(v["voting_power"]) for v in told["validators"]}

    def address(self, i):
        key = base64.b64decode(self.row(i)["consensus_key"])
        return hashlib.sha256(key).hexdigest()[:40].upper()

    def signs(self, i):
        """Whether the commit in the newest block has its vote."""
        block = self.net.comet().call("block", {"height": str(self.net.height())})["block"]
        return any(s["validator_address"] == self.address(i)
                   for s in block["last_commit"]["signatures"])

    def fund(self, address, amount):
        done = subprocess.run(
            [self.net.viperd, "tx", "bank", "send", "faucet", address, amount, "--home",
             self.net.home("owners"), "--keyring-backend", "test", "--node", self.net.node,
             "-y"], capture_output=True, text=True, check=False)
        need(done.returncode == 0, f"faucet: {done.stdout}{done.stderr}")

    def peers(self):
        return [genesis.node_id(self.net.cometbft, self.net.home(f"node{i}"))
                for i in range(VALIDATORS)]

    def node(self, i):
        """A further node, with a home and a consensus key of its own, started."""
        home = self.net.home(f"node{i}")
        key = genesis.cometbft_home(self.net.cometbft, home)
        shutil.copyfile(os.path.join(self.net.home("node0"), "config", "genesis.json"),
                        os.path.join(home, "config", "genesis.json"))
        genesis.Keys(self.net.viperd).add(home, "beacon", "beacon")
        self.net.write_node(i)
        return key


# ---- the beacon ----

WHOLE = 1 << 20  # values of a chain

def gauge(world, name):
    """Of node 0."""
    port = world.net.ports["rest0"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])


def a_beacon_is_renewed_without_a_restart(world):
    """The node finds the new chain's key when its end is the one in use; no proposal goes
    without a reveal."""
    before = world.wait("proposals of node 0", lambda: (
        0 < (n := gauge(world, "viper_beacon_left")) < WHOLE - 3 and n))
    key = genesis.Keys(world.net.viperd).add(world.net.home("node0"), "beacon-2", "beacon")
    world.accepted(world.tx("renew-beacon", "node0", "operator", validator=world.ident(0),
                            beacon_end=key["end"]), "renew-beacon")
    # The old chain gets shorter until its end is replaced by that of a whole one.
    left = world.wait("a proposal with the new chain", lambda: (
        n := gauge(world, "viper_beacon_left")) > before and n)
    need(left > WHOLE - 20, f"{left} left of a whole chain")
    same("proposals without a reveal", gauge(world, "viper_beacon_skips_total"), 0)


# ---- jail ----

def a_stopped_validator_is_jailed(world):
    """Its CometBFT stands still; with fewer than half of a window signed it is out."""
    world.wait("a whole window", lambda: int(world.row(0)["counted_blocks"]) == WINDOW)
    world.net.group[f"cometbft{OUT}"].stop()
    missed = world.wait("its misses to be counted", lambda: int(world.row(OUT)["missed_blocks"]))
    need(missed <= WINDOW // 2, f"{missed} missed, and not jailed")
    row = world.wait("the jail", lambda: (r := world.row(OUT))["status"] == "STATUS_JAILED" and r)
    same("power on record", int(row["power"]), 0)
    same("blocks counted in jail", int(row["counted_blocks"]), 0)
    same("stake", int(row["stake"]), STAKE - STAKE // 10_000)
    slash, = world.slashes(OUT)
    same("reason", slash["slash"]["reason"], "SLASH_REASON_DOWNTIME")
    same("burned", int(slash["slash"]["burned"]), STAKE // 10_000)
    world.wait("CometBFT's set without it", lambda: world.address(OUT) not in world.members())
    same("members", len(world.members()), VALIDATORS - 1)
    for i in range(OUT):
        same(f"status of validator {i}", world.row(i)["status"], "STATUS_ACTIVE")


def it_resumes_when_its_time_is_over(world):
    """Too soon is refused with the time; then the operator's message brings it back."""
    until = int(world.row(OUT)["jailed_until_s"])
    told = world.operator("resume", OUT)
    if int(world.net.rest("/viper/v1/chain")["time_s"]) < until:
        same(f"code before its time ({told[1]})", told[0], TOO_SOON)
        need(str(until) in told[1], f"the refusal does not say the time: {told[1]}")
    else:
        world.accepted(told, "resume")
    world.net.group[f"cometbft{OUT}"].start()
    world.wait("its node at the tip", lambda: not world.net.comet(OUT).call("status")[
        "sync_info"]["catching_up"] and int(world.net.rest("/viper/v1/chain", OUT)[
            "height"]) >= world.net.height() - 1)
    world.wait("its time", lambda: int(world.net.rest("/viper/v1/chain")["time_s"]) >= until)
    if told[0] != 0:
        world.accepted(world.operator("resume", OUT), "resume")
    world.wait("its signature", lambda: world.signs(OUT))
    row = world.row(OUT)
    same("status", row["status"], "STATUS_ACTIVE")
    same("power", int(row["power"]), 49_995)
    need(int(row["counted_blocks"]) < WINDOW, "it is not counted anew")
    explained(world, until)


def explained(world, until):
    """`query why` does the sums of the jail again, number by number."""
    told = world.why(OUT)
    found = re.search(rf"jail at block (\d+): of the last {WINDOW} blocks it missed (\d+), so "
                      rf"{WINDOW} - (\d+) = (\d+) are signed\n"
                      rf"  at least ceil\({WINDOW} x 500000 / 10\^6\) = {WINDOW // 2} must be: "
                      rf"(\d+) are missing\n"
                      rf"  until block time = (\d+) \+ {JAIL_S} s = {until}, ", told)
    need(found, f"the jail is not explained: {told}")
    height, missed, again, signed, missing, time_s = (int(g) for g in found.groups())
    same("missed", (again, signed, missing), (missed, WINDOW - missed, WINDOW // 2 - signed))
    same("from block time", time_s, until - JAIL_S)
    same("block of the slash", height, int(world.slashes(OUT)[0]["slash"]["height"]))
    need(f"floor(own stake {STAKE} x 100 / 10^6) = {STAKE // 10_000} uvipr" in told, told)
    need("\nresume at block " in told, f"no resume: {told}")


# ---- who has a seat ----

def a_fifth_outbids_the_least(world):
    """50,000 VIPR against 49,995: in with the session of its chain end, the other one out."""
    v = world.fifth
    world.fund(v["owner"]["address"], "50001vipr")
    world.fund(v["operator"]["address"], "10vipr")
    world.accepted(world.tx(
        "stake-validator", "owners", f"validator{FIFTH}", operator=v["operator"]["address"],
        amount="50000vipr", consensus_key=v["consensus"], beacon_end=v["beacon"]["end"],
        commission_ppm=0), "stake-validator")
    same("power before its session", int(world.row(FIFTH)["power"]), 0)
    world.wait("its power", lambda: int(world.row(FIFTH)["power"]) == 50_000)
    row = world.row(OUT)
    same("(status, power) of the outbid", (row["status"], int(row["power"])),
         ("STATUS_ACTIVE", 0))
    world.wait("its signature", lambda: world.signs(FIFTH))
    same("members", len(world.members()), SEATS)
    need(world.address(OUT) not in world.members(), "the outbid one is a member")


def the_outbid_returns_with_more(world):
    """Of four with the same stake the one with the highest id goes."""
    equals = [i for i in range(VALIDATORS + 1) if i != OUT]
    gone = max(equals, key=lambda i: bech32_bytes(world.ident(i)))
    world.fund(world.keys(OUT)["owner"]["address"], "20vipr")
    world.accepted(world.owner("increase-stake", OUT, amount="10vipr"), "increase-stake")
    powers = world.wait("its power", lambda: (
        p := {i: int(world.row(i)["power"]) for i in range(VALIDATORS + 1)})[OUT] and p)
    same("powers", powers, {i: 0 if i == gone else 50_005 if i == OUT else 50_000
                            for i in range(VALIDATORS + 1)})
    world.wait("its signature", lambda: world.signs(OUT))
    world.gone = gone


def bech32_bytes(text):
    """The data part as a number, whose order is that of the addresses."""
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    value = 0
    for letter in text[text.rindex("1") + 1:-6]:
        value = value * 32 + letters.index(letter)
    return value


# ---- double sign ----

def one_key_in_two_places_is_tombstoned(world):
    """A second node with the same key and an empty state file votes beside the first."""
    net = world.net
    stake = int(world.row(OUT)["stake"])
    config = os.path.join(net.home(f"node{TWIN}"), "config")
    shutil.copyfile(os.path.join(net.home(f"node{OUT}"), "config", "priv_validator_key.json"),
                    os.path.join(config, "priv_validator_key.json"))
    # It votes for nothing where the first one waits for the proposal.
    genesis.tune(net.home(f"node{TWIN}"), {"timeout_propose": '"1ms"',
                                           "timeout_propose_delta": '"1ms"'})
    net.start_node(TWIN, world.peers())
    row = world.wait("the evidence in a block", lambda: (
        r := world.row(OUT))["status"] == "STATUS_TOMBSTONED" and r)
    net.group[f"cometbft{TWIN}"].stop()
    height = int(row["tombstone_height"])
    evidence = net.comet().call("block", {"height": str(height)})["block"]["evidence"]["evidence"]
    same("kind of evidence", {e["type"] for e in evidence}, {"tendermint/DuplicateVoteEvidence"})
    vote = evidence[0]["value"]["vote_a"]
    same("who signed twice", vote["validator_address"], world.address(OUT))
    slash = world.slashes(OUT)[-1]["slash"]
    same("reason", slash["reason"], "SLASH_REASON_DOUBLE_SIGN")
    same("burned", int(slash["burned"]), stake // 20)
    same("height of the fault", int(slash["fault_height"]), int(vote["height"]) - 1)
    same("stake", int(row["stake"]), stake - stake // 20)
    same("power", int(row["power"]), 0)
    need(f"tombstone at block {height}: two votes at block {vote['height']}, until: for ever"
         in world.why(OUT), f"the tombstone is not explained: {world.why(OUT)}")
    same("power of who waited for a seat", int(world.row(world.gone)["power"]), 50_000)
    world.wait("CometBFT's set without it", lambda: world.address(OUT) not in world.members())


def a_tombstoned_validator_only_leaves(world):
    """More evidence costs nothing more; resuming is refused; the owner's unstake is not."""
    slashes = len(world.slashes(OUT))
    told = world.operator("resume", OUT)
    same(f"code of resume ({told[1]})", told[0], TOMBSTONED)
    world.accepted(world.owner("unstake", OUT), "unstake")
    same("status", world.row(OUT)["status"], "STATUS_UNSTAKING")
    world.blocks(WINDOW // 2)
    same("slashes", len(world.slashes(OUT)), slashes)


def who_pauses_leaves_and_returns(world):
    """At once, and unpunished."""
    world.accepted(world.operator("pause", FIFTH), "pause")
    world.wait("CometBFT's set without it", lambda: world.address(FIFTH) not in world.members())
    world.blocks(3)
    same("slashes", world.slashes(FIFTH), [])
    world.accepted(world.operator("resume", FIFTH), "resume")
    world.wait("its signature", lambda: world.signs(FIFTH))


# ---- one state ----

def every_node_has_the_same_state(world):
    """Also one that was killed and replays, and the twin that met all of it in its sync."""
    net = world.net
    net.group["viperd1"].popen.kill()
    net.group["viperd1"].popen.wait()
    net.group["cometbft1"].stop()
    net.group["viperd1"].start()
    net.group["cometbft1"].start()
    world.blocks(3)
    height = net.height() - 1
    want = net.comet().call("block", {"height": str(height)})["block"]["header"]["app_hash"]
    for i in (1, 2, FIFTH):
        world.wait(f"node {i} at block {height}", lambda i=i: int(
            net.rest("/viper/v1/chain", i)["height"]) >= height)
        got = net.comet(i).call("block", {"height": str(height)})["block"]["header"]["app_hash"]
        same(f"app hash of node {i}", got, want)


TESTS = (a_beacon_is_renewed_without_a_restart, a_stopped_validator_is_jailed,
         it_resumes_when_its_time_is_over, a_fifth_outbids_the_least,
         the_outbid_returns_with_more,
         one_key_in_two_places_is_tombstoned, a_tombstoned_validator_only_leaves,
         who_pauses_leaves_and_returns, every_node_has_the_same_state)


def tune(network):
    """The four homes have one genesis."""
    paths = [os.path.join(network.home(f"node{i}"), "config", "genesis.json")
             for i in range(VALIDATORS)]
    with open(paths[0], encoding="utf-8") as f:
        state = json.load(f)
    state["app_state"]["params"].update(downtime_window=str(WINDOW), jail_seconds=str(JAIL_S),
                                        max_validators=str(SEATS))
    for path in paths:
        with open(path, "w", encoding="utf-8") as f:
            json.dump(state, f)


def start(folder, build):
    with open(os.path.join(folder, "build.log"), "w", encoding="utf-8") as log:
        cometbft, _ = packages.ensure_cometbft(log)
    ports = local_net.Ports(VALIDATORS, free=True)
    more = [f"{kind}{i}" for i in (FIFTH, TWIN) for kind in ("p2p", "rpc", "rest")]
    ports.map.update(zip(more, local_net.free_ports(len(more))))
    network = local_net.Net(folder, build, cometbft, ports, VALIDATORS)
    world = World(network)
    try:
        network.prepare()
        tune(network)
        network.start_chain()
        key = world.node(FIFTH)
        keys = genesis.Keys(network.viperd)
        world.fifth = {"owner": keys.add(network.home("owners"), f"validator{FIFTH}", "account"),
                       "operator": keys.add(network.home(f"node{FIFTH}"), "operator",
                                            "operator"),
                       "beacon": keys.add(network.home(f"node{FIFTH}"), "beacon", "beacon"),
                       "consensus": key}
        world.node(TWIN)  # started later
        network.start_node(FIFTH, world.peers())
        network.wait_height(1, 60)
    except BaseException:
        network.stop()
        raise
    return world


# Each goes on where the one before left the network.
IN_ORDER = [(test, TESTS[:n]) for n, test in enumerate(TESTS)]
sys.exit(suite.run("validators", __doc__, suite.named(IN_ORDER), start,
                   lambda world: world.net.stop(), Failed))
