"""The app hash from nothing but the pairs of every store (docs/protocol.md, 6)."""

from hashlib import sha256


def _leaf(hashed_key, value):
    return sha256(b"\x00\x20" + hashed_key + b"\x20" + sha256(value).digest()).digest()


def _subtree(leaves, depth):
    """leaves: (H(key), leaf hash), ascending, different in a bit at or below `depth`."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0][1]
    low, high = 0, len(leaves)
    while low < high:
        middle = (low + high) // 2
        if leaves[middle][0][depth >> 3] >> (7 - (depth & 7)) & 1:
            high = middle
        else:
            low = middle + 1
    return sha256(b"\x01" + _subtree(leaves[:low], depth + 1)
                  + _subtree(leaves[low:], depth + 1)).digest()


def store_root(pairs):
    """pairs: {key: value}, bytes."""
    leaves = []
    for key, value in pairs.items():
        hashed = sha256(key).digest()
        leaves.append((hashed, _leaf(hashed, value)))
    return _subtree(sorted(leaves), 0)


def _simple(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + _simple(leaves[:k]) + _simple(leaves[k:])).digest()


def app_hash(stores):
    """stores: {name: {key: value}}"""
    leaves = []
    for name in sorted(stores):
        root = sha256(store_root(stores[name])).digest()
        leaves.append(sha256(b"\x00" + bytes([len(name)]) + name.encode() + b"\x20" + root)
                      .digest())
    return _simple(leaves)
