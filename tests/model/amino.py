"""SIGN_MODE_LEGACY_AMINO_JSON (docs/protocol.md, 7): the document that wallets sign, made from a
transaction of the record, and the signature over it."""

import hashlib
import json

import codec
import curve
import secp256k1

COSMOS = {
    "bank.v1beta1": "MsgSend",
    "staking.v1beta1": "MsgDelegate MsgUndelegate MsgBeginRedelegate MsgCancelUnbondingDelegation",
    "distribution.v1beta1": "MsgWithdrawDelegatorReward MsgSetWithdrawAddress",
    "gov.v1beta1": "MsgVote",
}
TYPES = {f"/cosmos.{package}.{name}": "cosmos-sdk/" + name
         for package, names in COSMOS.items() for name in names.split()}
TYPES.update({
    "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward":
        "cosmos-sdk/MsgWithdrawDelegationReward",
    "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress": "cosmos-sdk/MsgModifyWithdrawAddress",
    "/cosmos.gov.v1.MsgVote": "cosmos-sdk/v1/MsgVote",
})
WIDE = {"proposal_id", "creation_height"}  # of 64 bits
OPTIONS = codec.load("cosmos/gov/v1/tx.proto")[1]["VoteOption"]  # of v1beta1 as well
ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "&<>\u2028\u2029"}


def has_form(message):
    return message["@type"] in TYPES


def value(field, v):
    """None: left out."""
    if isinstance(v, (list, tuple)):
        return [fields(item) for item in v]
    if isinstance(v, dict):
        return fields(v)
    if field == "option":
        v = OPTIONS.get(v, v)  # what has no name is a number in the record, too
    if field in WIDE:
        return str(v) if int(v) else None
    return v or None


def fields(message):
    found = {field: value(field, v) for field, v in message.items() if field != "@type"}
    return {field: v for field, v in found.items() if v is not None}


def document(tx, chain_id, number):
    fee = [{"amount": str(tx["fee"]), "denom": "uvipr"}] if tx["fee"] else []
    doc = {"account_number": str(number), "chain_id": chain_id,
           "fee": {"amount": fee, "gas": str(tx["gas_limit"])}, "memo": tx["memo"],
           "msgs": [{"type": TYPES[m["@type"]], "value": fields(m)} for m in tx["messages"]],
           "sequence": str(tx["sequence"])}
    if tx["timeout_height"]:
        doc["timeout_height"] = str(tx["timeout_height"])
    text = json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.translate(ESCAPED).encode()


def signed(tx, chain_id, number):
    """Does the transaction's signature verify over its document?"""
    doc, signature = document(tx, chain_id, number), bytes.fromhex(tx["signature"])
    key = bytes.fromhex(tx["key"])
    if tx["key_type"] == "ed25519":
        return curve.verifies(key, doc, signature)
    return secp256k1.verifies(key, hashlib.sha256(doc).digest(), signature)
