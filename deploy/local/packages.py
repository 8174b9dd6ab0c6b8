"""What must be installed before anything is built: Debian packages and the pinned CometBFT."""

import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "deploy", "packages.txt")
BIN = os.path.join(ROOT, "build", "bin")
COMETBFT_MODULE = "github.com/cometbft/cometbft"
COMETBFT_TAG = "v0.40.0"


class Missing(Exception):
    """Something the user must do; the text is the one line to type."""


def wanted(groups):
    names = []
    with open(LIST, encoding="utf-8") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if words and words[0] in groups:
                names += words[1:]
    return names


def installed(names):
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                         capture_output=True, text=True, check=False).stdout
    return {line.split()[0] for line in out.splitlines() if line.endswith(" installed")}


def ensure_packages(groups, log):
    """Install what is missing; returns (present, installed now)."""
    names = wanted(groups)
    missing = [n for n in names if n not in installed(names)]
    if not missing:
        return len(names), 0
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise Missing("sudo " + " ".join(command))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # Packages with a daemon of their own (nginx) must not start it here.
    policy = "/usr/sbin/policy-rc.d"
    made = not os.path.exists(policy)
    if made:
        with open(policy, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nexit 101\n")
        os.chmod(policy, 0o755)
    try:
        subprocess.run(["apt-get", "update", "-q"], env=env, stdout=log, stderr=log, check=False)
        done = subprocess.run(command, env=env, stdout=log, stderr=log, check=False)
    finally:
        if made:
            os.unlink(policy)
    if done.returncode != 0:
        raise Missing("apt-get install failed; see the log, then run: " + " ".join(command))
    return len(names) - len(missing), len(missing)


def cometbft_tag(path):
    """The module version a binary was built from: what it prints of itself is no proof."""
    out = subprocess.run(["go", "version", "-m", path], capture_output=True, text=True,
                         check=False).stdout
    for line in out.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0] == "mod" and words[1] == COMETBFT_MODULE:
            return words[2]
    return None


def ensure_cometbft(log):
    """Path of a cometbft of the pinned tag, built into build/bin if none is there."""
    if shutil.which("go") is None:
        raise Missing("install Go 1.25 or newer (https://go.dev/dl), then run this again")
    local = os.path.join(BIN, "cometbft")
    for path in (local, shutil.which("cometbft")):
        if path and os.path.exists(path) and cometbft_tag(path) == COMETBFT_TAG:
            return path, False
    os.makedirs(BIN, exist_ok=True)
    env = dict(os.environ, CGO_ENABLED="0", GOBIN=BIN)
    command = ["go", "install", f"{COMETBFT_MODULE}/cmd/cometbft@{COMETBFT_TAG}"]
    done = subprocess.run(command, env=env, stdout=log, stderr=log, check=False)
    if done.returncode != 0 or cometbft_tag(local) != COMETBFT_TAG:
        raise Missing("go install of CometBFT failed; see the log, then run: CGO_ENABLED=0 "
                      f"GOBIN={BIN} " + " ".join(command))
    return local, True


def ensure_build(log, name="local", options=(), targets=(), prefix=()):
    """Configure once and build, all or some targets, with words before both commands (nice,
    env); returns the build folder."""
    folder = os.path.join(ROOT, "build", name)
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run([*prefix, "meson", "setup", folder, *options], cwd=ROOT, stdout=log,
                       stderr=log, check=True)
    subprocess.run([*prefix, "ninja", "-C", folder, *targets], cwd=ROOT, stdout=log, stderr=log,
                   check=True)
    return folder
