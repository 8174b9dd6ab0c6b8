"""A client that tampers with its requests: each is refused with its reason, signed where the
client is known; and one that does not, whose receipts hold."""

import nacl.signing

import client
from world import R, need, same


def gateway_key(world):
    return nacl.signing.SigningKey(world.secret("gateway", "gateway"))


def new_client(world, chain=2, avoid=()):
    number = world.fresh_session()
    sid, _, seat = world.seat(number, chain, avoid)
    c = client.Client(gateway_key(world), sid, seat, chain)
    c.session, c.vouched = number, None  # cum_cu that its tail must have; 0: no tail
    world.clients.append(c)
    return c


def expect(name, c, answer, reason, signed, status=None):
    need(answer.status != 200, f"{name}: answered with 200")
    need(answer.headers.get("Viper-Receipt") is None, f"{name}: a receipt for a refusal")
    same(f"{name}: (reason, signed)", c.refused(answer), (reason, signed))
    if status:
        same(f"{name}: status", answer.status, status)


def receipts_hold(world):
    """Token on first contact, then known; answer untouched; the receipt binds it."""
    c = new_client(world)
    body = client.call("getblockcount", 41)
    answer = c.post(body, c.part(body), token=False)
    same("status without a token", answer.status, 428)
    for _ in range(3):
        answer = c.relay(body)
        same("status", answer.status, 200)
        need(c.receipt_holds(answer), "the receipt does not hold")
    need(b'"id":41' in answer.body.replace(b" ", b""), f"answer is {answer.body[:80]}")
    answer = c.post(body, c.part(body), token=False)
    same("status of a known key without a token", answer.status, 200)
    need(not client.Receipt(answer.headers["Viper-Receipt"]).holds(
        c.relay_key, answer.status, answer.body + b" "), "the receipt holds for another body")
    c.vouched = 4


def tampered_requests(world):
    c = new_client(world)
    body, other = client.call("getblockcount"), client.call("getdifficulty")
    same("status of a good one", c.relay(body).status, 200)
    used = c.seq
    answer = c.post(other, c.part(body))
    expect("another body", c, answer, 5, False, 401)
    part = c.part(body)
    good = client.sign(c.key, R.H("request", part))
    expect("a signature with one bit changed", c,
           c.post(body, part, good[:40] + bytes([good[40] ^ 1]) + good[41:]), 5, False, 401)
    expect("a signature of another key", c, c.post(body, part, client.sign(
        nacl.signing.SigningKey.generate(), R.H("request", part))), 5, False, 401)
    expect("another signed path", c, c.post(body, c.part(
        body, req=R.h_req("POST", "/x", body))), 5, False, 401)
    expect("an unknown sid", c, c.post(body, c.part(body, sid=bytes(32))), 3, False, 403)
    expect("another servicer", c, c.post(body, c.part(body, servicer=bytes(20))), 3, False, 403)
    expect("another chain's address", c, c.post(body, c.part(body), chain=1), 3, False, 403)
    expect("a seq used before", c, c.post(body, c.part(body, seq=used)), 6, True, 409)
    far = c.post(body, c.part(body, seq=used + 5000))
    same("status of a leap in seq", far.status, 200)
    expect("a seq behind the window", c, c.post(body, c.part(body, seq=used + 2000)), 6, True)
    c.seq = used + 6000
    expect("a cu too high", c, c.post(body, c.part(body, cu=2)), 7, True, 400)
    expect("a cu of 0", c, c.post(body, c.part(body, cu=0)), 7, True, 400)
    expect("a cum_cu below cu", c, c.post(body, c.part(body, cum=0)), 7, True, 400)
    expect("a cu above the quota", c, c.post(body, c.part(body, cu=10**6, cum=10**6)),
           1, True, 429)
    part = c.part(body)
    answer = c.post(body, part[:-1])
    same("status of a part one byte short", answer.status, 400)
    same("status after all of them", c.relay(body).status, 200)
    c.vouched = 2  # of all the others none had a voucher that counts


def tampered_tokens(world):
    c = new_client(world)
    body = client.call("getblockcount")
    stranger = nacl.signing.SigningKey.generate()
    expect("a token of no gateway key", c,
           c.post(body, c.part(body), token=c.token_by(stranger)), 4, False, 401)
    turned = c.token[:90] + bytes([c.token[90] ^ 1]) + c.token[91:]
    expect("a token with one bit changed", c, c.post(body, c.part(body), token=turned),
           4, False, 401)
    c.vouched = 0
    mine = client.Client(gateway_key(world), c.sid.hex(), {
        "id": R.to_bech32(c.servicer), "url": c.url.geturl(), "relay_key": ""}, c.chain)
    expect("another client's token", c, c.post(body, c.part(body), token=mine.token),
           4, False, 401)


def oversized(world):
    c = new_client(world)
    relay = f"relay{world.number_of(R.to_bech32(c.servicer))}"

    def counted():
        return world.metric(relay, "viper_relay_refusals_total", reason="size")
    before = counted()
    body = client.call("getblockcount")[:-1] + b" " * (9 << 20) + b"}"
    answer = c.post(body, c.part(body))
    same("status of 9 MiB", answer.status, 413)
    same("reason of 9 MiB", answer.reason, 11)
    same("refusals counted", counted() - before, 1)
    body = client.call("getblockcount")
    same("status of the next", c.relay(body).status, 200)


def unacknowledged(world):
    """A client that takes answers and never acknowledges one: refused from some point on,
    served again once it does."""
    c = new_client(world)
    batch = b"[" + b",".join(client.call("getblockcount", i) for i in range(100)) + b"]"
    given = 0
    for _ in range(30):
        answer = c.post(batch, c.part(batch, cu=100, cum=100))
        if answer.status != 200:
            break
        need(c.receipt_holds(answer), "a receipt of a batch does not hold")
        given += 100
    expect(f"work after {given} CU unacknowledged", c, answer, 8, True, 429)
    need(given >= 1000, f"refused after {given} CU; 2 % of the quota are 1,000")
    c.accepted = given
    same("status once acknowledged", c.relay(batch, cu=100).status, 200)
    c.vouched = given + 100


TESTS = [("a client's own relays have receipts that hold", receipts_hold),
         ("tampered requests are refused by reason", tampered_requests),
         ("tampered tokens are refused", tampered_tokens),
         ("a body too large is refused", oversized),
         ("unacknowledged work is refused", unacknowledged)]
