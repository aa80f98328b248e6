"""What it costs to take things in and to send them out, and how fast the program starts."""
