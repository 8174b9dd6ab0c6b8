"""Ed25519 as the protocol accepts it: exactly as libsodium does, so it is asked itself."""

import ctypes
import ctypes.util

SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
if SODIUM.sodium_init() < 0:
    raise OSError("libsodium does not start")
KEPT_MOST = 100000
KEPT = {}  # (key, hash, signature) -> does it verify?


P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
USABLE = {}


def _eight_times_is_nothing(x, y):
    for _ in range(3):
        k = D * x * x * y * y
        x, y = (2 * x * y * pow(1 + k, P - 2, P) % P,
                (y * y + x * x) * pow(1 - k, P - 2, P) % P)
    return x == 0


def usable(key):
    """A point in its one spelling and not of small order: what a verifier asks of a key."""
    if key not in USABLE:
        USABLE[key] = _usable(key)
    return USABLE[key]


def _usable(key):
    if len(key) != 32:
        return False
    n = int.from_bytes(key, "little")
    sign, y = n >> 255, n & (1 << 255) - 1
    if y >= P:
        return False
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return False
    return not _eight_times_is_nothing(x, y)


def verifies(key, digest, signature):
    asked = key, digest, signature
    found = KEPT.get(asked)
    if found is None:
        found = SODIUM.crypto_sign_ed25519_verify_detached(
            signature, digest, ctypes.c_ulonglong(len(digest)), key) == 0
        if len(KEPT) > KEPT_MOST:
            KEPT.clear()
        KEPT[asked] = found
    return found
