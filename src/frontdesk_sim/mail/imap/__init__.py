"""A small IMAP4rev1 server (RFC 3501) with IDLE, UIDPLUS, LITERAL+, SASL-IR, SPECIAL-USE, MOVE and UNSELECT.

Left out, and refused with BAD: ENVELOPE, BODYSTRUCTURE, numbered body parts, and renaming of folders.
"""
