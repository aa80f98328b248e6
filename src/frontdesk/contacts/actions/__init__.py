"""Everything that changes contacts, one file for each thing that happens to them."""

from frontdesk.contacts.actions.consent import mark_bad, mark_good, opt_in, opt_out
from frontdesk.contacts.actions.edit import (
    ERASERS,
    add_point,
    change_contact,
    create_contact,
    delete_contact,
    remove_point,
)
from frontdesk.contacts.actions.find import Found, find_or_create
from frontdesk.contacts.actions.link import link
from frontdesk.contacts.actions.merging import MERGERS, accept, dismiss, merge
from frontdesk.contacts.actions.suggestions import suggest
from frontdesk.contacts.actions.tags import change_tag, create_tag, delete_tag, tag, untag
from frontdesk.contacts.actions.typed import normalise, normalised
from frontdesk.contacts.queries import must_exist

__all__ = [
    "ERASERS",
    "MERGERS",
    "Found",
    "accept",
    "add_point",
    "change_contact",
    "change_tag",
    "create_contact",
    "create_tag",
    "delete_contact",
    "delete_tag",
    "dismiss",
    "find_or_create",
    "link",
    "mark_bad",
    "mark_good",
    "merge",
    "must_exist",
    "normalise",
    "normalised",
    "opt_in",
    "opt_out",
    "remove_point",
    "suggest",
    "tag",
    "untag",
]
