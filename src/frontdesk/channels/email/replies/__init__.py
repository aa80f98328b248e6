"""What somebody wrote now, told apart from what the mail repeats.

In this order of trust: what the structure of the HTML says, the text of messages that we sent ourselves (exact, in any
language), then the words of mail programs in about forty languages. The whole text is always kept by the caller, so
that a mistake hides something behind "…" and never loses it.

Every line is looked at a bounded number of times: the work grows with the length of the text and not with its content.
"""

from frontdesk.channels.email.replies.splitting import Split, split

__all__ = ["Split", "split"]
