"""Texts of a message as bytes, and what a field must look like."""

import base64
import binascii

import rules
from refusal import need

CACHE_MOST = 200000
ADDRESSES, DATA = {}, {}


def address(text):
    """bech32 -> 20 bytes; None: not an address."""
    if text not in ADDRESSES:
        try:
            ADDRESSES[text] = rules.from_bech32(text)
        except (ValueError, IndexError):
            ADDRESSES[text] = None
    return ADDRESSES[text]


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


def key(text):
    """An ed25519 key that libsodium takes: 32 bytes (the record has no others)."""
    found = data(text)
    need(len(found) == 32, "BAD_KEY")
    return found


def ascending(values):
    return all(a < b for a, b in zip(values, values[1:]))


def url(text, path=False, empty=False):
    if not text and empty:
        return text
    scheme, _, rest = text.partition("://")
    host = rest.split("/", 1)[0]
    need(scheme in ("http", "https") and host and len(text) <= 255, "BAD_FIELD")
    need(path or "/" not in rest, "BAD_FIELD")
    return text
