"""A mail provider: a submission server for the desk's mail, and IMAP mailboxes for the desk and its customers."""
