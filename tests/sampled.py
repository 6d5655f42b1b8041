"""Of what is tried in many cases `make test` has a sample, and the soak the whole."""

import os

WHOLE = bool(os.environ.get("SEQGAN_WHOLE"))


def examples(number: int) -> int:
    """How many examples Hypothesis tries where the whole is so many."""
    return number if WHOLE else max(8, number // 5)
