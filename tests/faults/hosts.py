"""The testnet's hosts without Docker: a role is a set of Linux namespaces on one bridge.

Same names, homes, configs, entry and health scripts as in deploy/compose; a host has its own
network, processes, mounts and /tmp, and is started again when it ends by itself, as Docker does.
All of it lies in namespaces of the test: when the test ends, however it does, nothing is left.

Also the same verbs over containers (Containers), so that one table of faults serves both."""

import concurrent.futures
import errno
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

from compose import engine, files
from local import net, packages, procs, rpc

INSIDE = "VIPER_FAULTS_INSIDE"
SUBNET = "10.77.0."
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
AGAIN_MIN, AGAIN_MAX, STAYED = 0.1, 8.0, 10.0  # seconds, as Docker's restart policy
SMALL = {"relay4": ("leaves", "8m"), "node2": ("data", "256m")}
ROLE = {"litecoin": "litecoin", "miner": "miner", "slow": "bad --delay 700ms",
        "stale": "bad --behind 20"}
START = """
set -e
mount -t tmpfs none /var/lib
mkdir /var/lib/viper
[ -z "$HOST_HOME" ] || mount --rbind "$HOST_HOME" /var/lib/viper
mount --bind "$HOST_USR" /usr/local
mount -t tmpfs none /tmp # last: the homes may lie there
until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip link set eth0 address "$HOST_MAC"
ip addr add "$HOST_ADDRESS/24" dev eth0
ip link set lo up
ip link set eth0 up
echo 5 >/proc/sys/net/ipv4/tcp_retries2
cd /var/lib/viper
exec entry $HOST_ROLE
"""


def enter():
    """Run this program again inside namespaces of its own; returns only in there."""
    if os.environ.get(INSIDE):
        return
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
               "--propagation", "private"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    os.environ[INSIDE] = "1"
    os.execvp("unshare", command + ["/usr/bin/python3", *sys.argv])


class Eyes(net.View):
    """The network as it is seen from a machine beside it, which every host answers: by host,
    since ports of one node say nothing when that node is the one that is gone."""

    def __init__(self, address):
        super().__init__({})
        self.address = address  # name -> IP address
        self.shut = set()       # nodes that are not asked: known to be away

    def nodes(self):
        return [n for n in files.NODES if n not in self.shut] or list(files.NODES)

    def first(self, ask):
        problem = None
        for name in self.nodes():
            try:
                return ask(name)
            except (OSError, rpc.RpcError) as error:
                if isinstance(error, rpc.RpcError) and "404" not in str(error):
                    raise
                problem = error
        raise problem

    def rest(self, path, node=None):
        def ask(name):
            return rpc.get(f"http://{self.address(name)}:1317{path}", timeout=3.0)
        return self.first(ask) if node is None else ask(f"node{node}")

    def comet(self, node=None):
        return Comet(self) if node is None else rpc.JsonRpc(self.address(f"node{node}"), 26657,
                                                           timeout=3.0)

    def gateway(self, chain):
        return rpc.JsonRpc(self.address("gateway"), 8481, f"/v1/{chain:04x}")


class Comet:
    """JSON-RPC of whichever node answers."""

    def __init__(self, eyes):
        self.eyes = eyes

    def call(self, method, params=()):
        return self.eyes.first(lambda name: rpc.JsonRpc(
            self.eyes.address(name), 26657, timeout=3.0).call(method, params))


class Hosts:
    """What a fault does to hosts; subclasses say how."""

    def __init__(self, folder, build, cometbft):
        self.folder, self.build, self.cometbft = folder, build, cometbft
        self.files = files.Files(folder, build, cometbft)
        self.view = Eyes(self.address)

    def home(self, name):
        return self.files.home(name)

    def each(self, verb, names):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(verb, names))

    def health(self, name):
        """(healthy, why not), asked as cheaply as it goes: the machine has other work."""
        role = name.rstrip("0123456789")
        try:
            return getattr(self, role + "_health", lambda _: None)(name) is None, ""
        except (OSError, rpc.RpcError) as problem:
            return False, str(problem)

    def node_health(self, name):
        """It is synced, and its vote is in the last block."""
        comet = rpc.JsonRpc(self.address(name), 26657, timeout=5.0)
        told = comet.call("status")
        if told["sync_info"]["catching_up"]:
            raise OSError("catching up")
        height, mine = told["sync_info"]["latest_block_height"], told["validator_info"]["address"]
        commit = comet.call("commit", {"height": str(int(height) - 1)})["signed_header"]["commit"]
        if not any(v["validator_address"] == mine and v["block_id_flag"] == 2
                   for v in commit["signatures"]):
            raise OSError(f"has not signed block {int(height) - 1}")

    def relay_health(self, name):
        rpc.get(f"http://{self.address(name)}:8500/health")

    def gateway_health(self, name):
        rpc.get(f"http://{self.address(name)}:8481/health")

    def fisherman_health(self, name):
        told = self.exec(name, "curl", "-s", "-m", "5", "http://127.0.0.1:9464/health",
                         check=False).stdout
        if '"status":"ok"' not in told:
            raise OSError(told.strip() or "/health does not answer")

    def litecoin_health(self, name):
        rpc.JsonRpc(self.address(name), 19332, auth=net.LITECOIN_AUTH).call("getblockcount")

    def slow_health(self, name):
        rpc.JsonRpc(self.address(name), 9001).raw(b'{"method": "help"}')

    stale_health = slow_health

    def kill_process(self, name, program):
        """SIGKILL of one process of a host; nobody starts the host again by hand."""
        self.exec(name, "sh", "-c", f"kill -9 $(pidof {program})")

    def drop(self, name, lines):
        """Replace the packet rules of a host by these, of the chain engine.CHAIN."""
        self.script(name, engine.rules(()) + "".join("\n" + line for line in lines))

    # ---- disks of their own, which can be full ----

    def small_disks(self):
        """Before the start, or while these hosts are down."""
        for name, (part, size) in SMALL.items():
            path = self.part(name)
            os.makedirs(path, exist_ok=True)
            kept = os.path.join(self.folder, "kept")
            shutil.copytree(path, kept)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700",
                            "viper-faults", path], check=True)
            shutil.copytree(kept, path, dirs_exist_ok=True)
            shutil.rmtree(kept)

    def free_disks(self):
        for name in SMALL:
            subprocess.run(["umount", "-l", self.part(name)], check=False)

    def part(self, name):
        return os.path.join(self.home(name), SMALL[name][0])

    def fill(self, name):
        try:
            with open(os.path.join(self.part(name), "filler"), "wb", buffering=0) as f:
                while True:
                    f.write(bytes(4096))
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise

    def free(self, name):
        os.unlink(os.path.join(self.part(name), "filler"))

    # ---- backends ----

    def misbehave(self, name, **mode):
        """Without a mode: as a good one."""
        for port in (9001, 9002):
            procs.wait_until(f"{name} to hear", lambda p=port: rpc.post(
                f"http://{self.address(name)}:{p}/mode", mode), 20)


class Namespaces(Hosts):
    def __init__(self, folder, build, cometbft):
        self.numbers = {name: i + 11 for i, name in enumerate(files.ALL)}
        super().__init__(folder, build, cometbft)
        self.usr = os.path.join(folder, "usr")
        self.logs = os.path.join(folder, "logs")
        os.makedirs(self.logs, exist_ok=True)
        self.running, self.wanted, self.lock = {}, set(), threading.Lock()
        self.again, self.restarts = {}, {}
        self.over = threading.Event()

    def address(self, name):
        return f"{SUBNET}{self.numbers[name]}"

    # ---- life ----

    def prepare(self):
        actors, _ = self.files.prepare()
        self.view.actors = actors
        staged = self.folder + "/staged"
        engine.stage(staged, self.build, self.cometbft)
        os.makedirs(self.usr + "/share/viper", exist_ok=True)
        shutil.move(staged + "/bin", self.usr + "/bin")
        shutil.move(staged + "/cometbft", self.usr + "/bin/cometbft")
        shutil.move(staged + "/corpus", self.usr + "/share/viper/corpus")
        with open(self.folder + "/hosts", "w", encoding="ascii") as f:
            f.write("127.0.0.1 localhost\n")
            f.writelines(f"{self.address(n)} {n}\n" for n in files.ALL)
        for command in (f"mount --bind {shlex.quote(self.folder)}/hosts /etc/hosts",
                        "ip link set lo up", "ip link add br0 type bridge",
                        f"ip addr add {SUBNET}1/24 dev br0", "ip link set br0 up"):
            subprocess.run(shlex.split(command), check=True)
        threading.Thread(target=self.watch, daemon=True).start()

    def start(self, name):
        with self.lock:
            self.wanted.add(name)
            self.spawn(name)

    def spawn(self, name):
        number = self.numbers[name]
        env = {"PATH": PATH, "HOST_USR": self.usr, "HOST_ADDRESS": self.address(name),
               "HOST_MAC": f"02:00:0a:4d:00:{number:02x}",
               "HOST_HOME": self.home(name) if name in files.HOMES else "",
               "HOST_ROLE": ROLE.get(name, name.rstrip("0123456789"))}
        with open(os.path.join(self.logs, name + ".log"), "ab") as log:
            popen = subprocess.Popen(
                ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
                 "--mount-proc", "bash", "-c", START], env=env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.running[name] = popen, time.monotonic()
        mine = os.readlink("/proc/self/ns/net")
        procs.wait_until(f"the network of {name}", lambda: os.readlink(
            f"/proc/{popen.pid}/ns/net") != mine, 10)
        subprocess.run(["ip", "link", "del", f"v{number}"], check=False,
                       stderr=subprocess.DEVNULL)  # of a life that has just ended
        subprocess.run(["ip", "link", "add", f"v{number}", "master", "br0", "up", "type", "veth",
                        "peer", "name", "eth0", "netns", str(popen.pid)],
                       check=False)  # it has ended already: watch starts it again

    def watch(self):
        """Whoever ends without being told to is started again, ever later if it ends at once."""
        while not self.over.wait(0.05):
            with self.lock:
                for name in list(self.wanted):
                    popen, since = self.running[name]
                    if popen.poll() is None:
                        continue
                    due, pause = self.again.get(name, (None, AGAIN_MIN))
                    if due is None:  # it has just ended
                        stayed = time.monotonic() - since > STAYED
                        pause = AGAIN_MIN if stayed else pause
                        self.again[name] = time.monotonic() + pause, pause
                    elif time.monotonic() >= due:
                        self.again[name] = None, min(2 * pause, AGAIN_MAX)
                        self.restarts[name] = self.restarts.get(name, 0) + 1
                        self.spawn(name)

    def kill(self, name):
        with self.lock:
            self.wanted.discard(name)
            popen, _ = self.running[name]
            os.killpg(popen.pid, signal.SIGKILL)
            popen.wait(10)

    def pause(self, name):
        os.killpg(self.running[name][0].pid, signal.SIGSTOP)

    def resume(self, name):
        os.killpg(self.running[name][0].pid, signal.SIGCONT)

    def stop(self):
        self.over.set()
        with self.lock:
            for popen, _ in self.running.values():
                if popen.poll() is None:
                    os.killpg(popen.pid, signal.SIGKILL)
                    popen.wait(10)

    # ---- inside a host ----

    def inner(self, name):
        """The first process of the host, as it is seen from here."""
        pid = self.running[name][0].pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            children = f.read().split()
        if not children:
            raise engine.Failed(f"{name} does not run")
        return children[0]

    def exec(self, name, *command, **more):
        return engine.run("nsenter", "-t", self.inner(name), "-m", "-n", "-p", "--", *command,
                          env={"PATH": PATH}, **more)

    def script(self, name, text):
        engine.run("nsenter", "-t", self.inner(name), "-n", "--", "sh", "-ec", text)


class Containers(Hosts):
    """The hosts of a testnet that runs: ./deploy/testnet --name NAME up."""

    def __init__(self, folder, build, cometbft, project):
        self.project, self.known = project, {}
        super().__init__(folder, build, cometbft)
        self.view.actors = self.files.actors()

    def address(self, name):
        if name not in self.known:
            self.known = {n: engine.address(c) for n, c in self.project.containers().items()
                          if c["State"]["Running"]}
        if name not in self.known:
            raise OSError(f"{name} does not run")
        return self.known[name]

    def start(self, name):
        engine.run("docker", "start", self.project.id(name))
        self.known = {}

    def kill(self, name):
        self.project.kill(name)

    def pause(self, name):
        """runc gives up when a busy machine does not freeze the processes at once."""
        for left in (2, 1, 0):
            try:
                return engine.run("docker", "pause", self.project.id(name))
            except engine.Failed:
                if not left:
                    raise

    def resume(self, name):
        engine.run("docker", "unpause", self.project.id(name))

    def exec(self, name, *command, **more):
        return self.project.exec(name, *command, **more)

    def script(self, name, text):
        engine.in_network_of(self.project.id(name, True), text)


def cometbft():
    local = os.path.join(packages.BIN, "cometbft")
    return local if os.path.exists(local) else shutil.which("cometbft")
