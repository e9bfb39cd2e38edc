"""Connections: names, lists, kills, pauses, pools, asyncio."""

import asyncio
import threading

import pytest
import redis
import redis.asyncio

from conftest import HOST, PATIENCE_S, eventually


def test_ping_and_echo_answer(client):
    assert client.ping() is True
    assert client.echo("hello") == b"hello"


def test_a_client_is_listed_with_what_it_told(client, other, protocol):
    other.client_setname("worker")
    number = other.client_id()
    listed = {int(entry["id"]): entry for entry in client.client_list()}
    entry = listed[number]
    assert entry["name"] == "worker"
    assert entry["db"] == "0"
    assert int(entry["resp"]) == protocol
    assert len(listed) >= 2
    assert other.client_info()["name"] == "worker"
    assert other.client_getname() == "worker" or other.client_getname() == b"worker"


def test_the_library_tells_its_name(client, is_node):
    if not is_node:
        pytest.skip("Redis 7.0 does not know CLIENT SETINFO")
    assert client.client_info()["lib-name"].startswith("redis-py")


def test_a_killed_client_notices_and_comes_back(client, other):
    number = other.client_id()
    assert client.client_kill_filter(_id=number) == 1
    gone = lambda: all(int(entry["id"]) != number for entry in client.client_list())
    eventually(gone, "the killed client to leave the list")
    assert other.ping() is True
    assert other.client_id() != number


def test_kills_by_address_need_one(client):
    with pytest.raises(redis.ResponseError, match="No such client"):
        client.client_kill("127.0.0.1:1")


def test_a_pause_holds_writes_until_it_ends(client, other, connect):
    watcher = connect()
    client.client_pause(60_000, all=False)
    replies = []
    writer = threading.Thread(target=lambda: replies.append(other.set("key", 1)))
    writer.start()
    waiting = lambda: any(entry["cmd"] == "set" for entry in watcher.client_list())
    eventually(waiting, "the writer to wait")
    assert watcher.get("key") is None
    assert replies == []
    client.client_unpause()
    writer.join(PATIENCE_S)
    assert replies == [True]
    assert client.get("key") == b"1"


def test_a_reset_forgets_the_state(client, connect, protocol):
    mine = connect(single_connection_client=True)
    mine.client_setname("named")
    mine.execute_command("MULTI")
    assert mine.execute_command("RESET") in (b"RESET", "RESET")
    # RESET goes back to RESP2, which the library does not expect.
    if protocol == 2:
        assert mine.client_getname() in (None, "", b"")


def test_a_pool_is_used_by_many_threads(client, port, protocol):
    pool = redis.BlockingConnectionPool(
        host=HOST, port=port, protocol=protocol, max_connections=8, timeout=PATIENCE_S
    )
    shared = redis.Redis(connection_pool=pool)
    failures = []

    def work(number):
        for step in range(50):
            shared.set(f"{number}:{step}", step)
            if shared.get(f"{number}:{step}") != str(step).encode():
                failures.append((number, step))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.disconnect()
    assert failures == []
    assert client.dbsize() == 16 * 50


def test_the_asynchronous_client_works(client, port, protocol):
    async def work():
        mine = redis.asyncio.Redis(host=HOST, port=port, protocol=protocol)
        try:
            assert await mine.ping() is True
            sets = [mine.set(f"key:{number}", number) for number in range(50)]
            assert await asyncio.gather(*sets) == [True] * 50
            async with mine.pipeline(transaction=True) as pipeline:
                assert await pipeline.incr("key:1").get("key:1").execute() == [2, b"2"]
            found = {key async for key in mine.scan_iter(count=10)}
            assert len(found) == 50
            async with mine.pubsub() as subscription:
                await subscription.subscribe("news")
                kind = await subscription.get_message(timeout=PATIENCE_S)
                assert kind["type"] == "subscribe"
                assert await mine.publish("news", "hello") == 1
                message = await subscription.get_message(timeout=PATIENCE_S)
                assert message["data"] == b"hello"
        finally:
            await mine.aclose()

    asyncio.run(work())
    assert client.get("key:1") == b"2"


def test_an_unknown_command_is_an_error_that_leaves_the_connection(client):
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("NO-SUCH-COMMAND", "argument")
    assert client.ping() is True
