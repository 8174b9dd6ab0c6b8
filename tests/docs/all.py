#!/usr/bin/env python3
"""tests/docs/all.py [--keep]: the operators' pages, run as they are written.

Every sh block of a page goes, in order, to one bash, as a stranger who has the programs, coins from
a faucet, and a running network of others. The six strangers come to the same network at the
same time; each page ends when its role works, and the chain must say so too. Sample configs and
systemd units are checked before. Ends with N passed, N failed."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import chronicle, net, procs, traffic  # noqa: E402

BUILD = os.path.join(ROOT, "build", "local")
COMETBFT = os.path.join(ROOT, "build", "bin", "cometbft")
PAGE_SECONDS = 400
EXPOSURE_MAX = 2.0


class Failed(AssertionError):
    pass


def need(truth, sentence):
    if not truth:
        raise Failed(sentence)


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


# ---- sample configs: what init prints, and the values that a host of its own needs ----

SAMPLES = {  # sample: (program, what its init writes, keys with a value of their own)
    "servicer/relay.toml": ("viper-relay", "relay.toml",
                            {"node", "listen", "passphrase-file", "url"}),
    "requestor/gateway.toml": ("viper-gateway", "gateway.toml",
                               {"node", "requestor", "shadow-listen", "passphrase-file",
                                "corpus-dir"}),
    "fisherman/fisherman.toml": ("viper-fisherman", "fisherman.toml",
                                 {"node", "passphrase-file", "corpus-dir"}),
    "validator/app.toml": ("viperd", "config/app.toml", {"passphrase-file"}),
}


def program(name):
    folder = {"viperd": "app/node", "viper-fisherman": "fisherman"}.get(name, "relay")
    return os.path.join(BUILD, folder, name)


def lines_of(text, own):
    """Lines but for what may differ: the values of `own`, and whether they are commented out."""
    out = []
    for line in text.splitlines():
        if key := re.match(r"#?([a-z-]+) =", line):
            out.append(f"{key.group(1)} = ..." if key.group(1) in own else line)
        else:
            out.append(re.sub(r"^#?\[backend-\w+\]$", "[backend-...]", line))
    return out


def samples(folder):
    for sample, (name, written, own) in SAMPLES.items():
        home = os.path.join(folder, "init-" + name)
        if name == "viperd":
            run([COMETBFT, "init", "--home", home])
            done = run([program(name), "init", "sample", "--chain-id", "c", "--home", home])
        else:
            done = run([program(name), "init", "--home", home])
        need(done.returncode == 0, f"{name} init: {done.stderr}")
        with open(os.path.join(home, written), encoding="utf-8") as f:
            fresh = lines_of(f.read(), own)
        with open(os.path.join(ROOT, "deploy", sample), encoding="utf-8") as f:
            kept = lines_of(f.read(), own)
        kept = kept[kept.index(fresh[0]):]
        wrong = [f"line {i}: {k!r} instead of {w!r}"
                 for i, (k, w) in enumerate(zip(kept, fresh)) if k != w]
        need(not wrong and len(kept) == len(fresh),
             f"deploy/{sample} is not what {name} init writes: {wrong[:3]}")
    return f"{len(SAMPLES)} samples are what init writes"


# ---- systemd units ----

def units(folder):
    """Verified with programs that exist here, exposure as systemd counts it."""
    names = {}
    for role in ("servicer", "requestor", "fisherman", "validator"):
        for name in sorted(os.listdir(os.path.join(ROOT, "deploy", role))):
            if name.endswith(".service"):
                names[name] = os.path.join(ROOT, "deploy", role, name)
    out = os.path.join(folder, "verify")
    os.makedirs(out)
    for name, path in names.items():
        with open(path, encoding="utf-8") as f:
            text = f.read()
        need(re.search(r"(?m)^Restart=always$", text), f"{name} does not always restart")
        command = re.search(r"(?m)^ExecStart=/usr/local/bin/([\w-]+) start --home (\S+)$", text)
        need(command, f"{name}: no ExecStart")
        # The installed place is empty here: the programs of the build stand for it.
        here = COMETBFT if command[1] == "cometbft" else program(command[1])
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            f.write(text.replace(f"/usr/local/bin/{command[1]}", here))
    files = [os.path.join(out, name) for name in names]
    done = run(["systemd-analyze", "verify", *files])
    need(done.returncode == 0 and not (done.stdout + done.stderr).strip(),
         f"systemd-analyze verify: {done.stdout}{done.stderr}")
    worst = 0.0
    for path in files:
        told = run(["systemd-analyze", "security", "--offline=true", path]).stdout
        level = re.search(r"Overall exposure level for .*: ([\d.]+)", told)
        need(level, f"no exposure of {path}: {told[-300:]}")
        worst = max(worst, float(level[1]))
        need(float(level[1]) <= EXPOSURE_MAX, f"{path}: exposure {level[1]} > {EXPOSURE_MAX}")
    return f"{len(files)} units, exposure at most {worst}"


# ---- pages ----

def blocks(page):
    with open(os.path.join(ROOT, "docs", page), encoding="utf-8") as f:
        found = re.findall(r"(?ms)^```sh\n(.*?)^```$", f.read())
    need(len(found) >= 6, f"docs/{page} has {len(found)} sh blocks")
    return found


class Stranger:
    """Somebody with a machine of their own, here a folder, who follows a page."""

    def __init__(self, network, folder, name, home, **values):
        self.name, self.folder = name, os.path.join(folder, name)
        self.home = os.path.join(self.folder, "home")
        for sub in ("bin", "units", "services"):
            os.makedirs(os.path.join(self.folder, sub))
        for path in [network.viperd, COMETBFT, os.path.join(ROOT, "tests", "docs", "systemctl")] \
                + [program(f"viper-{x}") for x in ("relay", "gateway", "fisherman")]:
            os.symlink(path, os.path.join(self.folder, "bin", os.path.basename(path)))
        variable, service_home = home
        self.services = os.path.join(self.folder, "services")
        self.env = {
            "PATH": os.path.join(self.folder, "bin") + ":/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.folder, "OWNER": os.path.join(self.folder, "owner"),
            "PAYER": network.home("owners"), "UNITS": os.path.join(self.folder, "units"),
            "NODE": f"http://127.0.0.1:{network.ports['rest0']}", "LOCAL": "true",
            "SERVICES": self.services, "SERVICE_HOMES": f"{service_home}={self.home}",
            variable: self.home, **values}
        self.done, self.output, self.actor, self.took = None, "", "", 0.0
        self.thread = threading.Thread(target=self.follow_page, daemon=True)

    def follow_page(self):
        begun = time.monotonic()
        script = ("set -eu\n" + "\n".join(blocks(self.name + ".md"))
                  + '\necho "@ ${OPERATOR:-$ADDRESS}"\n')
        process = subprocess.Popen(["bash", "-c", script], cwd=ROOT, env=self.env, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self.output, _ = process.communicate(timeout=PAGE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.output, _ = process.communicate()
            self.output += f"\n(not at its end after {PAGE_SECONDS} s)"
        self.took = time.monotonic() - begun
        found = re.findall(r"(?m)^@ (viper1\w+)$", self.output)
        self.actor = found[-1] if found else ""
        self.done = process.returncode

    def worked(self):
        tails = ""
        if self.done != 0:
            for log in sorted(os.listdir(self.services)):
                with open(os.path.join(self.services, log), encoding="utf-8",
                          errors="replace") as f:
                    tails += f"\n--- {log}\n" + "".join(f.readlines()[-12:])
        need(self.done == 0, f"the page ended with {self.done} after {self.took:.0f} s:\n"
                             f"{self.output[-2500:]}{tails}")
        need(self.actor, "the page made no operator or holder")

    def stop(self):
        path = os.path.join(self.services, "pids")
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as f:
            pids = [int(line) for line in f]
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            time.sleep(2 if sig == signal.SIGTERM else 0)


class Town:
    """The network that was there before, and the strangers."""

    def __init__(self, folder):
        self.net = net.Net(os.path.join(folder, "net"), BUILD, COMETBFT, net.Ports(1, free=True))
        self.folder, self.strangers, self.load = folder, {}, None
        self.book = chronicle.Chronicle(self.net)

    def start(self):
        self.net.prepare()
        self.net.start_chain()
        procs.wait_until("first block", lambda: self.net.height() >= 1, 30, self.net.group)
        self.net.start_backends()
        self.net.start_daemons()
        procs.wait_until("a relay", lambda: self.net.relay_once(1), 60, self.net.group)
        self.load = traffic.Traffic(self.net, rate=6.0).start()

    def pay(self, who, amount):
        done = run([self.net.viperd, "tx", "bank", "send", "faucet", who, amount, "-y", "--home",
                    self.net.home("owners"), "--keyring-backend", "test", "--node",
                    f"http://127.0.0.1:{self.net.ports['rest0']}"])
        need(done.returncode == 0, f"the faucet paid nothing: {done.stderr}")

    def arrive(self):
        # Who votes pays a fee, and an owner's coins are all staked here.
        self.pay(self.net.actors.validators[0]["owner"]["address"], "1vipr")
        at = [f"127.0.0.1:{p}" for p in net.free_ports(11)]
        rpc = f"127.0.0.1:{self.net.ports['rpc0']}"

        def come(name, home, **values):
            self.strangers[name] = Stranger(self.net, self.folder, name, home, **values)
        come("servicer", ("RELAY", "/var/lib/viper-relay"), BACKEND=f"http://{rpc}",
             LISTEN=at[0], URL=f"http://{at[0]}", METRICS=at[1])
        come("requestor", ("GATEWAY", "/var/lib/viper-gateway"), LISTEN=at[2], SHADOW=at[3],
             SHADOW_URL=f"http://{at[3]}", METRICS=at[4])
        come("fisherman", ("FISHERMAN", "/var/lib/viper-fisherman"), METRICS=at[5])
        come("validator", ("NODE_HOME", "/var/lib/viper-node"), RPC=f"http://{rpc}",
             PEER=f"127.0.0.1:{self.net.ports['p2p0']}", API=at[6], ABCI=at[7], OWN_RPC=at[8],
             OWN_P2P=at[9], COMET_METRICS=at[10])
        come("delegator", ("HOLDER", "/root/viper-holder"))
        come("governance", ("KEYS_HOME", "/nowhere"), KEYS=self.net.home("owners"),
             BACKEND="test", PROPOSER="faucet", VOTER="validator0",
             OPERATOR=self.net.actors.validators[0]["operator"]["address"])
        for stranger in self.strangers.values():
            stranger.thread.start()
        while any(s.thread.is_alive() for s in self.strangers.values()):
            time.sleep(0.5)
            self.book.follow()
            if dead := self.net.group.dead():
                raise Failed(f"{dead[0].name} ended; log: {dead[0].log_path}")

    def stop(self):
        if self.load:
            self.load.stop()
        for stranger in self.strangers.values():
            stranger.stop()
        self.net.stop()


def expected(who):
    """What --dry-run said."""
    found = re.findall(r'(?m)^\{"gas".*"expected".*\}$', who.output)
    need(len(found) == 1, f"{len(found)} forecasts in {who.output[-2000:]}")
    return json.loads(found[0])["expected"]


def pool_forecast(pool, weight, part_ppm, n):
    """Against the genesis' big requestor, whose pair has half of its budget of 1,000 VIPR; the
    stranger's may have come first."""
    need(int(pool["weight"]) == weight, f"weight {pool['weight']} instead of {weight}")
    every = int(pool["pool_weight"])
    share = min(weight / every, 1 / n)
    gross = int(pool["gross_uvipr"])
    need(int(pool["share_ppm"]) == weight * 10**6 // every, f"share of {pool}")
    need(500 * 10**6 * share - 2 <= gross <= 520 * 10**6 * share, f"gross of {pool}")
    need(int(pool["reward_uvipr"]) == gross * part_ppm // 10**6, f"reward of {pool}")
    return share


def servicer(town, who):
    told = expected(who)
    need(int(told["score_ppm"]) == 300_000, f"score of {told}")
    pool_forecast(told["pools"][0], 15_000 * 400_000, 210_000, 5)
    paid = [(h, a) for h, _, a in town.book.of("verify", servicer=who.actor)
            if int(a["reward"]) > 0]
    need(paid, f"no Verify event pays {who.actor}")
    return f"{paid[0][1]['settled_cu']} CU of session {paid[0][1]['session']} paid with " \
           f"{paid[0][1]['reward']} uvipr"


def requestor(town, who):
    with open(os.path.join(who.home, "answer"), encoding="utf-8") as f:
        text = f.read()
    need(text.startswith("HTTP/1.1 200") and '"result"' in text, f"no answer: {text[:300]}")
    told = town.net.rest(f"/viper/v1/requestors/{who.actor}")
    need(int(told["actor"]["stake"]) == 20_000 * 10**6, f"stake: {told['actor']}")
    said = expected(who)
    for key in ("usd", "budget_uvipr", "allowance_cu"):
        need(said[key] == told[key], f"{key}: {said[key]} by --dry-run, {told[key]} now")
    need(said["pairs"][0]["quota_cu"] == told["pairs"][0]["quota_cu"],
         f"quota: {said['pairs']} by --dry-run, {told['pairs']} now")
    return f"an answer with a receipt; quota {told['pairs'][0]['quota_cu']} CU a servicer, as " \
           "--dry-run said"


def fisherman(town, who):
    for pool in expected(who)["pools"]:
        share = pool_forecast(pool, 15_000, 100_000, 4)
        need(share == 0.25, f"one of four equal fishermen has {share}")
    end = town.book.height
    revealed = [m for _, _, m in town.book.messages("/viper.v1.MsgReveal", 1, end)
                if m["operator"] == who.actor]
    need(revealed, f"no Reveal of {who.actor}")
    paid = [int(a["reward"]) for _, _, a in town.book.of("fisherman_reward",
                                                         fisherman=who.actor)]
    need(paid and max(paid) > 0, f"no card of {who.actor} was paid")
    return f"card of session {revealed[0]['session']} revealed, {max(paid)} uvipr paid"


def validator(town, who):
    height = town.book.height
    theirs = net.rpc.JsonRpc(*who.env["OWN_RPC"].split(":"))
    same = [c.call("commit", {"height": str(height)})["signed_header"]["header"]["app_hash"]
            for c in (town.net.comet(), theirs)]
    need(same[0] == same[1], f"app hashes at height {height}: {same}")
    with urllib.request.urlopen(f"http://{who.env['COMET_METRICS']}/metrics", timeout=5) as page:
        need(b"cometbft_consensus_height" in page.read(), "CometBFT serves no metrics")
    told = town.net.rest("/viper/v1/validators")["validators"]
    need(len(told) == 2, f"validators: {told}")
    told = int(expected(who)["reward_uvipr"])
    balance = int(re.findall(r'"amount": "(\d+)"', who.output)[-1])
    need(told == 50_000 * 10**6 * 112_500_000 * 10 // 10**12, f"--dry-run says {told}")
    need(told <= balance < 2 * told, f"--dry-run says {told} a session, the owner has {balance}")
    return f"joined by block sync, signs; app hash {same[0][:16]} at {height} on both nodes"


def delegator(town, who):
    """What came in is what the events say; what went out came back."""
    def total(kind):
        return sum(int(a["amount_uvipr"]) for _, _, a in town.book.of(kind, delegator=who.actor))
    moved = {kind: total(kind) for kind in ("delegate", "undelegate", "undelegated", "withdraw")}
    need(moved["delegate"] == 2000 * 10**6, f"delegated: {moved}")
    burned = sum(int(a["burned_uvipr"]) for _, _, a in town.book.of("undelegated",
                                                                    delegator=who.actor))
    need(moved["undelegate"] == moved["undelegated"] + burned == 1400 * 10**6,
         f"came back: {moved}, burned {burned}")
    need(moved["withdraw"] > 0, f"nothing was withdrawn: {moved}")
    fees = sum(int(a["fee"].removesuffix("uvipr"))
               for _, _, a in town.book.of("tx", fee_payer=who.actor))
    balance = int(town.net.rest(f"/cosmos/bank/v1beta1/balances/{who.actor}")
                  ["balances"][0]["amount"])
    want = (3000 - 2000) * 10**6 + moved["undelegated"] + moved["withdraw"] - fees
    need(balance == want, f"the holder has {balance} instead of {want}: {moved}, fees {fees}")
    left = town.net.rest(f"/viper/v1/delegations/{who.actor}")["delegations"]
    have = max(left, key=lambda d: int(d["amount_uvipr"]))
    # Early all servicers are alike: it may be the one that is bad on purpose, benched and slashed.
    slashed = town.book.of("slash", actor=have["actor"])
    need(int(have["amount_uvipr"]) == 600 * 10**6 or slashed, f"delegations: {left}")
    need("uvipr came in" in who.output and "% without compounding" in who.output,
         f"history or estimate: {who.output[-1500:]}")
    return f"{moved['withdraw']} uvipr of rewards withdrawn, 1,400 of 2,000 VIPR came back"


def governance(town, who):
    """The page is followed with the keys of the network's first validator."""
    need(who.output, "the page said nothing")
    ended = [a for _, _, a in town.book.of("proposal_end") if a["kind"] == "params"]
    need([a["status"] for a in ended] == ["passed"], f"proposals: {ended}")
    told = town.net.rest("/viper/v1/params?current=true")["params"]["claim_min"]
    need(told == "400", f"claim_min is {told}")
    return f"claim_min changed by {ended[0]['yes']} uvipr of {ended[0]['bonded']}"


PAGES = (servicer, requestor, fisherman, validator, delegator, governance)


def told(name, test, *args):
    begun = time.monotonic()
    try:
        what, good = test(*args), True
    except (Failed, procs.Died) as problem:
        what, good = str(problem), False
    except Exception:  # a check that is broken must not end the others
        what, good = traceback.format_exc(), False
    took = getattr(args[-1], "took", time.monotonic() - begun)
    print(f"{'ok  ' if good else 'FAIL'} {name:<16} {what}   {took:.1f} s", flush=True)
    return good


def followed(town, page, who):
    who.worked()
    return page(town, who)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the folder there")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="viper-docs.")
    results = [told("samples", samples, folder), told("units", units, folder)]
    town = Town(folder)
    try:
        town.start()
        town.arrive()
        town.book.follow()
        for page in PAGES:
            who = town.strangers[page.__name__]
            results.append(told(who.name + ".md", followed, town, page, who))
    except Exception:  # the pages that were not run count as failed
        traceback.print_exc()
        results += [False] * (2 + len(PAGES) - len(results))
    finally:
        town.stop()
        if args.keep or not all(results):
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


sys.exit(main())
