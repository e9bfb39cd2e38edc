"""Publish and subscribe: channels, patterns, shard channels."""

from conftest import PATIENCE_S, eventually


def next_message(subscription):
    """The next message of whatever kind."""
    read = lambda: subscription.get_message(timeout=PATIENCE_S)
    return eventually(read, "a message")


def test_a_message_reaches_its_channel_only(client, other):
    with client.pubsub() as subscription:
        subscription.subscribe("news", "sport")
        kinds = [next_message(subscription) for _ in range(2)]
        assert [(kind["type"], kind["channel"], kind["data"]) for kind in kinds] == [
            ("subscribe", b"news", 1),
            ("subscribe", b"sport", 2),
        ]
        assert other.publish("weather", "rain") == 0
        assert other.publish("news", b"\x00\xff") == 1
        message = next_message(subscription)
        assert message == {
            "type": "message", "pattern": None, "channel": b"news", "data": b"\x00\xff",
        }


def test_a_pattern_receives_what_it_matches(client, other):
    with client.pubsub() as subscription:
        subscription.psubscribe("news.*")
        assert next_message(subscription)["type"] == "psubscribe"
        assert other.publish("news.uk", "fog") == 1
        message = next_message(subscription)
        assert message["type"] == "pmessage"
        assert message["pattern"] == b"news.*"
        assert (message["channel"], message["data"]) == (b"news.uk", b"fog")


def test_a_shard_channel_is_a_space_of_its_own(client, other):
    with client.pubsub() as subscription:
        subscription.ssubscribe("news")
        assert next_message(subscription)["type"] == "ssubscribe"
        assert other.publish("news", "wrong") == 0
        assert other.execute_command("SPUBLISH", "news", "right") == 1
        message = subscription.get_sharded_message(timeout=PATIENCE_S)
        assert message["type"] == "smessage"
        assert (message["channel"], message["data"]) == (b"news", b"right")


def test_unsubscribing_ends_the_flow(client, other):
    with client.pubsub() as subscription:
        subscription.subscribe("a", "b")
        subscription.unsubscribe("a")
        kinds = [next_message(subscription)["type"] for _ in range(3)]
        assert kinds == ["subscribe", "subscribe", "unsubscribe"]
        assert other.publish("a", "x") == 0
        assert other.publish("b", "y") == 1
        assert next_message(subscription)["data"] == b"y"


def test_subscribers_are_counted(client, other):
    with client.pubsub() as subscription:
        subscription.subscribe("one", "two")
        subscription.psubscribe("t*")
        for _ in range(3):
            next_message(subscription)
        assert sorted(other.pubsub_channels()) == [b"one", b"two"]
        assert other.pubsub_channels("o*") == [b"one"]
        assert other.pubsub_numsub("one", "none") == [(b"one", 1), (b"none", 0)]
        assert other.pubsub_numpat() == 1
        assert other.publish("two", "x") == 2
    eventually(lambda: other.pubsub_channels() == [], "the subscriptions to end")


def test_a_subscriber_may_ping(client):
    with client.pubsub() as subscription:
        subscription.subscribe("news")
        assert next_message(subscription)["type"] == "subscribe"
        subscription.ping("hello")
        answer = next_message(subscription)
        assert (answer["type"], answer["data"]) == ("pong", b"hello")


def test_messages_keep_their_order(client, other):
    count = 1000
    with client.pubsub() as subscription:
        subscription.subscribe("numbers")
        assert next_message(subscription)["type"] == "subscribe"
        pipeline = other.pipeline(transaction=False)
        for number in range(count):
            pipeline.publish("numbers", number)
        assert pipeline.execute() == [1] * count
        received = [int(next_message(subscription)["data"]) for _ in range(count)]
        assert received == list(range(count))


def test_a_published_message_of_a_transaction_arrives(client, other):
    with client.pubsub() as subscription:
        subscription.subscribe("news")
        assert next_message(subscription)["type"] == "subscribe"
        assert other.pipeline().set("key", 1).publish("news", "set").execute() == [True, 1]
        assert next_message(subscription)["data"] == b"set"
