"""Strings, as redis-py sends and understands them."""

import pytest
import redis


def test_a_value_comes_back_as_it_was_sent(client):
    for value in [b"", b"x", b"\x00\r\n\xff", "naïve ☃".encode(), b"v" * 100_000]:
        assert client.set("key", value) is True
        assert client.get("key") == value
        assert client.strlen("key") == len(value)


def test_keys_may_be_any_bytes(client):
    keys = [b"\x00", b"\r\n", "ключ".encode(), bytes(range(256)), b"k" * 5000]
    assert client.mset({key: key for key in keys}) is True
    assert client.mget(keys) == keys
    assert sorted(client.keys()) == sorted(keys)


def test_decoded_responses_are_text(client, connect):
    texts = connect(decode_responses=True)
    assert texts.set("schlüssel", "wert ☃")
    assert texts.get("schlüssel") == "wert ☃"
    assert texts.keys() == ["schlüssel"]


def test_a_missing_key_is_none(client):
    assert client.get("missing") is None
    assert client.mget("missing", "gone") == [None, None]
    assert client.getdel("missing") is None


def test_set_obeys_its_conditions(client):
    assert client.set("key", "a", xx=True) is None
    assert client.set("key", "a", nx=True) is True
    assert client.set("key", "b", nx=True) is None
    assert client.set("key", "b", xx=True) is True
    assert client.set("key", "c", get=True) == b"b"
    assert client.setnx("key", "d") is False
    assert client.get("key") == b"c"


def test_set_keeps_an_expiry_only_when_asked(client):
    client.set("key", "a", ex=1000)
    client.set("key", "b", keepttl=True)
    assert 0 < client.ttl("key") <= 1000
    client.set("key", "c")
    assert client.ttl("key") == -1


def test_counters_count(client):
    assert client.incr("count") == 1
    assert client.incrby("count", 41) == 42
    assert client.decrby("count", 2) == 40
    assert client.incrbyfloat("count", 0.5) == 40.5
    assert client.get("count") == b"40.5"
    with pytest.raises(redis.ResponseError, match="value is not an integer or out of range"):
        client.incr("count")


def test_a_counter_does_not_overflow(client):
    client.set("count", 2**63 - 1)
    with pytest.raises(redis.ResponseError, match="increment or decrement would overflow"):
        client.incr("count")
    assert client.get("count") == str(2**63 - 1).encode()


def test_parts_of_a_value_are_read_and_written(client):
    assert client.append("key", "Hello ") == 6
    assert client.append("key", "World") == 11
    assert client.getrange("key", 0, 4) == b"Hello"
    assert client.substr("key", -5, -1) == b"World"
    assert client.setrange("key", 13, "!") == 14
    assert client.get("key") == b"Hello World\x00\x00!"


def test_getex_changes_the_expiry_and_getdel_deletes(client):
    client.set("key", "value")
    assert client.getex("key", ex=1000) == b"value"
    assert 0 < client.ttl("key") <= 1000
    assert client.getex("key", persist=True) == b"value"
    assert client.ttl("key") == -1
    assert client.getdel("key") == b"value"
    assert client.exists("key") == 0


def test_the_longest_common_subsequence_is_found(client):
    client.mset({"a": "ohmytext", "b": "mynewtext"})
    assert client.lcs("a", "b") == b"mytext"
    assert client.lcs("a", "b", len=True) == 6
    found = client.lcs("a", "b", idx=True, minmatchlen=4, withmatchlen=True)
    if isinstance(found, list):
        found = dict(zip(found[::2], found[1::2]))
    assert found == {b"matches": [[[4, 7], [5, 8], 4]], b"len": 6}


def test_msetnx_sets_all_or_none(client):
    assert client.msetnx({"a": 1, "b": 2}) is True
    assert client.msetnx({"b": 3, "c": 4}) is False
    assert client.mget("a", "b", "c") == [b"1", b"2", None]


def test_a_value_of_many_megabytes_survives(client):
    value = bytes(range(256)) * (64 << 10)
    assert client.set("large", value) is True
    assert client.get("large") == value
    assert client.getrange("large", len(value) - 256, -1) == bytes(range(256))
    assert client.append("large", b"tail") == len(value) + 4
    assert client.get("large") == value + b"tail"
