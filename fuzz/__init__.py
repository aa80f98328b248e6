"""Bad input by the hundred thousand: broken mails, random requests, guided bytes. See docs/reliability.md."""
