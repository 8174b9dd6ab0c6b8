#!/usr/bin/env python3
"""The driver's slice of ./tests/all: plays, and histories of dice over real viperds.

Each case is one run of build/local/tests/driver/driver with --check 1: at its end the node's own
`viperd check-state` finds the app hash and every invariant. tests/driver/main.c says what the
options mean; a history of dice is the same for the same seed and options."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADVERSARIES = os.path.join(ROOT, "build", "local", "tests", "driver", "adversaries")
DRIVER = os.path.join(ROOT, "build", "local", "tests", "driver", "driver")
VIPERD = os.path.join(ROOT, "build", "local", "app", "node", "viperd")
PLAYS = os.path.join(ROOT, "tests", "driver", "plays")
SUMMARY = re.compile(r"seed (\d+): (\d+) sessions, (\d+) blocks, (\d+) transactions "
                     r"\((\d+) refused\), (\d+) idle rounds, (\d+) restarts, (\d+) faults, "
                     r"app hash ([0-9a-f]{64}); .* (\d+) checks\)")
FIELDS = ("seed", "sessions", "blocks", "txs", "refused", "rounds", "restarts", "faults", "hash",
          "checks")
# Small worlds: many sessions rather than much in each.
SMALL = ("--requestors", "1", "--servicers", "6", "--fishermen", "3", "--txs", "1", "--relays", "1",
         "--idle", "50")


def drive(*words, record=None):
    """The summaries of a run that went well, one a history."""
    command = [DRIVER, *words, "--viperd", VIPERD, "--check", "1"]
    if record:
        command += ["--record", record]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stderr}"
    assert "no consensus stands behind" in done.stderr, done.stderr
    found = [dict(zip(FIELDS, (int(v) if len(v) < 64 else v for v in m)))
             for m in SUMMARY.findall(done.stderr)]
    assert found, done.stderr
    return found


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read(record):
    """A record as RECORD.md says it: first, blocks, end; every block in its place."""
    first, end = record[0], record[-1]["end"]
    blocks = [line for line in record if "block" in line]
    assert first["history"] == 1 and "no consensus" in first["warning"]
    assert [b["block"] for b in blocks] == list(range(1, end["height"] + 1))
    assert blocks[-1]["app_hash"] == end["app_hash"]
    assert sum(len(b["txs"]) - 1 for b in blocks) == end["txs"]
    return first, blocks, end


def told(blocks, names):
    """Events of these types in order, as (block, type, attributes)."""
    return [(b["block"], e[0], dict(e[1])) for b in blocks
            for tx in b["txs"] for e in tx["events"] if e[0] in names]


# ---- cases ----


def hundreds_of_sessions_of_dice(folder):
    """200 sessions in four histories; each kind of session message is accepted and refused."""
    path = os.path.join(folder, "dice")
    found = drive("random", "--seeds", "1-4", "--sessions", "50", *SMALL, record=path)
    assert sum(f["sessions"] for f in found) >= 200, found
    codes = {}
    for line in lines(path):
        for tx in line.get("txs", [])[1:]:
            for message in tx["messages"]:
                codes.setdefault(message["@type"].split(".")[-1], set()).add(tx["code"])
    for name in ("MsgCommit", "MsgProve", "MsgReportCard", "MsgReveal", "MsgSend"):
        assert 0 in codes[name] and len(codes[name]) > 2, (name, codes.get(name))
    assert len(codes) >= 15, sorted(codes)
    assert len(set().union(*codes.values())) >= 12, codes


def settlements_are_paid_and_events_say_so(folder):
    """What serves, proves and is seen is paid: Verify entries with rewards, and their events."""
    path = os.path.join(folder, "paid")
    drive("random", "--seeds", "11", "--sessions", "8", "--spoil", "0", "--faults", "0",
          "--txs", "0", record=path)
    _, blocks, _ = read(lines(path))
    paid = [v for b in blocks for v in b["verify"] if v["verdict"] == "VERDICT_PAID"]
    assert len(paid) > 20 and sum(int(v["reward_uvipr"]) for v in paid) > 0, len(paid)
    for b in blocks:
        said = [e for e in b["txs"][0]["events"] if e[0] == "verify"]
        assert len(said) == len(b["verify"]), b["block"]


def a_node_that_is_killed_leaves_no_trace(folder):
    """The same seed with and without kills: the same records, but for the restarts."""
    seed = ("random", "--seeds", "21", "--sessions", "5", *SMALL)
    drive(*seed, record=os.path.join(folder, "calm"))
    found = drive(*seed, "--restarts", "120", record=os.path.join(folder, "killed"))
    assert found[0]["restarts"] >= 3, found
    calm, killed = lines(os.path.join(folder, "calm")), lines(os.path.join(folder, "killed"))
    assert [x for x in killed if "block" in x] == [x for x in calm if "block" in x]


def invariants_hold_after_every_block(folder):
    """Dice with spoils, faults, double signs, absences and kills: `viperd check-state` beside the
    node finds each block's app hash and every invariant."""
    path = os.path.join(folder, "checked")
    found = drive("random", "--seeds", "41", "--sessions", "20", *SMALL, "--spoil", "30",
                  "--faults", "10", "--evidence", "15", "--absent", "15", "--restarts", "60",
                  "--check-every", "1", record=path)[0]
    _, blocks, _ = read(lines(path))
    assert found["blocks"] >= 200 and found["checks"] == found["blocks"], found
    assert found["restarts"] >= 5 and found["faults"] >= 1 and found["refused"] >= 50, found
    assert {"VERDICT_PAID", "VERDICT_UNPROVED"} <= {v["verdict"] for b in blocks
                                                    for v in b["verify"]}


def a_play_of_restarts(folder):
    """Killed between FinalizeBlock and Commit, at the first block, twice in a row."""
    path = os.path.join(folder, "restarts")
    found = drive("play", os.path.join(PLAYS, "restarts.play"), record=path)
    assert found[0]["restarts"] == 8, found
    read(lines(path))


def a_play_of_rounds(folder):
    """Rejected and abandoned proposals; each kind of falsification is met."""
    path = os.path.join(folder, "rounds")
    drive("play", os.path.join(PLAYS, "rounds.play"), record=path)
    _, blocks, _ = read(lines(path))
    why = {r["why"] for b in blocks for r in b["rounds"] if r["outcome"] == "rejected"}
    assert why == {"wrong reveal", "wrong height", "no system transaction",
                   "two system transactions", "a Verify added", "a Verify changed"}, why
    assert any(b["round"] == 4 and not b["reveal"] for b in blocks)


def a_play_of_actors(folder):
    """Refusals by number, statuses, a stake that comes back."""
    del folder
    drive("play", os.path.join(PLAYS, "actors.play"))


def a_play_of_penalties(folder):
    """Double signs of both kinds, for ever; downtime, and the way back; each slashed once."""
    path = os.path.join(folder, "penalties")
    drive("play", os.path.join(PLAYS, "penalties.play"), "--genesis",
          "downtime_window=10,jail_seconds=5,session_blocks=8", record=path)
    _, blocks, _ = read(lines(path))
    cost = [name for _, name, _ in told(blocks, ("slash", "tombstone", "jail"))]
    assert cost == ["slash", "tombstone"] * 2 + ["slash", "jail"], cost


def a_play_of_quality(folder):
    """Three sessions below score_min bench and slash in one pool; the bench, score and count
    outlive the pool; resumed by its operator, the count begins anew."""
    path = os.path.join(folder, "quality")
    drive("play", os.path.join(PLAYS, "quality.play"), "--servicers", "5", "--fishermen", "3",
          "--genesis", "bench_requestors=2,jail_seconds=60", record=path)
    _, blocks, _ = read(lines(path))
    heard = told(blocks, ("quality", "benched", "slash", "resume", "pause", "jail"))
    assert [name for _, name, _ in heard] == ["quality"] * 3 + ["benched", "slash", "resume"] + [
        "quality"] * 3, heard
    counts = [(e["session"], e["low_sessions"]) for _, name, e in heard if name == "quality"]
    assert counts == [("0", "1"), ("4", "2"), ("5", "3"), ("14", "1"), ("15", "2"),
                      ("16", "0")], counts
    assert len({(e["actor"], e.get("chain", "0001")) for _, _, e in heard}) == 1, heard
    slash = heard[4][2]
    assert (slash["reason"], slash["burned_uvipr"]) == ("quality", "15000000"), slash


def a_play_of_presence(folder):
    """24 sessions in a row without a report, and the chain pauses the fisherman, once; one report
    before that begins the count anew; its operator resumes it."""
    path = os.path.join(folder, "presence")
    drive("play", os.path.join(PLAYS, "presence.play"), "--servicers", "5", "--fishermen", "3",
          record=path)
    _, blocks, _ = read(lines(path))
    heard = [(b, name, e["kind"]) for b, name, e in told(blocks, ("pause", "resume", "slash"))]
    assert heard == [(361, "pause", "fisherman"), (382, "resume", "fisherman")], heard
    absent = [int(e["absent_sessions"]) for b, _, e in told(blocks, ("absence",)) if b <= 361]
    assert absent[-24:] == list(range(1, 25)) and 0 in absent, absent


def nodes_in_lockstep_agree(folder):
    """Two nodes, each with its validator's secret: the same answers to everything, under kills."""
    path = os.path.join(folder, "lockstep")
    found = drive("random", "--seeds", "31", "--sessions", "6", *SMALL, "--nodes", "2",
                  "--restarts", "60", "--rounds", "25", record=path)
    assert found[0]["restarts"] >= 1 and found[0]["rounds"] >= 5, found
    _, blocks, _ = read(lines(path))
    proposers = {b["proposer"] for b in blocks}
    assert len(proposers) >= 4 and sum(bool(b["reveal"]) for b in blocks) > len(blocks) // 2


def strategies_that_earn_nothing_still_do(folder):
    """Junk leaves, inflated sums, cards never made: 24 sessions each, against honest play."""
    done = subprocess.run([ADVERSARIES, "--viperd", VIPERD, "--folder", folder, "--slice",
                           "--sessions", "24"], capture_output=True, text=True, check=False,
                          timeout=900)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "No consensus stands behind" in done.stdout, done.stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]]
            for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    ratio = {row[0]: float(row[5]) for row in rows}
    assert set(ratio) == {"junk leaves", "inflated sums", "lazy: no cards"}, ratio
    assert all(float(row[4]) > 100 for row in rows), rows  # honest play earns
    assert ratio["junk leaves"] <= 0 and ratio["lazy: no cards"] <= 0, ratio
    assert ratio["inflated sums"] < 0.6, ratio


CASES = [hundreds_of_sessions_of_dice, settlements_are_paid_and_events_say_so,
         a_node_that_is_killed_leaves_no_trace, invariants_hold_after_every_block,
         a_play_of_restarts, a_play_of_rounds,
         a_play_of_actors, a_play_of_penalties, a_play_of_quality, a_play_of_presence,
         nodes_in_lockstep_agree, strategies_that_earn_nothing_still_do]


def main():
    passed = failed = 0
    for case in CASES:
        if len(sys.argv) > 1 and case.__name__ not in sys.argv[1:]:
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="viper-driver-") as folder:
            try:
                case(folder)
                passed += 1
                print(f"ok    {case.__name__} {time.monotonic() - start:.1f} s", flush=True)
            except Exception as fault:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED {case.__name__}: {fault!r}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
