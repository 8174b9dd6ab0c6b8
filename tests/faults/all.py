#!/usr/bin/python3
"""tests/faults/all.py [--only NAME,..] [--list] [--keep]: what happens to a network, and what of
it must never be noticed. A row of plan.FAULTS is a fault; after each the same check (life.py,
accounts.py). Ends with N passed, N failed.

The network is that of ./deploy/testnet, whose hosts are namespaces here (hosts.py): no Docker,
but root, or a kernel that lets users make namespaces. tests/compose/all.py does the same to
containers."""

import argparse
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "deploy"), HERE]
sys.dont_write_bytecode = True
import hosts  # noqa: E402
import life  # noqa: E402
import plan  # noqa: E402
from compose import engine, files  # noqa: E402
from local import procs  # noqa: E402

LOGS = os.path.join(ROOT, "build", "test-logs", "faults")  # after a failure


def start(place):
    place.prepare()
    place.small_disks()
    for names in (files.NODES, files.BACKENDS, files.ACTORS):
        place.each(place.start, names)
    place.misbehave("slow")
    one = life.Life(place)
    one.clients.start()
    one.until("relays on both chains", lambda: all(
        one.clients.count(0, chain=c)[0] for c in (1, 2)), 90)
    one.recovered(time.monotonic())
    return one


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="parts of names, separated by commas")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave homes and logs")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "local"))
    args = parser.parse_args()
    if args.list:
        print("\n".join(row[0] for row in plan.FAULTS))
        return 0
    hosts.enter()
    folder = tempfile.mkdtemp(prefix="viper-faults.", dir=os.environ.get("TMPDIR", "/tmp"))
    place = hosts.Namespaces(folder, os.path.abspath(args.build), hosts.cometbft())
    results, one, begun = [], None, time.monotonic()

    def tell(name, text, good):
        results.append(good)
        print(f"{'ok  ' if good else 'FAIL'} {name:<30} {text}", flush=True)
    try:
        one = start(place)
        tell("a network of namespaces", f"{len(files.ALL)} hosts, {time.monotonic() - begun:.1f} "
             "s", True)
        for result in one.faults(args.only.split(",") if args.only else None):
            tell(*result)
        tell("the books at the end", one.last_check(), True)
    except (life.Failed, procs.Died, engine.Failed, OSError, ValueError) as problem:
        tell("the network", f"{type(problem).__name__}: {problem}", False)
    finally:
        if one:
            one.clients.over.set()
            print(one.table())
        place.stop()
    if not all(results):
        shutil.rmtree(LOGS, ignore_errors=True)
        shutil.copytree(place.logs, LOGS)
        print(f"logs of the hosts: {LOGS}")
    if args.keep:
        print(f"kept: {folder}")
    else:
        place.free_disks()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


sys.exit(main())
