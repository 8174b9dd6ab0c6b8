#!/usr/bin/python3
"""Makes pbjson.json: messages with their wire bytes and the JSON that Google's own library
writes and reads.  Run from the top of the tree; needs protoc and python3-protobuf.

    /usr/bin/python3 tests/golden/pbjson_make.py > tests/golden/pbjson.json
"""
import json
import random
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as F

FILES = [
    "tendermint/abci/types.proto", "tendermint/types/params.proto",
    "cosmos/tx/v1beta1/tx.proto", "cosmos/tx/v1beta1/query.proto",
    "cosmos/auth/v1beta1/auth.proto", "cosmos/bank/v1beta1/bank.proto",
    "cosmos/crypto/secp256k1/keys.proto", "cosmos/base/query/v1beta1/pagination.proto",
    "viper/v1/genesis.proto", "viper/v1/tx.proto", "viper/v1/state.proto",
]
TYPES = [
    "tendermint.abci.RequestFinalizeBlock", "tendermint.abci.ResponseFinalizeBlock",
    "tendermint.abci.RequestInitChain", "tendermint.abci.RequestPrepareProposal",
    "tendermint.abci.ResponseQuery", "tendermint.abci.Request", "tendermint.abci.Response",
    "tendermint.types.ConsensusParams", "cosmos.tx.v1beta1.Tx", "cosmos.tx.v1beta1.TxBody",
    "cosmos.auth.v1beta1.BaseAccount", "cosmos.base.query.v1beta1.PageRequest",
    "viper.v1.GenesisState", "viper.v1.Actor", "viper.v1.MsgStakeServicer",
    "viper.v1.MsgReveal",
]
INSIDE_ANY = ["cosmos.bank.v1beta1.MsgSend", "cosmos.crypto.secp256k1.PubKey",
              "google.protobuf.Timestamp", "google.protobuf.Duration"]
EACH = 6

rng = random.Random(20261125)


def pool_of():
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", "-Iproto", "-I/usr/include", "--include_imports",
                        "--descriptor_set_out=" + out.name] + FILES, check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    pool = descriptor_pool.DescriptorPool()
    for f in files.file:
        pool.Add(f)
    return pool


POOL = pool_of()
FACTORY = message_factory.MessageFactory(POOL)


def new(name):
    return FACTORY.GetPrototype(POOL.FindMessageTypeByName(name))()


def bits(n):
    return rng.choice([0, 1, rng.getrandbits(n), rng.getrandbits(rng.randint(1, n)), 2**n - 1])


def scalar(f):
    t = f.type
    if t in (F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32):
        return rng.choice([0, -1, 2**31 - 1, -2**31, rng.randint(-1000, 1000)])
    if t in (F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64):
        return rng.choice([0, -1, 2**63 - 1, -2**63, rng.randint(-2**53, 2**53)])
    if t in (F.TYPE_UINT32, F.TYPE_FIXED32):
        return bits(32)
    if t in (F.TYPE_UINT64, F.TYPE_FIXED64):
        return bits(64)
    if t in (F.TYPE_FLOAT, F.TYPE_DOUBLE):
        return rng.choice([0.0, 1.5, -0.1, 1e300 if t == F.TYPE_DOUBLE else 1e30])
    if t == F.TYPE_BOOL:
        return rng.random() < 0.5
    if t == F.TYPE_STRING:
        return rng.choice(["", "a", "quote \" back \\ slash / \n\t\x01", "\u00e4\u20ac\U0001f40d",
                           "x" * rng.randint(0, 40)])
    if t == F.TYPE_BYTES:
        return bytes(rng.getrandbits(8) for _ in range(rng.randint(0, 40)))
    if t == F.TYPE_ENUM:
        known = [v.number for v in f.enum_type.values]
        return rng.choice(known + [77])
    raise ValueError(t)


def fill(m, depth):
    name = m.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        m.seconds = rng.choice([0, -62135596800, 253402300799, 951782400, rng.randint(0, 2**31),
                                rng.randint(-2**31, 0)])
        m.nanos = rng.choice([0, 1, 500000000, 123000, 999999999])
        return
    if name == "google.protobuf.Duration":
        m.seconds = rng.choice([0, 1, 315576000000, rng.randint(0, 2**31)])
        m.nanos = rng.choice([0, 1, 500000000, 123000, 999999999])
        if rng.random() < 0.3:
            m.seconds, m.nanos = -m.seconds, -m.nanos
        return
    if name == "google.protobuf.Any":
        inner = new(rng.choice(INSIDE_ANY))
        fill(inner, depth + 1)
        m.type_url = "/" + inner.DESCRIPTOR.full_name
        m.value = inner.SerializeToString(deterministic=True)
        return
    done = set()
    for f in m.DESCRIPTOR.fields:
        if f.containing_oneof is not None:
            if f.containing_oneof.name in done:
                continue
            done.add(f.containing_oneof.name)
            f = rng.choice(list(f.containing_oneof.fields))
        elif rng.random() < 0.35:
            continue
        if f.label == F.LABEL_REPEATED:
            for _ in range(rng.randint(0, 3)):
                if f.type == F.TYPE_MESSAGE:
                    if depth < 6:
                        fill(getattr(m, f.name).add(), depth + 1)
                else:
                    getattr(m, f.name).append(scalar(f))
        elif f.type == F.TYPE_MESSAGE:
            if depth < 6:
                getattr(m, f.name).SetInParent()
                fill(getattr(m, f.name), depth + 1)
        else:
            setattr(m, f.name, scalar(f))


def write(m, **how):
    return json_format.MessageToDict(m, descriptor_pool=POOL, **how)


def good():
    out = []
    for name in TYPES:
        for i in range(EACH):
            m = new(name)
            if i > 0:
                fill(m, 0)
            wire = m.SerializeToString(deterministic=True)
            full = write(m, including_default_value_fields=True, preserving_proto_field_name=True)
            back = json_format.ParseDict(full, new(name), descriptor_pool=POOL)
            assert back == m, name
            out.append({
                "type": name, "wire": wire.hex(), "full": full,
                "read": [write(m), write(m, preserving_proto_field_name=True,
                                         use_integers_for_enums=True)],
            })
    return out


BAD = [
    ("viper.v1.Actor", {"stake": "-1"}), ("viper.v1.Actor", {"stake": "18446744073709551616"}),
    ("viper.v1.Actor", {"stake": 1.5}), ("viper.v1.Actor", {"stake": ""}),
    ("viper.v1.Actor", {"stake": " 1"}), ("viper.v1.Actor", {"stake": True}),
    ("viper.v1.Actor", {"stake": [1]}), ("viper.v1.Actor", {"stake": {}}),
    ("viper.v1.Actor", {"kind": "KIND_NO_SUCH"}),
    ("viper.v1.Actor", {"url": 5}), ("viper.v1.Actor", {"owner": 5}),
    ("viper.v1.Actor", {"owner": "a"}),
    ("viper.v1.Actor", {"validator": "x"}),
    ("viper.v1.Actor", {"validator": {"commission_ppm": 4294967296}}),
    ("viper.v1.Actor", {"validator": {"commission_ppm": -1}}),
    ("viper.v1.Actor", {"unbond_time_s": "9223372036854775808"}),
    ("viper.v1.Actor", "x"), ("viper.v1.Actor", {"no_such": 1}),
    ("viper.v1.GenesisState", {"accounts": {}}), ("viper.v1.GenesisState", {"accounts": [None]}),
    ("viper.v1.GenesisState", {"accounts": [1]}),
    ("viper.v1.GenesisState", {"chains": [{"active": "true"}]}),
    ("viper.v1.GenesisState", {"chains": [{"active": 1}]}),
    ("tendermint.abci.Request", {"echo": {}, "flush": {}}),
    ("tendermint.abci.RequestInitChain", {"time": "2026-01-01"}),
    ("tendermint.abci.RequestInitChain", {"time": "2026-13-01T00:00:00Z"}),
    ("tendermint.abci.RequestInitChain", {"time": "2026-02-30T00:00:00Z"}),
    ("tendermint.abci.RequestInitChain", {"time": "2026-01-01T00:00:00"}),
    ("tendermint.abci.RequestInitChain", {"time": "0000-01-01T00:00:00Z"}),
    ("tendermint.abci.RequestInitChain", {"time": "2026-01-01T00:00:00.1234567891Z"}),
    ("tendermint.abci.RequestInitChain", {"time": 5}),
    ("cosmos.tx.v1beta1.TxBody", {"messages": [{"to": "x"}]}),
    ("cosmos.tx.v1beta1.TxBody", {"messages": [{"@type": "/no.such.Type"}]}),
    ("tendermint.types.ConsensusParams", {"evidence": {"max_age_duration": "1"}}),
    ("tendermint.types.ConsensusParams", {"evidence": {"max_age_duration": "1h"}}),
    ("tendermint.types.ConsensusParams", {"evidence": {"max_age_duration": "x1s"}}),
    ("tendermint.types.ConsensusParams", {"evidence": {"max_age_duration": 1}}),
]
ALSO = [  # other spellings of one message
    ("viper.v1.Actor", {"stake": 5, "url": None, "kind": 2},
     {"stake": "5", "kind": "KIND_SERVICER"}),
    ("viper.v1.Actor", {"stake": 5.0, "owner": "-_-_"}, {"stake": "5", "owner": "+/+/"}),
    ("viper.v1.Actor", {"owner": "AQ"}, {"owner": "AQ=="}),
    ("viper.v1.Actor", {"unbondTimeS": -1}, {"unbond_time_s": "-1"}),
    ("tendermint.abci.RequestInitChain", {"time": "2026-01-01T01:30:00.5+01:30"},
     {"time": "2026-01-01T00:00:00.500Z"}),
    ("tendermint.abci.RequestInitChain", {"time": "2024-02-29T23:59:59-00:01"},
     {"time": "2024-03-01T00:00:59Z"}),
    ("tendermint.abci.Request", {"echo": None, "flush": {}}, {"flush": {}}),
]


def main():
    for name, value in BAD:
        try:
            json_format.ParseDict(value, new(name), descriptor_pool=POOL)
        except (json_format.ParseError, TypeError, AttributeError, ValueError):
            continue
        raise SystemExit("the oracle takes %s %r" % (name, value))
    also = []
    for name, one, other in ALSO:
        a = json_format.ParseDict(one, new(name), descriptor_pool=POOL)
        b = json_format.ParseDict(other, new(name), descriptor_pool=POOL)
        assert a == b, one
        also.append({"type": name, "json": one, "wire": a.SerializeToString().hex()})
    print(json.dumps({"good": good(), "also": also,
                      "bad": [{"type": n, "json": v} for n, v in BAD]},
                     indent=1, sort_keys=True, ensure_ascii=True))


main()
