"""What every room stands on: transaction, events, jobs, errors, settings, clock, ids, paging, files, secrets, fetch."""
