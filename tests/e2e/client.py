"""A client of relays, written from docs/protocol.md: token, request part, receipt, refusal."""

import base64
import http.client
import json
import urllib.parse

import nacl.exceptions
import nacl.signing

import rules as R


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unurl64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(key, digest):
    return key.sign(digest).signature


def verifies(public, digest, signature):
    try:
        nacl.signing.VerifyKey(public).verify(digest, signature)
        return True
    except nacl.exceptions.BadSignatureError:
        return False


class Receipt:
    def __init__(self, text):
        raw = unurl64(text)
        if len(raw) != 130:
            raise ValueError(f"a receipt of {len(raw)} bytes")
        self.part, self.res, self.signature = raw[:32], raw[34:66], raw[66:]
        self.status = int.from_bytes(raw[32:34], "big")

    def holds(self, relay_key, status, body, part=None):
        """The relay key's word for exactly this status and body (and request)."""
        digest = R.H("receipt", self.part, ("u16", self.status), self.res)
        return (self.status == status and self.res == R.h_res(status, body)
                and (part is None or self.part == R.H("request-part", part))
                and verifies(relay_key, digest, self.signature))


def refusal_reason(text, relay_key, part):
    """The reason in a signed refusal; ValueError if it does not hold for this request."""
    raw = unurl64(text)
    reason = int.from_bytes(raw[32:34], "big")
    digest = R.H("refusal", raw[:32], ("u16", reason))
    if (len(raw) != 98 or raw[:32] != R.H("request-part", part)
            or not verifies(relay_key, digest, raw[34:])):
        raise ValueError("the refusal does not hold")
    return reason


class Answer:
    def __init__(self, status, headers, body, part):
        self.status, self.headers, self.body, self.part = status, headers, body, part
        try:
            self.reason = json.loads(body)["error"]["code"] if status != 200 else None
        except (ValueError, KeyError, TypeError):
            self.reason = None


class Client:
    """A client key with its token for one sid and servicer."""

    def __init__(self, gateway_key, sid, seat, chain):
        self.key = nacl.signing.SigningKey.generate()
        self.public = bytes(self.key.verify_key)
        self.sid, self.chain = bytes.fromhex(sid), chain
        self.servicer = R.from_bech32(seat["id"])
        self.url = urllib.parse.urlsplit(seat["url"])
        self.relay_key = base64.b64decode(seat["relay_key"])
        self.token = self.token_by(gateway_key)
        self.seq = self.accepted = 0

    def token_by(self, gateway_key):
        return self.sid + self.public + sign(gateway_key, R.H("token", self.sid, self.public))

    def part(self, body, cu=1, seq=None, cum=None, sid=None, servicer=None, req=None):
        if seq is None:
            self.seq += 1
            seq = self.seq
        return R.request_part(sid or self.sid, servicer or self.servicer, self.public, seq,
                              self.accepted + cu if cum is None else cum, cu,
                              req or R.h_req("POST", "", body))

    def post(self, body, part, signature=None, token=None, chain=None):
        """Send a part as it is; `token` False leaves the header out."""
        headers = {"Content-Type": "application/json",
                   "Viper-Relay": url64(part + (signature or
                                                sign(self.key, R.H("request", part))))}
        if token is not False:
            headers["Viper-Token"] = url64(token or self.token)
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=15)
        try:
            try:
                connection.request("POST", f"/v1/relay/{chain or self.chain:04x}", body,
                                   headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was sent: the answer may still be there
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read(), part)
        finally:
            connection.close()

    def relay(self, body, cu=1):
        """A relay as it should be; counted as accepted when its receipt holds."""
        answer = self.post(body, self.part(body, cu))
        if answer.status == 200 and self.receipt_holds(answer):
            self.accepted += cu
        return answer

    def receipt_holds(self, answer, relay_key=None):
        text = answer.headers.get("Viper-Receipt")
        return text is not None and Receipt(text).holds(relay_key or self.relay_key,
                                                        answer.status, answer.body,
                                                        answer.part)

    def refused(self, answer):
        """(reason, signed): the reason as the relay gives it."""
        text = answer.headers.get("Viper-Refusal")
        if text is None:
            return answer.reason, False
        reason = refusal_reason(text, self.relay_key, answer.part)
        if reason != answer.reason:
            raise ValueError(f"body says {answer.reason}, the signed refusal {reason}")
        return reason, True


def call(method, number=1, params=()):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                       "params": list(params)}).encode()
