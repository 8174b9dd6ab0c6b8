"""Processes of the local network: started by us, stopped by pid, restarted where that is safe.

viperd and its CometBFT are one pair: CometBFT ends when viperd does, so both start again
together. Everything writes to its own log in the run folder."""

import os
import signal
import socket
import subprocess
import time


class Died(Exception):
    pass


class Stop(BaseException):
    """Ctrl-C or SIGTERM: an orderly end."""


class Signals:
    """Raises Stop once; never between a fork and our knowing of the child."""

    def __init__(self):
        self.held, self.due, self.over = 0, False, False

    def install(self):
        signal.signal(signal.SIGINT, self.come)
        signal.signal(signal.SIGTERM, self.come)

    def ignore(self):
        self.over = True

    def come(self, *_):
        if self.over:
            return
        if self.held:
            self.due = True
            return
        self.over = True
        raise Stop

    def __enter__(self):
        self.held += 1

    def __exit__(self, *_):
        self.held -= 1
        if self.due and not self.held and not self.over:
            self.over = True
            raise Stop


signals = Signals()


class Proc:
    def __init__(self, name, command, log_path, pair=None, env=None):
        self.name, self.command, self.log_path, self.env = name, command, log_path, env
        self.pair = pair  # name of the process that must start again with this one
        self.popen = None
        self.restarts = 0

    def start(self, stdout=None):
        with signals, open(self.log_path, "ab") as log:
            # A session of its own: Ctrl-C reaches us alone, and we stop them in order.
            self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                          stdout=stdout or log, stderr=log,
                                          env=dict(os.environ, **(self.env or {})),
                                          start_new_session=True)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def stop(self, patience=8.0):
        if not self.alive():
            return
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Group:
    """Started in order, stopped in the reverse order."""

    def __init__(self):
        self.procs = {}
        self.order = []

    def start(self, proc, stdout=None):
        self.procs[proc.name] = proc
        if proc.name not in self.order:
            self.order.append(proc.name)
        return proc.start(stdout)

    def __getitem__(self, name):
        return self.procs[name]

    def dead(self):
        return [self.procs[n] for n in self.order if not self.procs[n].alive()]

    def revive(self, restarts_max=1000):
        """Start again what has died, pairs together; returns the names."""
        names = []
        for proc in self.dead():
            if proc.restarts >= restarts_max:
                raise Died(f"{proc.name} does not stay up; see {proc.log_path}")
            partner = self.procs.get(proc.pair) if proc.pair else None
            if partner and partner.alive():
                partner.stop(2.0)
            for one in filter(None, (proc, partner)):
                if not one.alive():
                    one.restarts += 1
                    one.start()
                    names.append(one.name)
        return names

    def stop(self):
        for name in reversed(self.order):
            self.procs[name].stop()


def port_owner(port):
    """(pid, command) of whoever listens on a loopback port, or None if it is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return None
        except OSError:
            pass
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as rows:
                for row in list(rows)[1:]:
                    words = row.split()
                    if words[3] == "0A" and int(words[1].rsplit(":", 1)[1], 16) == port:
                        inodes.add(f"socket:[{words[9]}]")
        except OSError:
            continue
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes:
                    with open(f"/proc/{pid}/cmdline", "rb") as f:
                        return int(pid), f.read().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
    return 0, "a process of another user"


def wait_until(what, test, seconds, group=None):
    """Poll until test() gives something true; Died when it does not or a process has gone."""
    end = time.monotonic() + seconds
    problem = None
    while time.monotonic() < end:
        try:
            if value := test():
                return value
        except (OSError, ValueError, KeyError) as error:
            problem = error
        if group and (dead := group.dead()):
            raise Died(f"{dead[0].name} ended while waiting for {what}; log: "
                       f"{dead[0].log_path}")
        time.sleep(0.1)
    raise Died(f"waited {seconds} s for {what}" + (f": {problem}" if problem else ""))
