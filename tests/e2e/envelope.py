"""Transactions whose envelope does not hold: refused by number, and nothing changed."""

from world import R, VIPR, need, same, wallet

NOBODY = R.to_bech32(bytes(20))


def coins(amount):
    return [{"denom": "uvipr", "amount": str(amount)}]


def bank_send(source, target, amount):
    return {"@type": "/cosmos.bank.v1beta1.MsgSend", "from_address": source,
            "to_address": target, "amount": coins(amount)}


def fund(world, target, amount):
    faucet = world.wallet("owners", "faucet")
    world.must(faucet, bank_send(faucet.address, target, amount))


def cases(alice, faucet):
    """(name, TxRaw, code)"""
    send = bank_send(alice.address, faucet.address, 1)
    content, auth, seal = alice.content, alice.auth, alice.seal
    good, unordered = auth(), content([send], 120)
    poor = wallet.Wallet(wallet.Secp(), alice.chain_id, alice.rest)
    nothing = bank_send(poor.address, faucet.address, 1)
    system = {"@type": "/viper.v1.MsgSystem", "height": 5, "reveal": bytes(range(32))}
    unknown = wallet.field(1, "/viper.v1.MsgPrint") + wallet.field(2, b"\x08\x01")
    overlong = wallet.field(1, unordered) + wallet.field(2, good) + b"\x1a\xc0\x00" + bytes(64)
    return [
        ("another chain-id", seal(unordered, good, chain_id="viper-local-2"), 4),
        ("another account number", seal(unordered, good, number=77), 4),
        ("a signature with one bit changed", seal(unordered, good, spoil=40), 4),
        ("a signature with high S", seal(unordered, good, high=True), 4),
        ("a sequence of the future", seal(content([send]), auth(sequence=5000)), 5),
        ("an unordered one with a sequence", seal(unordered, auth(sequence=1)), 5),
        ("a timeout in the past", seal(content([send], -30), good), 6),
        ("a timeout too far ahead", seal(content([send], 3600), good), 22),
        ("a fee too low", seal(unordered, auth(fee=500)), 8),
        ("too little gas", seal(unordered, auth(gas=20_000)), 9),
        ("an unknown message", seal(content([unknown], 120), good), 3),
        ("an unknown field", seal(content([send], 120, extra=wallet.field(99, 1)), good), 1),
        ("a default written out", seal(content([send], 120, extra=b"\x18\x00"), good), 1),
        ("an overlong length", overlong, 1),
        ("bytes that are no transaction", b"\xff" * 40, 1),
        ("a system transaction", seal(content([system], 120), good), 13),
        ("MsgSystem without a signature",
         wallet.field(1, content([system], memo="")), 13),
        ("an account that does not exist",
         poor.seal(poor.content([nothing], 120), poor.auth(), number=0), 10),
        ("a fee above the balance", seal(unordered, auth(fee=100 * VIPR)), 10),
        ("somebody else's coins",
         seal(content([bank_send(faucet.address, alice.address, 1)], 120), good), 11),
        ("a memo of 300 bytes", seal(content([send], 120, memo="m" * 300), good), 2),
        ("an address with a bad checksum",
         seal(content([bank_send(alice.address, NOBODY[:-1] + "q", 1)], 120), good), 20),
        ("an amount of 0",
         seal(content([bank_send(alice.address, faucet.address, 0)], 120), good), 21),
    ]


def refused_by_number(world):
    faucet = world.wallet("owners", "faucet")
    alice = world.adopt(wallet.Secp())
    fund(world, alice.address, 10 * VIPR)
    before, wrong = alice.account(), []
    for name, raw, want in cases(alice, faucet):
        code, why = world.push(raw)
        if code != want:
            wrong.append(f"{name}: code {code} instead of {want} ({why})")
        elif not why:
            wrong.append(f"{name}: refused without a sentence")
    need(not wrong, "; ".join(wrong))
    world.wait("the next block", lambda h=world.book.height: world.book.height > h, 20)
    same("alice's account after refusals", alice.account(), before)


def replay_is_refused(world):
    """Unordered: the same body under a new signature. Ordered: a used sequence."""
    alice, carol = world.adopt(wallet.Secp()), world.adopt(wallet.Secp()).address
    fund(world, alice.address, 10 * VIPR)
    content = alice.content([bank_send(alice.address, carol, 1000)], 120)
    once = alice.seal(content, alice.auth())
    same("first code", world.push(once)[0], 0)
    same("first result", world.results([wallet.tx_hash(once)])[wallet.tx_hash(once)][0], 0)
    again = alice.seal(content, alice.auth())
    need(again != once, "two signatures are equal")
    same("code of the replay", world.push(again)[0], 7)
    ordered = bank_send(alice.address, carol, 500)
    world.must(alice, ordered, sequence=0)
    code, _ = world.push(alice.sign([ordered], sequence=0))
    same("code of a used sequence", code, 5)
    got = world.net.rest(f"/viper/v1/accounts/{carol}")["account"]["balance_uvipr"]
    same("balance after replays", got, "1500")
    same("alice's account", alice.account()["balance_uvipr"],
         10 * VIPR - 1500 - 2 * wallet.FEE)


def failed_keeps_its_fee(world):
    """Executed and refused: the fee is gone, the first message of two is undone as well."""
    alice, carol = world.adopt(wallet.Secp()), world.adopt(wallet.Secp()).address
    fund(world, alice.address, 10 * VIPR)
    code, why, height, _ = world.send(alice, [bank_send(alice.address, carol, 1000),
                                              bank_send(alice.address, carol, 99 * VIPR)])
    need(code == 10 and height, f"code {code} in block {height}: {why}")
    same("alice's balance", alice.account()["balance_uvipr"], 10 * VIPR - wallet.FEE)
    try:
        world.net.rest(f"/viper/v1/accounts/{carol}")
    except ValueError:
        return
    need(False, "the first of two messages was kept")


TESTS = [("envelopes are refused by number", refused_by_number),
         ("a replay is refused", replay_is_refused),
         ("a failed transaction keeps its fee alone", failed_keeps_its_fee)]
