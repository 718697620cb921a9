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
