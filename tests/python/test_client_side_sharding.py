"""The example in Python finds every recorded key where the node's own code does."""

import contextlib
import importlib.util
import json
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

from conftest import HOST, PATIENCE_S

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "client_side_sharding"


def load_example():
    spec = importlib.util.spec_from_file_location("ring", EXAMPLE / "ring.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = load_example()


@pytest.fixture(scope="module")
def vectors():
    return json.loads((EXAMPLE / "vectors.json").read_text())


@contextlib.contextmanager
def node_that_answers(reply):
    """The port of a server that gives its first client one answer, and a list of what it was asked."""
    asked = []
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE_S)

        def serve():
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(1024))
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            thread.join(PATIENCE_S)


def test_every_recorded_key_is_found_where_the_node_has_it(vectors):
    ring = example.parse(json.dumps(vectors["ring"]))
    assert len(vectors["keys"]) > 300
    for vector in vectors["keys"]:
        key = bytes.fromhex(vector["key"])
        shard = ring.shard_of(key)
        found = (shard["id"], shard["primary"]["id"]) if shard else (None, None)
        assert example.slot_of(key) == vector["slot"], vector
        assert found == (vector["shard"], vector["node"]), vector


def test_the_ring_places_every_recorded_slot_as_the_node_does(vectors):
    placement = example.Placement(example.Ring(vectors["ring"]))
    for vector in vectors["keys"]:
        assert placement.shard_of_slot(vector["slot"]) == vector["placed"], vector


def test_a_node_is_asked_for_its_ring(vectors):
    text = json.dumps(vectors["ring"]).encode()
    with node_that_answers(b"$%d\r\n%s\r\n" % (len(text), text)) as (port, asked):
        ring = example.load(f"{HOST}:{port}")
    assert asked == [b"*2\r\n$7\r\nCLUSTER\r\n$4\r\nRING\r\n"]
    assert ring.topology_version == vectors["ring"]["topology_version"]


def test_what_is_no_ring_is_refused(vectors):
    for answer, error in [
        (b"-ERR no\r\n", "answered '-ERR no'"),
        (b"", "answered ''"),
        (b"$-1\r\n", "announced -1 bytes"),
        (b"$99999999999\r\n", "announced 99999999999 bytes"),
        (b"$9\r\n{}", "hung up"),
        (b"$2\r\n{}\r\n", "version None"),
        (b"$2\r\n[]\r\n", "no ring document"),
    ]:
        with node_that_answers(answer) as (port, _):
            with pytest.raises(example.RingError, match=error.replace("[", r"\[")):
                example.ask(HOST, port)
    for document, error in [
        ({**vectors["ring"], "version": 2}, "version 2"),
        ({**vectors["ring"], "shards": [{"slots": [[5, 16384]]}]}, "5-16384"),
    ]:
        with pytest.raises(example.RingError, match=error):
            example.parse(json.dumps(document))
    unknown = {**vectors["ring"], "ring": {**vectors["ring"]["ring"], "version": 2}}
    assert example.Ring(unknown).shard_of(b"key") == example.Ring(vectors["ring"]).shard_of(b"key")
    with pytest.raises(example.RingError, match="rule of the ring"):
        example.Placement(example.Ring(unknown))


def test_a_node_on_its_own_has_no_ring(port, is_node):
    if not is_node:
        pytest.skip("CLUSTER RING is ours")
    with pytest.raises(example.RingError, match="cluster support disabled"):
        example.load(f"{HOST}:{port}")


def test_the_program_tells_where_keys_are(vectors, tmp_path):
    document = tmp_path / "ring.json"
    document.write_text(json.dumps(vectors["ring"]))

    def run(*arguments):
        command = [sys.executable, EXAMPLE / "ring.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)

    done = run(document, "123456789", "user:{1000}:name")
    assert done.stdout.splitlines() == [
        "topology version 1234",
        f"123456789: slot 12739, two.bees.example:7002, node {'02' * 20} of shard {'a2' * 20}",
        f"user:{{1000}}:name: slot 11326, nobody; CLUSTER PLACE would give it to {'a7' * 20}",
    ]
    assert (done.returncode, done.stderr) == (0, "")
    assert run(document).returncode == 2
    lost = run("nowhere", "key")
    assert lost.returncode == 1
    assert "neither a file nor" in lost.stderr
