from inspect import signature

from flotilla.access.audit_entry import AuditEntry, AuditSink
from flotilla.fleet.api.audit_queue import AuditQueue


def test_an_entry_says_who_did_what_to_whom_and_how_it_ended():
    entry = AuditEntry("api:ann", "login", "token abc", "ok")

    assert entry == ("api:ann", "login", "token abc", "ok", "", False)


def test_a_fleet_s_queue_is_told_as_any_that_writes_entries_down():
    assert signature(AuditQueue.tell) == signature(AuditSink.tell)
