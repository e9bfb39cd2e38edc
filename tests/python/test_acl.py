"""Users, as redis-py makes them and is one of them."""

import pytest
import redis


def text(word):
    return word.decode() if isinstance(word, bytes) else word


@pytest.fixture
def ada(client, connect):
    """A client that may read and write keys that begin with `ada:`, and listen to `news`."""
    assert client.acl_setuser(
        "ada",
        enabled=True,
        passwords=["+pw"],
        keys=["ada:*"],
        channels=["news"],
        categories=["-@all"],
        commands=["+get", "+set", "+ping", "+acl|whoami", "+subscribe"],
        reset=True,
    )
    yield connect(username="ada", password="pw")
    client.acl_deluser("ada")


def test_a_user_may_do_what_it_was_given(ada, client):
    assert text(ada.acl_whoami()) == "ada"
    assert ada.set("ada:1", "x") is True
    with pytest.raises(redis.exceptions.NoPermissionError, match="access a key"):
        ada.get("other")
    with pytest.raises(redis.exceptions.NoPermissionError, match="run the 'del' command"):
        ada.delete("ada:1")
    assert text(client.acl_dryrun("ada", "get", "ada:1")) == "OK"
    assert "no permissions" in str(client.acl_dryrun("ada", "get", "other"))
    client.acl_log_reset()
    with pytest.raises(redis.exceptions.NoPermissionError):
        ada.get("other")
    entry = client.acl_log()[0]
    assert (entry["reason"], entry["object"], entry["username"]) == ("key", "other", "ada")


def test_a_user_is_shown(ada, client):
    shown = client.acl_getuser("ada")
    assert shown["enabled"] is True and len(shown["passwords"]) == 1
    # redis-py decodes some of these in RESP2 only.
    assert {"default", "ada"} <= {text(name) for name in client.acl_users()}
    assert any(text(line).startswith("user ada on ") for line in client.acl_list())
    assert len(client.acl_genpass()) == 64


def test_a_wrong_password_is_told(ada, connect):
    with pytest.raises(redis.exceptions.AuthenticationError):
        # redis-py would try ten times.
        connect(username="ada", password="wrong", retry=None).ping()
