"""One life of a network, fault after fault, each followed by the same check."""

import subprocess
import time

import accounts
import clients
import plan
from compose import engine, files
from local import chronicle, procs, rpc

RECOVERED_SECONDS = 120  # far above what is seen: a busy machine is no defect
MOMENT_SECONDS = 60
TROUBLE = (OSError, ValueError, KeyError, engine.Failed, rpc.RpcError, subprocess.SubprocessError)


class Failed(Exception):
    pass


def followers(node):
    """Daemons whose node this is; the gateway serves on without it."""
    return [n for n in files.RELAYS + files.FISHERMEN
            if files.node_of(int(n[-1])).split(":")[1] == "//" + node]


class Life:
    def __init__(self, place):
        self.place, self.view = place, place.view
        self.book = chronicle.Chronicle(self.view)
        self.keeper = clients.Keeper([place.home(r) + "/leaves" for r in files.RELAYS])
        self.clients = clients.Clients(self.view)
        self.accounts = accounts.Accounts(self.view, self.book, self.keeper, self.clients)
        self.followed, self.height = 0.0, 0
        self.rows = []

    @staticmethod
    def need(held, why):
        if not held:
            raise Failed(why)

    # ---- looking ----

    def tick(self):
        """What has to be read while it is there: segments, records of the running session."""
        self.keeper.look()
        if time.monotonic() - self.followed > 1.0:
            try:
                self.follow()
            except TROUBLE:
                pass  # no node answers now; blocks stay, and sessions too until they settle
            self.followed = time.monotonic()

    def follow(self):
        """Also the records of sessions that went by while nobody answered."""
        chain = self.chain()
        first = min(self.book.sessions, default=chain["session"])
        for number in range(max(first, chain["oldest_unsettled"]), chain["session"] + 1):
            self.book.remember(number)
        self.book.follow()

    def until(self, what, test, seconds):
        end, problem = time.monotonic() + seconds, None
        while time.monotonic() < end:
            self.tick()
            try:
                if value := test():
                    return value
            except TROUBLE as error:
                problem = error
            time.sleep(0.1)
        raise Failed(f"waited {seconds} s for {what}" + (f": {problem}" if problem else ""))

    def hold(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()
            time.sleep(min(0.1, max(0.0, end - time.monotonic())))

    def chain(self):
        told = self.view.rest("/viper/v1/chain")
        return {k: int(told[k]) for k in ("height", "session", "first", "last",
                                          "oldest_unsettled")}

    def heights(self):
        """name -> height of every node that answers."""
        out = {}
        for i, name in enumerate(files.NODES):
            if name not in self.view.shut:
                try:
                    out[name] = int(self.view.rest("/viper/v1/chain", i)["height"])
                except TROUBLE:
                    continue
        return out

    def tip(self):
        self.height = max([self.height, *self.heights().values()])
        return self.height

    def answers(self, name):
        try:
            rpc.get(f"http://{self.view.address(name)}:8481/health", timeout=2.0)
            return True
        except TROUBLE:
            return False

    # ---- one fault ----

    def run(self, name, fault, seconds, moment, seen, served):
        if moment:
            self.until(f"the moment of {name}", lambda: moment(self.chain()), MOMENT_SECONDS)
        height, begun = self.tip(), time.monotonic()
        away = {d for h in fault.hit for d in [h] + followers(h)}
        self.accounts.leave(away, fault.unheard, height)
        try:
            told, ended = self.bear(fault, begun + seconds, seen)
            blocks = self.recovered(ended)
        finally:
            self.accounts.back(away, fault.unheard, self.tip())
        took = time.monotonic() - ended
        until = ended if seconds else ended + took
        answered, failed = self.clients.count(begun, until)
        self.rows.append((name, ended - begun, blocks - height, answered, failed, took))
        for chain in served:
            self.need(self.clients.count(begun, until, chain)[0],
                      f"chain {chain:04x} was not served while it lasted")
        self.judge()
        return (f"{ended - begun:4.1f} s, {blocks - height} blocks, {answered} relays answered, "
                f"{failed} failed; recovered in {took:.1f} s, the last {self.last}"
                + (f"; {told}" if told else ""))

    def bear(self, fault, until, seen):
        """(what was seen meanwhile, when it ended)"""
        self.view.shut |= set(fault.hit)
        try:
            fault.begin(self.place)
            told = seen(self) if seen else ""
            self.hold(until - time.monotonic())
        finally:
            fault.end(self.place)
            self.view.shut -= set(fault.hit)
        return told, time.monotonic()

    def recovered(self, ended):
        """Every host does its part again, by itself; returns the height it was ended at."""
        blocks = self.tip()
        ill = dict.fromkeys(files.ALL, "not asked yet")
        self.last = ""

        def healthy():
            def ask(name):
                try:
                    good, why = self.place.health(name)
                except TROUBLE as error:
                    good, why = False, str(error)[:80]
                if good:
                    ill.pop(name)
                    self.last = name
                else:
                    ill[name] = why
            self.place.each(ask, list(ill))
            return not ill
        try:
            self.until("everybody to be healthy", healthy, RECOVERED_SECONDS)
        except Failed:
            raise Failed(f"not healthy after {RECOVERED_SECONDS} s: {ill}") from None
        target = blocks + 2
        self.until("all nodes to go on", lambda: len(
            [h for h in self.heights().values() if h >= target]) == len(files.NODES), 60)
        self.until("answers on both chains", lambda: all(
            self.clients.count(ended, chain=c)[0] for c in (1, 2)), 60)
        return blocks

    def judge(self):
        """The common check."""
        self.equal_hashes()
        wrong = self.accounts.check() + self.clients.broken
        self.need(not wrong, f"{len(wrong)} wrong: " + "; ".join(wrong[:6]))

    def equal_hashes(self):
        height = min(self.heights().values())
        seen = {n: self.view.comet(i).call("commit", {"height": str(height)})["signed_header"]
                ["header"]["app_hash"] for i, n in enumerate(files.NODES)}
        self.need(len(set(seen.values())) == 1, f"app hashes differ at height {height}: {seen}")

    # ---- all of them ----

    def faults(self, only=None):
        """(name, what happened, whether it is good) of each fault."""
        for row in plan.FAULTS:
            if only and not any(o in row[0] for o in only):
                continue
            begun = time.monotonic()
            try:
                told, good = self.run(*row), True
            except (Failed, procs.Died, *TROUBLE) as problem:
                told, good = f"{type(problem).__name__}: {problem}", False
            yield row[0], f"{told}   {time.monotonic() - begun:.1f} s", good

    def last_check(self):
        """Everything that any session still owes is settled, and was judged."""
        self.clients.stop()
        number = self.chain()["session"]
        self.until(f"session {number} to be settled",
                   lambda: self.chain()["oldest_unsettled"] > number, 180)
        self.until("the record of the session after the next",
                   lambda: number + 2 in self.book.sessions, 60)
        self.judge()
        a = self.accounts
        missing = set(range(min(self.book.sessions), number + 1)) - a.judged
        self.need(not missing, f"sessions that nobody judged: {sorted(missing)}")
        self.need(a.acks == len(self.clients.acks), f"{a.acks} acknowledgements were looked "
                  f"for, there are {len(self.clients.acks)}")
        for text in a.excused:
            print(f"      excused: {text}")
        self.need(a.paid and a.acks and a.cards, "nothing was judged")
        return (f"{len(a.judged)} sessions: {a.acks} acknowledged relays, all among {a.leaves} "
                f"leaves; {a.paid} claims paid, {a.cards} cards revealed, {len(a.excused)} "
                "excused as above")

    def table(self):
        lines = ["| fault | seconds | blocks | answered | failed | recovery |",
                 "|---|---|---|---|---|---|"]
        lines += [f"| {n} | {held:.0f} | {blocks} | {ok} | {bad} | {took:.1f} s |"
                  for n, held, blocks, ok, bad, took in self.rows]
        return "\n".join(lines)
