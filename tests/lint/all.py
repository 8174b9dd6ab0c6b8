#!/usr/bin/env python3
"""What the tree promises of itself: who includes whom, sizes, comments, purity of the archive.

Each rule is one function that yields a sentence per breach. --verbose prints rules that hold."""

import glob
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import compiled  # noqa: E402
import names  # noqa: E402
import tables  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_FILE, LINES_FUNCTION, COLUMNS = 800, 70, 100

# Unit -> units it may include (docs/decisions.md, architecture): the whole table.
MAY = {
    "base": set(),
    "rules": {"base"},
    "store": {"base"},
    "tx": {"base", "rules", "store", "proto"},
    "domain": {"base", "rules", "store", "tx", "proto"},
    "app": {"base", "rules", "store", "tx", "domain", "proto"},
    "host": {"base"},
    "client": {"base", "rules", "host", "proto", "tx"},
    "abci": {"base", "proto"},
    "node": {"base", "rules", "store", "tx", "domain", "app", "host", "client", "abci", "proto",
             "cli"},
    "cli": {"base", "rules", "host", "client", "proto", "tx"},
    "relay": {"base", "rules", "host", "client", "proto", "tx"},
    "fisherman": {"base", "rules", "host", "client", "proto", "relay"},
}

# What others may see of a folder; folders not named have no FACE: each header is its own.
FACES = {
    "store": {"store.h", "kv.h", "proof.h", "verify.h"},
    "tx": {"handler.h", "run.h", "event.h", "gas.h", "params.h", "keys.h", "wire.h"},
    "domain": {"domain.h", "accounts.h", "beacon.h", "sessions.h", "settlement.h", "validators.h"},
    "app": {"app.h"},
    "abci": {"abci.h"},
    "relay": {"wire.h"},
    "cli": {"cli.h"},
}
# Units that see less of a folder than its FACE.
NARROW = {("client", "tx"): {"wire.h"}, ("cli", "tx"): {"wire.h", "params.h"},
          ("relay", "tx"): {"gas.h"}}

CONSENSUS = ["base", "rules", "store", "tx", "domain"]
# The only names the consensus archive takes from outside.
SYMBOLS = re.compile(
    r"^(mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr|nlen)|__stack_chk_fail|"
    r"_GLOBAL_OFFSET_TABLE_|"
    r"SHA256_(Init|Update|Final|Transform)|RIPEMD160_(Init|Update|Final)|protobuf_c_\w+|"
    r"__(u|)(div|mod)ti3|__(u|)divmodti4|__atomic_\w+|google__protobuf__\w+|cosmos__\w+|viper__\w+|"
    r"vpr_(halt|fail|format|mem_\w+|sig_\w+|ed25519_\w+|secp256k1_\w+|code_\w+|arena_text))$")


def sources(*endings):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [p for p in listed.splitlines()
            if p.endswith(endings) and os.path.exists(os.path.join(ROOT, p))]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def unit(path):
    parts = path.split("/")
    if path.endswith(".pb-c.h") or parts[0] == "proto":
        return "proto"
    if parts[0] == "app":
        return parts[1] if len(parts) > 2 else "app"
    return parts[0] if parts[0] in MAY else None


def includes():
    for path in sources(".c", ".h"):
        mine = unit(path)
        if mine not in MAY:
            continue
        for name in re.findall(r'^#include "([^"]+)"', read(path), re.M):
            theirs = unit(name)
            if theirs is None:
                yield f"{path}: includes {name}, which is not a path from the root"
                continue
            if theirs == mine:
                continue
            if theirs not in MAY[mine]:
                yield f"{path}: {mine} may not include {theirs} ({name})"
            face = NARROW.get((mine, theirs), FACES.get(theirs))
            if face and os.path.basename(name) not in face:
                yield f"{path}: {name} is inside {theirs}; its face is {sorted(face)}"


def sizes():
    for path in sources(".c", ".h", ".py"):
        lines = read(path).splitlines()
        if len(lines) > LINES_FILE:
            yield f"{path}: {len(lines)} lines, at most {LINES_FILE}"
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS:
                yield f"{path}:{number}: {len(line)} columns"
    for path in sources(".c"):
        start = name = None
        lines = read(path).splitlines()
        for number, line in enumerate(lines, 1):
            if line == "{":
                start, name = number, lines[number - 2]
            elif line == "}" and start:
                if number - start - 1 > LINES_FUNCTION:
                    yield f"{path}:{start}: {number - start - 1} lines in {name.strip()}"
                start = None


def comments():
    for path in sources(".c", ".h"):
        for number, line in enumerate(read(path).splitlines(), 1):
            if re.search(r"(^|[;{}\s])//", re.sub(r'"(\\.|[^"\\])*"', '""', line)):
                if "/*" not in line and not line.lstrip().startswith("*"):
                    yield f"{path}:{number}: // comment"
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                yield f"{path}:{number}: unfinished: {line.strip()}"


def guards():
    for path in sources(".h"):
        if unit(path) in MAY and "#ifndef VPR_" not in read(path) and \
                "#ifndef ABCI_" not in read(path):
            yield f"{path}: no include guard"


def symbols():
    folder = os.path.join(ROOT, "build", "local", "app")
    archives = [os.path.join(folder, u, f"libvpr_{u}.a") for u in CONSENSUS]
    archives += [os.path.join(folder, a) for a in ("tx/libvpr_wire.a", "libvpr_app.a")]
    missing = [a for a in archives if not os.path.exists(a)]
    if missing:
        yield f"not built: {missing}"
        return
    defined, wanted = set(), {}
    for archive in archives:
        out = subprocess.run(["nm", archive], capture_output=True, text=True,
                             check=True).stdout
        member = "?"
        for line in out.splitlines():
            if line.endswith(":"):
                member = line[:-1]
                continue
            words = line.split()
            if len(words) == 2 and words[0] in "Uvw":
                wanted.setdefault(words[1], f"{os.path.basename(archive)}({member})")
            elif len(words) == 3 and words[1] not in "U":
                defined.add(words[2])
    for name, where in sorted(wanted.items()):
        if name not in defined and not SYMBOLS.match(name):
            yield f"{where}: takes {name} from outside the consensus archive"


def shipped():
    for path in sources(""):
        if re.search(r"\.(o|a|so|pyc|key)$", path):
            yield f"{path}: build output or a secret in the tree"
    for path in sources(".md", ".c", ".h", ".py", ".build"):
        if path != "tests/lint/all.py" and "../shared" in read(path):
            yield f"{path}: refers to a folder outside the project"


def purity():
    return compiled.purity(ROOT)


def headers():
    return compiled.headers(ROOT, sources(".h"))


def codes():
    return names.codes(ROOT, sources(".h", ".c"))


def prefixes():
    return names.prefixes(ROOT)


def secrets():
    return names.secrets(ROOT, sources(".proto"))


def resumes():
    return names.resumes(ROOT, sources(".c", ".h"))


def invariants():
    return names.invariants(ROOT, sources(".c"))


def defects():
    return names.defects(ROOT, sources(".c", ".py", ".sh"))


def protocol():
    return names.protocol(ROOT, sources(".c", ".py", ".sh"))


def citations():
    return names.citations(ROOT, sources(".c", ".h", ".py", ".md", ".proto", ".sh", ".build",
                                         ".toml"))


def parameters():
    return tables.parameters(ROOT)


def keys():
    return tables.keys(ROOT)


def events():
    return tables.events(ROOT, sources(".c", ".py", ".play"))


def steps():
    return tables.steps(ROOT)


RULES = [includes, sizes, comments, guards, symbols, purity, headers, codes, prefixes, secrets,
         resumes, defects, invariants, protocol, citations, parameters, keys, steps, events,
         shipped]
passed = failed = 0
for rule in RULES:
    breaches = list(rule())
    if breaches:
        failed += 1
        print(f"{rule.__name__}: {len(breaches)}")
        print("\n".join("  " + b for b in breaches[:60]))
    else:
        passed += 1
        if "--verbose" in sys.argv:
            print(f"{rule.__name__}: holds")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
