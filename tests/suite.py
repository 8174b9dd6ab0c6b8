"""One network, named tests on it in order: the frame of the suites e2e, members, governance and
validators. Nothing about Viper is here; a suite brings its tests, its start and its stop."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "deploy"))
from local import packages, procs  # noqa: E402


def named(tests):
    """Rows of run() out of (function, (functions that come first)): a name is the function's."""
    def name(test):
        return test.__name__.replace("_", " ")
    return [(name(test), test, tuple(name(n) for n in needs)) for test, needs in tests]


def wanted(rows, only):
    """What has `only` in its name, and all that those build upon."""
    chosen = {r[0] for r in rows if only is None or only.replace("_", " ") in r[0]}
    for r in reversed(rows):  # what it builds upon stands before it
        if r[0] in chosen and len(r) > 2:
            chosen.update(r[2])
    return [r for r in rows if r[0] in chosen]


def run_one(world, name, test, failed):
    begun = time.monotonic()
    try:
        test(world)
        problem = None
    except Exception as error:  # pylint: disable=broad-except # one must not end the others
        problem = str(error) or repr(error)
        if not isinstance(error, failed):
            problem = traceback.format_exc()
    book = getattr(world, "book", None)
    at = f", block {book.height}" if book else ""
    print(f"{'ok  ' if problem is None else 'FAIL'} {name} ({time.monotonic() - begun:.1f} s{at})"
          + (f"\n     {problem}" if problem else ""), flush=True)
    return problem is None


def run(name, doc, rows, start, stop, failed):
    """The exit code. rows: (name, test(world), (names that come first)), the last may be absent;
    start(folder, build) gives the world, which stop(world) ends; `failed` is what a test raises
    when something does not hold. Ends with N passed, N failed; logs of a failure are kept."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the folder and its logs")
    parser.add_argument("--only", metavar="NAME", help="part of a test's name")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "local"))
    args = parser.parse_args()
    tests = wanted(rows, args.only)
    if args.list or not tests:
        print("\n".join(t[0] for t in tests) or "no such test")
        return 0 if tests else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # runs the finally below
    folder = tempfile.mkdtemp(prefix=f"viper-{name}.", dir="/tmp")
    logs = os.path.join(ROOT, "build", "test-logs", name)
    good = bad = 0
    world, begun = None, time.monotonic()
    try:
        world = start(folder, os.path.abspath(args.build))
        print(f"network up after {time.monotonic() - begun:.1f} s in {folder}", flush=True)
        for title, test, *_ in tests:
            held = run_one(world, title, test, failed)
            good, bad = good + held, bad + (not held)
    except (procs.Died, packages.Missing, OSError) as error:
        print(f"FAIL the network does not start: {error}")
        bad += 1
    finally:
        if world:
            stop(world)
        if bad:
            shutil.copytree(os.path.join(folder, "logs"), logs, dirs_exist_ok=True)
            print(f"logs of the processes: {logs}")
        if args.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{good} passed, {bad} failed")
    return 1 if bad or not good else 0
