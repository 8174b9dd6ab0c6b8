"""Every relay accounted for: what the gateway says, the leaves on the servicers' disks, and
what the chain settled, session by session, servicer by servicer.

Follows a network while the load runs, since leaves and records are deleted once they are
settled; judges when all of it is over."""

import base64
import os
import re

from local import chronicle, genesis, table
from places import RELAYS, total

LEAF = 3              # VPR_RECORD_LEAF of relay/leaves.h
SEGMENT_HEADER = 64
PARTS = {"cum_cu": (92, 100), "cu": (100, 108)}  # of a signed request, big-endian
OUTCOMES = ("answered", "bad_request", "no_session", "quota", "busy", "failed")
ENDS = ("sent", "answered", "refused", "failed")
RELAYS_TOTAL = "viper_gateway_relays_total"
SAMPLES_MAX = 64  # of fishermen, under way at one time (3 of them, VPR_SHADOW_LIVE_MAX each)
FIELD = re.compile(r'(\w+)=("(?:\\.|[^"\\])*"|\S*)')


def number(request, part):
    first, end = PARTS[part]
    return int.from_bytes(request[first:end], "big")


def leaves_of(path):
    """sid -> [leaves, CU] of a segment; leaves.h has the format."""
    out = {}
    with open(path, "rb") as f:
        data = f.read()
    at = SEGMENT_HEADER
    while at + 9 <= len(data) and (length := int.from_bytes(data[at:at + 4], "big")):
        if data[at + 8] == LEAF:
            leaf = data[at + 9:at + 8 + length]
            one = out.setdefault(leaf[:32].hex(), [0, 0])
            one[0] += 1
            one[1] += number(leaf, "cu")
        at += 8 + length
    return out


def lines_of(log, event):
    """Fields of a daemon's log lines of an event."""
    out = []
    for line in log.splitlines():
        if event in line:
            out.append({k: v.strip('"') for k, v in FIELD.findall(line)})
    return out


class Account:
    """`wrong` are sentences; none: everything is accounted for."""

    def __init__(self, place):
        self.place, self.view = place, place.view
        self.book = chronicle.Chronicle(place.view)
        self.servicers = [s["operator"]["address"] for s in self.view.actors.servicers]
        self.leaves = {}  # session -> {(servicer, sid): [leaves, CU]}
        self.late = 0     # leaves whose answers came too late for the gateway
        self.wrong = []

    # ---- while it runs ----

    def follow(self):
        """Read the chain's news, and the segments of a session that closed meanwhile."""
        now = self.view.rest("/viper/v1/chain")
        current, height = int(now["session"]), int(now["height"])
        for session in range(max(self.book.requestors, default=current - 1) + 1, current + 1):
            self.book.remember(session)
        self.book.follow()
        params = self.book.params[current]
        ripe = int(now["first"]) + 2 * int(params["grace_blocks"])
        for session in sorted(self.book.requestors):
            if session not in self.leaves and (session + 1 < current or (
                    session + 1 == current and height >= ripe)):
                self.leaves[session] = self.read_leaves(session)

    def read_leaves(self, session):
        out = {}
        for name, servicer in zip(RELAYS, self.servicers):
            path = os.path.join(self.place.home(name), "leaves", f"session-{session}.leaves")
            if os.path.exists(path):
                for sid, found in leaves_of(path).items():
                    out[servicer, sid] = found
        return out

    def sids(self, session):
        """sid -> chain of the requestor's pairs."""
        return {base64.b64decode(p["sid"]).hex(): p["chain"]
                for p in self.book.requestors[session]["pairs"]}

    def settled(self, session):
        return bool(self.book.of("session_settled", session=session))

    # ---- the verdict ----

    def tails(self, session):
        """(servicer, sid) -> CU that clients acknowledged, as proved on the chain."""
        out = {}
        first = int(self.book.sessions[session + 2]["first"])
        last = int(self.book.sessions[session + 2]["last"])
        for _, _, m in self.book.messages("/viper.v1.MsgProve", first, last):
            if int(m["session"]) != session:
                continue
            for entry in m["entries"]:
                lanes = out.setdefault((m["operator"], base64.b64decode(entry["sid"]).hex()), {})
                for tail in (base64.b64decode(t) for t in entry["tails"]):
                    lanes[tail[52:84]] = number(tail, "cum_cu")
        return {key: sum(lanes.values()) for key, lanes in out.items()}

    def claims(self, session):
        """One row for each servicer with leaves or a Commit in a sid of ours."""
        tails, out = self.tails(session), []
        for sid, chain in self.sids(session).items():
            quota = int(self.book.benches[session, sid]["quota_cu"])
            commits = table.last_commits(self.book, session, sid)
            verified = {a["servicer"]: a
                        for _, _, a in self.book.of("verify", session=session, sid=sid)}
            leaves = {who: found for (who, one), found in self.leaves[session].items()
                      if one == sid}
            for who in sorted(set(commits) | set(leaves) | set(verified)):
                cu, count, _ = commits.get(who, (0, 0, None))
                told = verified.get(who, {})
                out.append({"session": session, "sid": sid, "chain": chain, "servicer": who,
                            "leaves": leaves.get(who, [0, 0])[0],
                            "leaves_cu": leaves.get(who, [0, 0])[1], "committed": count,
                            "committed_cu": cu, "acknowledged_cu": tails.get((who, sid), 0),
                            "quota_cu": quota, "settled_cu": int(told.get("settled_cu", 0)),
                            "verdict": told.get("verdict", "none")})
        return out

    def judge_claim(self, c):
        who = f"session {c['session']}, chain {c['chain']:04x}, {c['servicer'][:12]}"
        if (c["leaves"], c["leaves_cu"]) != (c["committed"], c["committed_cu"]):
            self.wrong.append(f"{who}: {c['leaves']} leaves of {c['leaves_cu']} CU on disk, "
                              f"{c['committed']} of {c['committed_cu']} CU committed")
        want = min(c["committed_cu"], c["acknowledged_cu"], c["quota_cu"])
        if c["settled_cu"] != want or c["verdict"] != "paid":
            self.wrong.append(f"{who}: {c['settled_cu']} CU settled, {c['verdict']}; leaves "
                              f"{c['committed_cu']}, acknowledged {c['acknowledged_cu']}, quota "
                              f"{c['quota_cu']}")

    def judge_sid(self, session, chain, closed, claims):
        """What the gateway says of a session against the leaves of all servicers."""
        who = f"session {session}, chain {chain:04x}"
        mine = [c for c in claims if c["chain"] == chain]
        found, cu = sum(c["leaves"] for c in mine), sum(c["leaves_cu"] for c in mine)
        if closed is None:
            self.wrong.append(f"{who}: the gateway's log does not tell its end")
            return
        told = {k: int(closed[k]) for k in ("sent", "answered", "refused", "failed", "cu",
                                            "vouched_cu")}
        if told["sent"] != told["answered"] + told["refused"] + told["failed"]:
            self.wrong.append(f"{who}: the gateway's own figures do not add up: {told}")
        # A servicer's answer may come after the gateway stopped waiting: work that nobody vouches
        # for, and so is not paid. Such a relay is one that failed.
        late = found - told["answered"]
        self.late += late
        if not 0 <= late <= told["failed"] or (cu == told["cu"]) != (late == 0):
            self.wrong.append(f"{who}: {told['answered']} answers of {told['cu']} CU at the "
                              f"gateway ({told['failed']} failed), {found} leaves of {cu} CU")
        if told["vouched_cu"] != told["cu"]:
            self.wrong.append(f"{who}: {told['cu'] - told['vouched_cu']} CU are not vouched for")

    def judge(self, sessions):
        """Rows a session; every session of the range must be over and settled."""
        closed = {(int(c["session"]), int(c["chain"], 16)): c
                  for c in lines_of(self.place.log("gateway"), "session closed")}
        out = []
        for session in sessions:
            claims = self.claims(session)
            for c in claims:
                self.judge_claim(c)
            for chain in sorted(genesis.CHAINS):
                self.judge_sid(session, chain, closed.get((session, chain)), claims)
            of = [closed[session, c] for c in genesis.CHAINS if (session, c) in closed]
            out.append({"session": session,
                        **{k: sum(int(c[k]) for c in of)
                           for k in ("sent", "answered", "refused", "failed")},
                        **{k: sum(c[k] for c in claims)
                           for k in ("leaves", "leaves_cu", "acknowledged_cu", "settled_cu")}})
        self.judge_relays(set(sessions))
        return out

    def judge_relays(self, sessions):
        """Each relay's own line of a session: nothing lost."""
        for name in RELAYS:
            for line in lines_of(self.place.log(name), "session is settled"):
                if int(line["session"]) in sessions and line["lost"] != "no":
                    self.wrong.append(f"{name}, session {line['session']}: lost={line['lost']}")

    # ---- counters ----

    def pages(self):
        """The gateway, then the relays, which may be some samples further, for fishermen never
        rest; then the gateway again."""
        return {name: self.place.metrics(name.removesuffix(", later"))
                for name in ["gateway"] + RELAYS + ["gateway, later"]}

    def judge_counters(self, before, after, load):
        """Clients, gateway and relays by their counters; figures for the table."""
        def grew(page, name, **labels):
            return total(after[page], name, **labels) - total(before[page], name, **labels)

        calls = {o: grew("gateway", "viper_gateway_requests_total", outcome=o) for o in OUTCOMES}
        ends = {o: grew("gateway", RELAYS_TOTAL, outcome=o) for o in ENDS}
        asked = sum(k["sent"] * k["calls"] for k in load["kinds"])
        good = sum((k["good"] + k["backend"]) * k["calls"] for k in load["kinds"])
        more = {"samples": grew("gateway", "viper_gateway_shadow_total", outcome="relayed"),
                "closing": grew("gateway", "viper_gateway_settle_requests_total"),
                "retries": grew("gateway", "viper_gateway_retries_total"),
                "resends": grew("gateway", "viper_gateway_resends_total")}
        if sum(calls.values()) != asked or calls["answered"] != good:
            self.wrong.append(f"{asked} calls asked, {good} answered; the gateway counts {calls}")
        if not 0 <= under_way(after["gateway"]) <= SAMPLES_MAX:
            self.wrong.append(f"{under_way(after['gateway'])} relays are neither answered nor "
                              "refused nor failed")
        if ends["sent"] != asked + sum(more.values()):
            self.wrong.append(f"{ends['sent']} relays for {asked} calls and {more}")
        # Since their start; while they are read, more samples come.
        least, most = (total(after[page], RELAYS_TOTAL, outcome="answered")
                       for page in ("gateway", "gateway, later"))
        there = sum(total(after[r], "viper_relay_requests_total", outcome="answered")
                    for r in RELAYS)
        if not least <= there <= most + under_way(after["gateway, later"]):
            self.wrong.append(f"{least} to {most} relays answered at the gateway, {there} at the "
                              "servicers")
        return {"calls": asked, "outcomes": calls, **ends, **more,
                "late": self.late,
                "failures": reasons(before, after, "viper_gateway_relay_failures_total"),
                "refusals": reasons(before, after, "viper_gateway_relay_refusals_total")}


def under_way(page):
    sent, *ended = (total(page, RELAYS_TOTAL, outcome=o) for o in ENDS)
    return sent - sum(ended)


def reasons(before, after, name):
    """reason -> how many more at the gateway."""
    out = {}
    for row, value in after["gateway"].items():
        if row.startswith(name + "{") and value != before["gateway"].get(row, 0):
            out[row.split('reason="')[1].split('"')[0]] = int(
                value - before["gateway"].get(row, 0))
    return out
