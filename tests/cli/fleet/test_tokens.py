import os

import pytest
from tests.cli.fleet.conftest import playing


def test_a_token_is_shown_once_and_listed_without_its_secret(call, folder):
    made = call("fleet", "token", "create", "grafana", "--days", "30")

    listed, plain = call("fleet", "token"), call("fleet", "token", "--json").json
    assert made.out.startswith("flt_")
    assert "shown this once" in made.err
    assert "grafana" in listed.out
    assert [(token["name"], token["role"]) for token in plain] == [("grafana", "viewer")]
    assert "hash" not in plain[0]
    assert made.out.strip() not in listed.out
    assert folder.tokens.stat().st_mode & 0o777 == 0o600


def test_a_token_that_was_revoked_is_over(call, folder):
    made = call("fleet", "token", "create", "ann", "--role", "operator", "--json").json

    gone = call("fleet", "token", "revoke", made["id"])

    assert gone.out == f"revoked {made['id']}: ann, operator\n"
    assert "over" in call("fleet", "token").out
    assert call("fleet", "token", "revoke", "nobody").code == 2


def test_a_role_that_is_none_is_refused(call, folder):
    assert call("fleet", "token", "create", "eve", "--role", "king").code == 2


@pytest.mark.parametrize("supervised", [True, False], ids=["supervised", "alone"])
def test_who_made_or_revoked_a_token_stands_in_the_audit(call, folder, supervised):
    def both():
        made = call("fleet", "token", "create", "ann", "--role", "admin", "--json").json
        call("fleet", "token", "revoke", made["id"])
        return made

    if supervised:
        with playing(folder):
            made = both()
    else:
        made = both()

    told = call("fleet", "audit", "--json").json
    assert [(each["action"], each["target"], each["why"], each["outcome"]) for each in told] == [
        ("token create", "ann", "admin, 90 days", "asked"),
        ("token revoke", made["id"], "ann, admin", "done"),
    ]
    assert all(each["who"].startswith("cli:") for each in told)
    assert call("fleet", "audit", "verify").code == 0
    assert folder.generation() == 0


def test_one_that_is_refused_stands_in_the_audit_as_refused(call, folder):
    refused = call("fleet", "token", "create", "ann", "--days", "-1")

    told = call("fleet", "audit", "--json").json
    assert refused.code == 2
    assert [each["outcome"].partition(":")[0] for each in told] == ["asked", "refused"]


def test_beside_a_supervisor_that_does_not_listen_none_is_made_and_any_is_revoked(call, folder):
    made = call("fleet", "token", "create", "ann", "--json").json
    hold = folder.take()
    refused = call("fleet", "token", "create", "bob")
    revoked = call("fleet", "token", "revoke", made["id"])
    os.close(hold.lock)

    assert (refused.code, revoked.code) == (1, 0)
    assert "the audit does not have it" in revoked.err
    assert [token["name"] for token in call("fleet", "token", "--json").json] == ["ann"]
