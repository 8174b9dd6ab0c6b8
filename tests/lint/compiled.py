"""Rules that ask the compilers: what consensus code cannot say, and headers that stand alone."""

import json
import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

# What a compiler must take, or the refusals below prove nothing.
ALLOWED = {
    "integers": "uint64_t f(uint64_t n);\nuint64_t f(uint64_t n) { return n / 3; }",
    "our headers": '#include "app/domain/domain.h"\nint f(void);\nint f(void) { return 1; }',
}

# What would make two nodes differ, or a node depend on where it runs.  Each compiles without
# pure.h and the flags beside it.
REFUSED = {
    "a float": "float f(void);\nfloat f(void) { return 0; }",
    "a double": "double f(void);\ndouble f(void) { return 0; }",
    "a fraction": "int f(int n);\nint f(int n) { return n * 1.5 > 3; }",
    "the wall clock": "long time(long *);\nlong f(void);\nlong f(void) { return time(0); }",
    "clock_gettime": "int clock_gettime(int, void *);",
    "time.h": "#include <time.h>",
    "stdio.h": "#include <stdio.h>",
    "stdlib.h": "#include <stdlib.h>",
    "sys/socket.h": "#include <sys/socket.h>",
    "math.h": "#include <math.h>",
    "luck": "int rand(void);",
    "the kernel's luck": "int getentropy(void *, size_t);",
    "sodium's luck": "unsigned randombytes_random(void);",
    "the heap": "void *malloc(size_t);",
    "the environment": "char *getenv(const char *);",
    "the locale's order": 'int f(void);\nint f(void) { return strcoll("a", "b"); }',
    "an unstable sort": "void qsort(void *, size_t, size_t, int (*)(const void *, const void *));",
    "a log line": "int printf(const char *, ...);",
    "a thread": "int pthread_create(void *, void *, void *, void *);",
    "a file": "int open(const char *, int, ...);",
    "a length at run time": "void g(char *);\nvoid f(int n);\nvoid f(int n) { char a[n]; g(a); }",
}
# Clang has no flag against what is a fraction only in the middle of an expression.
GCC_ALONE = {"a fraction"}


def commands(root):
    """{source: (directory, arguments without input, output and dependency file)}."""
    path = os.path.join(root, "build", "local", "compile_commands.json")
    if not os.path.exists(path):
        return {}
    found = {}
    with open(path, encoding="utf-8") as f:
        for entry in json.load(f):
            words, kept = shlex.split(entry["command"])[1:], []
            if words[0] in ("cc", "gcc"):
                del words[0]  # what came first was ccache
            while words:
                word = words.pop(0)
                if word in ("-o", "-c", "-MQ", "-MF"):
                    words.pop(0)
                elif word != "-MD":
                    kept.append(word)
            source = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
            found[os.path.relpath(source, root)] = (entry["directory"], kept)
    return found


def compilers():
    return [c for c in ("gcc", "clang") if shutil.which(c)]


def compiles(compiler, directory, flags, text):
    mine = [f for f in flags if compiler == "gcc" or f != "-mgeneral-regs-only"]
    return subprocess.run([compiler, *mine, "-x", "c", "-c", "-", "-o", "/dev/null"], text=True,
                          cwd=directory, input=text + "\n", capture_output=True, check=False)


def purity(root):
    """pure.h and the flags beside it refuse what consensus code must not say."""
    known = commands(root)
    if "app/domain/price.c" not in known:
        yield "build/local has no compile_commands.json with app/domain/price.c"
        return
    directory, flags = known["app/domain/price.c"]
    jobs = [(c, name, text, wanted) for c in compilers()
            for wanted, table in ((True, ALLOWED), (False, REFUSED))
            for name, text in table.items() if c == "gcc" or name not in GCC_ALONE]
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda j: compiles(j[0], directory, flags, j[2]), jobs)
        for (compiler, name, _, wanted), result in zip(jobs, done):
            if wanted and result.returncode != 0:
                yield f"{compiler} refuses {name} in consensus code: {result.stderr[:200]}"
            elif not wanted and result.returncode == 0:
                yield f"{compiler} takes {name} in consensus code"
    for path, (_, own) in sorted(known.items()):
        consensus = re.match(r"app/((rules|tx|domain)/\w+|app|proposal)\.c$", path)
        if consensus and not any(f.endswith("app/base/pure.h") for f in own):
            yield f"{path}: compiled without pure.h"


def headers(root, listed):
    """Every header compiles as the first and only one of a file."""
    known = commands(root)
    if "tests/unit/node/test_bridge.c" not in known:
        yield "build/local has no compile_commands.json with tests/unit/node/test_bridge.c"
        return
    directory, flags = known["tests/unit/node/test_bridge.c"]
    wanted = [h for h in listed if not h.startswith("tests/") and h != "app/base/pure.h"]
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(
            lambda h: subprocess.run(["gcc", *flags, "-fsyntax-only", "-x", "c", "-"],
                                     cwd=directory, input=f'#include "{h}"\n', text=True,
                                     capture_output=True, check=False), wanted)
        for header, result in zip(wanted, done):
            if result.returncode != 0:
                lines = [s for s in result.stderr.splitlines() if "error:" in s]
                yield f"{header}: does not stand alone: {lines[0] if lines else result.stderr}"
