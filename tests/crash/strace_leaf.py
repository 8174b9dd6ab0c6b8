#!/usr/bin/env python3
"""What the kernel saw: for every answer with a receipt, an fdatasync that began after the
leaf was written and ended before the answer's send began.

usage: strace_leaf.py TRACE judges a trace that is already there; tests/crash/all.py makes one
of a running relay."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import time

SENDS = ("sendmsg", "sendto", "writev", "write")
WRITES = ("pwrite64", "pwritev")
CALLS = SENDS + WRITES + ("fdatasync", "fsync")
LINE = re.compile(r"^(\d+) +(\d+\.\d+) (.*)$", re.S)
ENTER = re.compile(r"^(\w+)\((\d+)")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.S)
RESULT = re.compile(r"\) += (-?\d+)[^<]*(?:<(\d+\.\d+)>)?$")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})+)"')
RECEIPT = re.compile(rb"viper-receipt: *([A-Za-z0-9_-]+)", re.I)
MARK = "".join(f"\\x{c:02x}" for c in b"Viper-Receipt: ")
LEAF, PART = 236, 140


def command(pid, out):
    return ["strace", "-f", "-ttt", "-T", "-xx", "-s", "1048576", "-o", out,
            "-e", "trace=" + ",".join(CALLS), "-e", "signal=none", "-p", str(pid)]


class Call:
    """One system call: when it began and ended, in lines of the trace and in seconds."""

    def __init__(self, name, fd, text, line, begun):
        self.name, self.fd, self.text, self.line, self.begun = name, fd, text, line, begun
        self.end_line, self.ended, self.result = None, None, None

    def finish(self, text, line, now):
        self.text += text
        if hit := RESULT.search(text):
            self.result = int(hit[1])
        self.end_line, self.ended = line, now

    def data(self):
        return b"".join(bytes.fromhex(s.replace("\\x", "")) for s in STRING.findall(self.text))


def calls_of(path):
    """Every call in the order of its beginning."""
    calls, open_calls = [], {}
    with open(path, encoding="ascii", errors="replace") as trace:
        for number, raw in enumerate(trace):
            hit = LINE.match(raw.rstrip("\n"))
            if not hit:
                continue
            pid, now, text = hit[1], float(hit[2]), hit[3]
            if resumed := RESUMED.match(text):
                if call := open_calls.pop(pid, None):
                    call.finish(resumed[2], number, now)
                continue
            if not (enter := ENTER.match(text)):
                continue
            call = Call(enter[1], int(enter[2]), text, number, now)
            calls.append(call)
            if text.endswith("<unfinished ...>"):
                open_calls[pid] = call
            else:
                took = RESULT.search(text)
                call.finish("", number, now + float(took[2] or 0) if took else now)
                call.result = int(took[1]) if took else None
    return calls


def unbase64(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def judge(path, warm_up=1.0):
    """(answers proved, sentences, smallest gap in microseconds between sync and send)."""
    calls = calls_of(path)
    if not calls:
        return 0, [f"{path}: no system call was seen"], 0
    start = calls[0].begun
    leaves, syncs, wrong = {}, [], []
    proved, gap = 0, float("inf")
    for call in calls:
        if call.name in WRITES:
            data = call.data()
            at = 0
            while at + 9 <= len(data):  # records; a segment's header is no write of its own
                size = int.from_bytes(data[at:at + 4], "big")
                if size == 0 or size > 256:
                    break
                if data[at + 8] == 3 and size == 1 + LEAF:
                    leaf = data[at + 9:at + 9 + LEAF]
                    part = hashlib.sha256(b"\x0crequest-part" + leaf[:PART]).digest()
                    leaves[part, leaf[-32:]] = call
                at += 8 + size
        elif call.name in ("fdatasync", "fsync"):
            syncs.append(call)
    for call in calls:
        if call.name not in SENDS or MARK not in call.text:
            continue
        for text in RECEIPT.findall(call.data()):
            receipt = unbase64(text)
            write = leaves.get((receipt[:32], receipt[34:66]))
            if write is None:
                if call.begun > start + warm_up:
                    wrong.append(f"line {call.line}: an answer whose leaf was never written")
                continue
            good = [s for s in syncs if s.fd == write.fd and s.result == 0
                    and None not in (write.end_line, s.end_line)
                    and write.end_line < s.line and s.end_line < call.line]
            if good:
                proved += 1
                gap = min(gap, call.begun - min(s.ended for s in good))
            else:
                wrong.append(f"line {call.line}: sent before the fdatasync of its leaf "
                             f"(written in line {write.line}) had ended")
    return proved, wrong, 0 if proved == 0 else gap * 1e6


def trace(pid, out, answers, seconds):
    """Trace a relay until so many answers were sent; what is wrong, or None."""
    with subprocess.Popen(command(pid, out), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as strace:
        end, sent, at = time.monotonic() + seconds, 0, 0
        while time.monotonic() < end and sent < answers and strace.poll() is None:
            time.sleep(0.3)
            if os.path.exists(out):
                with open(out, encoding="ascii", errors="replace") as f:
                    f.seek(at)
                    text = f.read()
                    at += len(text) if "\n" in text else 0
                    sent += text.count(MARK)
        strace.terminate()
        problem = strace.communicate()[1].decode(errors="replace").strip()
    if sent < answers:
        return f"only {sent} answers in {seconds} s; strace said: {problem[-300:]}"
    return None


def check(pid, out, answers=100, seconds=40):
    """(passed, failed), a line printed: answers of a relay that runs."""
    problem = trace(pid, out, answers + 20, seconds)
    proved, wrong, gap = judge(out) if os.path.exists(out) else (0, [], 0)
    if problem and proved < answers:
        wrong.append(problem)
    for text in wrong[:5]:
        print(f"  {text}")
    if proved < answers and not wrong:
        wrong.append("too few")
        print(f"  only {proved} answers could be judged, wanted {answers}")
    print(f"      {proved} answers of pid {pid}: the fdatasync of their leaf had ended before "
          f"the send, by {gap:.0f} us at least; {len(wrong)} not", flush=True)
    return int(not wrong), int(bool(wrong))


def control(out):
    """The judge itself: the same trace without its syncs must prove nothing."""
    bare = out + ".bare"
    with open(out, encoding="ascii", errors="replace") as f, \
            open(bare, "w", encoding="ascii") as g:
        g.writelines(line for line in f if "fdatasync" not in line)
    proved, wrong, _ = judge(bare)
    return proved == 0 and len(wrong) > 0


if __name__ == "__main__":
    good, bad, closest = judge(sys.argv[1])
    print("\n".join(bad[:20]))
    print(f"closest: {closest:.0f} us\n{good} passed, {len(bad)} failed")
    sys.exit(1 if bad or not good else 0)
