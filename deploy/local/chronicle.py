"""What happened on the chain, block by block: transactions and events, read from outside.

Blocks and results come from CometBFT's RPC, decoded transactions from viperd's REST. Records
that the chain deletes once a session is settled are asked for while they are there."""

import base64
import hashlib

from . import rpc


def attributes(event):
    return {a["key"]: a["value"] for a in event["attributes"]}


class Chronicle:
    def __init__(self, net):
        self.net = net
        self.comet = net.comet()
        self.height = 0          # the last block read
        self.times = {}          # height -> time text
        self.proposers = {}      # height -> consensus address, upper-case hex
        self.events = []         # (height, tx hash or None, type, attributes)
        self.codes = {}          # tx hash -> code
        self.txs = {}            # height -> [hash]
        self.sessions = {}       # number -> session record
        self.requestors = {}     # number -> requestor's answer for that session
        self.benches = {}        # (number, sid hex) -> answer
        self.pools = {}          # (number, chain, zone, kind) -> members
        self.params = {}         # number -> parameters
        self.servicers = {}      # (number, id) -> answer
        self.decoded = {}        # hash -> Tx in JSON

    def follow(self):
        """Read what is new; cheap to call often."""
        chain = self.net.rest("/viper/v1/chain")
        self.remember(int(chain["session"]))
        # Committed by viperd: CometBFT tells of a block before it has that block's results.
        tip = int(chain["height"])
        while self.height < tip:
            self.read(self.height + 1)
            self.height += 1
        return tip

    def remember(self, number):
        if number in self.requestors:
            return
        who = self.net.actors.requestor["operator"]["address"]
        record = self.net.rest(f"/viper/v1/requestors/{who}?session={number}")
        for pair in record["pairs"]:
            sid = base64.b64decode(pair["sid"]).hex()
            self.benches[number, sid] = self.net.rest(f"/viper/v1/sessions/{number}/{sid}")
            for kind in ("KIND_SERVICER", "KIND_FISHERMAN"):
                self.pools[number, pair["chain"], pair["zone"], kind] = self.net.rest(
                    f"/viper/v1/pool/{pair['chain']}/{pair['zone']}?session={number}"
                    f"&kind={kind}&pagination.limit=100")["members"]
        for s in self.net.actors.servicers:
            ident = s["operator"]["address"]
            self.servicers[number, ident] = self.net.rest(
                f"/viper/v1/servicers/{ident}?session={number}")
        self.params[number] = self.net.rest(f"/viper/v1/params?session={number}")["params"]
        self.sessions[number] = self.net.rest(f"/viper/v1/sessions/{number}")["session"]
        self.requestors[number] = record

    def read(self, height):
        block = self.comet.call("block", {"height": str(height)})["block"]
        results = self.comet.call("block_results", {"height": str(height)})
        self.times[height] = block["header"]["time"]
        self.proposers[height] = block["header"]["proposer_address"]
        hashes = [hashlib.sha256(base64.b64decode(t)).hexdigest().upper()
                  for t in block["data"]["txs"] or []]
        self.txs[height] = hashes
        for tx, result in zip(hashes, results.get("txs_results") or []):
            self.codes[tx] = int(result.get("code") or 0)
            for event in result.get("events") or []:
                self.events.append((height, tx, event["type"], attributes(event)))

    def of(self, kind, **want):
        """(height, tx, attributes) of events of a type whose attributes equal."""
        return [(h, tx, a) for h, tx, k, a in self.events
                if k == kind and all(a.get(n) == str(v) for n, v in want.items())]

    def transaction(self, tx):
        if tx not in self.decoded:
            self.decoded[tx] = self.net.rest(f"/cosmos/tx/v1beta1/txs/{tx}")["tx"]
        return self.decoded[tx]

    def messages(self, type_url, first, last):
        """(height, hash, message) of executed messages of a type in a range of blocks."""
        for height in range(first, min(last, self.height) + 1):
            for tx in self.txs[height][1:]:  # the first is the system transaction
                if self.codes[tx]:
                    continue
                for message in self.transaction(tx)["body"]["messages"]:
                    if message["@type"] == type_url:
                        yield height, tx, message


def tx_exists(net, tx):
    try:
        return net.rest(f"/cosmos/tx/v1beta1/txs/{tx}")
    except rpc.RpcError:
        return None
