"""The records of proto/viper/v1/state.proto and params.proto as dicts, and their canonical bytes.

The schemas are read from the .proto files themselves: a field that a record gains is there at
once, with its default."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTO = os.path.join(ROOT, "proto")
NUMBERS = {"uint32", "uint64", "int64", "int32", "bool"}
MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.M | re.S)
ENUM = re.compile(r"^enum (\w+) \{(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"^\s*(repeated )?([\w.]+) (\w+) = (\d+);", re.M)
VALUE = re.compile(r"^\s*(\w+) = (\d+);", re.M)


def load(*names):
    """Messages and enums of files below proto/."""
    schemas, enums = {}, {}
    for name in names:
        with open(os.path.join(PROTO, name), encoding="utf-8") as f:
            text = re.sub(r"//[^\n]*", "", f.read())
        for enum, body in ENUM.findall(text):
            enums[enum] = {k: int(v) for k, v in VALUE.findall(body)}
        for message, body in MESSAGE.findall(text):
            fields = [(int(number), bool(many), kind, field)
                      for many, kind, field, number in FIELD.findall(body)]
            schemas[message] = sorted(fields)
    return schemas, enums


SCHEMAS, ENUMS = load("viper/v1/params.proto", "viper/v1/state.proto")
PARAM_NAMES = [field for _, _, _, field in SCHEMAS["Params"]]


def _default(many, kind):
    if many:
        return ()
    if kind in NUMBERS or kind in ENUMS:
        return 0
    return {"bytes": b"", "string": ""}.get(kind)


BLANK = {name: {field: _default(many, kind) for _, many, kind, field in fields}
         for name, fields in SCHEMAS.items()}


SHORT = [bytes([n]) for n in range(128)]


def new(message, **values):
    record = dict(BLANK[message])
    for key in values:
        if key not in record:
            raise KeyError(message + "." + key)
    record.update(values)
    return record


def varint(n):
    if 0 <= n < 128:
        return SHORT[n]
    if n < 0:
        n += 1 << 64
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


# Of each field what its bytes need, looked up once: name, tag, is it a number, repeated, kind.
PLANS = {message: [(field, varint(number << 3 | (0 if plain and not many else 2)), plain, many,
                    kind)
                   for number, many, kind, field in fields
                   for plain in [kind in NUMBERS or kind in ENUMS]]
         for message, fields in SCHEMAS.items()}


def _plain(message, record):
    out = []
    for field, tag, plain, many, kind in PLANS[message]:
        value = record[field]
        if not value:
            continue
        if plain and not many:
            out += tag, varint(int(value))
            continue
        if plain:
            value = (b"".join(varint(int(v)) for v in value),)
        for item in value if many else (value,):
            if kind == "string":
                item = item.encode()
            elif kind != "bytes" and not plain:
                item = _plain(kind, item)
            out += tag, varint(len(item)), item
    return b"".join(out)


def encode(message, record):
    """Values in the state are never empty: a record of defaults alone is 00."""
    return _plain(message, record) or b"\x00"


def _read_varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return n, at


def decode(message, data, schemas=None):
    """For reports of differences, and golden transactions. Of unknown messages: their bytes."""
    schema = (schemas or SCHEMAS).get(message.rsplit(".", 1)[-1])
    if schema is None:
        return data
    record = {field: _default(many, kind) for _, many, kind, field in schema}
    if data == b"\x00":
        return record
    known = {number: (many, kind, field) for number, many, kind, field in schema}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        many, kind, field = known.get(tag >> 3, (False, "bytes", f"field{tag >> 3}"))
        value, at = _read_varint(data, at)
        if tag & 7 == 2:
            lump, at = data[at:at + value], at + value
            if kind in NUMBERS and many:
                value, where = [], 0
                while where < len(lump):
                    one, where = _read_varint(lump, where)
                    value.append(one)
                record[field] = tuple(value)
                continue
            value = lump if kind == "bytes" else lump.decode() if kind == "string" \
                else decode(kind, lump, schemas)
        record[field] = record.get(field, ()) + (value,) if many else value
    return record
