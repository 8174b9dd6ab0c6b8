#!/usr/bin/python3
"""tests/compose/all.py [--keep] [--only NAME] [--faults NAME,..] [--list]: the container testnet,
driven by its own command, and what must hold on it, then the faults of tests/faults over its
containers. Ends with N passed, N failed.

The scenarios run in this order on one network of a name and ports of its own; up comes first
and down last whatever --only says. --keep leaves the network there. Needs a Docker engine."""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "deploy"), os.path.join(ROOT, "tests", "faults")]
from compose import engine, files  # noqa: E402
from local import chronicle, net, procs, table, traffic  # noqa: E402
import hosts  # noqa: E402
import life  # noqa: E402

NAME = "check"
BUILD = os.path.join(ROOT, "build", "local")
COMETBFT = os.path.join(ROOT, "build", "bin", "cometbft")
COLD_SECONDS, WARM_SECONDS = 360, 90


class Failed(Exception):
    pass


def need(held, why):
    if not held:
        raise Failed(why)


def three_ports():
    """A port whose two neighbours are free, too."""
    for base in range(20000, 30000, 7):
        held = [socket.socket() for _ in range(3)]
        try:
            for i, s in enumerate(held):
                s.bind(("127.0.0.1", base + i))
            return base
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise Failed("no three free ports in a row")


class World:
    def __init__(self):
        self.base = three_ports()
        self.traffic = self.place = self.life = None

    def testnet(self, *words, timeout=420):
        done = subprocess.run([os.path.join(ROOT, "deploy", "testnet"), "--name", NAME, *words],
                              capture_output=True, text=True, timeout=timeout, check=False)
        need(done.returncode == 0, f"testnet {' '.join(words)}: exit {done.returncode}: "
                                   f"{(done.stdout + done.stderr).strip()[-800:]}")
        return done.stdout

    def attach(self):
        compose, _ = engine.versions()
        folder = os.path.join(ROOT, "build", "testnet", NAME)
        self.files = files.Files(folder, BUILD, COMETBFT)
        self.project = engine.Project(NAME, os.path.join(folder, "env"), compose)
        self.view = net.View(self.files.load()["ports"])
        self.view.actors = self.files.actors()

    def ask(self, node, path):
        out = self.project.exec(node, "curl", "-sf", "-m", "5",
                                f"http://127.0.0.1:26657/{path}").stdout
        return json.loads(out)["result"]

    def height(self, node):
        return int(self.ask(node, "status")["sync_info"]["latest_block_height"])

    def until(self, what, test, seconds):
        """Seconds that it took."""
        begun = time.monotonic()

        def tried():
            try:
                return test()
            except engine.Failed:
                return False
        procs.wait_until(what, tried, seconds)
        return time.monotonic() - begun

    def equal_hashes(self, nodes=files.NODES):
        height = min(self.height(n) for n in nodes)
        seen = {n: self.ask(n, f"commit?height={height}")["signed_header"]["header"]["app_hash"]
                for n in nodes}
        need(len(set(seen.values())) == 1, f"app hashes differ at height {height}: {seen}")
        return f"{len(nodes)} nodes, height {height}, app hash {seen[nodes[0]][:16]}"

    def health(self, name):
        """(healthy now, what it says): asked directly, since Docker asks every 15 s only."""
        done = self.project.exec(name, "health", name.rstrip("0123456789")
                                 if name not in ("slow", "stale") else "bad", check=False)
        return done.returncode == 0, done.stdout.strip()


def up(world):
    begun = time.monotonic()
    out = world.testnet("up", "--port-base", str(world.base))
    took = time.monotonic() - begun
    print(out, end="")
    phases = [line for line in out.splitlines() if line.startswith("[")]
    need(len(phases) == 11 and all(" ok " in p for p in phases), "a phase is missing")
    need(took <= COLD_SECONDS, f"up took {took:.0f} s > {COLD_SECONDS} s")
    warm = ": found" in phases[3] and ", as before" in phases[4]
    need(not warm or took <= WARM_SECONDS, f"a warm up took {took:.0f} s > {WARM_SECONDS} s")
    world.attach()
    return f"{took:.0f} s to the first settled session, {'warm' if warm else 'image made'}"


def hosts_are_apart(world):
    """Every role its own container, nothing but three loopback ports outside, no power."""
    found = world.project.containers()
    need(set(found) == set(files.ALL), f"containers: {sorted(found)}")
    outside = set()
    for name, c in found.items():
        host = c["HostConfig"]
        need(host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["CapAdd"] and
             not host["Privileged"], f"{name} has more rights than it needs")
        for bindings in (c["NetworkSettings"]["Ports"] or {}).values():
            for b in bindings or []:
                need(b["HostIp"] == "127.0.0.1", f"{name} is published on {b['HostIp']}")
                outside.add(int(b["HostPort"]))
    need(outside == {world.base, world.base + 1, world.base + 2}, f"published: {outside}")
    return f"{len(found)} containers, ports {sorted(outside)} on 127.0.0.1"


def everyone_is_healthy(world):
    def all_healthy():
        return all(c["State"].get("Health", {}).get("Status") == "healthy"
                   for c in world.project.containers().values())
    took = world.until("all containers to be healthy", all_healthy, 90)
    for name in files.ALL:
        good, told = world.health(name)
        need(good, f"{name}: {told}")
    for name in files.NODES:
        need("cometbft_consensus_height" in world.project.exec(
            name, "curl", "-sf", "http://127.0.0.1:26660/metrics").stdout,
            f"CometBFT of {name} has no metrics")
    status = json.loads(world.testnet("--json", "status"))
    need(all(r["state"] == "running" and r["health"] == "healthy" and not r["restarts"]
             for r in status["containers"]), f"status says {status}")
    return f"{len(files.ALL)} healthy after {took:.0f} s more"


def a_session_settles(world):
    """Good, slow and stale servicers are told apart by what they are paid. The stale one may
    be on the bench by now, for three bad sessions in a row."""
    world.traffic = load = traffic.Traffic(world.view).start()
    book = chronicle.Chronicle(world.view)
    who = {told[0]: world.view.actors.servicers[i - 1]["operator"]["address"]
           for i, told in net.INJECTED.items()}
    chosen, end = None, time.monotonic() + 300
    while time.monotonic() < end:
        book.follow()
        if chosen is None:
            chosen = table.whole_session(book, load, {who["slow"]})
        elif book.of("session_settled", session=chosen):
            break
        time.sleep(0.3)
    need(chosen is not None and book.of("session_settled", session=chosen),
         f"no whole session was settled; last failure: {load.last_failure or 'none'}")
    params = world.view.rest("/viper/v1/chain")["params"]
    _, rows = table.result(book, chosen, 1, params)
    print(table.text(1, rows))
    score = {r["injected"]: [] for r in rows}
    for r in rows:
        score[r["injected"]].append(int(r["score_ppm"]))
        if r["injected"] == "none":
            need(r["verdict"] == "paid" and int(r["reward_uvipr"]) > 0,
                 f"an honest servicer was not paid: {r}")
    need(max(score["slow"]) < min(score["none"]), f"slow is not below the good ones: {score}")
    if "stale" in score:
        need(max(score["stale"]) < min(score["slow"]), f"stale is not below slow: {score}")
    else:
        need(book.of("benched", actor=who["stale"]), "the stale one is not on the bench")
    return f"session {chosen}: scores good {score['none']}, slow {score['slow']}, stale " \
           f"{score.get('stale', 'benched')} of 1000000"


def two_against_two(world):
    """Neither half has two thirds: the chain stands still, and goes on by itself once healed."""
    world.testnet("partition", "node0,node1", "node2,node3")
    time.sleep(4)  # a block whose votes were already on the way
    before = [world.height(n) for n in files.NODES]
    time.sleep(12)
    after = [world.height(n) for n in files.NODES]
    need(before == after, f"the chain went on without two thirds: {before}, {after}")
    need(json.loads(world.testnet("--json", "status"))["cuts"], "status does not show the cut")
    world.testnet("restart", "node3")  # and the cut is still there
    world.until("node3 to see node2", lambda: world.ask("node3", "net_info")["n_peers"] == "1",
                30)
    time.sleep(6)
    need([world.height(n) for n in files.NODES] == after, "a restart ended the cut")
    world.testnet("heal")
    took = world.until("blocks after the cut", lambda: all(
        world.height(n) > max(after) for n in files.NODES), 90)
    return f"stood at {max(after)}, also over a restart; next block {took:.1f} s after " \
           f"heal; {world.equal_hashes()}"


def a_killed_validator_comes_back(world):
    """The other three go on; who follows it says so; it catches up, and signs again."""
    world.testnet("kill", "node3")
    at = world.height("node0")
    world.until("five blocks of three validators",
                lambda: world.height("node0") >= at + 5, 60)
    good, told = world.health("relay3")
    need(not good and "node3" in told, f"relay3 follows node3 and says: {good} {told}")
    world.testnet("restart", "node3")
    tip = world.height("node0")
    took = world.until("node3 to catch up", lambda: world.height("node3") >= tip, 60)
    signs = world.until("node3 to sign", lambda: world.health("node3")[0], 60)
    world.until("relay3 to follow again", lambda: world.health("relay3")[0], 60)
    return f"+{tip - at} blocks without it, caught up in {took:.1f} s, signs after " \
           f"{took + signs:.1f} s; {world.equal_hashes()}"


def all_validators_killed(world):
    """Nobody is left who knows the last round; the chain goes on from four disks."""
    at = world.height("node0")
    for name in files.NODES:
        world.testnet("kill", name)
    for name in reversed(files.NODES):
        world.testnet("restart", name)
    took = world.until("blocks of all four", lambda: all(
        world.height(n) >= at + 3 for n in files.NODES), 90)
    world.until("the gateway to be served", lambda: world.health("gateway")[0], 60)
    back = time.monotonic()
    for name in files.RELAYS + files.FISHERMEN:
        world.until(f"{name} to follow again", lambda n=name: world.health(n)[0], 60)
    return f"three blocks {took:.1f} s after the last start, all daemons follow " \
           f"{time.monotonic() - back:.1f} s later; {world.equal_hashes()}"


def kill_in_session(world, book, start):
    """Kill a relay in the middle of a session it serves and start it before the session ends:
    (relay, session, sid, block), or None while there is no such session."""
    chain = world.view.rest("/viper/v1/chain")
    number, height, last = (int(chain[k]) for k in ("session", "height", "last"))
    if number < start or number not in book.requestors or height > last - 5 or \
            height < int(chain["first"]) + 3:
        return None
    _, _, sid, bench = table.session_of(book, number, 1)
    drawn = {s["id"] for s in bench["servicers"]}
    relay = next((i for i in (1, 2, 4)
                  if world.view.actors.servicers[i - 1]["operator"]["address"] in drawn), None)
    if relay is None:
        return None
    world.project.kill(f"relay{relay}")
    world.project.restart(f"relay{relay}")
    if world.view.height() > last:  # a busy machine: it may have missed the window of Commit
        return None
    return relay, number, sid, height


def a_killed_relay_loses_nothing(world):
    """Every relay it signed before SIGKILL is a leaf on its disk, and is settled."""
    if world.traffic is None:
        world.traffic = traffic.Traffic(world.view).start()
    book, found = chronicle.Chronicle(world.view), None
    start = int(world.view.rest("/viper/v1/chain")["session"]) + 1
    end = time.monotonic() + 300
    while time.monotonic() < end:
        book.follow()
        if found is None:
            found = kill_in_session(world, book, start)
        elif book.of("session_settled", session=found[1]):
            break
        time.sleep(0.3)
    need(found, "no relay could be killed and started within a session")
    relay, session, sid, height = found
    who = world.view.actors.servicers[relay - 1]["operator"]["address"]
    entries = [a for _, _, a in book.of("verify", session=session, servicer=who, sid=sid)]
    claims = table.last_commits(book, session, sid)
    need(entries and who in claims, f"relay{relay} claimed nothing of session {session}")
    cu, relays, _ = claims[who]
    need(entries[0]["verdict"] == "paid" and int(entries[0]["settled_cu"]) > 0,
         f"not paid: {entries[0]}")
    return f"relay{relay} killed at block {height} of session {session}: {relays} relays " \
           f"claimed, {entries[0]['settled_cu']} of {cu} CU settled"


def a_fifth_node_syncs(world):
    asked = subprocess.run([os.path.join(ROOT, "deploy", "testnet"), "--name", NAME, "add-node",
                            "--state-sync"], capture_output=True, text=True, check=False)
    need(asked.returncode == 1 and "not in this version" in asked.stderr, asked.stderr)
    out = world.testnet("add-node")
    need("node4: synced" in out, out)
    return f"{out.strip()}; {world.equal_hashes(files.NODES + ('node4',))}"


def attach_faults(world):
    """The network as tests/faults sees it, with two small disks and no slow backend."""
    if world.traffic:
        world.traffic.stop()
    world.place = place = hosts.Containers(world.files.folder, BUILD, COMETBFT,
                                           world.project)
    for name in hosts.SMALL:
        place.kill(name)
    place.small_disks()
    for name in hosts.SMALL:
        place.start(name)
    place.misbehave("slow")
    world.life = life.Life(place)
    world.life.clients.start()
    world.life.recovered(time.monotonic())
    return f"disks of their own: {', '.join(hosts.SMALL)}"


def books_at_the_end(world):
    return world.life.last_check()


def faults(world, only):
    """The table of tests/faults, over the containers."""
    results = [run(world, attach_faults)]
    if not results[0]:
        return results
    for name, told, good in world.life.faults(only):
        print(f"{'ok  ' if good else 'FAIL'} {name:<30} {told}", flush=True)
        results.append(good)
    results.append(run(world, books_at_the_end))
    print(world.life.table())
    return results


def down_leaves_nothing(world):
    if world.traffic:
        world.traffic.stop()
    if world.life:
        world.life.clients.over.set()
    if world.place:
        world.place.free_disks()
    world.testnet("down")
    left = engine.left_over("viper-" + NAME)
    need(not left, f"still there: {left}")
    need(not os.path.exists(os.path.join(ROOT, "build", "testnet", NAME)), "files are left")
    need(engine.has_image(engine.IMAGE), "the image is gone, too")
    return "no container, network, volume or file"


TESTS = (hosts_are_apart, everyone_is_healthy, a_session_settles, two_against_two,
         a_killed_validator_comes_back, all_validators_killed,
         a_killed_relay_loses_nothing, a_fifth_node_syncs)


def run(world, test):
    begun = time.monotonic()
    try:
        told, good = test(world), True
    except (Failed, life.Failed, engine.Failed, procs.Died,
            subprocess.TimeoutExpired) as problem:
        told, good = str(problem), False
    except Exception:  # a scenario that is broken must not end the others
        told, good = traceback.format_exc(), False
    print(f"{'ok  ' if good else 'FAIL'} {test.__name__:<30} {told}   "
          f"{time.monotonic() - begun:.1f} s", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only", default="", help="part of a scenario's name, - for none")
    parser.add_argument("--faults", default="", help="parts of names of tests/faults")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        print("\n".join(t.__name__ for t in (up, *TESTS, down_leaves_nothing)))
        return 0
    world = World()
    results = [run(world, up)]
    try:
        if results[0]:
            results += [run(world, t) for t in TESTS
                        if any(o in t.__name__ for o in args.only.split(","))]
            if not args.only or args.faults:
                results += faults(world, args.faults.split(",") if args.faults else None)
    finally:
        if not args.keep:
            results.append(run(world, down_leaves_nothing))
        elif world.traffic:
            world.traffic.stop()
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


sys.exit(main())
