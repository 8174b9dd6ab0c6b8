"""What the load asks of the gateway: real methods of CometBFT and of litecoind, from 200 bytes
to 1 MB, batches, REST paths, and what these nodes themselves answer with an error.

Each kind says how its answer must look; bench_mix counts what does not. Sizes of both
directions come from litecoind's own `echo`, which sends its argument back."""

import json



def http(verb, target, body=b""):
    head = f"{verb} {target} HTTP/1.1\r\nHost: gateway\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def call(method, params, number):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


class Kind:
    """weight in parts per thousand of all requests; word: stands in the answer."""

    def __init__(self, name, weight, request, word, status=200, calls=1, size=0):
        self.name, self.weight, self.request, self.word = name, weight, request, word
        self.status, self.calls, self.size = status, calls, size

    def record(self):
        line = (f"{self.name} {self.weight} {self.calls} {self.status} {len(self.request)} "
                f"{self.size} {self.word.encode().hex() or '-'}\n")
        return line.encode() + self.request


def rpc(name, weight, chain, method, params=(), word='"id":7001', **more):
    body = json.dumps(call(method, list(params) if isinstance(params, tuple) else params, 7001),
                      separators=(",", ":")).encode()
    return Kind(name, weight, http("POST", f"/v1/{chain:04x}", body), word, **more)


def rest(name, weight, chain, path, word, verb="GET", **more):
    return Kind(name, weight, http(verb, f"/v1/{chain:04x}{path}"), word, **more)


def batch(name, weight, chain, calls):
    """Ids that nothing else in an answer looks like: one in each element's."""
    body = json.dumps([call(m, p, 700100 + i) for i, (m, p) in enumerate(calls)]).encode()
    return Kind(name, weight, http("POST", f"/v1/{chain:04x}", body), '"id":7001',
                calls=len(calls))


def echo(name, weight, length):
    """An answer has the argument once more: [text], between 42 bytes of its own."""
    text = "viper" * (length // 5)
    return rpc(name, weight, 2, "echo", [text],
               word='"result":["viper', size=len(text) + len('{"result":[""],"error":null,'
                                                            '"id":7001}\n'))


def comet(height):
    """Chain 0001; `height` is of a block that every node has."""
    at = {"height": str(height)}
    many = {"minHeight": "1", "maxHeight": str(height)}
    cheap = [("health", {}), ("status", {}), ("num_unconfirmed_txs", {}), ("abci_info", {}),
             ("nowhere", {})]
    padding = "00" * 250_000
    return [
        rpc("status", 110, 1, "status", {}, word='"latest_block_height"'),
        rpc("health", 90, 1, "health", {}),
        rpc("abci_info", 60, 1, "abci_info", {}, word='"last_block_height"'),
        rpc("num_unconfirmed_txs", 50, 1, "num_unconfirmed_txs", {}, word='"total_bytes"'),
        rpc("block", 60, 1, "block", at, word='"block_id"'),
        rpc("block_results", 30, 1, "block_results", at, word='"finalize_block_events"'),
        rpc("commit", 20, 1, "commit", at, word='"signed_header"'),
        rpc("validators", 20, 1, "validators", at, word='"voting_power"'),
        rpc("blockchain", 10, 1, "blockchain", many, word='"block_metas"'),
        rpc("genesis", 10, 1, "genesis", {}, word='"genesis"'),
        rpc("abci_query_500k", 2, 1, "abci_query", {"path": "/nowhere", "data": padding},
            word='"code"'),
        rpc("unknown_method", 20, 1, "nowhere", {}, word='"code":-32601'),
        rpc("height_to_come", 15, 1, "block", {"height": "999999999"}, word='"code":-32603'),
        rest("rest_health", 40, 1, "/health", '"result"'),
        rest("rest_status", 40, 1, "/status", '"latest_block_height"'),
        rest("rest_block", 20, 1, f"/block?height={height}", '"block_id"'),
        rest("rest_404", 8, 1, "/nowhere", "404", status=404),
        rest("rest_500", 5, 1, "/block?height=999999999", "-32603", status=500),
        batch("batch_5", 20, 1, cheap),
    ]


def litecoin():
    """Chain 0002; its errors come with HTTP statuses of their own."""
    cheap = [("getblockcount", []), ("getdifficulty", []), ("nowhere", []),
             ("getbestblockhash", []), ("getblockhash", [99999999])]
    return [
        rpc("getblockcount", 90, 2, "getblockcount"),
        rpc("getbestblockhash", 50, 2, "getbestblockhash"),
        rpc("getblockchaininfo", 50, 2, "getblockchaininfo", word='"chainwork"'),
        rpc("getblockhash", 30, 2, "getblockhash", [0]),
        rpc("getmempoolinfo", 30, 2, "getmempoolinfo"),
        echo("echo_1k", 30, 1_000),
        echo("echo_10k", 20, 10_000),
        echo("echo_100k", 8, 100_000),
        echo("echo_1m", 2, 1_000_000),
        rpc("out_of_range", 10, 2, "getblockhash", [99999999], word='"code":-8', status=500),
        rpc("unknown_litecoin", 10, 2, "nowhere", word='"code":-32601', status=404),
        rest("get_is_405", 5, 2, "/", "JSONRPC server handles only POST", status=405),
        rest("path_is_404", 5, 2, "/nowhere", "", status=404),
        batch("batch_5_litecoin", 15, 2, cheap),
        batch("batch_50_litecoin", 5, 2, cheap * 10),
    ]


def write(path, height):
    kinds = comet(height) + litecoin()
    with open(path, "wb") as f:
        for kind in kinds:
            f.write(kind.record())
    return kinds
