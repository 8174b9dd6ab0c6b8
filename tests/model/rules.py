"""The formulas of docs/protocol.md in plain Python, written from the text and not from the C.

Integers only. tests/model/test_vectors.py holds this file against tests/golden/protocol.json;
the end-to-end tests then recompute with it what the chain did."""

import hashlib
from bisect import bisect_right

PPM = 10**6


def H(tag, *parts):
    """parts: int = 8 bytes, ("u16", n) = 2, ("u32", n) = 4, bytes = fixed, ("var", bytes)."""
    h = hashlib.sha256(bytes([len(tag)]) + tag.encode())
    for part in parts:
        if isinstance(part, int):
            h.update(part.to_bytes(8, "big"))
        elif isinstance(part, bytes):
            h.update(part)
        elif part[0] == "u16":
            h.update(part[1].to_bytes(2, "big"))
        elif part[0] == "u32":
            h.update(part[1].to_bytes(4, "big"))
        else:
            h.update(len(part[1]).to_bytes(4, "big") + part[1])
    return h.digest()


# ---- addresses (BIP-173) ----

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _polymod(values):
    chk = 1
    for v in values:
        top = chk >> 25
        chk = (chk & 0x1FFFFFF) << 5 ^ v
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> i & 1:
                chk ^= g
    return chk


def _expand(prefix):
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _regroup(data, src, dst, pad):
    acc = bits = 0
    out = []
    for v in data:
        acc = acc << src | v
        bits += src
        while bits >= dst:
            bits -= dst
            out.append(acc >> bits & (1 << dst) - 1)
    if pad and bits:
        out.append(acc << dst - bits & (1 << dst) - 1)
    elif not pad and (bits >= src or acc & (1 << bits) - 1):
        raise ValueError("padding")
    return out


def to_bech32(address, prefix="viper"):
    data = _regroup(address, 8, 5, True)
    check = _polymod(_expand(prefix) + data + [0] * 6) ^ 1
    return prefix + "1" + "".join(ALPHABET[d] for d in data + [check >> 5 * (5 - i) & 31
                                                             for i in range(6)])


def from_bech32(text, prefix="viper"):
    head, _, tail = text.rpartition("1")
    if head != prefix or len(tail) < 6 or any(c not in ALPHABET for c in tail):
        raise ValueError("not an address of prefix " + prefix)
    data = [ALPHABET.index(c) for c in tail]
    if _polymod(_expand(prefix) + data) != 1:
        raise ValueError("checksum")
    address = bytes(_regroup(data[:-6], 5, 8, False))
    if len(address) != 20:
        raise ValueError("length")
    return address


# ---- beacon, sessions, draw ----

def beacon_genesis(chain_id):
    return H("beacon-genesis", ("var", chain_id.encode()))


def beacon_step(before, proposer, end, preimage):
    """(B_h, new end); end None: the proposer is no validator."""
    if preimage is None or end is None:
        return H("beacon-skip", before, proposer), end
    if H("beacon-chain", preimage) != end:
        raise ValueError("wrong preimage")
    return H("beacon", before, preimage), preimage


def sid(chain_id, session, requestor, chain, zone):
    return H("session", ("var", chain_id.encode()), session, requestor, ("u16", chain),
             ("u16", zone))


def draw_key(sid_, seed):
    return H("draw", sid_, seed)


def weight(own, delegated, score, floor):
    return (own + delegated) // PPM * (floor + score)


def draw(tag, key, n, members, excluded):
    """members: (owner, id, weight). Owners in address order, inside one in id order."""
    owners = {}
    for owner, ident, w in members:
        owners.setdefault(owner, []).append((ident, w))
    table = [(o, sorted(owners[o])) for o in sorted(owners)
             if o not in excluded and sum(w for _, w in owners[o])]
    drawn = []
    for j in range(min(n, len(table))):
        total = sum(w for _, seats in table for _, w in seats)
        u = int.from_bytes(H(tag, key, j)[:16], "big") % total
        for i, (_, seats) in enumerate(table):
            inside = sum(w for _, w in seats)
            if u < inside:
                ends = [sum(w for _, w in seats[:k + 1]) for k in range(len(seats))]
                drawn.append(seats[bisect_right(ends, u)][0])
                del table[i]
                break
            u -= inside
    return drawn


# ---- throughput ----

def usd(stake, price):
    return stake * price // PPM


def budget(stake, requestor_yield, blocks):
    return stake * requestor_yield * blocks // 10**12


def allowance(usd_, cu_per_usd, blocks, budget_, cu_price_min):
    most = usd_ * cu_per_usd * blocks // 10**12
    return most if cu_price_min == 0 else min(most, budget_ * 1000 // cu_price_min)


def quota(allowance_, share, n):
    return allowance_ * share // PPM // n


# ---- relays ----

def h_req(method, path, body):
    return H("req", ("var", method.encode()), ("var", path.encode()), ("var", body))


def h_res(status, body):
    return H("res", ("u16", status), ("var", body))


def request_part(sid_, servicer, client_key, seq, cum_cu, cu, req):
    return (sid_ + servicer + client_key + seq.to_bytes(8, "big") + cum_cu.to_bytes(8, "big")
            + cu.to_bytes(8, "big") + req)


# ---- trees ----

def _split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tree_root(leaves):
    """leaves: (hash, sum)"""
    if not leaves:
        return bytes(32), 0
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    (lh, ls), (rh, rs) = tree_root(leaves[:k]), tree_root(leaves[k:])
    return H("node", lh, ls, rh, rs), ls + rs


def tree_branch(leaves, index):
    """Siblings bottom up."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return tree_branch(leaves[:k], index) + [tree_root(leaves[k:])]
    return tree_branch(leaves[k:], index - k) + [tree_root(leaves[:k])]


def positions(challenge, servicer, gross, sums, count):
    """entries in sid order -> [(entry, cu)]"""
    out = []
    for i in range(count):
        h = H("pos", challenge, servicer, i)
        at = int.from_bytes(h[:16], "big") % sum(gross)
        entry = 0
        while at >= gross[entry]:
            at -= gross[entry]
            entry += 1
        out.append((entry, int.from_bytes(h[16:], "big") % sums[entry]))
    return out


def card_position(challenge, sid_, fisherman, i, sent):
    return int.from_bytes(H("card-pos", challenge, sid_, fisherman, i)[:16], "big") % sent


def card_seal(salt, sid_, fisherman, lines, root):
    """lines: (servicer, sent, refused, answered, checked, correct, p90) by id"""
    card = [("u32", len(lines))]
    for line in lines:
        card += [line[0], *line[1:]]
    return H("card", salt, sid_, fisherman, *card, root)


# ---- scores ----

def full_use(settled, quota_):
    return settled * 10 >= quota_ * 9


def line_score(sent, refused, answered, checked, correct, p90, full, target, most, w,
               min_samples):
    """None: the line does not count."""
    asked = sent - refused if full else sent
    if asked < min_samples:
        return None
    if answered == 0:
        return 0
    availability = PPM * answered // asked
    reliability = PPM if checked == 0 else PPM * correct // checked
    latency = max(0, min(PPM, PPM * (most - p90) // (most - target)))
    return availability * reliability // PPM * (PPM - w + w * latency // PPM) // PPM


def median(scores, k):
    if len(scores) < max(2, k // 2 + 1):
        return None
    s = sorted(scores)
    half = len(s) // 2
    return s[half] if len(s) % 2 else (s[half - 1] + s[half]) // 2


def running(old, medians, alpha):
    """medians: (median, weight)"""
    total = sum(w for _, w in medians)
    if total == 0:
        return old
    mean = sum(m * w for m, w in medians) // total
    return (old * (PPM - alpha) + mean * alpha) // PPM


def card_factor(pairs, tolerance):
    """pairs: (median, line score or 0)"""
    distance = sum(abs(m - s) for m, s in pairs) // len(pairs)
    t = tolerance // 5
    return max(0, PPM - max(0, distance - t) * PPM // (tolerance - t))


# ---- pay ----

def gross(cu, budget_, allowance_, chain_multiplier, zone_multiplier):
    return cu * budget_ // allowance_ * chain_multiplier // PPM * zone_multiplier // PPM


def split(gross_, score, k, factors, ppm):
    """ppm: servicer, fishermen, validator, chain, dao -> dict of parts"""
    servicer, fishermen, validator, chain = (gross_ * p // PPM for p in ppm[:4])
    paid = [fishermen // k * f // PPM for f in factors] if k >= 2 else []
    parts = {"servicer": servicer * score // PPM, "fishermen": paid, "validator": validator,
             "chain": chain, "dao": gross_ - servicer - fishermen - validator - chain}
    parts["not_minted"] = (servicer - parts["servicer"]) + (fishermen - sum(paid))
    return parts


def reward(r, own, delegated, commission):
    """(owner, delegators)"""
    if delegated == 0:
        return r, 0
    d = r * delegated // (own + delegated)
    d -= d * commission // PPM
    return r - d, d


# ---- price ----

def price_median(votes, set_stake):
    """votes: (price, stake)"""
    voting = sum(s for _, s in votes)
    if voting * 3 < set_stake * 2 or not voting:
        return None
    below = 0
    for price, stake in sorted(votes):
        below += stake
        if below * 2 >= voting:
            return price
    return None


def price_clamp(old, wanted):
    low = max(1, min(old * 9 // 10, old - 1))
    high = max(old * 11 // 10, old + 1)
    return max(low, min(high, wanted))


def price_for_stake(prices, pending, newest_median):
    """prices: by session, the running one last"""
    values = prices[-24:] + [pending]
    if newest_median is not None:
        values.append(newest_median)
    return min(values)
