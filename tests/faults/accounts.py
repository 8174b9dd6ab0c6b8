"""The common check after a fault: nothing acknowledged is lost, every honest claim is paid.

Who could not do his part is computed, never assumed: a daemon was away in the blocks between
the moment a fault hit it (or the node it follows) and the moment it was healthy again. A claim
may be missing only if its window had no four blocks in a row in which its servicer was there."""

from clients import books

R = books.R
CHANCE = 4  # blocks in a row: one to see it, one to send, two until it is in a block


class Accounts:
    def __init__(self, view, book, keeper, clients):
        self.view, self.book, self.keeper, self.clients = view, book, keeper, clients
        self.away = {}      # name -> [(first block, last block or None while it lasts)]
        self.unheard = {}   # name -> the same: the last vouchers may not have reached it
        self.judged = set()
        self.names = {R.from_bech32(s["operator"]["address"]): f"relay{i}"
                      for i, s in enumerate(view.actors.servicers, 1)}
        self.fishers = {f["operator"]["address"]: f"fisherman{i}"
                        for i, f in enumerate(view.actors.fishermen, 1)}
        self.paid = self.leaves = self.acks = self.cards = 0
        self.excused = []   # sentences

    # ---- who was there ----

    def leave(self, away, unheard, height):
        for where, names in ((self.away, away), (self.unheard, unheard)):
            for name in set(names):
                where.setdefault(name, []).append((height, None))

    def back(self, away, unheard, height):
        for where, names in ((self.away, away), (self.unheard, unheard)):
            for name in set(names):
                where[name][-1] = (where[name][-1][0], height)

    def there(self, name, first, last):
        """The most blocks in a row of a window in which the daemon was there."""
        best = run = 0
        for block in range(first, last + 1):
            gone = any(a <= block and (b is None or block <= b)
                       for a, b in self.away.get(name, ()))
            run = 0 if gone else run + 1
            best = max(best, run)
        return best

    def hears(self, name, first, last):
        return not any(a <= last and (b is None or b >= first)
                       for who in (name, "gateway") for a, b in self.unheard.get(who, ()))

    # ---- what the chain says ----

    def windows(self, number):
        """Blocks of Commit (behind the grace) and of Prove."""
        sessions, params = self.book.sessions, self.book.params[number]
        first, last = int(sessions[number]["last"]) + 1, int(sessions[number + 1]["last"])
        proofs = int(sessions[number + 2]["first"]) + int(params["challenge_delay"])
        return ((first + int(params["grace_blocks"]), last),
                (proofs, int(sessions[number + 2]["last"])))

    def events(self, kind, number, who):
        """{(sid, actor): attributes of the last one}"""
        return {(bytes.fromhex(a["sid"]), a[who]): a
                for _, _, a in self.book.of(kind, session=number)}

    def settled(self):
        """Sessions that are over for good and not judged yet."""
        oldest = int(self.view.rest("/viper/v1/chain")["oldest_unsettled"])
        return [n for n in sorted(self.book.sessions)
                if n < oldest and n not in self.judged
                and {n + 1, n + 2} <= set(self.book.sessions)]

    # ---- the check ----

    def check(self):
        """Sentences about what is wrong in sessions that were settled since the last check."""
        numbers = self.settled()
        if not numbers:
            return []
        self.book.follow()
        wrong = []
        for number in numbers:
            self.judged.add(number)
            mine = self.keeper.take(number)
            wrong += self.trees(number, mine) + self.receipts(number, mine) + \
                self.reports(number)
        return wrong

    def trees(self, number, leaves):
        wrong = []
        commits = self.events("commit", number, "servicer")
        proves = self.events("prove", number, "servicer")
        verifies = self.events("verify", number, "servicer")
        for (sid, servicer), found in leaves.items():
            key, name = (sid, R.to_bech32(servicer)), self.names[servicer]
            place = f"{name} session {number} sid {sid.hex()[:8]}"
            self.leaves += len(found)
            told = self.claim(name, number, found, commits.get(key), verifies.get(key))
            if told is None:
                self.paid += 1
                wrong += [f"{place}: {w}" for w in self.money(
                    name, number, key, found, verifies[key], proves[key])]
            elif told[0]:
                self.excused.append(f"{place}: {told[1]}")
            else:
                wrong.append(f"{place}: {told[1]}")
        wrong += [f"a Commit of session {number} by {who} without leaves"
                  for sid, who in commits if (sid, R.from_bech32(who)) not in leaves]
        return wrong

    def claim(self, name, number, found, commit, verify):
        """None if it is paid; else (whether that is excused, what happened)."""
        (c0, c1), (p0, p1) = self.windows(number)
        if commit is None:
            had = self.there(name, c0, c1)
            return had < CHANCE, f"{len(found)} leaves and no Commit, there for {had} blocks " \
                f"in a row of {c0} to {c1}"
        if (commit["root"], int(commit["sum"]), int(commit["count"])) != books.tree(found):
            return False, f"committed {commit['sum']} CU in {commit['count']} leaves, on disk " \
                f"{books.tree(found)[1:]}, or another root"
        if verify is None:
            return False, "committed and not settled"
        if verify["verdict"] != "paid":
            had = self.there(name, p0, p1)
            return had < CHANCE, f"{verify['verdict']}, there for {had} blocks in a row of " \
                f"{p0} to {p1}"
        return None

    def money(self, name, number, key, found, verify, prove):
        """The settled sum covers what was acknowledged."""
        quota = int(self.book.benches[number, key[0].hex()]["quota_cu"])
        settled, total = int(verify["settled_cu"]), books.tree(found)[1]
        vouched = {}
        for leaf in found:  # client key, cum_cu of a request part
            vouched[leaf[52:84]] = max(vouched.get(leaf[52:84], 0),
                                       int.from_bytes(leaf[92:100], "big"))
        tails, least = int(prove["tails_cu"]), sum(vouched.values())
        if settled != min(total, tails, quota):
            yield f"settled {settled} CU of {total} in leaves, {tails} in tails, quota {quota}"
        if tails < least:
            yield f"tails of {tails} CU, its leaves have vouchers for {least}"
        session = self.book.sessions[number]
        first, last = int(session["first"]), self.windows(number)[0][0] + 2
        acked = sum(int.from_bytes(a.leaf[100:108], "big") for a in self.clients.of(key[0])
                    if R.to_bech32(a.servicer) == key[1])
        if settled < min(acked, quota):
            text = f"settled {settled} CU, clients have receipts for {acked}"
            if self.hears(name, first, last):
                yield text
            else:
                self.excused.append(f"{name} session {number}: {text}: the gateway's last "
                                    "vouchers could not reach it")

    def receipts(self, number, leaves):
        wrong, sids = [], [sid for n, sid in self.book.benches if n == number]
        stored = {key: set(found) for key, found in leaves.items()}
        for ack in [a for sid in sids for a in self.clients.of(bytes.fromhex(sid))]:
            self.acks += 1
            if ack.leaf not in stored.get((ack.sid, ack.servicer), ()):
                wrong.append(f"acknowledged and lost: {self.names[ack.servicer]} session "
                             f"{number} seq {int.from_bytes(ack.leaf[84:92], 'big')}")
        return wrong

    def reports(self, number):
        """A sealed card of a sid that somebody committed is revealed."""
        wrong = []
        committed = {sid for sid, _ in self.events("commit", number, "servicer")}
        revealed = self.events("reveal", number, "fisherman")
        for sid, who in self.events("seal", number, "fisherman"):
            if sid not in committed:
                continue
            if (sid, who) in revealed:
                self.cards += 1
                continue
            _, (p0, p1) = self.windows(number)
            name = self.fishers[who]
            had = self.there(name, p0, p1)
            text = f"{name} session {number} sid {sid.hex()[:8]}: sealed and not revealed, " \
                f"there for {had} blocks in a row of {p0} to {p1}"
            (self.excused if had < CHANCE else wrong).append(text)
        return wrong
