"""The providers' side of Frontdesk on one machine: a telephone company, a mail server, and the customers behind them.

It speaks the real wire formats over real sockets, keeps what it accepted through ``kill -9``, does wrong on request
what real providers do wrong by accident, and writes down the truth so that a checker can compare. It imports nothing
of ``frontdesk``: that is why it can judge it.
"""
