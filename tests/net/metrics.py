#!/usr/bin/env python3
"""What processes tell Prometheus, against the real promtool and the real Prometheus: a network
of localnet, its pages, docs/operations.md, the rules and the dashboards of deploy/.

    tests/net/metrics.py BUILD COMETBFT

Ends with "N passed, N failed"; exit code 77 means skipped: no cometbft, or no Prometheus
(Debian's package of that name)."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import net, procs, rpc  # noqa: E402

PROMETHEUS = os.path.join(ROOT, "deploy", "prometheus")
GRAFANA = os.path.join(ROOT, "deploy", "grafana")
DOCS = os.path.join(ROOT, "docs", "operations.md")
NAME = re.compile(r"\b(?:viper|cometbft)_[a-z_]+\b")
SUFFIX = re.compile(r"_(bucket|sum|count)$")
PROCESSES = {"viperd": "rest0", "viper-relay": "metrics-relay1",
             "viper-gateway": "metrics-gateway", "viper-fisherman": "metrics-fisherman1",
             "cometbft": "metrics-comet0"}


def promtool(*arguments, data=None, cwd=None):
    return subprocess.run(["promtool", *arguments], input=data, capture_output=True, text=True,
                          cwd=cwd, check=False)


def page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), port
        return answer.read().decode()


def families(text):
    """name -> (type, labels) of a page; labels is None without a series."""
    types, labels = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            types[name] = kind
        elif line and not line.startswith("#"):
            head = line.rpartition(" ")[0]
            name = head.split("{")[0]
            if name not in types:
                name = SUFFIX.sub("", name)
            found = re.findall(r'(?:\{|,)([a-z_]+)="', head)
            labels[name] = [one for one in found if one != "le"]
    return {name: (kind, labels.get(name)) for name, kind in types.items()}


def documented():
    """process -> {name: (type, labels)} as the tables of the page have them."""
    out, process = {}, None
    with open(DOCS, encoding="utf-8") as lines:
        for line in lines:
            if heading := re.match(r"#+ Metrics of (\S+)", line):
                process = heading[1]
            elif line.startswith("#"):
                process = None
            elif process and (row := re.match(r"\| `([a-z_]+)` \| (\w+) \| [^|]+ \|([^|]*)\|",
                                              line)):
                out.setdefault(process, {})[row[1]] = (row[2], re.findall(r"`(\w+)`", row[3]))
    return out


def known_names():
    names = set()
    for rows in documented().values():
        for name, (kind, _) in rows.items():
            names.add(name)
            if kind == "histogram":
                names |= {name + "_bucket", name + "_sum", name + "_count"}
    return names


def dashboards():
    for name in sorted(os.listdir(GRAFANA)):
        with open(os.path.join(GRAFANA, name), encoding="utf-8") as f:
            yield name, json.load(f)


def expressions(board):
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]


def rules_text():
    with open(os.path.join(PROMETHEUS, "rules.yml"), encoding="utf-8") as f:
        return f.read()


# ---- the files ----

def check_config_is_valid(_):
    for name in ("prometheus.yml", "hosts.yml"):
        done = promtool("check", "config", name, cwd=PROMETHEUS)
        assert done.returncode == 0, done.stdout + done.stderr


def check_rules_do_what_their_cases_say(_):
    done = promtool("check", "rules", "rules.yml", cwd=PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", "rules_test.yml", cwd=PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr


def failing(kind, expression):
    """Alerts whose cases of a kind fail when every alert has this expression."""
    with open(os.path.join(PROMETHEUS, "rules_test.yml"), encoding="utf-8") as f:
        head, *cases = re.split(r"(?m)^(?=  - name: )", f.read())
    text = re.sub(r"(- alert: \w+\n        expr:).*?(\n        (?:for|labels):)",
                  lambda m: f"{m[1]} '{expression}'{m[2]}", rules_text(), flags=re.S)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("rules.yml", text), ("rules_test.yml", head + "".join(
                case for case in cases if case.split("\n")[0].endswith(kind)))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(content)
        done = promtool("test", "rules", "rules_test.yml", cwd=folder)
    return set(re.findall(r"alertname: (\w+)", done.stdout + done.stderr))


def check_each_rule_has_cases_that_can_fail(_):
    """An alert that never fires fails its first case, one that always does its second."""
    alerts = re.findall(r"- alert: (\w+)", rules_text())
    assert len(alerts) == len(set(alerts)) >= 15, alerts
    for kind, expression in (("fires", "vector(1) > 2"), ("quiet", "vector(1)")):
        assert failing(kind, expression) == set(alerts), (kind, set(alerts) -
                                                          failing(kind, expression))


def check_rules_and_dashboards_use_what_exists(_):
    known = known_names()
    assert len(known) > 60, known
    unknown = set(NAME.findall(rules_text())) - known
    assert not unknown, unknown
    boards = list(dashboards())
    assert len(boards) == 2 and len({b["uid"] for _, b in boards}) == 2
    used = set()
    for name, board in boards:
        for expression in expressions(board):
            assert NAME.search(expression), (name, expression)
            used |= set(NAME.findall(expression))
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), name
    assert not used - known, used - known
    unseen = {n for n in known if n.startswith("viper_") and not SUFFIX.search(n)}
    unseen -= {SUFFIX.sub("", n) for n in used}
    assert not unseen, f"on no dashboard: {sorted(unseen)}"


def check_each_instance_is_in_the_ports_of_localnet(_):
    """prometheus.yml lists what ./deploy/localnet opens."""
    ports = net.Ports(1)
    want = {ports[name] for name in ports.map if name.startswith("metrics-")} | {ports["rest0"]}
    with open(os.path.join(PROMETHEUS, "prometheus.yml"), encoding="utf-8") as f:
        lines = [line for line in f if not line.lstrip().startswith("#")]
    got = {int(p) for p in re.findall(r'"127\.0\.0\.1:(\d+)"', "".join(lines))}
    assert got == want, (got ^ want)


# ---- a network ----

def check_pages_are_clean(w):
    """promtool finds nothing to say of any page of ours."""
    ports = w.net.ports
    names = ["rest0"] + [f"metrics-{d}" for d in net.Ports.daemons()]
    for name in names:
        done = promtool("check", "metrics", data=page(ports[name]))
        assert done.returncode == 0 and not done.stdout + done.stderr, (name, done.stderr)


def check_the_page_lists_what_processes_tell(w):
    """Names, types and labels, both ways; of CometBFT's only those that are used here."""
    written = documented()
    assert set(written) == set(PROCESSES), set(written) ^ set(PROCESSES)
    for process, port in PROCESSES.items():
        told = families(page(w.net.ports[port]))
        if process == "cometbft":
            told = {n: f for n, f in told.items() if n in written[process]}
            for name, (kind, labels) in told.items():
                told[name] = (kind, [one for one in labels if one != "chain_id"])
        assert told == written[process], (process, [
            (n, told.get(n), written[process].get(n)) for n in sorted(told | written[process])
            if told.get(n) != written[process].get(n)])


def check_units_are_in_names(_):
    """A unit that a table gives is what the name ends with, but for the plain counts."""
    rows = re.findall(r"\| `(viper_[a-z_]+)` \| (\w+) \| ([^|]+) \|",
                      open(DOCS, encoding="utf-8").read())
    assert len(rows) > 50, rows
    for name, kind, unit in rows:
        unit = unit.strip()
        if unit in ("seconds", "bytes", "uvipr", "cu"):
            stem = re.sub(r"_total$", "", name)
            assert stem.endswith("_" + unit), (name, unit)
        assert (kind == "counter") == name.endswith("_total"), name


def written(w):
    """(leaves' bytes, answered relays) of all servicers."""
    bytes_, answered = 0, 0
    for daemon in net.Ports.daemons():
        if daemon.startswith("relay"):
            for line in page(w.net.ports[f"metrics-{daemon}"]).splitlines():
                head, _, value = line.rpartition(" ")
                if head == "viper_relay_leaf_written_bytes":
                    bytes_ += int(value)
                elif head.startswith("viper_relay_requests") and 'outcome="answered"' in head:
                    answered += int(value)
    return bytes_, answered


def check_a_relay_takes_the_disk_that_the_page_says(w):
    """Between two looks: leaves, and the parts that acknowledge them."""
    with open(DOCS, encoding="utf-8") as f:
        said = int(re.search(r"\| a relay \| (\d+) B", f.read())[1])
    before = written(w)
    for _ in range(200):
        w.net.relay_once()
    time.sleep(1)
    after = written(w)
    relays = after[1] - before[1]
    each = (after[0] - before[0]) / relays
    print(f"     {relays} relays, {each:.0f} bytes each")
    assert relays >= 200 and said * 0.7 < each < said * 1.3, (relays, each)


def ask(w, path, **parameters):
    url = f"http://127.0.0.1:{w.prometheus}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
    answer = rpc.get(url)
    assert answer["status"] == "success", answer
    return answer["data"]


def check_prometheus_sees_all(w):
    """The shipped configuration, with this network's ports: each target is up, each expression
    of a dashboard can be asked, and most have something to show."""
    standard, ports = net.Ports(1), w.net.ports
    folder = os.path.join(w.folder, "prometheus")
    shutil.copytree(PROMETHEUS, folder)
    path = os.path.join(folder, "prometheus.yml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    here = {standard[name]: ports[name] for name in standard.map}
    text = re.sub(r"127\.0\.0\.1:(\d+)", lambda m: f"127.0.0.1:{here[int(m[1])]}", text)
    text = re.sub(r"(scrape|evaluation)_interval: 10s", r"\1_interval: 2s", text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    w.prometheus, = net.free_ports(1)
    w.net.start("prometheus", [
        "prometheus", "--config.file", path, "--storage.tsdb.path", os.path.join(folder, "data"),
        "--web.listen-address", f"127.0.0.1:{w.prometheus}", "--log.level", "warn"])
    up = procs.wait_until(
        "every target", lambda: len(u := ask(w, "query", query="up == 1")["result"]) >= 12 and u,
        60, w.net.group)
    assert len(up) == 12, up  # a node's two, ten daemons
    asked = [e for _, board in dashboards() for e in expressions(board)]
    assert len(asked) > 60, asked

    def shown():
        return [e for e in asked if ask(w, "query", query=e)["result"]]
    found = procs.wait_until("three of four expressions", lambda: (
        len(now := shown()) > len(asked) * 3 // 4 and now), 60, w.net.group)
    print(f"     {len(asked)} expressions, nothing to show yet: {len(asked) - len(found)}")


def check_a_sound_network_alarms_nobody(w):
    loaded = {r["name"] for g in ask(w, "rules")["groups"] for r in g["rules"]}
    assert loaded == set(re.findall(r"- alert: (\w+)", rules_text())), loaded
    alerts = ask(w, "alerts")["alerts"]
    assert not [a for a in alerts if a["state"] == "firing"], alerts


def lines(w, name, event):
    """Values of a process's log lines of an event, as logfmt has them."""
    with open(os.path.join(w.net.logs, name + ".log"), encoding="utf-8") as f:
        return [{k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|\S+)', line)}
                for line in f if f'event="{event}"' in line]


def check_each_role_tells_what_a_session_brought(w):
    """One session on all its ways: what the gateway got answered, a servicer was paid for."""
    settled = procs.wait_until("a settled session", lambda: [
        one for one in lines(w, "viperd0", "session settled") if int(one["paid"]) > 0], 120,
        w.net.group)[0]
    session = settled["session"]
    assert int(settled["minted_uvipr"]) > 0 and int(settled["settled_cu"]) > 0, settled

    def of(name, event):
        return [one for one in lines(w, name, event) if one["session"] == session]

    opened = of("viperd0", "session opened")
    assert session == "0" or len(opened) == 1, opened  # genesis, not a block, opens session 0
    closed = of("gateway", "session closed")
    assert closed and sum(int(one["answered"]) for one in closed) > 0, closed
    names = [f"relay{i}" for i in range(1, 7)]
    procs.wait_until("the relays' lines", lambda: all(of(n, "session is settled")
                                                      for n in names), 30, w.net.group)
    earned = [of(n, "session is settled") for n in names]
    assert all(len(one) == 1 for one in earned), earned
    assert sum(int(one[0]["reward_uvipr"]) for one in earned) > 0, earned
    assert all(one[0]["lost"] for one in earned), earned
    for i in range(1, 4):
        told = of(f"fisherman{i}", "session is settled")
        assert len(told) == 1 and told[0]["lost"], (i, told)


def check_a_dead_relay_alarms(w):
    """Pending first: the alert waits two minutes."""
    w.net.group["relay1"].stop()
    want = {"alertname": "ViperProcessDown",
            "instance": f"127.0.0.1:{w.net.ports['metrics-relay1']}"}
    procs.wait_until("the alert", lambda: [
        a for a in ask(w, "alerts")["alerts"]
        if all(a["labels"].get(k) == v for k, v in want.items())], 30)


CHECKS = [check_config_is_valid, check_rules_do_what_their_cases_say,
          check_each_rule_has_cases_that_can_fail, check_rules_and_dashboards_use_what_exists,
          check_each_instance_is_in_the_ports_of_localnet, check_units_are_in_names,
          check_pages_are_clean, check_the_page_lists_what_processes_tell,
          check_a_relay_takes_the_disk_that_the_page_says,
          check_prometheus_sees_all, check_a_sound_network_alarms_nobody,
          check_each_role_tells_what_a_session_brought, check_a_dead_relay_alarms]


class World:
    def __init__(self, build, cometbft, folder):
        self.net = net.Net(folder, build, cometbft, net.Ports(1, free=True))
        self.folder, self.prometheus = folder, None

    def start(self):
        self.net.prepare()
        self.net.start_chain()
        procs.wait_until("the first block", lambda: self.net.height() >= 1, 60, self.net.group)
        self.net.start_backends()
        self.net.start_daemons()
        procs.wait_until("a relay", lambda: self.net.relay_once(), 90, self.net.group)
        self.net.wait_height(12, 60)


def main():
    build, cometbft = sys.argv[1:3]
    if not os.path.exists(cometbft) or not shutil.which("promtool"):
        print("skipped: no", cometbft if shutil.which("promtool") else "promtool")
        return 77
    folder = tempfile.mkdtemp(prefix="viper.", dir="/tmp")
    world = World(build, cometbft, folder)
    passed = failed = 0
    try:
        world.start()
        for check in CHECKS:
            try:
                check(world)
                passed += 1
                print("ok  ", check.__name__, flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("FAIL", check.__name__, flush=True)
                traceback.print_exc(file=sys.stdout)
    except procs.Died as error:
        failed += 1
        print("FAIL", error)
    finally:
        world.net.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
