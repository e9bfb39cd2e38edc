"""Whole clusters for the tests of cluster clients."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import redis

from conftest import PATIENCE_S, eventually

ROOT = pathlib.Path(__file__).parents[2]
NODES = 6


def program():
    return os.environ.get("SKEP_TEST_NODE", str(ROOT / "target" / "debug" / "skep"))


class DevCluster:
    """Three primaries with a replica each, as `skep dev` runs them; all end with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skep-test-"))
        line = [program(), "dev", "--nodes", str(NODES), "--dir", str(self.folder / "nodes")]
        self.said = self.folder / "said"
        with self.said.open("w") as said:
            self.supervisor = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=said, stderr=said)
        try:
            text = eventually(self.is_ready, "a cluster")
            first, last = re.search(r"127\.0\.0\.1:(\d+)-(\d+)", text).groups()
        except BaseException:
            self.end()
            raise
        self.ports = range(int(first), int(last) + 1)

    def is_ready(self):
        text = self.said.read_text()
        assert self.supervisor.poll() is None, text
        return text if "try:" in text else None

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
