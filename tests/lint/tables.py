"""Tables of the documents that say what the sources say: parameters, keys, steps,
events."""

import os
import re

STRING = r'"([a-z_.]+)"'


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def rows(root, path, heading):
    """[[cell, …], …] of the first table behind a heading, without its head."""
    text = read(root, path)
    at = text.find("\n" + heading + "\n")
    found = []
    for line in text[at + 1:].splitlines()[1:] if at >= 0 else []:
        if line.startswith("|"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
        elif found or line.startswith("#"):
            break
    return found[2:]


# ---- parameters ----

def parameters(root):
    """docs/protocol.md, 14, has every parameter with the figures of app/tx/params.h."""
    source = {}
    for row in re.findall(r"^    X\((.+?)\)(?: \\)?$", read(root, "app/tx/params.h"), re.M):
        name, main, local, least, most, unit, slack = [c.strip() for c in row.split(",")]
        source[name] = [unit.strip('"')] + [int(n) for n in (main, local, least, most, slack)]
    said = {}
    for name, unit, main, local, least, most, slack, _ in \
            rows(root, "docs/protocol.md", "## 14. Parameters"):
        numbers = [int(n.replace(",", "")) for n in (main, local, least, most, slack)]
        said[name.strip("`")] = [unit] + numbers
    if len(source) < 40:
        yield f"app/tx/params.h: only {len(source)} parameters found"
    if list(source) != list(said) and set(source) == set(said):
        yield "docs/protocol.md, 14: the parameters stand in another order than in params.h"
    for name in sorted(set(source) | set(said)):
        if source.get(name) != said.get(name):
            yield (f"docs/protocol.md, 14: {name} is {said.get(name)}, in params.h "
                   f"{source.get(name)}")


# ---- keys ----

def keys(root):
    """docs/protocol.md, 6, has every key of the state as app/tx/keys.h says it."""
    source = re.findall(r"^    VPR_KEY_\w+ = '(.)',\s*/\* (\w+): (.*?) ?-> (.*?) \*/",
                        read(root, "app/tx/keys.h"), re.M)
    said = [tuple(cells) for cells in rows(root, "docs/protocol.md", "### Keys and values")]
    if len(source) < 50:
        yield f"app/tx/keys.h: only {len(source)} keys found"
    wanted = [(store, f"`{letter}`", parts, value) for letter, store, parts, value in source]
    for row in wanted:
        if row not in said:
            yield f"docs/protocol.md, 6: no row {row}"
    for row in said:
        if row not in wanted:
            yield f"docs/protocol.md, 6: {row} is not in keys.h"


# ---- the order inside a block ----

def steps(root):
    """The table of docs/protocol.md, 8.4, has the steps of app/domain/domain.c."""
    coded = re.findall(r'\{\.name = "(\w+)", \.run', read(root, "app/domain/domain.c"))
    said = [row[0] for row in rows(root, "docs/protocol.md", "### 8.4 The order inside a block")
            if not row[0].startswith("*")]
    if len(coded) < 10 or coded != said:
        yield f"docs/protocol.md, 8.4: the steps are {coded}, not {said}"


# ---- events ----

FUNCTION = re.compile(r"^\w[^;{}]*?\b(\w+)\(([^;{}]*)\)\s*\n\{\n(.*?)^\}", re.M | re.S)
CALL = re.compile(r"\b(\w+)\(")


def arguments(text, at):
    """The arguments of a call whose bracket opens at `at`, as texts."""
    depth, start, found = 0, at + 1, []
    for i in range(at, len(text)):
        c = text[i]
        depth += c in "([{"
        depth -= c in ")]}"
        if depth == 0 or (depth == 1 and c == ","):
            found.append(text[start:i].strip())
            start = i + 1
        if depth == 0:
            return found
    return found


class Events:
    """What each event of app/ says: a walk over the functions, calls followed.

    A function that begins an event of a type it was handed has the types of its callers; what is
    added after a call belongs to the event that the call began last."""

    def __init__(self, root, listed):
        self.functions = {}
        for path in listed:
            if re.match(r"app/(domain|tx)/\w+\.c$", path) and path != "app/tx/event.c":
                for name, takes, body in FUNCTION.findall(read(root, path)):
                    names = [p.split()[-1].strip("*") for p in takes.split(",") if p.split()]
                    # Of two static ones with a name the file tells which.
                    self.functions[path, name] = (names, body)
        self.shared = {k[1]: k for k in self.functions if k[1].startswith("vpr_")}
        self.told, self.begin = {}, {}

    def find(self, path, name):
        return (path, name) if (path, name) in self.functions else self.shared.get(name)

    def begins(self, key):
        """Does it begin events, itself or through others?"""
        if key not in self.begin:
            self.begin[key] = False  # while it is looked at: nothing calls itself first
            names = CALL.findall(self.functions[key][1])
            inner = [self.find(key[0], n) for n in names]
            self.begin[key] = ("vpr_event" in names or "vpr_actor_event" in names or
                               any(k and self.begins(k) for k in inner))
        return self.begin[key]

    def run(self, key, handed, depth=0):
        """The types that it leaves open."""
        names, body = self.functions[key]
        begun = []
        for call in CALL.finditer(body):
            name, given = call.group(1), arguments(body, call.end() - 1)
            if name in ("vpr_event", "vpr_actor_event"):
                begun = re.findall(STRING, given[1]) or handed.get(given[1], [])
                for kind in begun:
                    self.told.setdefault(kind, [])
                if name == "vpr_actor_event":
                    self.add(begun, ["kind", "actor", "owner"])
            elif name.startswith("vpr_event_"):
                self.add(begun, re.findall(STRING, given[1]))
            elif depth < 6 and (inner := self.find(key[0], name)) and inner != key and \
                    self.begins(inner):
                takes = self.functions[inner][0]
                texts = {p: re.findall(STRING, g) or handed.get(g, [])
                         for p, g in zip(takes, given)}
                begun = self.run(inner, {p: t for p, t in texts.items() if t}, depth + 1)
        return begun

    def add(self, kinds, keys):
        for kind in kinds:
            self.told[kind] += [k for k in keys if k not in self.told[kind]]

    def all(self):
        for key, (_, body) in self.functions.items():
            if key[1] != "vpr_actor_event" and CALL.search(body):
                self.run(key, {})
        return self.told


def events(root, listed):
    """docs/api.md has every type of event with its attributes; each is met by a test."""
    told = Events(root, listed).all()
    said = {kind.strip("`"): re.findall(r"`([a-z_.]+)`", keys)
            for kind, keys, _ in rows(root, "docs/api.md", "### Every event")}
    if len(told) < 50:
        yield f"app/: only {len(told)} types of events found"
    for kind in sorted(set(told) | set(said)):
        if kind not in said:
            yield f"docs/api.md: no event {kind}, which says {told[kind]}"
        elif kind not in told:
            yield f"docs/api.md: nothing makes an event {kind}"
        elif sorted(told[kind]) != sorted(said[kind]):
            yield f"docs/api.md: {kind} has {said[kind]}, in app/ {told[kind]}"
    tests = "\n".join(read(root, p) for p in listed
                      if p.startswith("tests/") and p.endswith((".c", ".py", ".play")) and
                      not p.startswith("tests/lint/"))
    for kind in sorted(told):
        if f'"{kind}"' not in tests:
            yield f"tests: nothing looks at the event {kind}"
