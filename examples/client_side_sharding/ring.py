#!/usr/bin/env python3
"""Finds the node of a key from a ring document, without asking for every key.

    ring.py SOURCE KEY...

SOURCE is a node as `host:port`, which is asked `CLUSTER RING`, or a file that holds its answer.
The standard library is enough. README.md says what is in the document and how long it holds.
"""

import binascii
import bisect
import json
import os
import socket
import sys

DOCUMENT_VERSION = 1
RING_VERSION = 1
SLOT_COUNT = 16384
DOCUMENT_BYTES_MAX = 64 << 20
PATIENCE_S = 5

MASK = (1 << 64) - 1
# The first 64 bytes of XXH3's secret, as little-endian numbers.
XXH3_SECRET = (
    0xBE4BA423396CFEB8, 0x1CAD21F72C81017C, 0xDB979083E96DD4DE, 0x1F67B3B7A4A44072,
    0x78E5C0CC4EE679CB, 0x2172FFCC7DD05A82, 0x8E2443F7744608B8, 0x4C263A81E69035E0,
)


class RingError(Exception):
    """A source that has no ring document which this program understands."""


def slot_of(key):
    """The slot of a key, which is bytes."""
    begin = key.find(b"{") + 1
    end = key.find(b"}", begin)
    tag = key[begin:end] if begin > 0 and end > begin else key
    return binascii.crc_hqx(tag, 0) % SLOT_COUNT


class Ring:
    """Who owns which slot, in one version of a cluster's topology."""

    def __init__(self, document):
        if document.get("version") != DOCUMENT_VERSION:
            version = document.get("version")
            raise RingError(f"version {version!r} of the ring document is unknown; update this program")
        self.topology_version = document["topology_version"]
        self.shards = document["shards"]
        self.parameters = document["ring"]
        self._owners = [None] * SLOT_COUNT
        for shard in self.shards:
            for first, last in shard["slots"]:
                if not 0 <= first <= last < SLOT_COUNT:
                    raise RingError(f"{first}-{last} is no range of slots")
                self._owners[first : last + 1] = [shard] * (last + 1 - first)

    def shard_of(self, key):
        """The shard of a key; None if nobody serves its slot."""
        return self._owners[slot_of(key)]


class Placement:
    """Which shards the ring gives slots that nobody owns. No use for finding keys."""

    def __init__(self, ring):
        parameters = ring.parameters
        known = (RING_VERSION, "xxh3-64", 0)
        if (parameters["version"], parameters["hash"], parameters["seed"]) != known:
            raise RingError(f"the rule of the ring is unknown: {parameters}; update this program")
        self._points = sorted(
            (xxh3_64(f"{shard['id']}#{number}".encode()), shard["id"])
            for shard in ring.shards
            for number in range(point_count(parameters["virtual_nodes"], shard["weight"]))
        )
        if not self._points:
            raise RingError("no shard has a weight above 0, so the ring gives slots to nobody")

    def shard_of_slot(self, slot):
        """The id of the first shard at or after a slot's place on the circle."""
        at = bisect.bisect_left(self._points, (slot << 50,))
        return self._points[at % len(self._points)][1]


def point_count(virtual_nodes, weight):
    return max(1, int(virtual_nodes * weight + 0.5)) if weight > 0 else 0


def xxh3_64(text):
    """XXH3-64 with the seed 0, of 33 to 64 bytes: the text of a point has 42 and more."""
    if not 33 <= len(text) <= 64:
        raise ValueError(f"{len(text)} bytes; this part of XXH3 is for 33 to 64")

    def word(at):
        return int.from_bytes(text[at : at + 8], "little")

    total = len(text) * 0x9E3779B185EBCA87
    for number, at in enumerate([0, len(text) - 16, 16, len(text) - 32]):
        low, high = XXH3_SECRET[2 * number : 2 * number + 2]
        product = (word(at) ^ low) * (word(at + 8) ^ high)
        total += (product & MASK) ^ (product >> 64)
    total &= MASK
    total = (total ^ (total >> 37)) * 0x165667919E3779F9 & MASK
    return total ^ (total >> 32)


def parse(text):
    """The ring of a document's text."""
    try:
        return Ring(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RingError(f"no ring document: {error!r}") from error


def ask(host, port):
    """The ring of the cluster that a node belongs to."""
    with socket.create_connection((host, port), PATIENCE_S) as connection:
        connection.sendall(b"*2\r\n$7\r\nCLUSTER\r\n$4\r\nRING\r\n")
        with connection.makefile("rb") as replies:
            head = replies.readline(1024).decode(errors="replace").strip()
            if not head.startswith("$"):
                raise RingError(f"{host}:{port} answered {head!r}")
            length = int(head[1:])
            if not 0 <= length <= DOCUMENT_BYTES_MAX:
                raise RingError(f"{host}:{port} announced {length} bytes")
            text = replies.read(length)
    if len(text) < length:
        raise RingError(f"{host}:{port} hung up within its answer")
    return parse(text)


def load(source):
    """The ring from a file, or from the node at `host:port`."""
    if os.path.exists(source):
        with open(source, "rb") as file:
            return parse(file.read(DOCUMENT_BYTES_MAX))
    host, _, port = source.rpartition(":")
    if not host or not port.isdecimal():
        raise RingError(f"{source} is neither a file nor the host:port of a node")
    return ask(host.strip("[]"), int(port))


def main(arguments):
    if len(arguments) < 2:
        sys.stderr.write("usage: ring.py host:port|FILE KEY...\n")
        return 2
    try:
        ring = load(arguments[0])
    except (RingError, OSError) as error:
        sys.stderr.write(f"ring.py: {error}\n")
        return 1
    print(f"topology version {ring.topology_version}")
    for key in map(os.fsencode, arguments[1:]):
        print(f"{key.decode(errors='replace')}: slot {slot_of(key)}, {place(ring, key)}")
    return 0


def place(ring, key):
    """Where a key is, in words."""
    shard = ring.shard_of(key)
    if shard:
        node = shard["primary"]
        return f"{node['host']}:{node['port']}, node {node['id']} of shard {shard['id']}"
    try:
        placed = Placement(ring).shard_of_slot(slot_of(key))
    except RingError:
        placed = "no shard"
    return f"nobody; CLUSTER PLACE would give it to {placed}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
