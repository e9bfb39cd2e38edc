"""Whole clusters for the tests of cluster clients."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile

import redis

from conftest import PATIENCE_S, eventually

ROOT = pathlib.Path(__file__).parents[2]
NODES = 6
PORTS_TRIED_MAX = 5
# Below those that Linux gives to whoever asks for any; the others follow from them.
FIRST_PORTS = (10_000, 19_000)


def program():
    return os.environ.get("SKEP_TEST_NODE", str(ROOT / "target" / "debug" / "skep"))


class DevCluster:
    """Three primaries with a replica each, as `skep dev` runs them; all end with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skep-test-"))
        self.said = self.folder / "said"
        for _ in range(PORTS_TRIED_MAX):
            first = random.randrange(*FIRST_PORTS)
            self.ports = range(first, first + NODES)
            self.start()
            try:
                if eventually(self.is_settled, "a cluster") == "ready":
                    return
            except BaseException:
                self.end()
                raise
        self.end()
        raise RuntimeError(f"no free ports: {self.said.read_text()}")

    def start(self):
        line = f"dev --nodes {NODES} --port {self.ports[0]} --dir {self.folder / 'nodes'}"
        with self.said.open("w") as said:
            self.supervisor = subprocess.Popen(
                [program(), *line.split()], stdin=subprocess.PIPE, stdout=said, stderr=said
            )

    def is_settled(self):
        text = self.said.read_text()
        if "try:" in text:
            return "ready"
        if self.supervisor.poll() is None:
            return None
        # Somebody else may have taken a port.
        assert "in use" in text, text
        return "taken"

    def node(self, port):
        """A client of one node."""
        return redis.Redis(port=port, socket_timeout=PATIENCE_S)

    def kill(self, port):
        """Kills a node, and answers its process."""
        with self.node(port) as client:
            pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        return pid

    def end(self):
        self.supervisor.send_signal(signal.SIGINT)
        try:
            self.supervisor.wait(PATIENCE_S)
        finally:
            # With it, the kernel ends what it has started.
            self.supervisor.kill()
            self.supervisor.stdin.close()
            shutil.rmtree(self.folder, ignore_errors=True)
