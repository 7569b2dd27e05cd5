"""Text that XML can have in it."""

import re


#: Characters that XML has no way to write.
UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def writable(text: str) -> str:
    """Return the text with ``U+FFFD`` for all that XML cannot write."""
    return UNWRITABLE.sub("\ufffd", text)
