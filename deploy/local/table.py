"""The settled session as a table and as JSON: what --once prints.

All but `injected` is read from the chain: relays and cu from the last MsgCommit; availability,
reliability and p90 as medians over the counting lines of the revealed cards; verdict, score
and reward from the Verify events."""

import base64
import statistics

from .net import INJECTED

PPM = 10**6
MIN_CHECKED = 5  # a good servicer's card that checked less shows that the audit does not work


def hex_of(b64):
    return base64.b64decode(b64).hex()


def median(values):
    return int(statistics.median_low(values)) if values else 0


def session_of(chronicle, number, chain):
    record = chronicle.requestors[number]
    pair = next(p for p in record["pairs"] if p["chain"] == chain)
    sid = hex_of(pair["sid"])
    return record, pair, sid, chronicle.benches[number, sid]


def whole_session(chronicle, traffic, bad):
    """The first session >= 2 that is over, had traffic in all its blocks, and drew all of `bad`
    for chain 0001; None: there is none yet."""
    for number in sorted(chronicle.sessions):
        record = chronicle.sessions[number]
        first, last = int(record["first"]), int(record["last"])
        if number < 2 or last >= chronicle.height or not traffic.covers(first, last):
            continue
        _, _, _, bench = session_of(chronicle, number, 1)
        if bad <= {s["id"] for s in bench["servicers"]}:
            return number
    return None


def last_commits(chronicle, number, sid):
    """servicer -> (entry's cu, relays, hash) of its last Commit of this sid."""
    out = {}
    for _, tx, a in chronicle.of("commit", session=number, sid=sid):
        out[a["servicer"]] = (int(a["sum"]), int(a["count"]), tx)
    return out


def cards_of(chronicle, number, sid):
    """fisherman's operator -> (card, hash)."""
    first = int(chronicle.sessions[number]["last"]) + 1
    out = {}
    for _, tx, m in chronicle.messages("/viper.v1.MsgReveal", first, first + 400):
        for card in m["cards"] if int(m["session"]) == number else []:
            if hex_of(card["sid"]) == sid:
                out[m["operator"]] = (card, tx)
    return out


def line_figures(lines, min_samples):
    """(availability, reliability, p90) as medians over the counting lines; least checked of all."""
    counting = [{k: int(v) for k, v in line.items() if k != "servicer"} for line in lines]
    counting = [c for c in counting if c["sent"] >= min_samples]
    return (median([PPM * c["answered"] // c["sent"] for c in counting]),
            median([PPM * c["correct"] // c["checked"] if c["checked"] else PPM
                    for c in counting]),
            median([c["p90_ms"] for c in counting]),
            min([int(line["checked"]) for line in lines], default=0))


def rows_of(chronicle, number, sid, bench, min_samples):
    injected = {s["operator"]["address"]: INJECTED.get(i, ("none",))[0]
                for i, s in enumerate(chronicle.net.actors.servicers, 1)}
    commits = last_commits(chronicle, number, sid)
    cards = cards_of(chronicle, number, sid)
    verified = {a["servicer"]: a for _, _, a in chronicle.of("verify", session=number, sid=sid)}
    rows = []
    for seat in bench["servicers"]:
        ident = seat["id"]
        cu, relays, _ = commits.get(ident, (0, 0, None))
        lines = [line for card, _ in cards.values() for line in card["lines"]
                 if line["servicer"] == ident]
        availability, reliability, p90, checked = line_figures(lines, min_samples)
        v = verified.get(ident, {})
        rows.append({
            "operator": ident, "owner": seat["owner"], "injected": injected[ident],
            "relays": str(relays), "cu": str(cu),
            "settled_cu": v.get("settled_cu", "0"),
            "availability_ppm": str(availability), "reliability_ppm": str(reliability),
            "p90_ms": str(p90), "score_ppm": v.get("score_ppm", "0"),
            "gross_uvipr": v.get("gross", "0"), "reward_uvipr": v.get("reward", "0"),
            "verdict": v.get("verdict", "none"), "_checked": checked})
    return rows, commits, cards, verified


def fishermen_of(chronicle, number, sid, bench, cards):
    out = []
    for seat in bench["fishermen"]:
        paid = sum(int(a["reward"]) for _, _, a in chronicle.of(
            "fisherman_reward", session=number, sid=sid, fisherman=seat["id"]))
        out.append({"operator": seat["id"], "cards": int(seat["id"] in cards),
                    "reward_uvipr": str(paid)})
    return out


def all_accounts(net):
    """Every account as listed, page by page."""
    total, key = [], ""
    while True:
        page = net.rest("/viper/v1/accounts?pagination.limit=100"
                        + (f"&pagination.key={key}" if key else ""))
        total += page["accounts"]
        key = ((page.get("pagination") or {}).get("next_key") or "")
        if not key:
            return total
        key = key.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def supply_of(chronicle):
    """total is the sum over all accounts, minted the sum of events: they must meet."""
    net = chronicle.net
    for _ in range(20):
        before = net.height()
        accounts, told = all_accounts(net), net.rest("/viper/v1/supply")
        if net.height() == before:
            break
    chronicle.follow()
    minted = sum(int(a["minted"]) for h, _, k, a in chronicle.events
                 if k in ("verify", "yield") and h <= before)
    total = sum(int(a["balance_uvipr"]) for a in accounts)
    burned = int(told["burned_uvipr"])
    if total != int(told["genesis_uvipr"]) + minted - burned:
        raise ValueError(f"supply does not meet: accounts {total}, genesis "
                         f"{told['genesis_uvipr']} + minted {minted} - burned {burned}")
    return {"genesis_uvipr": told["genesis_uvipr"], "minted_uvipr": str(minted),
            "burned_uvipr": str(burned), "total_uvipr": str(total)}


def result(chronicle, number, chain, params):
    """The object of the issue for one chain, and the rows with what else is checked."""
    record, pair, sid, bench = session_of(chronicle, number, chain)
    rows, commits, cards, _ = rows_of(chronicle, number, sid, bench,
                                      int(params["min_samples"]))
    first = int(chronicle.sessions[number]["last"]) + 1
    session = chronicle.sessions[number]
    hashes = lambda kind: sorted({tx for _, tx, a in chronicle.of(kind, session=number)
                                  if a.get("sid", sid) == sid and tx})
    heights = sorted({h for h, _, _ in chronicle.of("verify", session=number, sid=sid)})
    return {
        "chain_id": chronicle.net.rest("/viper/v1/chain")["chain_id"],
        "session": {"number": str(number), "first": session["first"],
                    "last": session["last"], "seed": hex_of(session["seed"])},
        "verify_heights": [str(h) for h in heights],
        "requestor": {"operator": record["actor"]["operator"], "chain": f"{chain:04x}",
                      "zone": f"{pair['zone']:04x}", "sid": sid,
                      "allowance_cu": bench["allowance_cu"],
                      "budget_uvipr": bench["budget_uvipr"], "quota_cu": bench["quota_cu"]},
        "servicers": [{k: v for k, v in r.items() if not k.startswith("_")} for r in rows],
        "fishermen": fishermen_of(chronicle, number, sid, bench, cards),
        "txs": {"commit": sorted({c[2] for c in commits.values()}),
                "report_card": sorted({tx for h, tx, _ in chronicle.messages(
                    "/viper.v1.MsgReportCard", first, first + 400)
                    if tx in hashes("report_card")}),
                "prove": hashes("prove"),
                "reveal": sorted({c[1] for c in cards.values()})},
        "supply": supply_of(chronicle),
    }, rows


def text(chain, rows):
    head = (f"chain {chain:04x}    relays      cu  avail  relia  p90 ms  score  verdict   "
            "      reward VIPR")
    lines = [head]
    for r in rows:
        name = r["operator"][:9] + ".." + r["operator"][-4:]
        mark = "" if r["injected"] == "none" else f"  <- {r['injected']} on purpose"
        lines.append(
            f"{name:<14} {r['relays']:>5} {r['cu']:>7} {int(r['availability_ppm']) / PPM:6.3f} "
            f"{int(r['reliability_ppm']) / PPM:6.3f} {r['p90_ms']:>7} "
            f"{int(r['score_ppm']) / PPM:6.3f}  {r['verdict']:<9} "
            f"{int(r['reward_uvipr']) / PPM:14.6f}{mark}")
    return "\n".join(lines)
