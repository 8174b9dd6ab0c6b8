"""Transactions made by hand: keys, protobuf, envelope. Written from docs/protocol.md and the
.proto files, so that a test can send what viperd's own tools never would."""

import base64
import hashlib
import secrets
import time

import rules as R

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

# Far above what any message of these tests needs.
GAS, FEE = 2_000_000, 50_000


# ---- secp256k1: slow and plain, for a test's handful of signatures ----

def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        m = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


def _times(k, point=G):
    out = None
    while k:
        if k & 1:
            out = _add(out, point)
        point = _add(point, point)
        k >>= 1
    return out


class Secp:
    def __init__(self, secret=None):
        self.d = int.from_bytes(secret, "big") if secret else 1 + secrets.randbelow(N - 1)
        x, y = _times(self.d)
        self.public = bytes([2 + (y & 1)]) + x.to_bytes(32, "big")
        sha = hashlib.sha256(self.public).digest()
        self.raw = hashlib.new("ripemd160", sha).digest()
        self.address = R.to_bech32(self.raw)

    def sign(self, digest, high=False):
        """64 bytes over a 32-byte digest; low S unless asked otherwise."""
        k = 1 + secrets.randbelow(N - 1)
        r = _times(k)[0] % N
        s = pow(k, -1, N) * (int.from_bytes(digest, "big") + r * self.d) % N
        if (s > N // 2) != high:
            s = N - s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# ---- protobuf, canonical: fields in order, defaults left out, integers packed ----

def varint(n):
    out = bytearray()
    while True:
        out.append(n & 127 | (128 if n > 127 else 0))
        n >>= 7
        if not n:
            return bytes(out)


def field(number, value):
    """One field: int, str or bytes; nothing for a default value."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data if data else b""


TOKEN = (("token", 1, "b"), ("gateway_key", 2, "u"))
SIBLING = (("hash", 1, "b"), ("sum", 2, "u"))
PAIR = (("chain", 1, "u"), ("zone", 2, "u"), ("share_ppm", 3, "u"))
LINE = (("servicer", 1, "s"), ("sent", 2, "u"), ("refused", 3, "u"), ("answered", 4, "u"),
        ("checked", 5, "u"), ("correct", 6, "u"), ("p90_ms", 7, "u"))
OPENED = (("position", 1, "u"), ("sample", 2, "b"), ("token", 3, TOKEN), ("index", 4, "u"),
          ("siblings", 5, [SIBLING]))
COIN = (("denom", 1, "s"), ("amount", 2, "s"))
MESSAGES = {
    "/cosmos.bank.v1beta1.MsgSend": (("from_address", 1, "s"), ("to_address", 2, "s"),
                                     ("amount", 3, [COIN])),
    "/cosmos.gov.v1beta1.MsgVote": (("proposal_id", 1, "u"), ("voter", 2, "s"),
                                    ("option", 3, "u")),
    "/viper.v1.MsgEditServicer": (("signer", 1, "s"), ("servicer", 2, "s"), ("url", 3, "s"),
                                  ("relay_key", 4, "b"), ("zone", 5, "u"),
                                  ("chains", 6, ["u"])),
    "/viper.v1.MsgEditRequestor": (("signer", 1, "s"), ("requestor", 2, "s"),
                                   ("num_servicers", 3, "u"), ("pairs", 4, [PAIR]),
                                   ("gateway_keys", 5, ["b"]), ("shadow_url", 6, "s")),
    "/viper.v1.MsgStakeFisherman": (("owner", 1, "s"), ("operator", 2, "s"),
                                    ("amount", 3, "u"), ("zone", 4, "u"), ("chains", 5, ["u"])),
    "/viper.v1.MsgIncreaseStake": (("owner", 1, "s"), ("actor", 2, "s"), ("amount", 3, "u")),
    "/viper.v1.MsgCommit": (("operator", 1, "s"), ("session", 2, "u"), ("entries", 3, [(
        ("requestor", 1, "s"), ("chain", 2, "u"), ("zone", 3, "u"), ("root", 4, "b"),
        ("sum", 5, "u"), ("count", 6, "u"))])),
    "/viper.v1.MsgProve": (("operator", 1, "s"), ("session", 2, "u"), ("entries", 3, [(
        ("sid", 1, "b"), ("tokens", 2, [TOKEN]), ("tails", 3, ["b"]))]), ("samples", 4, [(
            ("position", 1, "u"), ("sid", 2, "b"), ("leaf", 3, "b"), ("token", 4, TOKEN),
            ("index", 5, "u"), ("siblings", 6, [SIBLING]))])),
    "/viper.v1.MsgReportCard": (("operator", 1, "s"), ("session", 2, "u"), ("entries", 3, [(
        ("requestor", 1, "s"), ("chain", 2, "u"), ("zone", 3, "u"), ("seal", 4, "b"))])),
    "/viper.v1.MsgReveal": (("operator", 1, "s"), ("session", 2, "u"), ("cards", 3, [(
        ("sid", 1, "b"), ("salt", 2, "b"), ("lines", 3, [LINE]), ("samples_root", 4, "b"),
        ("opened", 5, [OPENED]))])),
    "/viper.v1.MsgSystem": (("height", 1, "u"), ("reveal", 2, "b")),
}


def scalar(kind, value):
    if kind == "u":
        return int(value)
    if kind == "b" and isinstance(value, str):
        return base64.b64decode(value)
    return value


def encode(fields, value):
    """Bytes of a message as REST writes it: numbers may be strings, bytes may be base64."""
    out = b""
    for name, number, kind in fields:
        given = value.get(name)
        if given is None:
            continue
        if isinstance(kind, list) and kind[0] == "u":
            out += field(number, b"".join(varint(int(v)) for v in given))
        elif isinstance(kind, list):
            for one in given:
                data = (encode(kind[0], one) if isinstance(kind[0], tuple)
                        else scalar(kind[0], one))
                data = data.encode() if isinstance(data, str) else data
                out += varint(number << 3 | 2) + varint(len(data)) + data
        elif isinstance(kind, tuple):
            data = encode(kind, given)
            out += varint(number << 3 | 2) + varint(len(data)) + data
        else:
            out += field(number, scalar(kind, given))
    return out


def pack(message):
    """google.protobuf.Any"""
    url = message["@type"]
    return field(1, url) + field(2, encode(MESSAGES[url], message))


class Wallet:
    """One account and what it needs to sign: `rest` answers paths of viperd."""

    def __init__(self, key, chain_id, rest):
        self.key, self.chain_id, self.rest = key, chain_id, rest
        self.address = key.address

    def account(self):
        told = self.rest(f"/viper/v1/accounts/{self.address}")["account"]
        return {k: int(told[k]) for k in ("balance_uvipr", "number", "sequence")}

    def content(self, messages, timeout_s=None, memo=None, extra=b""):
        """TxBody; unordered if it has a timeout. Messages are dicts or packed Anys."""
        anys = [m if isinstance(m, bytes) else pack(m) for m in messages]
        # Two equal messages must not be one transaction: each has its own memo.
        out = b"".join(varint(1 << 3 | 2) + varint(len(m)) + m for m in anys)
        out += field(2, secrets.token_hex(6) if memo is None else memo)
        if timeout_s is not None:
            out += field(4, 1) + field(5, field(1, int(time.time()) + timeout_s))
        return out + extra

    def auth(self, fee=FEE, gas=GAS, sequence=0):
        public = field(1, "/cosmos.crypto.secp256k1.PubKey") + field(
            2, field(1, self.key.public))
        signer = field(1, public) + field(2, field(1, field(1, 1))) + field(3, sequence)
        coin = field(1, "uvipr") + field(2, str(fee))
        return field(1, signer) + field(2, field(1, coin) + field(2, gas))

    def seal(self, content, auth, chain_id=None, number=None, spoil=None, high=False):
        """TxRaw; each call signs anew, so equal contents give different bytes."""
        if number is None:
            number = self.account()["number"]
        doc = (field(1, content) + field(2, auth) + field(3, chain_id or self.chain_id)
               + field(4, number))
        signature = bytearray(self.key.sign(hashlib.sha256(doc).digest(), high))
        if spoil is not None:
            signature[spoil] ^= 1
        return field(1, content) + field(2, auth) + field(3, bytes(signature))

    def sign(self, messages, sequence=None, **more):
        """TxRaw as it should be: unordered unless a sequence is given."""
        return self.seal(self.content(messages, 120 if sequence is None else None),
                         self.auth(sequence=sequence or 0), **more)


def tx_hash(raw):
    return hashlib.sha256(raw).hexdigest().upper()
