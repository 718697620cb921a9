"""What happened: events for whoever looks, the audit trail for whoever must prove."""
