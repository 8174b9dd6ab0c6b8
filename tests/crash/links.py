"""Wires with a man in the middle: they pass every byte on, and tell when a phase is reached.

AbciLink sits between CometBFT and viperd, RestLink between a relay and viperd's REST. Neither
changes anything; a kill inside a named phase is one that such a wire has set off."""

import base64
import json
import os
import select
import socket
import threading
import time

FINALIZE_REQUEST, FINALIZE_ANSWER = 20, 21  # fields of Request and Response
COMMIT_REQUEST, COMMIT_ANSWER = 11, 12
CHUNK = 1 << 18


def varint(data, at):
    """(value, end), or None if it is not whole."""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
        shift += 7
    return None


def fields(data):
    """(number, value) of a protobuf message: integers and byte strings only."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {key & 7}")
        yield key >> 3, value


def frames(buffer):
    """Takes every whole frame (length, message) off a bytearray: [(raw, message)]."""
    out = []
    while (head := varint(buffer, 0)) and head[1] + head[0] <= len(buffer):
        end = head[1] + head[0]
        out.append((bytes(buffer[:end]), bytes(buffer[head[1]:end])))
        del buffer[:end]
    return out


def shut(*sockets):
    for s in sockets:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def wait_us(microseconds):
    """Shorter than what sleep can do."""
    end = time.perf_counter() + microseconds / 1e6
    while time.perf_counter() < end:
        pass


class Trap:
    """Set for one moment on one wire or on several; `kill` is called there, once."""

    def __init__(self, moment):
        self.moment = moment
        self.sprung = threading.Event()
        self.name = self.text = self.seen = ""
        self.lock = threading.Lock()
        self.taken = False

    def take(self, moment):
        with self.lock:
            mine = not self.taken and self.moment == moment
            self.taken = self.taken or mine
            return mine

    def tell(self, kill, text):
        self.name, self.seen, self.text = kill.name, kill.seen, text
        self.sprung.set()


class Link:
    """Accepts, connects on, pumps both ways with a thread each."""

    def __init__(self):
        self.trap = self.kill = None
        self.closing = False

    def serve(self, listener):
        self.listener = listener
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while not self.closing:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.open, args=(near,), daemon=True).start()

    def open(self, near):
        end = time.monotonic() + 10
        while time.monotonic() < end and not self.closing:
            try:
                far = self.connect()
                break
            except OSError:
                time.sleep(0.05)  # it is being started
        else:
            near.close()
            return
        threading.Thread(target=self.guard, args=(self.back, near, far), daemon=True).start()
        self.guard(self.forth, near, far)

    def guard(self, pump, near, far):
        try:
            pump(near, far)
        except OSError:
            pass
        shut(near, far)

    def set(self, trap, kill=None):
        self.kill = kill
        self.trap = trap

    def take(self, moment):
        """(trap, kill) if a trap is set for this moment; it is nobody else's then."""
        trap, kill = self.trap, self.kill
        return (trap, kill) if trap and trap.take(moment) else None

    def close(self):
        self.closing = True
        shut(self.listener)
        self.listener.close()


class AbciLink(Link):
    """Moments: ("block"|"commit", "asked"|"answered"). Keeps every app hash answered."""

    def __init__(self, listen, target):
        super().__init__()
        self.target = target
        self.hashes = {}     # height -> set of app hashes, one for each execution
        self.runs = {}       # height -> how often it was executed
        self.took = {"block": [], "commit": []}  # microseconds
        self.height = 0
        self.answers = 0
        self.asked = None    # when the last request of a phase went out
        self.gone = threading.Event()  # the application's end of a connection has closed
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(listen)
        listener.listen(16)
        self.serve(listener)

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            s.connect(self.target)
        except OSError:
            s.close()
            raise
        return s

    def usual(self, phase):
        took = sorted(self.took[phase][-50:])
        return took[len(took) // 2] if took else 500.0

    def forth(self, near, far):
        buffer = bytearray()
        while data := near.recv(CHUNK):
            buffer += data
            for raw, message in frames(buffer):
                number, value = next(fields(message))
                phase = {FINALIZE_REQUEST: "block", COMMIT_REQUEST: "commit"}.get(number)
                if phase == "block":
                    self.height = next(v for n, v in fields(value) if n == 5)
                if phase:
                    self.asked = time.perf_counter()
                    self.gone.clear()
                far.sendall(raw)
                if phase and (hit := self.take((phase, "asked"))):
                    self.inside(*hit, far, phase)

    def inside(self, trap, kill, far, phase):
        """Kill while the answer is out; if it was faster, wait for the next one."""
        wait_us(kill.luck.uniform(0, 0.7) * self.usual(phase))
        if select.select([far], [], [], 0)[0]:
            trap.taken = False
            return
        before = self.answers
        kill()
        self.gone.wait(2.0)  # whatever the dead process had written is read now
        trap.tell(kill, f"height {self.height} asked, " + (
            "never answered" if self.answers == before else
            "answered to nobody" if kill.name.startswith("cometbft") else
            "answered while it died"))

    def back(self, near, far):
        buffer = bytearray()
        while data := self.read(far):
            buffer += data
            for raw, message in frames(buffer):
                number, value = next(fields(message))
                phase = {FINALIZE_ANSWER: "block", COMMIT_ANSWER: "commit"}.get(number)
                if phase:
                    self.answered(phase, value)
                if phase and (hit := self.take((phase, "answered"))):
                    hit[1]()
                    hit[0].tell(hit[1], f"height {self.height} answered, the answer never came")
                    return
                near.sendall(raw)

    def read(self, far):
        try:
            data = far.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self.gone.set()
        return data

    def answered(self, phase, value):
        self.answers += 1
        self.took[phase].append((time.perf_counter() - self.asked) * 1e6)
        if phase == "block":
            found = [v for n, v in fields(value) if n == 5]
            self.hashes.setdefault(self.height, set()).add(found[0].hex() if found else "")
            self.runs[self.height] = self.runs.get(self.height, 0) + 1


class RestLink(Link):
    """Moments: ("MsgCommit"|"MsgProve", "unsent"|"unheard"): a relay posts such a transaction;
    it is killed before the node got it, or after that and before the answer."""

    def __init__(self, port):
        super().__init__()
        self.target = port
        self.deaf = {}  # connection -> trap, kill, message: they wait for the answer
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self.serve(listener)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.target))

    def forth(self, near, far):
        buffer = b""
        while data := near.recv(CHUNK):
            buffer += data
            while (end := request_end(buffer)) is not None:
                request, buffer = buffer[:end], buffer[end:]
                for message in messages(request):
                    if hit := self.take((message, "unsent")):
                        hit[1]()
                        hit[0].tell(hit[1], f"{message} written, the node never got it")
                        return
                    if hit := self.take((message, "unheard")):
                        self.deaf[far] = (*hit, message)
                far.sendall(request)

    def back(self, near, far):
        while data := far.recv(CHUNK):
            if hit := self.deaf.pop(far, None):
                hit[1]()
                hit[0].tell(hit[1], f"{hit[2]} sent, the answer never came")
                return
            near.sendall(data)


def request_end(buffer):
    """Where the first HTTP request ends; None while it is not whole."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return None
    size = 0
    for line in buffer[:head].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    end = head + 4 + size
    return end if len(buffer) >= end else None


def messages(request):
    """Names of our messages in a request that sends a transaction."""
    if not request.startswith(b"POST /cosmos/tx/v1beta1/txs "):
        return []
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    tx = base64.b64decode(body.get("tx_bytes", ""))
    return [name for name in ("MsgCommit", "MsgProve") if b"/viper.v1." + name.encode() in tx]


class Kill:
    """SIGKILL to one process of the network, and what is seen at that moment."""

    def __init__(self, proc, luck, sight):
        self.name, self.pid, self.luck, self.sight = proc.name, proc.pid, luck, sight
        self.seen = 0

    def __call__(self):
        self.seen = self.sight()
        os.kill(self.pid, 9)
