"""What it costs to look at things: lists, threads, search, live screens, memory."""
