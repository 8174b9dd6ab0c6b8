"""A refusal and its stable number (tests/golden/codes.txt)."""

import os

import codec


def _codes():
    path = os.path.join(codec.ROOT, "tests", "golden", "codes.txt")
    with open(path, encoding="utf-8") as f:
        return {name: int(number) for number, name in (line.split() for line in f if line.strip())}


CODES = _codes()
NAMES = {number: name for name, number in CODES.items()}


class Refused(Exception):
    def __init__(self, name):
        super().__init__(name)
        self.code = CODES[name]


def need(true, name):
    if not true:
        raise Refused(name)
