"""What an error message must say."""

import pytest


def check_message(call, error, words):
    """``call()`` raises ``error`` with each of the words, parted by |, in its message; returns the message."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    missing = [word for word in words.split("|") if word not in message]
    assert not missing, f"{missing} not in: {message}"
    return message
