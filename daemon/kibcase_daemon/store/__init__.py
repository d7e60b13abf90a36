"""What the daemon remembers: links, bases, the journal of open writes, the audit, the queue."""
