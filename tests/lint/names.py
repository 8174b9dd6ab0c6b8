"""Rules about names that several files must agree on."""

import os
import re


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def codes(root, listed):
    """Every refusal is made by the product and met by a unit test; numbers are protocol."""
    known = re.findall(r"X\(([A-Z_]+), (\d+), ", read(root, "app/base/err.h"))
    numbers = [n for _, n in known]
    product = [read(root, p) for p in listed
               if p.endswith(".c") and p.startswith(("app/", "relay/", "fisherman/"))]
    tests = [read(root, p) for p in listed if p.startswith("tests/unit/") and p.endswith(".c")]
    if len(known) < 40:
        yield f"app/base/err.h: only {len(known)} codes found"
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield f"app/base/err.h: number {number} occurs twice"
    for name, _ in known:
        pattern = re.compile(rf"\bVPR_{name}\b")
        if not any(pattern.search(text) for text in product):
            yield f"app/base/err.h: nothing refuses with {name}"
        if not any(pattern.search(text) for text in tests):
            yield f"app/base/err.h: no unit test meets {name}"


def prefixes(root):
    """The first byte of a key says what it is: no two kinds of record of a store share one."""
    seen = {}
    rows = re.findall(r"^    (VPR_KEY_\w+) = ('.'|0x\w+),\s*/\* (?:(\w+): )?",
                      read(root, "app/tx/keys.h"), re.M)
    stores = re.findall(r'X\([A-Z]+, "([a-z]+)"\)', read(root, "app/tx/keys.h"))
    if len(rows) < 30 or len(stores) < 10:
        yield f"app/tx/keys.h: {len(rows)} keys of {len(stores)} stores found"
    for name, byte, store in rows:
        if store not in stores:
            yield f"app/tx/keys.h: {name} names no store in its comment"
        elif (store, byte) in seen:
            yield f"app/tx/keys.h: {name} and {seen[store, byte]} share {byte} in {store}"
        seen[store, byte] = name


def secrets(root, listed):
    """No message carries what only its owner may know."""
    pattern = re.compile(r"\b\w*(secret|private|mnemonic|passphrase|password)\w*\s*=\s*\d+;")
    found = [p for p in listed if p.startswith("proto/viper/") and p.endswith(".proto")]
    if len(found) < 4:
        yield f"only {len(found)} .proto files found"
    for path in found:
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if pattern.search(line.lower()):
                yield f"{path}:{number}: a field for a secret: {line.strip()}"


def resumes(root, listed):
    """No daemon resumes its actor by itself: the operator does (docs/protocol.md, 10)."""
    pattern = re.compile(r"msg_?resume", re.I)
    daemons = [p for p in listed if p == "app/node/feeder.c" or
               p.startswith(("relay/", "fisherman/", "app/client/"))]
    if len(daemons) < 40 or not pattern.search(read(root, "proto/viper/v1/tx.proto")):
        yield f"{len(daemons)} files of daemons, or no MsgResume, found"
    for path in daemons:
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{number}: a daemon that resumes: {line.strip()}"


def known_tests(root, listed):
    """Every name under which a page may speak of a test."""
    known = set()
    for test in listed:
        if test.startswith("tests/") and test.endswith(".c"):
            known.update(re.findall(r"START_TEST\((\w+)\)", read(root, test)))
        elif test.startswith("tests/"):
            known.add(os.path.splitext(test)[0].split("tests/", 1)[1])
            if test.endswith(".py"):
                known.update("lint " + n for n in
                             re.findall(r"^def (\w+)\(", read(root, test), re.M)
                             if test.startswith("tests/lint/"))
    known.update(f"fuzz/{n}" for n in re.findall(r"tests/fuzz/(\w+)\.c\b", "\n".join(listed)))
    return known


def invariants(root, listed):
    """docs/security.md has a row for every invariant."""
    path = "docs/security.md"
    text = read(root, path)
    rows = {n for p in listed if p.startswith("app/domain/") and p.endswith(".c")
            for block in re.findall(r"struct vpr_invariant invariants\[\] = \{(.*?)\n\};",
                                    read(root, p), re.S)
            for n in re.findall(r'\{"(\w+)"', block)}
    if len(rows) < 20:
        yield f"app/domain: only {len(rows)} invariants found"
    for name in sorted(rows):
        if f"`{name}`" not in text:
            yield f"{path}: says nothing of the invariant {name}"


def defects(root, listed):
    """Every test that docs/security.md names exists."""
    path = "docs/security.md"
    known = known_tests(root, listed)
    named = 0
    measured = False  # the table of strategies names commands, not tests
    for number, line in enumerate(read(root, path).splitlines(), 1):
        cells = line.split("|")
        if line.startswith("## "):
            measured = "strategies" in line
        if measured or len(cells) < 5 or cells[1].strip() in ("Defect", "Attack", "Invariant",
                                                                       "---"):
            continue
        tests = re.findall(r"`([^`]+)`", cells[3])
        if not tests and "later" not in cells[3]:
            yield f"{path}:{number}: names no test"
        for test in tests:
            named += 1
            if test not in known:
                yield f"{path}:{number}: no test is called {test}"
    if named < 40:
        yield f"{path}: only {named} tests named"


def protocol(root, listed):
    """Behind "Tests:" in docs/protocol.md, up to an empty line, stand names of tests."""
    path = "docs/protocol.md"
    known = known_tests(root, listed)
    named = 0
    for part in re.findall(r"^Tests: (.*?)\.?(?:\n\n|\Z)", read(root, path), re.M | re.S):
        for test in re.split(r",\s+", part.replace("`", "").strip(" .\n")):
            named += 1
            if test not in known:
                yield f"{path}: no test is called {test}"
    if named < 200:
        yield f"{path}: only {named} tests named"


CITED = re.compile(r"((?:docs/)?\bprotocol(?:\.md)?\b[\])]*,? (?:sections? |§ ?)?)"
                   r"(\d+(?:\.\d+)?(?:(?:,| and| to) \d+(?:\.\d+)?)*)", re.I)


def citations(root, listed):
    """Who cites the protocol by number says `docs/protocol.md, N`, and N is a heading there."""
    page = "docs/protocol.md"
    headings = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)\b", read(root, page), re.M))
    cited = 0
    for path in listed:
        if path == page:
            continue
        text = re.sub(r"\s*\n[ \t]*(?:\*|#|//)?[ \t]*", " ", read(root, path))
        for said, numbers in CITED.findall(text):
            cited += 1
            if said != f"{page}, ":
                yield f'{path}: cites "{said}{numbers}", which is not spelt "{page}, N"'
            for number in re.findall(r"[\d.]+", numbers):
                if number not in headings:
                    yield f"{path}: {page} has no section {number}"
    if cited < 50:
        yield f"only {cited} citations of {page} found"
