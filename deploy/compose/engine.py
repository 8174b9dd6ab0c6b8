"""Docker and compose as ./deploy/testnet uses them: by command, containers by service name."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import time

from local import packages

HERE = os.path.dirname(os.path.abspath(__file__))
# VIPER_IMAGE: a name of its own where several builds run side by side.
IMAGE = os.environ.get("VIPER_IMAGE", "viper/testnet")
OWN_BASE, PUBLIC_BASE = "viper/base", "debian:bookworm-slim"
CHAIN = "VIPER_CUT"  # of iptables, in each container that is cut off


class Failed(Exception):
    """A docker command that failed; the text says which and why."""


def run(*command, check=True, timeout=300, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=timeout, **more)
    if check and done.returncode != 0:
        why = (done.stderr or done.stdout).strip()[-600:]
        raise Failed(f"{' '.join(command)[:160]}: exit {done.returncode}: {why}")
    return done


def works(*command):
    return shutil.which(command[0]) is not None and run(*command, check=False).returncode == 0


def versions():
    """(command of compose, text); Missing where there is no engine or no compose."""
    if shutil.which("docker") is None:
        raise packages.Missing("apt-get install docker.io docker-compose")
    told = run("docker", "version", "--format", "{{.Server.Version}}", check=False)
    if told.returncode != 0:
        raise packages.Missing("start the Docker engine, or join its group: "
                               + told.stderr.strip()[-200:])
    for command in (["docker-compose"], ["docker", "compose"]):
        if works(*command, "version", "--short"):
            version = run(*command, "version", "--short").stdout.strip()
            return command, f"docker {told.stdout.strip()}, compose {version}"
    raise packages.Missing("apt-get install docker-compose")


# ---- images ----

def has_image(name):
    return run("docker", "image", "inspect", name, check=False).returncode == 0


def find_base():
    """(name, how): VIPER_BASE, else what is there, else pulled; None: it must be made."""
    if name := os.environ.get("VIPER_BASE"):
        return name, "as VIPER_BASE says"
    for name in (OWN_BASE, PUBLIC_BASE):
        if has_image(name):
            return name, "found"
    if run("docker", "pull", "-q", PUBLIC_BASE, check=False).returncode == 0:
        return PUBLIC_BASE, "pulled"
    return None


def start_base(log):
    """Makes the base beside what else there is to do: it mostly waits for downloads."""
    return subprocess.Popen([os.path.join(HERE, "mkbase"), OWN_BASE], stdout=log, stderr=log)


def finish_base(making):
    if making.wait() != 0:
        raise Failed("no registry answers and mkbase failed; see the log")
    return OWN_BASE, "no registry: made of the distribution's packages"


def stage(folder, build, cometbft):
    """The context of the Dockerfile: nothing but what it copies."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "bin"))
    for path in ("app/node/viperd", "relay/viper-relay", "relay/viper-gateway",
                 "fisherman/viper-fisherman"):
        shutil.copy2(os.path.join(build, path), os.path.join(folder, "bin"))
    for path in (os.path.join(HERE, "entry"), os.path.join(HERE, "health"),
                 os.path.join(packages.ROOT, "tests", "net", "badbackend")):
        shutil.copy2(path, os.path.join(folder, "bin"))
    shutil.copy2(cometbft, os.path.join(folder, "cometbft"))
    shutil.copytree(os.path.join(packages.ROOT, "deploy", "corpus"),
                    os.path.join(folder, "corpus"))


def build_image(base, folder, log):
    """(id, whether it is another one than before)."""
    before = run("docker", "images", "-q", "--no-trunc", IMAGE).stdout.strip()
    done = subprocess.run(["docker", "build", "--build-arg", f"BASE={base}", "-t", IMAGE,
                           "-f", os.path.join(HERE, "Dockerfile"), folder],
                          stdout=log, stderr=log, check=False)
    if done.returncode != 0:
        raise Failed("docker build failed; see the log")
    now = run("docker", "images", "-q", "--no-trunc", IMAGE).stdout.strip()
    return now, now != before


# ---- one project ----

class Project:
    def __init__(self, name, env_file, compose):
        self.name = "viper-" + name
        self.command = [*compose, "-p", self.name, "--env-file", env_file,
                        "-f", os.path.join(HERE, "compose.yaml"), "--profile", "more"]

    def compose(self, *words, **more):
        # A busy machine may take its time to start 18 containers; compose gives it a minute.
        env = dict(os.environ, COMPOSE_HTTP_TIMEOUT="300")
        return run(*self.command, *words, env=env, **more)

    def up(self, names):
        self.compose("up", "-d", "--no-build", *names)

    def down(self):
        """Asked again if need be: the engine may still count an endpoint that has just gone."""
        for left in (2, 1, 0):
            try:
                return self.compose("down", "-v", "--remove-orphans", "-t", "5")
            except Failed as problem:
                if not left:
                    raise Failed(f"{problem}\nif it stays so: restart the Docker engine") from None
                time.sleep(3)

    def containers(self):
        """service -> what docker inspect says, running or not."""
        return containers(self.name)

    def id(self, service, running=False):
        found = self.containers().get(service)
        if found is None:
            raise Failed(f"there is no container {service}; see ./deploy/testnet status")
        if running and not found["State"]["Running"]:
            raise Failed(f"{service} does not run; ./deploy/testnet restart {service}")
        return found["Id"]

    def exec(self, service, *command, **more):
        return run("docker", "exec", self.id(service, True), *command, **more)

    def kill(self, service):
        run("docker", "kill", "-s", "KILL", self.id(service, True))

    def restart(self, service):
        run("docker", "restart", "-t", "10", self.id(service))

    # ---- cuts ----

    def cut(self, others):
        """name -> names whose packets it drops, both ways; an empty set is healed."""
        known = {n: c for n, c in self.containers().items() if c["State"]["Running"]}
        jobs = [(known[n]["Id"], rules([address(known[o]) for o in sorted(them) if o in known]))
                for n, them in others.items() if n in known]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda job: in_network_of(*job), jobs))


def rules(addresses):
    """A script that makes a container drop packets from and to these, and no others."""
    lines = [f"iptables -N {CHAIN} 2>/dev/null || iptables -F {CHAIN}"]
    for hook in ("INPUT", "OUTPUT"):
        lines.append(f"iptables -C {hook} -j {CHAIN} 2>/dev/null || "
                     f"iptables -I {hook} -j {CHAIN}")
    for a in addresses:
        lines.append(f"iptables -A {CHAIN} -s {a} -j DROP")
        lines.append(f"iptables -A {CHAIN} -d {a} -j DROP")
    return "\n".join(lines)


def in_network_of(ident, script):
    """The containers have no capability at all; a short-lived neighbour in their network has
    the one that rules need."""
    run("docker", "run", "--rm", "--network", f"container:{ident}", "--cap-drop", "ALL",
        "--cap-add", "NET_ADMIN", "--user", "0", "--entrypoint", "sh", IMAGE, "-ec", script)


def address(found):
    return next(iter(found["NetworkSettings"]["Networks"].values()))["IPAddress"]


def containers(project):
    """Both composes put these labels on what they start."""
    ids = run("docker", "ps", "-aq", "--filter",
              f"label=com.docker.compose.project={project}").stdout.split()
    if not ids:
        return {}
    found = json.loads(run("docker", "inspect", *ids).stdout)
    return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in found}


def left_over(project):
    """What of a project is still there: containers, networks, volumes."""
    out = []
    for kind, command in (("container", ("ps", "-aq")), ("network", ("network", "ls", "-q")),
                          ("volume", ("volume", "ls", "-q"))):
        out += [f"{kind} {i}" for i in run(
            "docker", *command, "--filter",
            f"label=com.docker.compose.project={project}").stdout.split()]
    return out
