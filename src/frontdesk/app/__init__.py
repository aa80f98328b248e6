"""Composition only: the HTTP application, the worker and the command line."""
