"""For every test: signals as a terminal has them."""

import signal

# A shell that starts pytest in the background has it ignore Ctrl-C, and every process of a test inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
