"""The parameters together (docs/protocol.md, 13, 14): ranges, steps, cross-checks.

Ranges and slacks are read from the one table that has them, app/tx/params.h, as the records are
from the .proto files."""

import os
import re

import codec
from refusal import need

PPM = 10**6
EVENTS_SETTLEMENT = 16000  # of a block
ROW = re.compile(r"^ +X\((\w+), \d+, \d+, (\d+), (\d+), \"[^\"]+\", (\d+)\)", re.M)


def _rules():
    with open(os.path.join(codec.ROOT, "app", "tx", "params.h"), encoding="utf-8") as f:
        rules = {name: (int(least), int(most), int(slack))
                 for name, least, most, slack in ROW.findall(f.read())}
    assert list(rules) == codec.PARAM_NAMES
    return rules


RULES = _rules()


def step(name, old, new):
    least, most, slack = RULES[name]
    need(least <= new <= most, "BAD_FIELD")
    need(min(old - old // 2, max(0, old - slack)) <= new <= max(2 * old, old + slack),
         "STEP_TOO_LARGE")


def check(v):
    for name, (least, most, _) in RULES.items():
        need(least <= v[name] <= most, "BAD_FIELD")
    need(sum(v["split_" + part] for part in ("servicer", "fishermen", "validator", "chain",
                                             "dao")) == PPM, "BAD_FIELD")
    for name in ("grace_blocks", "challenge_delay"):
        need(v[name] <= v["session_blocks"] // 4, "BAD_FIELD")
    need(v["freeze_blocks"] < v["session_blocks"], "BAD_FIELD")
    need(v["settle_per_block"] * (6 + v["fishermen_per_session"]) <= EVENTS_SETTLEMENT,
         "BAD_FIELD")
    need(v["requestor_yield"] * (PPM - v["split_dao"])
         <= v["validator_yield"] * (PPM - v["max_commission"]), "BAD_FIELD")
