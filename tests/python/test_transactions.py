"""Pipelines, transactions, and locks without scripts."""

import threading

import pytest
import redis


def test_a_pipeline_answers_in_order(client):
    pipeline = client.pipeline(transaction=False)
    for number in range(10_000):
        pipeline.set(f"key:{number % 100}", number)
        pipeline.get(f"key:{number % 100}")
    replies = pipeline.execute()
    assert replies[0::2] == [True] * 10_000
    assert replies[1::2] == [str(number).encode() for number in range(10_000)]


def test_an_error_in_a_pipeline_is_that_commands_own(client):
    pipeline = client.pipeline(transaction=False)
    pipeline.set("key", "text").incr("key").get("key")
    replies = pipeline.execute(raise_on_error=False)
    assert replies[0] is True and replies[2] == b"text"
    assert isinstance(replies[1], redis.ResponseError)


def test_a_transaction_is_executed_whole(client):
    pipeline = client.pipeline(transaction=True)
    assert pipeline.incr("a").incr("a").get("a").execute() == [1, 2, b"2"]


def test_an_error_at_run_time_does_not_undo_the_rest(client):
    client.set("text", "text")
    pipeline = client.pipeline().incr("a").incr("text").incr("a")
    replies = pipeline.execute(raise_on_error=False)
    assert replies[0] == 1 and replies[2] == 2
    assert isinstance(replies[1], redis.ResponseError)


def test_an_error_at_queueing_aborts_the_transaction(client):
    client.execute_command("PING")
    pipeline = client.pipeline().set("a", 1)
    pipeline.execute_command("SET", "only-a-key")
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        pipeline.execute()
    assert client.exists("a") == 0


def test_a_watched_key_that_changed_aborts_the_transaction(client, other):
    client.set("key", 1)
    with client.pipeline() as pipeline:
        pipeline.watch("key")
        other.set("key", 2)
        pipeline.multi()
        pipeline.set("key", 3)
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get("key") == b"2"


def test_an_untouched_watched_key_lets_the_transaction_through(client, other):
    client.set("key", 1)
    with client.pipeline() as pipeline:
        pipeline.watch("key")
        value = int(pipeline.get("key"))
        other.set("another", 2)
        pipeline.multi()
        pipeline.set("key", value + 1)
        assert pipeline.execute() == [True]


def test_an_unwatched_key_may_change(client, other):
    with client.pipeline() as pipeline:
        pipeline.watch("key")
        pipeline.unwatch()
        other.set("key", 2)
        pipeline.multi()
        pipeline.set("key", 3)
        assert pipeline.execute() == [True]


def test_optimistic_increments_of_many_threads_are_not_lost(client, connect):
    def increment(pipeline):
        value = int(pipeline.get("count") or 0)
        pipeline.multi()
        pipeline.set("count", value + 1)

    def work(mine):
        for _ in range(25):
            mine.transaction(increment, "count")

    threads = [threading.Thread(target=work, args=(connect(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("count") == b"100"


def test_a_lock_is_released_only_by_its_holder(client, is_node):
    if not is_node:
        pytest.skip("the compare-and-delete commands are of several makers")
    assert client.set("lock", "mine", nx=True, ex=100) is True
    assert client.set("lock", "theirs", nx=True, ex=100) is None
    assert client.execute_command("DELIFEQ", "lock", "theirs") == 0
    assert client.execute_command("DELEX", "lock", "IFEQ", "theirs") == 0
    assert client.get("lock") == b"mine"
    assert client.execute_command("DELIFEQ", "lock", "mine") == 1
    assert client.set("lock", "theirs", nx=True, ex=100) is True
    assert client.execute_command("DELEX", "lock", "IFEQ", "theirs") == 1
    assert client.exists("lock") == 0
