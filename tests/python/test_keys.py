"""Keys of any type: expiry, iteration, names, databases."""

import time

import pytest
import redis

from conftest import eventually


def test_an_expired_key_is_gone_for_everybody(client, other):
    client.set("key", "value", px=30)
    eventually(lambda: other.get("key") is None, "the key to expire")
    assert client.exists("key") == 0
    assert client.ttl("key") == -2
    eventually(lambda: client.dbsize() == 0, "the key to be forgotten")


def test_an_expiry_is_told_in_every_unit(client):
    at = int(time.time()) + 1000
    client.set("key", "value")
    assert client.ttl("key") == -1
    assert client.expireat("key", at) is True
    assert client.expiretime("key") == at
    assert client.pexpiretime("key") == at * 1000
    assert 990 <= client.ttl("key") <= 1000
    assert 990_000 <= client.pttl("key") <= 1_000_000
    assert client.persist("key") is True
    assert client.persist("key") is False


def test_expire_obeys_its_conditions(client):
    client.set("key", "value")
    assert client.expire("key", 100, xx=True) is False
    assert client.expire("key", 100, nx=True) is True
    assert client.expire("key", 50, gt=True) is False
    assert client.expire("key", 200, gt=True) is True
    assert client.expire("key", 300, lt=True) is False
    assert client.expire("missing", 100) is False


def test_an_expiry_in_the_past_deletes(client):
    client.set("key", "value")
    assert client.expire("key", -1) is True
    assert client.exists("key") == 0


def test_a_scan_finds_every_key_once(client):
    names = {f"key:{number}".encode() for number in range(2500)}
    client.mset({name: 1 for name in names})
    found = list(client.scan_iter(count=100))
    assert len(found) == len(set(found)) == 2500
    assert set(found) == names


def test_a_scan_filters_by_pattern_and_type(client):
    client.mset({f"{group}:{number}": 1 for group in "ab" for number in range(200)})
    found = set(client.scan_iter(match="b:*", count=50, _type="STRING"))
    assert found == {f"b:{number}".encode() for number in range(200)}
    assert list(client.scan_iter(_type="HASH")) == []


def test_a_key_is_renamed_and_copied_with_its_expiry(client):
    client.set("a", "value", ex=1000)
    assert client.rename("a", "b") is True
    assert client.copy("b", "c") is True
    assert client.copy("b", "c") is False
    assert client.mget("a", "b", "c") == [None, b"value", b"value"]
    assert client.ttl("b") > 0 and client.ttl("c") > 0
    with pytest.raises(redis.ResponseError, match="no such key"):
        client.rename("a", "d")


def test_deleting_counts_what_was_there(client):
    client.mset({"a": 1, "b": 2, "c": 3})
    assert client.exists("a", "a", "z") == 2
    assert client.touch("a", "z") == 1
    assert client.delete("a", "z") == 1
    assert client.unlink("b", "c") == 2
    assert client.randomkey() is None


def test_types_and_encodings_are_told(client):
    client.mset({"number": 12345, "short": "short", "long": "l" * 100})
    assert client.type("number") == b"string"
    assert client.type("missing") == b"none"
    encodings = [client.object("encoding", key) for key in ("number", "short", "long")]
    assert encodings == [b"int", b"embstr", b"raw"]
    assert client.object("refcount", "short") == 1
    assert client.object("freq", "short") >= 0


def test_databases_are_apart_and_can_be_swapped(client, connect):
    second = connect(db=1)
    client.set("key", "zero")
    second.set("key", "one")
    assert client.swapdb(0, 1) is True
    assert (client.get("key"), second.get("key")) == (b"one", b"zero")
    assert second.flushdb() is True
    assert (client.dbsize(), second.dbsize()) == (1, 0)
    assert client.move("key", 1) is True
    assert (client.dbsize(), second.dbsize()) == (0, 1)
