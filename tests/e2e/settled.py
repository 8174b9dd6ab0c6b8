"""Sessions that are settled, recomputed from public data: draws, weights, volume times
quality, scores, owners, supply; and the ways a Verify entry can be found."""

import json
import os
import re
import subprocess

import checks
from world import R, account_total, b64, genesis, need, same, unb64

JUDGED = (checks.draws, checks.weights, checks.payments, checks.scores_moved)


def recompute(world, numbers):
    wrong = []
    for number in numbers:
        for judge in JUDGED:
            wrong += [f"session {number}, {judge.__name__}: {s}"
                      for s in judge(world.book, number)]
    need(not wrong, f"{len(wrong)} differences: " + "; ".join(wrong[:12]))


def settled_numbers(world):
    return [n for n in sorted(world.book.sessions)
            if n + 3 in world.book.sessions and world.settled(n)]


def first_two(world):
    """Two sessions with traffic in all their blocks."""
    world.wait_settled(world.first_full + 1)
    numbers = [world.first_full, world.first_full + 1]
    for n in numbers:
        record = world.book.sessions[n]
        need(world.traffic.covers(int(record["first"]), int(record["last"])),
             f"no traffic in all blocks of session {n}; last failure: "
             f"{world.traffic.last_failure}")
        kinds = {a["verdict"] for _, _, a in world.book.of("verify", session=n)}
        same(f"verdicts of session {n}", kinds, {"paid"})
    recompute(world, numbers)


def bad_ones_earn_less(world):
    """In every settled session so far each bad servicer's score is below each good one's."""
    ids = {s["operator"]["address"]: i for i, s in enumerate(world.net.actors.servicers, 1)}
    seen, wrong = set(), []
    for number in (n for n in settled_numbers(world)
                   if world.first_full <= n < world.disturbed_from):
        sid, _ = world.bench(number, 1)
        scores = {ids[a["servicer"]]: int(a["score_ppm"])
                  for _, _, a in world.book.of("verify", session=number, sid=sid)}
        good = min(s for i, s in scores.items() if i not in (5, 6))
        for i in (5, 6):
            if i in scores:
                seen.add(i)
                if scores[i] >= good:
                    wrong.append(f"session {number}: {scores}")
    need(not wrong, "a bad servicer scores like a good one: " + "; ".join(wrong))
    need(seen, "no bad servicer was drawn at all")


def fishermen_paid(world):
    """Each of the three daemons earned in the settled sessions, and its owner has it."""
    total = {}
    for number in settled_numbers(world):
        for _, _, a in world.book.of("fisherman_reward", session=number):
            total[a["fisherman"]] = total.get(a["fisherman"], 0) + int(a["reward"])
    for i, f in enumerate(world.net.actors.fishermen, 1):
        need(total.get(f["operator"]["address"], 0) > 0,
             f"fisherman{i} earned nothing: {total}")

    def balances():
        height = world.net.height()
        told = [int(world.net.rest(f"/viper/v1/accounts/{f['owner']['address']}")
                    ["account"]["balance_uvipr"]) for f in world.net.actors.fishermen]
        world.follow()
        if world.net.height() != height:
            return None
        return told
    told = world.wait("balances of one block", balances, 30)
    want = [sum(int(a["reward"]) for _, _, a in world.book.of(
        "fisherman_reward", fisherman=f["operator"]["address"]))
        for f in world.net.actors.fishermen]
    same("balances of the fishermen's owners", told, want)


def owners_and_supply(world):
    """Servicers' and validators' owners and the DAO, to the unit; then the whole supply."""
    def asked(judge):
        world.follow()
        found = judge(world.book, world.net.height())
        return None if found is None else (found,)  # None: a block came in between
    for judge in (checks.owners_paid, checks.pools_hold):
        (found,) = world.wait("balances of one block", lambda j=judge: asked(j), 40)
        need(not found, "; ".join(found))
    account_total(world)


def app_hashes_equal(world):
    """Headers of both nodes, and what both applications say of themselves."""
    comets = [world.net.comet(i) for i in range(world.net.validators)]
    for height in range(2, world.book.height + 1):
        heads = [c.call("block", {"height": str(height)})["block"]["header"] for c in comets]
        same(f"app hashes of block {height}", len({h["app_hash"] for h in heads}), 1)

    def alike():
        told = [world.net.rest("/viper/v1/chain", i) for i in range(world.net.validators)]
        if len({t["height"] for t in told}) > 1:
            return None
        return [t["app_hash"] for t in told]
    got = world.wait("both nodes at one height", alike, 30)
    same("app hashes of the applications", len(set(got)), 1)


def verify_is_found(world):
    """By the hash of its transaction in REST and CometBFT, by its event, by viperd."""
    number = world.first_full
    height, tx, a = world.book.of("verify", session=number)[0]
    told = world.net.rest(f"/cosmos/tx/v1beta1/txs/{tx}")
    system = told["tx"]["body"]["messages"][0]
    same("type", system["@type"], "/viper.v1.MsgSystem")
    entry = next((e for e in system["verify"] if e["servicer"] == a["servicer"]
                  and unb64(e["sid"]).hex() == a["sid"]), None)
    need(entry is not None, "the system transaction has no such Verify entry")
    same("settled cu", entry["settled_cu"], a["settled_cu"])
    same("reward", entry["reward_uvipr"], a["reward"])
    same("verdict", entry["verdict"], "VERDICT_PAID")
    found = world.net.comet().call("tx", {"hash": b64(bytes.fromhex(tx))})
    same("height by hash", int(found["height"]), height)
    query = f"verify.session='{number}' AND verify.servicer='{a['servicer']}'"
    found = world.net.comet().call("tx_search", {"query": query})
    need(tx in [t["hash"] for t in found["txs"]], f"tx_search does not find {query}")
    told = viperd(world, "query", "tx", tx)
    same("height by viperd query tx", int(told["tx_response"]["height"]), height)


def viperd(world, *words):
    done = subprocess.run([world.net.viperd, *words, "--node",
                           f"http://127.0.0.1:{world.net.ports['rest0']}", "--output", "json"],
                          capture_output=True, text=True, check=False)
    need(done.returncode == 0, f"viperd {' '.join(words)}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)


def command_line_reads(world):
    """The same answers by viperd's query as by REST."""
    servicer = world.net.actors.servicers[0]["operator"]["address"]
    who = world.net.actors.requestor["operator"]["address"]
    number = str(world.now())
    world.follow()  # the book has this session, too
    same("chain-id", viperd(world, "query", "chain")["chain_id"], genesis.CHAIN_ID)
    same("servicer", viperd(world, "query", "servicers", servicer)["actor"]["id"], servicer)
    told = viperd(world, "query", "requestors", who, "--session", number)
    sid = unb64(told["pairs"][0]["sid"]).hex()
    bench = viperd(world, "query", "sessions", number, sid)
    same("bench", [s["id"] for s in bench["servicers"]],
         [s["id"] for s in world.net.rest(f"/viper/v1/sessions/{number}/{sid}")["servicers"]])
    need(int(viperd(world, "query", "supply")["total_uvipr"]) > 0, "no supply")
    pool = viperd(world, "query", "pool", "litecoin", "local", "--session", number)
    same("members of the pool", [m["id"] for m in pool["members"]],
         [m["id"] for m in world.book.pools[int(number), 2, genesis.ZONE, "KIND_SERVICER"]])


def why(world, kind, ident, number):
    """The text of `viperd q why`; exit 1 would mean a sum that is not the chain's."""
    done = subprocess.run([world.net.viperd, "q", "why", kind, ident, "--session", str(number),
                           "--node", f"http://127.0.0.1:{world.net.ports['rest0']}"],
                          capture_output=True, text=True, check=False)
    need(done.returncode == 0, f"why {kind} {ident}: {done.returncode} {done.stderr}"
                               f"{done.stdout[-600:]}")
    return done.stdout


def why_total(world, kind, ident, number):
    told = why(world, kind, ident, number)
    return told, next(line for line in told.splitlines() if line.endswith(" uvipr in all"))


def explained(world):
    """What `query why` adds up is what the events say was paid, to the last uvipr."""
    number = world.first_full
    book = world.book
    subjects = []
    for kind, event, key in (("servicer", "verify", "servicer"),
                             ("fisherman", "fisherman_reward", "fisherman"),
                             ("account", "verify", "owner"),
                             ("account", "fisherman_reward", "owner")):
        paid = {}
        for _, _, a in book.of(event, session=number):
            paid[a[key]] = paid.get(a[key], 0) + int(a["reward"])
        subjects += [(kind, who, sum_) for who, sum_ in paid.items()]
    need(len(subjects) > 10, f"only {len(subjects)} were paid")
    for kind, who, paid in subjects:
        _, last = why_total(world, kind, who, number)
        same(f"why {kind} {who}", last, f"session {number}: {paid} uvipr in all")
    minted = sum(int(a["minted"]) for _, _, a in book.of("verify", session=number))
    who = world.net.actors.requestor["operator"]["address"]
    same("why requestor", why(world, "requestor", who, number).strip().splitlines()[-1],
         f"session {number}: {minted} uvipr were minted for its traffic")
    for words in ("budget = floor(stake ", "allowance = floor(usd ", "quota = floor("):
        need(words in why(world, "requestor", who, number), f"no \"{words}\"")
    good = why(world, "servicer", subjects[0][1], number)
    for words in ("settled cu = min(", "median of 3 lines = ", "servicer's part = floor("):
        need(words in good, f"no \"{words}\" in: {good[-900:]}")


def validators_explained(world):
    """Yield, fees and parts of entries: what a validator and its owner had of a session."""
    number = world.first_full
    parts, owners, book = {}, {}, world.book
    for _, _, a in book.of("yield_part", session=number):
        parts[a["actor"]] = int(a["owner_reward"]) + int(a["delegators"])
        owners[a["actor"]] = (a["owner"], int(a["owner_reward"]))
    same("validators", len(parts), len(world.net.actors.validators))
    for ident, (owner, reward) in owners.items():
        entries = [a for _, _, a in book.of("verify_split", session=number)
                   if a.get("validator_id") == ident]
        mine = sum(int(a["validator_owner_reward"]) for a in entries)
        theirs = sum(int(a["validator_delegators"]) for a in entries)
        told, last = why_total(world, "validator", ident, number)
        same(f"why validator {ident}", last,
             f"session {number}: {parts[ident] + mine + theirs} uvipr in all")
        need("yield of session" in told, f"no yield in: {told[-600:]}")
        _, last = why_total(world, "account", owner, number)
        same(f"why account {owner}", last, f"session {number}: {reward + mine} uvipr in all")


def running_scores_explained(world):
    """Each pool's running score moves from the medians of its sids' cards."""
    number = world.first_full
    moves = world.book.of("score", session=number)
    need(moves, f"no score moved in session {number}")
    _, _, a = moves[0]
    told = why(world, "servicer", a["servicer"], number)
    need(f"= {a['score_ppm']} ppm" in told and "running score, chain " in told
         and ": median " in told, f"no move in: {told[-900:]}")


def genesis_balances(net):
    """What genesis leaves its accounts: what they are listed with less what they stake."""
    with open(os.path.join(net.home("node0"), "config", "genesis.json"), encoding="utf-8") as f:
        told = json.load(f)["app_state"]
    left = {a["address"]: int(a["balance"]) for a in told["accounts"]}
    for kind in ("validators", "servicers", "fishermen", "requestors"):
        for actor in told[kind]:
            left[actor["owner"]] -= int(actor["amount"])
    return left


def histories_begin_at_genesis(world):
    """A balance less all that `query history` tells of it is what genesis gave, to the uvipr."""
    start = genesis_balances(world.net)
    actors = world.net.actors
    some = [actors.servicers[0]["owner"], actors.servicers[3]["operator"],
            actors.fishermen[0]["owner"], actors.validators[0]["owner"]]
    for who in (a["address"] for a in some):
        def told(who=who):
            done = subprocess.run([world.net.viperd, "q", "history", who, "--node",
                                   f"http://127.0.0.1:{world.net.ports['rest0']}"],
                                  capture_output=True, text=True, check=False)
            need(done.returncode == 0, f"history {who}: {done.stderr}")
            last = done.stdout.strip().splitlines()[-1]
            found = re.fullmatch(r"balance (\d+) after block \d+ = (\d+) before the node's "
                                 r"index begins \+ (\d+) in - (\d+) out", last)
            need(found, last)
            # CometBFT's index may lack the last block for a moment: then again.
            return int(found[2]) == start[who] and int(found[3]) + int(found[4]) > 0
        world.wait(f"the history of {who}, who began with {start[who]}", told, 60)


def everything(world):
    """All sessions, whatever was done to them."""
    numbers = [n for n in settled_numbers(world) if n >= world.first_full]
    need(len(numbers) >= 3, f"only {numbers} are settled")
    recompute(world, numbers)


def operators_paid_fees_alone(world):
    """Refused or not: an operator's account is what it was less the fees of its events."""
    def balances():
        height = world.net.height()
        out = {}
        for i, s in enumerate(world.net.actors.servicers + world.net.actors.fishermen):
            address = s["operator"]["address"]
            out[address] = int(world.net.rest(f"/viper/v1/accounts/{address}")["account"]
                               ["balance_uvipr"])
        world.follow()
        return out if world.net.height() == height else None
    told = world.wait("operators' balances of one block", balances, 40)
    fees = dict.fromkeys(told, 0)
    for _, _, a in world.book.of("tx"):
        if a["fee_payer"] in fees:
            fees[a["fee_payer"]] += int(a["fee"].removesuffix("uvipr"))
    wrong = [f"{who}: {have} instead of {1000 * 10**6 - fees[who]}"
             for who, have in told.items() if have != 1000 * 10**6 - fees[who]]
    need(not wrong, "; ".join(wrong))


def vouchers_are_proved(world):
    """The tail of each client that a test played has the cum_cu it last vouched for; who had
    no token has no tail."""
    wrong = []
    for c in world.clients:
        if c.vouched is None:
            continue
        first, last = checks.window(world.book, c.session)
        tails = [unb64(t) for _, _, m in world.book.messages("/viper.v1.MsgProve", first, last)
                 if m["operator"] == R.to_bech32(c.servicer) for e in m["entries"]
                 for t in e["tails"] if unb64(e["sid"]) == c.sid]
        have = [int.from_bytes(t[92:100], "big") for t in tails if t[52:84] == c.public]
        if have != ([c.vouched] if c.vouched else []):
            wrong.append(f"session {c.session}: tails {have} instead of {c.vouched}")
    need(world.clients, "no client was played")
    need(not wrong, "; ".join(wrong))


def daemons_were_never_refused(world):
    """In blocks only the tests' own transactions failed."""
    failed = [tx for tx, code in world.book.codes.items() if code and tx not in world.pushed]
    need(not failed, f"{len(failed)} of the daemons' transactions failed: "
         + ", ".join(f"{tx} code {world.book.codes[tx]}" for tx in failed[:4]))


TWO = "two settled sessions are paid volume times quality"
EARLY = [(TWO, first_two),
         ("the slow and the stale servicer score lower", bad_ones_earn_less, (TWO,)),
         ("the fishermen are paid", fishermen_paid, (TWO,)),
         ("a Verify entry is found by hash and event", verify_is_found, (TWO,)),
         ("viperd query answers like REST", command_line_reads),
         ("query why adds up to what was paid", explained, (TWO,)),
         ("query why tells validators their yield", validators_explained, (TWO,)),
         ("query why tells how running scores moved", running_scores_explained, (TWO,)),
         ("query history leads back to genesis", histories_begin_at_genesis, (TWO,))]
LATE = [("every settled session is as the model says", everything, (TWO,)),
        ("owners, validators and DAO have their parts and supply meets", owners_and_supply, (TWO,)),
        ("clients' vouchers are in the proofs", vouchers_are_proved,
         ("a client's own relays have receipts that hold", TWO)),
        ("no transaction of a daemon failed", daemons_were_never_refused),
        ("operators paid their fees and nothing else", operators_paid_fees_alone),
        ("both validators have equal app hashes", app_hashes_equal)]
