from flotilla.access.audit_entry import AuditEntry


def test_an_entry_says_who_did_what_to_whom_and_how_it_ended():
    entry = AuditEntry("api:ann", "login", "token abc", "ok")

    assert entry == ("api:ann", "login", "token abc", "ok", "", False)
