"""What every room stands on: transactions, events, jobs, errors, settings, clock, ids, paging, files, secrets, fetch."""
