"""Thin signed HTTP clients of outside companies: wire formats only. What a message means is the channels' affair."""
