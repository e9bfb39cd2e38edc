"""The server and the clients that the tests talk through.

`SKEP_TEST_PORT` says where the server is (`with-server` sets it). Every test runs once in RESP2 and
once in RESP3, on a server that was emptied before it.
"""

import os
import time

import pytest
import redis

HOST = "127.0.0.1"
PATIENCE_S = 20
STEP_S = 0.005


def eventually(condition, what):
    """Waits until `condition` returns something true, and returns that."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        seen = condition()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"waited in vain for {what}; last seen: {seen!r}"
        time.sleep(STEP_S)


@pytest.fixture(scope="session")
def port():
    return int(os.environ["SKEP_TEST_PORT"])


@pytest.fixture(scope="session")
def is_node():
    """Whether the server is ours and not one that it is compared with."""
    return os.environ.get("SKEP_TEST_SERVER", "skep") == "skep"


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request):
    return request.param


@pytest.fixture
def connect(port, protocol):
    """Makes clients that are closed at the end of the test."""
    made = []

    def make(**options):
        options = {"protocol": protocol, "socket_timeout": PATIENCE_S, **options}
        made.append(redis.Redis(host=HOST, port=port, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()
        client.connection_pool.disconnect()


@pytest.fixture
def client(connect):
    client = connect()
    client.flushall()
    return client


@pytest.fixture
def other(client, connect):
    """A second client, in no way like the first but for the server."""
    return connect()
