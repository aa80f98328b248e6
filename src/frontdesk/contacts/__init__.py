"""People and firms outside: contacts, their contact points, tags and consent."""
