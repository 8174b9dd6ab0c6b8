"""Texts of a message as bytes, and what a field must look like."""

import base64
import binascii
import re

import curve
import rules
from refusal import need

CACHE_MOST = 200000
AMOUNT_END = 1 << 62
ADDRESSES, DATA = {}, {}


def address(text, prefix="viper"):
    """bech32 -> 20 bytes; None: not an address."""
    asked = text, prefix
    if asked not in ADDRESSES:
        try:
            ADDRESSES[asked] = rules.from_bech32(text, prefix)
        except (ValueError, IndexError):
            ADDRESSES[asked] = None
    return ADDRESSES[asked]


def data(text):
    """base64 -> bytes; what is asked often is kept."""
    found = DATA.get(text)
    if found is None:
        try:
            found = base64.b64decode(text)
        except binascii.Error:
            found = b""
        if len(DATA) > CACHE_MOST:
            DATA.clear()
        DATA[text] = found
    return found


def who(text):
    found = address(text)
    need(found is not None, "BAD_ADDRESS")
    return found


def valoper(text):
    found = address(text, "vipervaloper")
    need(found is not None, "BAD_ADDRESS")
    return found


def amount(text):
    found = int(text)
    need(0 < found < AMOUNT_END, "BAD_AMOUNT")
    return found


def coin(c):
    """One of uvipr, its amount written in its shortest form."""
    need(c is not None and c["denom"] == "uvipr", "BAD_AMOUNT")
    text = c["amount"]
    need(text.isascii() and text.isdigit() and text == str(int(text)), "BAD_AMOUNT")
    return amount(text)


def optional(text):
    """An address or nothing, as bytes."""
    return who(text) if text else b""


def key(text):
    """An ed25519 key: a point that libsodium takes."""
    found = data(text)
    need(curve.usable(found), "BAD_KEY")
    return found


def ascending(values):
    return all(a < b for a, b in zip(values, values[1:]))


HOST = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/.*)?")


def url(text, path=False, empty=False):
    if not text and empty:
        return
    found = HOST.fullmatch(text)
    need(found is not None and len(text) <= 255 and text.isascii(), "BAD_FIELD")
    need(not found[2] or 1 <= int(found[2][1:]) <= 65535, "BAD_FIELD")
    need(path or not found[3], "BAD_FIELD")
