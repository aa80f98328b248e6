"""Workspaces, users, teams, roles, sessions, API tokens and the audit trail."""
