"""redis-py's cluster client notices no difference to a Redis Cluster."""

import threading

import pytest
import redis

from clusters import DevCluster
from conftest import HOST, PATIENCE_S, eventually

KEYS = 300


def wait_until_replicas_are_told_of(cluster):
    """A client takes replicas from CLUSTER SLOTS, where only those are that have caught up."""

    def is_complete(port):
        with cluster.node(port) as node:
            return sum(len(place) - 3 for place in node.execute_command("CLUSTER SLOTS")) == 3

    eventually(lambda: all(map(is_complete, cluster.ports)), "three replicas at every node")


@pytest.fixture(scope="module")
def cluster():
    cluster = DevCluster()
    yield cluster
    cluster.end()


@pytest.fixture
def make(cluster, protocol):
    """Makes cluster clients that are closed at the end of the test."""
    wait_until_replicas_are_told_of(cluster)
    made = []

    def make(**options):
        options = {"protocol": protocol, "socket_timeout": PATIENCE_S, **options}
        made.append(redis.RedisCluster(host=HOST, port=cluster.ports[0], **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make):
    client = make()
    client.flushall(target_nodes=redis.RedisCluster.PRIMARIES)
    return client


def test_keys_are_spread_over_all_primaries(client):
    for number in range(KEYS):
        assert client.set(f"key:{number}", number)
    assert [client.get(f"key:{number}") for number in range(KEYS)] == [
        b"%d" % number for number in range(KEYS)
    ]
    sizes = client.dbsize(target_nodes=redis.RedisCluster.PRIMARIES)
    assert sizes == KEYS
    assert len(client.get_primaries()) == 3
    assert len(client.get_replicas()) == 3
    for node in client.get_primaries():
        assert client.dbsize(target_nodes=node) > KEYS / 10


def test_pipelines_and_many_keys_go_to_several_nodes(client):
    with client.pipeline() as pipe:
        for number in range(KEYS):
            pipe.set(f"key:{number}", number)
            pipe.incr(f"key:{number}")
        assert pipe.execute() == [
            answer for number in range(KEYS) for answer in (True, number + 1)
        ]
    names = [f"key:{number}" for number in range(KEYS)]
    assert client.mget_nonatomic(names) == [b"%d" % (number + 1) for number in range(KEYS)]
    assert client.mset_nonatomic({name: "x" for name in names})
    assert client.delete(*names) == KEYS


def test_all_keys_are_found_by_scanning(client):
    names = {f"key:{number}" for number in range(KEYS)}
    client.mset_nonatomic(dict.fromkeys(names, "x"))
    assert {name.decode() for name in client.scan_iter("key:*", count=7)} == names
    # Without a target, redis-py asks one node only.
    everywhere = redis.RedisCluster.PRIMARIES
    assert {name.decode() for name in client.keys("key:*", target_nodes=everywhere)} == names


def test_keys_of_one_hash_tag_go_together(client):
    client.mset({"{user:1}name": "Ada", "{user:1}city": "London"})
    assert client.mget("{user:1}name", "{user:1}city") == [b"Ada", b"London"]
    with pytest.raises(redis.exceptions.RedisClusterException, match="same key slot"):
        client.mget("a", "b")
    with client.pipeline(transaction=True) as pipe:
        pipe.incr("{user:1}visits")
        pipe.incr("{user:1}visits")
        assert pipe.execute() == [1, 2]


def test_messages_reach_subscribers(client):
    with client.pubsub() as subscriber:
        subscriber.subscribe("news")
        eventually(lambda: subscriber.get_message(), "the subscription")
        # Published by whichever node the client picks for a channel.
        client.publish("news", "hello")
        message = eventually(lambda: subscriber.get_message(), "a message")
        assert (message["type"], message["data"]) == ("message", b"hello")


def test_shard_messages_reach_subscribers(client):
    with client.pubsub() as subscriber:
        channels = [f"channel:{number}" for number in range(9)]
        for channel in channels:
            subscriber.ssubscribe(channel)
        for channel in channels:
            assert client.spublish(channel, channel) == 1
        seen = set()

        def all_seen():
            message = subscriber.get_sharded_message(ignore_subscribe_messages=True)
            if message is not None:
                assert message["type"] == "smessage"
                assert message["channel"] == message["data"]
                seen.add(message["data"].decode())
            return seen == set(channels)

        eventually(all_seen, "a message of every channel")


def test_replicas_are_read_from(make, client, cluster):
    reader = make(read_from_replicas=True)
    client.mset_nonatomic({f"key:{number}": number for number in range(KEYS)})
    assert client.wait(1, 5000, target_nodes=redis.RedisCluster.PRIMARIES) >= 1

    def hits():
        counts = []
        for node in client.get_replicas():
            counts.append(client.info("stats", target_nodes=node)["keyspace_hits"])
        return counts

    before = hits()
    for number in range(KEYS):
        assert reader.get(f"key:{number}") == b"%d" % number
    assert all(now > was for was, now in zip(before, hits(), strict=True))


def test_the_cluster_is_told_as_redis_tells_it(client, cluster):
    info = client.cluster_info()
    assert (info["cluster_state"], info["cluster_slots_ok"]) == ("ok", "16384")
    nodes = client.cluster_nodes()
    assert sorted(int(address.split(":")[1]) for address in nodes) == list(cluster.ports)
    slots = client.cluster_slots()
    assert sum(last - first + 1 for first, last in slots) == 16384
    assert all(len(place["replicas"]) == 1 for place in slots.values())
    assert client.cluster_keyslot("foo") == 12182
    assert len(client.cluster_shards()) == 3
    assert client.cluster_countkeysinslot(12182) == 0


def test_a_planned_failover_is_followed(client):
    client.set("foo", 1)
    old = client.get_node_from_key("foo")
    replica = client.get_node_from_key("foo", replica=True)
    assert client.cluster_failover(replica)
    for number in range(100):
        assert client.incr("foo") == number + 2
    assert client.get_node_from_key("foo").name == replica.name != old.name


def test_a_client_survives_the_death_of_a_primary():
    cluster = DevCluster()
    try:
        wait_until_replicas_are_told_of(cluster)
        client = redis.RedisCluster(
            host=HOST, port=cluster.ports[-1], socket_timeout=PATIENCE_S
        )
        ends, failures, written = threading.Event(), [], {}

        def write():
            number = 0
            while not ends.is_set():
                number += 1
                name = f"key:{number % 50}"
                try:
                    assert client.set(name, number)
                    written[name] = number
                except redis.ConnectionError:
                    # redis-py tries ten times at once, sooner than any failover, and then tells.
                    pass
                except redis.RedisError as error:
                    failures.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            eventually(lambda: len(written) == 50, "writes")
            victim = client.get_node_from_key("key:0")
            cluster.kill(victim.port)
            then = dict(written)
            eventually(
                lambda: all(written[name] > then[name] for name in then),
                "writes to all keys after the failover",
            )
        finally:
            ends.set()
            writer.join()
        assert not failures
        for name, number in written.items():
            assert int(client.get(name)) >= number
        client.close()
    finally:
        cluster.end()
