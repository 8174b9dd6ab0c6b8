"""The table of faults: what is done to whom, for how long, and what must hold meanwhile."""

import time

from compose import engine, files

NODES, RELAYS = files.NODES, files.RELAYS
GATEWAYS_NODE = "node0"


class Fault:
    """begin and end take the place; `hit` can do nothing meanwhile, `unheard` may miss the
    gateway's last vouchers of a session."""

    def __init__(self, begin, end, hit=(), unheard=()):
        self.begin, self.end, self.hit = begin, end, tuple(hit)
        self.unheard = tuple(unheard) + tuple(n for n in hit if n in RELAYS + ("gateway",))
        if GATEWAYS_NODE in hit:  # it learns late that a session is over
            self.unheard += ("gateway",)


def kill(*names):
    return Fault(lambda p: p.each(p.kill, names), lambda p: p.each(p.start, names), names)


def kill_process(name, program):
    """Nobody starts it by hand: its host ends, and comes back."""
    return Fault(lambda p: p.kill_process(name, program), lambda p: None, (name,))


def kill_beside_deaf(name):
    """viperd dies while its CometBFT hears nothing: the host must end all the same."""
    return Fault(lambda p: p.exec(name, "sh", "-c",
                                  "kill -STOP $(pidof cometbft) && kill -9 $(pidof viperd)"),
                 lambda p: None, (name,))


def pause(*names):
    return Fault(lambda p: p.each(p.pause, names), lambda p: p.each(p.resume, names), names)


def packets(lines, unheard=(), hit=()):
    """lines: name -> function of the place that gives its packet rules."""
    return Fault(lambda p: p.each(lambda n: p.drop(n, lines[n](p)), lines),
                 lambda p: p.each(lambda n: p.drop(n, ()), lines), hit, unheard)


def cut(left, right, **more):
    """Every packet between two sides, silently, as a broken cable does."""
    def rules(them):
        return lambda p: [f"iptables -A {engine.CHAIN} -{way} {p.address(n)} -j DROP"
                          for n in them for way in "sd"]
    return packets({**{n: rules(right) for n in left}, **{n: rules(left) for n in right}},
                   **more)


def alone(name):
    """One host from all others; only its own rules are needed."""
    others = [n for n in files.ALL if n != name]
    return packets({name: lambda p: [f"iptables -A {engine.CHAIN} -{way} {p.address(n)} -j DROP"
                                     for n in others for way in "sd"]}, hit=(name,))


def lose(names, percent, peers=()):
    """A share of a host's packets, both ways, or only of those from and to its peers."""
    def rules(p):
        ends = [f"-{way} {p.address(n)}" for n in peers for way in "sd"] or [""]
        return [f"iptables -A {engine.CHAIN} {end} -m statistic --mode random "
                f"--probability {percent / 100:.2f} -j DROP" for end in ends]
    return packets({n: rules for n in names})


def fill(name):
    return Fault(lambda p: p.fill(name), lambda p: p.free(name),
                 (name,) if name in NODES else ())


def backend(name, **mode):
    """A node behind a relay that misbehaves: tests/net/badbackend, told over its own port."""
    return Fault(lambda p: p.misbehave(name, **mode), lambda p: p.misbehave(name))


# ---- moments of a session: true when it is time; `chain` is what /viper/v1/chain tells ----

def middle(chain):
    return 4 <= chain["height"] - chain["first"] <= 6


def at_work(chain):
    """Commits of the session before and Proves of the one before that are under way."""
    return 2 <= chain["height"] - chain["first"] <= 3


def before_reveal(chain):
    return chain["height"] >= chain["last"] - 1


# ---- what must be seen while it lasts: a sentence, or Failed ----

def stands(w):
    """No block, whatever is waited."""
    time.sleep(2.0)  # votes that were on their way
    before = w.heights()
    w.hold(4.0)
    w.need(w.heights() == before, f"the chain goes on: {before} to {w.heights()}")
    return "no block"


def goes_on(w):
    at = w.tip()
    w.until("three blocks meanwhile", lambda: w.tip() >= at + 3, 40)
    return "blocks go on"


def unable(name, word):
    def seen(w):
        w.until(f"{name} to say that it is unable", lambda: (
            lambda good, text: not good and word in text)(*w.place.health(name)), 60)
        return f"{name} says: {word}"
    return seen


def closed(name):
    def seen(w):
        w.need(not w.answers(name), f"{name} still answers")
        return goes_on(w)
    return seen


# name, fault, seconds, moment, what is seen, chains that are served all the while
FAULTS = [
    ("viperd killed", kill_process("node1", "viperd"), 0, None, None, (1, 2)),
    ("cometbft killed", kill_process("node2", "cometbft"), 0, None, None, (1, 2)),
    ("viperd killed, cometbft deaf", kill_beside_deaf("node3"), 0, None, None, (1, 2)),
    ("validator killed", kill("node3"), 4, None, goes_on, (1, 2)),
    ("all validators killed", kill(*NODES), 3, None, None, (2,)),
    ("validator paused", pause("node1"), 5, None, goes_on, (1, 2)),
    ("two validators paused", pause("node2", "node3"), 2, None, stands, (2,)),
    ("validators 2:2", cut(("node0", "node1"), ("node2", "node3")), 2, None, stands, (2,)),
    ("validator cut off", alone("node2"), 4, None, goes_on, (1, 2)),
    ("validator loses 20 %", lose(("node3",), 20), 8, None, goes_on, (1, 2)),
    ("validator's disk full", fill("node2"), 5, None, goes_on, (1, 2)),
    ("relay killed", kill("relay1"), 3, middle, None, (1, 2)),
    ("relay killed committing, proving", kill("relay2"), 2, at_work, None, (1, 2)),
    ("relay paused", pause("relay4"), 5, None, None, (1, 2)),
    ("relay cut off", alone("relay1"), 6, None, None, (1, 2)),
    ("relay away for two sessions", kill("relay3"), 26, None, goes_on, (1, 2)),
    ("relay's node gone", kill("node1"), 6, middle, unable("relay1", "node does not answer"),
     (1, 2)),
    ("relay's disk full", fill("relay4"), 2, None, unable("relay4", "no room"), (1, 2)),
    ("gateway killed", kill("gateway"), 2, middle, closed("gateway"), ()),
    ("gateway paused", pause("gateway"), 4, None, None, ()),
    ("gateway cut from two relays",
     cut(("gateway",), ("relay1", "relay2"), unheard=("relay1", "relay2")), 6, None, None,
     (1, 2)),
    ("gateway's way loses 20 %", lose(("gateway",), 20, RELAYS), 8, None, None, (1, 2)),
    ("gateway's node gone", kill("node0"), 5, middle, goes_on, (1, 2)),
    ("fisherman killed sampling", kill("fisherman1"), 3, middle, None, (1, 2)),
    ("fisherman killed before reveal", kill("fisherman2"), 4, before_reveal, None, (1, 2)),
    ("fisherman paused", pause("fisherman3"), 5, None, None, (1, 2)),
    ("backend killed", kill("litecoin"), 4, None, None, (1,)),
    ("backend hangs", pause("litecoin"), 5, None, None, (1,)),
    ("one backend dead", backend("slow", dead=True), 6, None, None, (1, 2)),
    ("one backend hangs", backend("slow", hang=True), 6, None, None, (1, 2)),
    ("one backend slow", backend("slow", delay_ms=1500), 6, None, None, (1, 2)),
    ("one backend lies", backend("slow", lie=True), 8, None, None, (1, 2)),
    ("all relays killed", kill(*RELAYS), 2, None, goes_on, ()),
    ("power cut", kill(*files.ALL), 2, None, None, ()),
]
