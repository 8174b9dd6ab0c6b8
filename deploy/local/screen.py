"""One line a phase: what, how it went, how long. --json: one object a phase on stderr."""

import json
import sys
import time


class Screen:
    def __init__(self, phases, as_json=False):
        self.phases, self.as_json = phases, as_json
        self.started = None
        self.number = 0

    def begin(self, name):
        self.number += 1
        self.name, self.started = name, time.monotonic()
        if not self.as_json and sys.stdout.isatty():
            print(f"[{self.number}/{self.phases}] {name:<12} ...", end="\r", flush=True)

    def end(self, text, state="ok"):
        took = time.monotonic() - self.started
        if self.as_json:
            print(json.dumps({"phase": self.name, "state": state, "text": text,
                              "seconds": round(took, 2)}), file=sys.stderr, flush=True)
        else:
            shown = f"{int(took) // 60} m {took % 60:4.1f} s" if took >= 60 else f"{took:.1f} s"
            print(f"[{self.number}/{self.phases}] {self.name:<12} {state:<5} {text:<56} {shown}",
                  flush=True)

    def fail(self, text, log_path=None):
        self.end(text, "FAIL")
        if log_path:
            try:
                with open(log_path, encoding="utf-8", errors="replace") as log:
                    print("".join(log.readlines()[-15:]), file=sys.stderr)
            except OSError:
                pass

    def say(self, text):
        if not self.as_json:
            print(text, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)
