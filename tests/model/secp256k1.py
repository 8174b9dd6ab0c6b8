"""ECDSA over secp256k1 (SEC 1, 4.1.4; SEC 2, 2.4.1) as accounts sign: low S only."""

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
KEYS = {}  # of 33 bytes -> points 0 to 3 times G, plus 0 to 3 times the key


def point(key):
    """(x, y) of a compressed key; None: no point."""
    x = int.from_bytes(key[1:], "big")
    square = (x**3 + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if len(key) != 33 or key[0] not in (2, 3) or x >= P or y * y % P != square:
        return None
    return x, y if y & 1 == key[0] & 1 else P - y


def double(p):
    """Of (X, Y, Z), x = X / Z^2 and y = Y / Z^3; Z = 0: at infinity."""
    x, y, z = p
    yy = y * y % P
    s, m = 4 * x * yy % P, 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def add(p, q):
    """q: (x, y), or None for infinity."""
    if q is None:
        return p
    if not p[2]:
        return q[0], q[1], 1
    x1, y1, z1 = p
    zz = z1 * z1 % P
    h, r = (q[0] * zz - x1) % P, (q[1] * zz * z1 - y1) % P
    if not h:
        return double(p) if not r else (1, 1, 0)
    hh = h * h % P
    v, hhh = x1 * hh % P, h * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def plain(p):
    if not p[2]:
        return None
    inverse = pow(p[2], P - 2, P)
    return p[0] * inverse**2 % P, p[1] * inverse**3 % P


def sums(key):
    """[a + 4 b] = a G + b key, for two bits of either factor at once."""
    found = KEYS.get(key)
    if found is None and (q := point(key)):
        found = []
        for b in range(4):
            for a in range(4):
                p = (1, 1, 0)
                for _ in range(b):
                    p = add(p, q)
                for _ in range(a):
                    p = add(p, G)
                found.append(plain(p))
        KEYS[key] = found
    return found


def verifies(key, digest, signature):
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    table = sums(key)
    if not (0 < r < N and 0 < s <= N // 2 and table):
        return False
    w = pow(s, N - 2, N)
    u1, u2 = int.from_bytes(digest, "big") * w % N, r * w % N
    p = (1, 1, 0)
    for at in range(254, -1, -2):
        p = add(double(double(p)), table[(u1 >> at & 3) | (u2 >> at & 3) << 2])
    p = plain(p)
    return p is not None and p[0] % N == r
