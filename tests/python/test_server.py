"""What a server says about itself, and what it can be told."""

import pytest
import redis

from conftest import eventually

# Looks in a row that take longer than the node takes between two looks of its own.
LOOKS = 60


def test_info_has_the_fields_that_tools_read(client):
    client.set("key", "value", ex=1000)
    client.get("key")
    client.get("missing")
    info = client.info()
    for field in [
        "redis_version", "redis_mode", "process_id", "tcp_port", "uptime_in_seconds", "run_id",
        "connected_clients", "blocked_clients", "used_memory", "used_memory_human",
        "used_memory_rss", "used_memory_peak", "maxmemory", "maxmemory_policy",
        "mem_fragmentation_ratio", "loading", "rdb_last_save_time", "total_connections_received",
        "total_commands_processed", "instantaneous_ops_per_sec", "keyspace_hits",
        "keyspace_misses", "expired_keys", "evicted_keys", "role", "connected_slaves",
        "master_repl_offset", "used_cpu_sys", "used_cpu_user", "cluster_enabled",
    ]:
        assert field in info, field
    assert info["role"] == "master"
    assert info["loading"] == 0
    assert info["connected_clients"] >= 1
    assert info["db0"]["keys"] == 1
    assert info["db0"]["expires"] == 1
    assert info["keyspace_hits"] >= 1 and info["keyspace_misses"] >= 1


def test_a_section_of_info_is_only_that(client):
    info = client.info("clients")
    assert "connected_clients" in info and "redis_version" not in info
    both = client.info("server", "memory")
    assert "redis_version" in both and "used_memory" in both and "connected_clients" not in both
    everything = client.info("everything")
    assert everything["cmdstat_info"]["calls"] >= 1


def test_options_are_read_and_changed(client):
    before = client.config_get("maxmemory-policy")["maxmemory-policy"]
    assert client.config_set("maxmemory-policy", "allkeys-lru") is True
    assert client.config_get("maxmemory*")["maxmemory-policy"] == "allkeys-lru"
    assert client.config_set("maxmemory-policy", before) is True
    with pytest.raises(redis.ResponseError, match="CONFIG SET failed"):
        client.config_set("maxmemory-policy", "no-such-policy")
    assert client.config_get("no-such-option") == {}


def test_several_options_are_changed_together_or_not_at_all(client):
    names = ("slowlog-max-len", "slowlog-log-slower-than")
    before = client.config_get(*names)
    with pytest.raises(redis.ResponseError, match="CONFIG SET failed"):
        client.config_set("slowlog-max-len", 7, "slowlog-log-slower-than", "never")
    assert client.config_get(*names) == before
    assert client.config_set("slowlog-max-len", 7, "slowlog-log-slower-than", 12345) is True
    changed = client.config_get(*names)
    assert (changed[names[0]], changed[names[1]]) == ("7", "12345")
    client.config_set(names[0], before[names[0]], names[1], before[names[1]])


def test_statistics_can_be_reset(client):
    client.get("missing")
    assert client.config_resetstat() is True
    assert client.info("stats")["keyspace_misses"] == 0


def test_slow_commands_are_logged(client):
    before = client.config_get("slowlog-log-slower-than")["slowlog-log-slower-than"]
    client.config_set("slowlog-log-slower-than", 0)
    try:
        client.set("slow", "value")
        entries = client.slowlog_get(10)
    finally:
        client.config_set("slowlog-log-slower-than", before)
    assert b"SET slow value" in [entry["command"] for entry in entries]
    assert client.slowlog_len() > 0
    assert client.slowlog_reset() is True
    assert client.slowlog_len() == 0


def test_commands_describe_themselves(client):
    count = client.command_count()
    assert count > 50
    commands = client.command()
    assert len(commands) == count
    get = commands["get"]
    assert (get["arity"], get["first_key_pos"], get["last_key_pos"]) == (2, 1, 1)
    assert client.command_getkeys("MSET", "a", 1, "b", 2) in ([b"a", b"b"], ["a", "b"])
    assert client.execute_command("COMMAND DOCS", "GET")
    assert client.command_list(pattern="mge*") in ([b"mget"], ["mget"])


def test_memory_is_told(client):
    client.set("key", "v" * 10_000)
    assert 10_000 <= client.memory_usage("key") < 30_000
    assert client.memory_usage("missing") is None
    assert client.memory_stats()["keys.count"] == 1
    assert client.memory_purge() is True


def memory_at_rest(client):
    """`used_memory`, once what tests before have left is given back."""
    looks = []

    def rests():
        looks.append(client.info("memory")["used_memory"])
        last = looks[-LOOKS:]
        return len(last) == LOOKS and max(last) - min(last) < 65536 and last[-1]

    return eventually(rests, "the memory to stand still")


def test_memory_is_given_back_after_a_flush(client):
    empty = memory_at_rest(client)
    pipeline = client.pipeline(transaction=False)
    for number in range(2000):
        pipeline.set(f"key:{number}", b"v" * 4000)
    pipeline.execute()
    full = client.info("memory")["used_memory"]
    assert full - empty > 2000 * 4000 * 0.9
    client.flushall()
    used = lambda: client.info("memory")["used_memory"]
    eventually(lambda: used() - empty < (full - empty) / 4, "the memory to be given back")


def test_time_passes_forwards(client):
    first, second = client.time(), client.time()
    assert first <= second
    assert first[0] > 1_500_000_000


def test_a_single_node_waits_for_nobody(client):
    client.set("key", "value")
    assert client.wait(0, 100) == 0


def test_lolwut_draws(client):
    assert client.execute_command("LOLWUT")


def test_hello_tells_the_server(client, protocol):
    answer = client.execute_command("HELLO")
    if isinstance(answer, list):
        answer = dict(zip(answer[::2], answer[1::2]))
    text = {key.decode() if isinstance(key, bytes) else key: value for key, value in answer.items()}
    assert text["proto"] == protocol
    assert text["role"] in (b"master", "master")


def test_time_moves_on_within_a_pipeline(client):
    pipeline = client.pipeline(transaction=False)
    pipeline.set("key", "value", px=20)
    pipeline.execute_command("DEBUG", "SLEEP", "0.05")
    pipeline.get("key")
    assert pipeline.execute()[2] is None


def test_a_monitor_sees_what_every_client_runs(client, connect):
    with connect().monitor() as monitor:
        client.set("watched", "a \"quoted\"\nvalue")
        other = connect(db=1)
        other.get("watched")
        seen = []
        while len(seen) < 2:
            line = monitor.next_command()
            if "watched" in line["command"]:
                seen.append((line["db"], line["command"].split()[0]))
        assert seen == [(0, "SET"), (1, "GET")]
