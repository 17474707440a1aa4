"""The errors that end a command with a message instead of a traceback."""

USAGE_ERROR = 2     # exit statuses
INTERRUPTED = 130   # as a shell says it: 128 + SIGINT


class UserError(Exception):
    """Something that the user can put right: the message says what and how (one line, or several). Exit
    status 2."""
    status = USAGE_ERROR


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM. No Exception: nothing but the very end of a command may catch it."""
