"""What articles print for Redis Cluster runs here as it is printed: addresses, ports, commands.

Six nodes, each with an address of its own and all with port 7000, in a network of their own.
"""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from clusters import program
from conftest import PATIENCE_S, eventually

CREATE = """
redis-cli --cluster create \\
  192.168.1.1:7000 \\
  192.168.1.2:7000 \\
  192.168.1.3:7000 \\
  192.168.1.4:7000 \\
  192.168.1.5:7000 \\
  192.168.1.6:7000 \\
  --cluster-replicas 1
"""
CLIENT = """
import redis

# Redis Cluster client handles topology automatically
r = redis.RedisCluster(
    host='192.168.1.1',
    port=7000,
    skip_full_coverage_check=True
)

# Works the same as single Redis
r.set('key', 'value')
r.get('key')
"""
READER = """
import redis

# Python Redis Cluster
r = redis.RedisCluster(
    host='192.168.1.1',
    port=7000,
    skip_full_coverage_check=True,
    read_from_replicas=True  # Read from replicas for scale
)
"""
ADDRESSES = [f"192.168.1.{number}" for number in range(1, 7)]


class Network:
    """A network namespace in which only we are, for as long as this lives."""

    def __init__(self, stack):
        # It waits for the end of its input.
        line = ["unshare", "--net", "cat"]
        self.holder = subprocess.Popen(line, stdin=subprocess.PIPE)
        stack.callback(self.holder.wait, PATIENCE_S)
        stack.callback(self.holder.stdin.close)
        own = os.readlink("/proc/self/ns/net")
        theirs = f"/proc/{self.holder.pid}/ns/net"
        eventually(lambda: os.readlink(theirs) != own, "a network namespace")
        self.run("ip", "link", "set", "lo", "up")
        for address in ADDRESSES:
            self.run("ip", "address", "add", f"{address}/32", "dev", "lo")

    def line(self, *words):
        return ["nsenter", "--net", "--target", str(self.holder.pid), *words]

    def run(self, *words, **options):
        """Runs a program in it, and answers what it printed."""
        done = subprocess.run(
            self.line(*words), capture_output=True, text=True, timeout=60, **options
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network with six nodes that do not know each other yet."""
    if os.geteuid() != 0:
        pytest.skip("192.168.1.1 needs a network namespace, which only root may have")
    missing = [name for name in ("unshare", "nsenter", "ip", "redis-cli") if not shutil.which(name)]
    if missing:
        pytest.skip(f"192.168.1.1 needs a network namespace, and there is no {missing}")
    folder = tmp_path_factory.mktemp("article")
    authority = str(folder / "ca")
    subprocess.run([program(), "ca", "init", authority, "--cluster", "article"], check=True)
    with contextlib.ExitStack() as stack:
        network = Network(stack)
        for address in ADDRESSES:
            home = str(folder / address)
            subprocess.run([program(), "ca", "issue", authority, "--out", home], check=True)
            # Without a password, or this, only 127.0.0.1 is served.
            line = f"--cluster-enabled yes --bind {address} --port 7000 --protected-mode no --dir {home}"
            log = stack.enter_context((folder / f"{address}.log").open("w"))
            node = subprocess.Popen(
                network.line(program(), *line.split(), "--workers", "1", "--admin-port", "0"),
                stdout=log,
                stderr=log,
            )
            stack.callback(node.wait, PATIENCE_S)
            stack.callback(node.kill)

        def all_answer():
            pings = (network.line("redis-cli", "-h", it, "-p", "7000", "PING") for it in ADDRESSES)
            return all(
                subprocess.run(ping, capture_output=True, check=False).stdout == b"PONG\n"
                for ping in pings
            )

        eventually(all_answer, "six nodes")
        yield network


@pytest.fixture(scope="module")
def made(network):
    """What redis-cli says when it makes the cluster, and is told that it may."""
    said = network.run("sh", "-c", CREATE, input="yes\n")

    def is_well():
        told = network.run("redis-cli", "-h", ADDRESSES[3], "-p", "7000", "cluster", "info")
        return "cluster_state:ok" in told and told

    eventually(is_well, "a cluster that is well")
    return said


def test_the_cluster_is_made_as_it_is_printed(made, network):
    assert "Can I set the above configuration? (type 'yes' to accept)" in made
    assert "[OK] All 16384 slots covered." in made
    told = network.run("redis-cli", "-h", ADDRESSES[5], "-p", "7000", "cluster", "nodes")
    lines = told.splitlines()
    assert sum(" master " in line or ",master " in line for line in lines) == 3
    assert sum(" slave " in line or ",slave " in line for line in lines) == 3
    for address in ADDRESSES:
        assert f"{address}:7000@17000" in told


def test_the_client_works_as_it_is_printed(made, network):
    script = CLIENT + "\nprint(r.get('key'), len(r.get_nodes()))\n"
    assert network.run(sys.executable, "-c", script) == "b'value' 6\n"


def test_the_client_reads_from_replicas_as_it_is_printed(made, network):
    check = """
for number in range(100):
    r.set(f'key:{number}', number)
r.wait(1, 5000, target_nodes=redis.RedisCluster.PRIMARIES)
assert all(int(r.get(f'key:{number}')) == number for number in range(100))
hits = [r.info('stats', target_nodes=node)['keyspace_hits'] for node in r.get_replicas()]
print(len(hits), all(hits))
"""
    said = network.run(sys.executable, "-W", "ignore", "-c", READER + check)
    assert said == "3 True\n"


def test_its_health_check_works_as_it_is_printed(made, network):
    # As on the machine of a node: its port and address are what redis-cli is told.
    line = "redis-cli cluster nodes | grep master"
    host = f"redis-cli -h {ADDRESSES[0]} -p 7000"
    said = network.run("sh", "-c", line.replace("redis-cli", host))
    assert len(said.splitlines()) == 3
