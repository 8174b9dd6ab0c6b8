#!/usr/bin/env python3
"""What programs say to bad files and bad command lines, before anything has started.

    tests/net/badstart.py BUILD COMETBFT

Config files of all four programs, genesis.json, command lines. Every fault of a file must be
named in one run, with file, line and what is accepted; nothing may be left running or behind.
Ends with "N passed, N failed"; exit code 77 means skipped: no cometbft."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import genesis, net  # noqa: E402

SOMEBODY = "viper1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqlxuh5r"  # a checksum that is wrong


class Place:
    def __init__(self, build, cometbft, folder):
        self.folder, self.cometbft = folder, cometbft
        self.viperd = os.path.join(build, "app", "node", "viperd")
        self.programs = {name: os.path.join(build, part, name) for name, part in (
            ("viper-relay", "relay"), ("viper-gateway", "relay"),
            ("viper-fisherman", "fisherman"))}
        self.programs["viperd"] = self.viperd
        self.count = 0

    def home(self):
        self.count += 1
        path = os.path.join(self.folder, f"home{self.count}")
        os.makedirs(os.path.join(path, "config"))
        return path

    def run(self, program, *args, code=None, stdin=None):
        """(exit code, stdout, stderr) of a program that must end by itself, at once."""
        done = subprocess.run([self.programs[program], *args], capture_output=True, text=True,
                              timeout=20, check=False, stdin=stdin or subprocess.DEVNULL,
                              env=dict(os.environ, HOME=self.folder))
        assert code is None or done.returncode == code, (program, args, done)
        return done.returncode, done.stdout, done.stderr


FILES = {"viperd": "config/app.toml", "viper-relay": "relay.toml",
         "viper-gateway": "gateway.toml", "viper-fisherman": "fisherman.toml"}


def start(p, program, text, verb="start"):
    """What `start` says of a file: exit code, stderr as lines; the home must stay as it was."""
    home = p.home()
    path = os.path.join(home, FILES[program])
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    before = sorted(os.listdir(home))
    code, out, err = p.run(program, verb, "--home", home)
    assert code not in (0, 2) and code > 0, (program, code, out, err)
    assert sorted(os.listdir(home)) == before, (program, os.listdir(home))
    assert not out, out
    return path, err


def expect(p, program, rows):
    """`rows` are (line of the file, words its error must have, or None: no error). All errors
    of the file come in one run."""
    text = "".join(line + "\n" for line, _ in rows)
    path, err = start(p, program, text)
    for number, (line, words) in enumerate(rows, 1):
        said = [e for e in err.splitlines() if e.startswith(f"{path}:{number}: ")]
        if words is None:
            assert not said, (program, number, line, said)
            continue
        assert said, f"{program}: nothing is said of line {number}: {line}\n{err}"
        for word in words:
            assert any(word in e for e in said), (program, line, word, said)
    stray = [e for e in err.splitlines() if not e.startswith(path + ":")]
    assert not stray, (program, stray)
    return err


# ---- configuration ----

LISTEN = ("address and port", "127.0.0.1:")
URL = ("http://",)


def check_app_toml(p):
    err = expect(p, "viperd", [
        ('adress = "x"', ("unknown key 'adress'",)),
        ("[abci]", None), ('address = "localhost"', ("unix:///", "tcp://", "localhost")),
        ("[api]", None), ('listen = "localhost:http"', LISTEN),
        ('cors-origins = "*"', ("list", '"*"')), ("cors-origins = []", ("line 6",)),
        ("[comet]", None), ('rpc = "ftp://127.0.0.1"', URL),
        ("[beacon]", None), ('kye = "b"', ("did you mean 'key'",)), ("key = 5", ("string", "5")),
        ("[keyring]", None), ('backend = "os"', ("file, test", '"os"')),
        ("[log]", None), ('level = "loud"', ("debug, info, warn, error",)),
        ('level = "info"', ("line 16",)),
        ("[loog]", ("did you mean [log]",)), ("[zzzzzzzzzzz]", ("known", "[abci]", "[beacon]")),
        ("[[log]]", ("lists of tables",)), ("[log", ("]",)), ("[api]", ("line 4",)),
        ("what is this", ("=",)), ('listen = "open', ("not closed",)),
    ])
    assert "beacon" in err


def check_a_long_list_of_errors_is_not_cut(p):
    """As many as the reader promises; the rest is said to be there."""
    path, err = start(p, "viperd", "".join(f"{'k' * 50}{i} = 1\n" for i in range(70)))
    lines = err.splitlines()
    assert lines[0].startswith(path + ":1: ") and len(lines) == 51, (len(lines), lines[-2:])
    assert "more errors" in lines[-1], lines[-1]


def check_relay_toml(p):
    expect(p, "viper-relay", [
        ('node = "127.0.0.1:1317"', URL), (f'servicer = "{SOMEBODY}"', ("viper1",)),
        ('operator-key = ""', ("1 to 32 bytes",)), ('keyring-backend = "os"', ("file, test",)),
        ('listen = "8500"', LISTEN), ('metrics-listen = "127.0.0.1:99999"', LISTEN),
        ('tls-cert = "cert.pem"', ("tls-key",)),
        ("body-max = 1_000", ("1024 to 67108864", "1000")),
        ("answer-max = -1", ("answer-max", "number from 1024")),
        ("capacity = 0x10", ("capacity", "number from 1")),
        ("capacity = 99_999_999", ("line 10",)),
        ('connections = "many"', ("number from 1 to 65536", '"many"')),
        ("leaf-sync = true", ("group, always", "true")), ("quantum = 1", ("known", "capacity")),
        ("[risk]", None), ("floor-cu = 1_000_000_001", ("0 to 1000000000",)),
        ("quota-ppm = 1000001", ("0 to 1000000",)), ("[risk]", ("line 15",)),
        ("[backend-00zz]", ("four hex digits",)), ('url = "http://127.0.0.1:1"', None),
        ("[backend-0001]", ("'url'",)), ('auth = "nobody"', ("user:password",)),
        ("[backend-0002]", None), ('url = "litecoin"', URL), ('auth = "a:b"', None),
        ('authorization = "Bearer x"', ("auth",)), ("timeout-ms = 9", ("10 to 60000",)),
        ('methods = "all"', ("list",)), ("methods = []", ("line 28",)),
        ("[backend]", ("did you mean [backend-*]",)),
    ])


def check_relay_toml_without_a_backend(p):
    path, err = start(p, "viper-relay", 'listen = "x"\n')
    assert f"{path}:1: " in err and "'node' must be given" in err, err
    assert "[backend-0001]" in err and len(err.splitlines()) == 3, err


def check_gateway_toml(p):
    expect(p, "viper-gateway", [
        ('requestor = "viper1zzz"', ("viper1",)), ('node = "http://"', URL),
        ('gateway-key = "' + "k" * 33 + '"', ("1 to 32 bytes",)),
        ('listen = "gateway:8481"', LISTEN), ('shadow-listen = ":8482"', LISTEN),
        ('metrics-listen = "[::1]"', LISTEN), ('tls-key = "k"', ("tls-cert",)),
        ('allow-private-peers = "yes"', ("true or false", '"yes"')),
        ("settle-request = 1", ("true or false",)), ("attempt-ms = 49", ("50 to 60000",)),
        ("total-ms = 120001", ("100 to 120000",)), ("connect-ms = 1.5", ("connect-ms",)),
        ("batch-max = 1001", ("1 to 1000",)), ("requests = 0", ("1 to 65536",)),
        ("body-max = 99999999999999999999", ("body-max", "larger than")),
        ("log-level = info", ("log-level", "debug, info, warn, error")),
        ("[backend-0001]", ("unknown table",)),
    ])
    path, err = start(p, "viper-gateway", "")
    assert err.count("must be given") == 2 and err.count(path) == 2, err


def check_fisherman_toml(p):
    expect(p, "viper-fisherman", [
        ('node = "http://127.0.0.1:x"', URL), ('fisherman = "vipervaloper1"', ("viper1",)),
        ('corpus-dir = ""', ("1 to 400 bytes",)), ("samples-target = 0", ("1 to ",)),
        ("allow-private-peers = 0", ("true or false",)),
        ('metrics-listen = "0.0.0.0"', LISTEN), ('log-levle = "info"', ("'log-level'",)),
        ("[chain-1]", ("four hex digits",)), ('trusted = "http://127.0.0.1:1"', None),
        ("[chain-0001]", ("'trusted'",)), ('auth = "nobody"', ("user:password",)),
        ("[chain-0002]", None), ('trusted = "litecoin:19332"', URL),
    ])


def check_client_toml(p):
    home = p.home()
    path = os.path.join(home, "config", "client.toml")
    with open(path, "w", encoding="utf-8") as f:
        f.write('node = "nowhere"\nkeyring-backend = "os"\n' + "z = 1\n" * 40)
    code, out, err = p.run("viperd", "status", "--home", home)
    assert code == 5 and not out, (code, out, err)
    for number in (1, 2, *range(3, 43)):
        assert f"{path}:{number}: " in err, (number, err)


def check_bytes_that_are_no_config(p):
    for program in FILES:
        for data in (b"\0" * 100, b"\xff\xfe\x00n", b"\x7fELF" + os.urandom(3000), b"[" * 50000,
                     b"a = " + b"[" * 50000, b"\n" * 300000, b'node = "' + b"a" * 5000 + b'"\n'):
            home = p.home()
            path = os.path.join(home, FILES[program])
            with open(path, "wb") as f:
                f.write(data)
            done = subprocess.run([p.programs[program], "start", "--home", home], timeout=20,
                                  capture_output=True, check=False, stdin=subprocess.DEVNULL)
            assert done.returncode in (1, 5), (program, data[:20], done)
            assert path.encode() in done.stderr, (program, data[:20], done.stderr[:300])
            shutil.rmtree(home)


def check_config_that_is_not_there(p):
    for program in ("viper-relay", "viper-gateway", "viper-fisherman"):
        home = p.home()
        code, _, err = p.run(program, "start", "--home", home)
        assert code == 1 and FILES[program] in err and "No such file" in err, (program, err)
        os.mkdir(os.path.join(home, FILES[program]))
        code, _, err = p.run(program, "start", "--home", home)
        assert code == 1 and FILES[program] in err, (program, err)


def check_good_config_and_no_keys(p):
    """The file is fine; what is missing is named, with the way to make it."""
    good = {"viper-relay": 'node = "http://127.0.0.1:9"\n[backend-0001]\nurl = "http://x"\n',
            "viper-gateway": 'node = "http://127.0.0.1:9"\nrequestor = "%s"\n',
            "viper-fisherman": 'node = "http://127.0.0.1:9"\ncorpus-dir = "corpus"\n'}
    key = genesis.Keys(p.viperd).add(p.home(), "a", "account")
    for program, text in good.items():
        text = 'keyring-backend = "test"\n' + (text % key["address"] if "%" in text else text)
        home = p.home()
        with open(os.path.join(home, FILES[program]), "w", encoding="utf-8") as f:
            f.write(text)
        code, out, err = p.run(program, "start", "--home", home)
        assert code == 1 and not out and len(err.splitlines()) == 1, (program, code, err)
        assert "operator" in err or "gateway" in err, (program, err)


# ---- genesis ----

def make_genesis(p):
    root = p.home()
    node = os.path.join(root, "node0")
    key = genesis.cometbft_home(p.cometbft, node)
    actors = genesis.Actors(genesis.Keys(p.viperd), root, 1)
    state = genesis.app_state(p.viperd, actors, [key], ["http://127.0.0.1:9"] * 6,
                              "http://127.0.0.1:9", os.path.join(ROOT, "deploy", "corpus"))
    path = os.path.join(node, "config", "genesis.json")
    genesis.write(path, state, [key])
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def put(*path):
    """A change: the value at the path; or, if it is Ellipsis, without it."""
    *way, last, value = path

    def change(g):
        for step in way:
            g = g[step]
        if value is ...:
            del g[last]
        elif callable(value):
            g[last] = value(g[last])
        else:
            g[last] = value
    return change


def two_actors(g):
    g[S]["servicers"][1]["operator"] = g[S]["fishermen"][0]["operator"]


S = "app_state"
GENESES = [  # (name, change, words of the one sentence)
    ("no app version", put("consensus_params", "version", ...), ("version.app", '"1"')),
    ("another app version", put("consensus_params", "version", "app", "2"), ("version.app",)),
    ("gas counted by CometBFT", put("consensus_params", "block", "max_gas", "60000000"),
     ("max_gas", '"-1"')),
    ("tiny blocks", put("consensus_params", "block", "max_bytes", "1000"), ("max_bytes",)),
    ("no consensus parameters", put("consensus_params", ...), ("consensus_params",)),
    ("no chain-id", put("chain_id", ...), ("chain_id",)),
    ("a chain-id that is long", put("chain_id", "x" * 51), ("chain",)),
    ("no app_state", put(S, ...), ("app_state",)),
    ("an app_state that is a list", put(S, []), ("app_state",)),
    ("an unknown field", put(S, "acounts", []), ("acounts",)),
    ("an unknown field, deep", put(S, "servicers", 2, "uri", "x"), ("servicers[2]", "uri")),
    ("a number that is text", put(S, "accounts", 0, "balance", "many"), ("balance",)),
    ("a number that is too large", put(S, "accounts", 0, "balance", str(1 << 64)), ("balance",)),
    ("a supply above 2^62", put(S, "accounts", 0, "balance", str(1 << 62)), ("OVERFLOW",)),
    ("a bad address", put(S, "accounts", 0, "address", SOMEBODY), ("BAD_ADDRESS",)),
    ("an account twice", put(S, "accounts", lambda a: a + a[:1]), ("account",)),
    ("an owner without the stake", put(S, "accounts", 1, "balance", "1"), ("NO_FUNDS",)),
    ("a servicer twice", put(S, "servicers", lambda a: a + a[:1]), ("servicer",)),
    ("an operator of two actors", two_actors, ("STAKED",)),
    ("a stake below the least", put(S, "fishermen", 0, "amount", "5"), ("STAKE_TOO_LOW",)),
    ("a chain twice", put(S, "chains", lambda a: a + a[:1]), ("chain",)),
    ("an unknown chain listed", put(S, "servicers", 0, "chains", [1, 99]), ("0063",)),
    ("an unknown zone", put(S, "fishermen", 0, "zone", 7), ("0007",)),
    ("shares that do not sum up", put(S, "requestors", 0, "pairs", 0, "share_ppm", 1),
     ("1000000",)),
    ("a relay key of 31 bytes", put(S, "servicers", 0, "relay_key", genesis.b64("11" * 31)),
     ("key",)),
    ("a consensus key twice", put(S, "validators", lambda a: a + a[:1]), ("validator",)),
    ("no validator", put(S, "validators", []), ("validator",)),
    ("a parameter out of range", put(S, "params", "session_blocks", "0"), ("session_blocks",)),
    ("windows that do not fit", put(S, "params", "challenge_delay", "9"), ("challenge_delay",)),
    ("no price", put(S, "price_micro_usd", "0"), ("price",)),
]


def check_genesis_is_refused_in_one_sentence(p):
    good = make_genesis(p)
    path = os.path.join(p.folder, "genesis.json")

    def validate(g):
        with open(path, "w", encoding="utf-8") as f:
            json.dump(g, f)
        return p.run("viperd", "genesis", "validate", path)

    code, out, err = validate(good)
    assert code == 0 and json.loads(out)["validators"] == 1, (out, err)
    wrong = []
    for name, change, words in GENESES:
        bad = copy.deepcopy(good)
        change(bad)
        code, out, err = validate(bad)
        if code != 1 or out or len(err.splitlines()) != 1 or not all(w in err for w in words):
            wrong.append((name, code, out, err, words))
    assert not wrong, "\n" + "\n".join(map(repr, wrong))


def check_genesis_behind_cometbft(p):
    """A genesis that CometBFT takes and we do not: it ends with our sentence, viperd lives and
    takes the next one."""
    good = make_genesis(p)
    home = p.home()
    genesis.cometbft_home(p.cometbft, home)
    ports = net.free_ports(3)
    sock = f"unix://{p.folder}/g.sock"
    path = os.path.join(home, "config", "genesis.json")
    with open(os.path.join(p.folder, "viperd.log"), "w", encoding="utf-8") as log:
        app = subprocess.Popen([p.viperd, "start", "--home", p.home(), "--address", sock,
                                "--api-listen", f"127.0.0.1:{ports[0]}", "--beacon-key", ""],
                               stderr=log, stdin=subprocess.DEVNULL)
    try:
        for name in ("no app version", "gas counted by CometBFT", "an unknown field",
                     "an owner without the stake", "a servicer twice"):
            _, change, words = next(g for g in GENESES if g[0] == name)
            bad = copy.deepcopy(good)
            change(bad)
            with open(path, "w", encoding="utf-8") as f:
                json.dump(bad, f)
            done = subprocess.run(
                [p.cometbft, "start", "--home", home, "--proxy_app", sock, "--rpc.laddr",
                 f"tcp://127.0.0.1:{ports[1]}", "--p2p.laddr", f"tcp://127.0.0.1:{ports[2]}"],
                capture_output=True, text=True, timeout=30, check=False)
            said = done.stdout + done.stderr
            assert done.returncode != 0 and "InitChain: " in said, (name, said[-500:])
            assert all(w in said.replace('\\"', '"') for w in words), (name, said[-1500:])
            assert app.poll() is None, (name, app.returncode)
            shutil.rmtree(os.path.join(home, "data"))
            os.mkdir(os.path.join(home, "data"))
            with open(os.path.join(home, "data", "priv_validator_state.json"), "w",
                      encoding="utf-8") as f:
                f.write('{"height":"0","round":0,"step":0}')
    finally:
        app.terminate()
        assert app.wait(10) == 0


def check_genesis_that_is_no_json(p):
    path = os.path.join(p.folder, "genesis.json")
    for data in (b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b"\xff\xff", b"[" * 100000,
                 b'{"app_state":{},"chain_id":5}', b'{"app_state":"x","chain_id":"a"}',
                 b'{"app_state":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b',"chain_id":"a"}'):
        with open(path, "wb") as f:
            f.write(data)
        code, out, err = p.run("viperd", "genesis", "validate", path)
        assert code == 1 and not out and len(err.splitlines()) == 1, (data[:40], code, err)
        assert err.strip() not in ("viperd genesis validate:",), (data[:40], err)
    code, _, err = p.run("viperd", "genesis", "validate", path + ".none")
    assert code == 5 and "No such file" in err, (code, err)


# ---- command lines ----

def check_misuse_of_viperd(p):
    for args, word in (
            (("strat",), "viperd help"), (("start", "--hmoe", "x"), "viperd help start"),
            (("start", "extra"), "extra"), (("start", "--home"), "DIR"),
            (("start", "--log-level", "loud", "--home", p.home()), "debug, info, warn"),
            (("start", "--api-listen", "nowhere", "--home", p.home()), "address and port"),
            (("start", "--comet-rpc", "x", "--home", p.home()), "URL"),
            (("keys",), "needs one of"), (("keys", "drop"), "needs one of"),
            (("keys", "add"), "NAME"), (("keys", "add", "x", "--kind", "gold"), "operator"),
            (("tx", "bank", "send", "a"), "viperd tx"), (("tx", "no-such-message"), ""),
            (("query", "nothing"), ""),
            (("genesis",), "needs one of"), (("genesis", "validate"), "FILE"),
            (("status", "--output", "xml"), "json"), (("status", "--node", "x"), "http://"),
            (("rollback", "--to", "-1"), ""), (("init",), ""), (("", ""), ""),
            (("--home",), "DIR"), (("help", "nothing"), "viperd help")):
        code, out, err = p.run("viperd", *args)
        if args[0] == "rollback":
            assert code in (2, 3) and err, (args, code, err)
            continue
        assert code == 2 and not out, (args, code, out, err)
        assert err.startswith("viperd") and word in err, (args, err)


def check_misuse_of_daemons(p):
    for program in ("viper-relay", "viper-gateway", "viper-fisherman"):
        for args in ((), ("strat",), ("start", "extra"), ("start", "--home"), ("",),
                     ("start", "--nothing"), ("start", "--home", "x" * 5000), ("version", "x"),
                     ("start", "stop")):
            code, out, err = p.run(program, *args)
            assert code == 2 and not out and "usage: " + program in err, (program, args, err)
        code, out, err = p.run(program, "--help")
        assert code == 0 and "usage: " + program in out and not err, (program, code, out, err)
        code, out, _ = p.run(program, "version")
        assert code == 0 and re.match(program + r" \d", out), out


def check_ports_and_sockets_in_use(p):
    """Whoever cannot listen says where, and ends."""
    import socket
    with socket.socket() as held, socket.socket(socket.AF_UNIX) as unix:
        held.bind(("127.0.0.1", 0))
        held.listen()
        taken = f"127.0.0.1:{held.getsockname()[1]}"
        sock = os.path.join(p.folder, "a.sock")
        unix.bind(sock)
        unix.listen()
        free, = net.free_ports(1)
        code, _, err = p.run("viperd", "start", "--home", p.home(), "--api-listen", taken,
                             "--address", f"unix://{p.folder}/b.sock", "--beacon-key", "")
        assert code == 5 and str(held.getsockname()[1]) in err, (code, err)
        code, _, err = p.run("viperd", "start", "--home", p.home(), "--api-listen",
                             f"127.0.0.1:{free}", "--address", f"unix://{sock}",
                             "--beacon-key", "")
        assert code == 5 and "a.sock" in err, (code, err)
        long = "unix:///" + "x" * 120
        code, _, err = p.run("viperd", "start", "--home", p.home(), "--api-listen",
                             f"127.0.0.1:{free}", "--address", long, "--beacon-key", "")
        assert code == 5 and "1 to 107 bytes" in err, (code, err)


CHECKS = [check_app_toml, check_a_long_list_of_errors_is_not_cut, check_relay_toml,
          check_relay_toml_without_a_backend, check_gateway_toml, check_fisherman_toml,
          check_client_toml, check_bytes_that_are_no_config, check_config_that_is_not_there,
          check_good_config_and_no_keys, check_genesis_is_refused_in_one_sentence,
          check_genesis_behind_cometbft, check_genesis_that_is_no_json,
          check_misuse_of_viperd, check_misuse_of_daemons,
          check_ports_and_sockets_in_use]


def main():
    build, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft):
        print("skipped: no", cometbft)
        return 77
    folder = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    place = Place(build, cometbft, folder)
    passed = failed = 0
    for check in CHECKS:
        try:
            check(place)
            passed += 1
            print("ok  ", check.__name__, flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("FAIL", check.__name__, flush=True)
            traceback.print_exc(file=sys.stdout)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
