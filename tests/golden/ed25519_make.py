#!/usr/bin/env python3
"""Writes ed25519.json: signatures at the edges of what verifiers of Ed25519 agree about.

The points are made with the arithmetic below; `accepted` is what libsodium said, and no file is
written when the rule in words (`rule`, docs/protocol.md, 1) says otherwise.  `cofactored` and
`cofactorless` say whether the two equations hold that verifiers differ in, of what can be read.
"""

import ctypes
import ctypes.util
import hashlib
import json
import os

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
NOTHING = (0, 1)


def add(a, b):
    k = D * a[0] * b[0] * a[1] * b[1]
    return ((a[0] * b[1] + a[1] * b[0]) * pow(1 + k, -1, P) % P,
            (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P)


def times(n, point):
    out = NOTHING
    for bit in bin(n)[2:]:
        out = add(out, out)
        if bit == "1":
            out = add(out, point)
    return out


def spelt(y, sign):
    return (y | sign << 255).to_bytes(32, "little")


def packed(point):
    return spelt(point[1], point[0] & 1)


def opened(data):
    """The point, from any spelling that somebody's verifier takes; None if there is none."""
    n = int.from_bytes(data, "little")
    sign, y = n >> 255, (n & (1 << 255) - 1) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 != sign and x else x, y)


B = opened(spelt(4 * pow(5, -1, P) % P, 0))
T = opened(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
assert times(L, B) == NOTHING and times(4, T) != NOTHING and times(8, T) == NOTHING
SMALL = [times(j, T) for j in range(8)]


def spellings():
    """Every 32 bytes that mean a point of small order: y below 2^255, either sign of x = 0."""
    for j, (x, y) in enumerate(SMALL):
        for other in (y, y + P):
            if other < 2**255:
                for sign in (0, 1) if x == 0 else (x & 1,):
                    yield j, spelt(other, sign)


def challenge(r, key, message):
    """Before it is reduced below L, which changes k T."""
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little")


def small_order(data):
    point = opened(data)
    return point is not None and times(8, point) == NOTHING


def key_ok(key):
    point = opened(key)
    return point is not None and packed(point) == key and not small_order(key)


def equations(message, key, signature):
    """Does S B = R + k A hold, times 8 and as it is?  R as a point, in whatever spelling."""
    a, r, s = opened(key), opened(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None:
        return False, False
    k = challenge(signature[:32], key, message) % L
    left, right = times(s, B), add(r, times(k, a))
    return times(8, left) == times(8, right), left == right


def rule(message, key, signature):
    """R as 32 bytes is the one spelling of S B - k A, with S and k below L; neither R nor A is of
    small order, and A has its one spelling."""
    s = int.from_bytes(signature[32:], "little")
    if s >= L or not key_ok(key) or small_order(signature[:32]):
        return False
    k = challenge(signature[:32], key, message) % L
    x, y = times(k, opened(key))
    return packed(add(times(s, B), (-x % P, y))) == signature[:32]


SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
assert SODIUM.sodium_init() >= 0
SODIUM.sodium_version_string.restype = ctypes.c_char_p
CASES = []


def case(ident, message, key, signature):
    accepted = SODIUM.crypto_sign_ed25519_verify_detached(
        signature, message, ctypes.c_ulonglong(len(message)), key) == 0
    assert accepted == rule(message, key, signature), ident
    cofactored, cofactorless = equations(message, key, signature)
    CASES.append({"id": ident, "message": message.hex(), "key": key.hex(),
                  "signature": signature.hex(), "accepted": accepted, "key_ok": key_ok(key),
                  "cofactored": cofactored, "cofactorless": cofactorless})
    return accepted


def number(label):
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "little") % L


def signed(label, key, secret, r, nonce, wanted):
    """A message whose challenge is one that is wanted, and S for it."""
    for i in range(1000):
        message = hashlib.sha256(f"{label} {i}".encode()).digest()
        k = challenge(r, key, message)
        if wanted(k):
            return message, (nonce + k * secret) % L
    raise ValueError(label)


def made(ident, torsion_of_a=0, torsion_of_r=0, wanted=lambda k: True, nonce=True, key=None,
         r=None, more=0):
    """Signed with A = a B + (torsion_of_a) T, R = r B + (torsion_of_r) T; `key` and `r` replace
    a spelling (then there is no a, or r), `more` is added to S."""
    a = 0 if key else number("secret " + ident)
    n = number("nonce " + ident) if nonce else 0
    key = key or packed(add(times(a, B), SMALL[torsion_of_a]))
    r = r or packed(add(times(n, B), SMALL[torsion_of_r]))
    message, s = signed(ident, key, a, r, n, wanted)
    return case(ident, message, key, r + (s + more).to_bytes(32, "little"))


def cancels(torsion_of_a, torsion_of_r):
    """R's and k A's torsion add up to nothing, so the equation holds as it is."""
    return lambda k: (torsion_of_r + k % L * torsion_of_a) % 8 == 0


def kept(torsion_of_a, torsion_of_r):
    return lambda k: (torsion_of_r + k % L * torsion_of_a) % 8 != 0


def honest():
    made("honest")
    last = CASES[-1]
    message, key, signature = (bytes.fromhex(last[n]) for n in ("message", "key", "signature"))
    case("another-message", bytes(32), key, signature)
    for at in (0, 31, 32, 63):
        bent = bytearray(signature)
        bent[at] ^= 0x80
        case(f"bent-at-{at}", message, key, bytes(bent))
    case("key-negated", message, bytes(key[:31]) + bytes([key[31] ^ 0x80]), signature)
    case("r-is-no-point", message, key, spelt(2, 0) + signature[32:])
    case("key-is-no-point", message, spelt(2, 0), signature)
    assert opened(spelt(2, 0)) is None
    case("all-zero", message, bytes(32), bytes(64))


def scalars():
    for n in (1, 2, 8, 15):
        made(f"s-plus-{n}-l", more=n * L)


def mixed():
    """A or R with torsion: only the equation without cofactor counts."""
    for ta, tr in ((1, 0), (1, 3), (4, 0), (4, 4), (2, 2)):
        made(f"a-{ta}-r-{tr}-cancels", ta, tr, cancels(ta, tr))
        made(f"a-{ta}-r-{tr}-cofactored", ta, tr, kept(ta, tr))
    made("k-cancels-before-it-is-reduced", 1, 0, lambda k: k % 8 == 0 and k % L % 8 != 0)
    for tr in (1, 2, 4):
        made(f"r-{tr}-cofactored", 0, tr, kept(0, tr))


def small():
    for j, spelling in spellings():
        at = f"{j}-{spelling.hex()[:2]}{spelling.hex()[-2:]}"
        made(f"small-a-{at}", wanted=cancels(j, 0), key=spelling)
        made(f"small-r-{at}", 1, 0, cancels(1, j), nonce=False, r=spelling)
        made(f"small-r-pure-a-{at}", 0, 0, nonce=False, r=spelling)
        if j in (0, 1, 2, 4):
            made(f"small-a-and-r-s-0-{at}", wanted=cancels(j, -j), nonce=False, key=spelling,
                 r=packed(SMALL[-j % 8]))


def main():
    for group in (honest, scalars, mixed, small):
        group()
    assert len({c["id"] for c in CASES}) == len(CASES)
    rules = [
        "Signatures at the edges of Ed25519, made by ed25519_make.py. Byte strings are lower-case "
        "hex. Every case has an id that never changes.",
        "accepted: what crypto_sign_verify_detached of libsodium "
        + SODIUM.sodium_version_string().decode() + " says; that is the protocol's rule. key_ok: "
        "may this be a key of an actor at all?",
        "cofactored, cofactorless: does 8 S B = 8 R + 8 k A hold, and S B = R + k A, with every "
        "spelling of a point taken and S not reduced? They say what another verifier might answer.",
    ]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ed25519.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write('{\n"rules":' + json.dumps(rules, indent=0) + ',\n"cases":[\n')
        f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES))
        f.write("\n]\n}\n")


if __name__ == "__main__":
    main()
