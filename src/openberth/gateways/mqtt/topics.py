"""Topic names and topic filters (section 4.7): what is one, which names a filter matches, which filters it covers."""

from functools import lru_cache

TOPIC_MAX = 256  # bytes; the longest topic of a known device has about 60
LEVELS_MAX = 32


@lru_cache(maxsize=4096)
def is_topic(text: str) -> bool:
    """Tell whether a text is a topic name that messages may be published to."""
    return bool(text) and "+" not in text and "#" not in text and _fits(text)


def is_filter(text: str) -> bool:
    """Tell whether a text is a topic filter: ``+`` alone in a level, ``#`` alone in the last one."""
    if not text or not _fits(text):
        return False
    if "+" not in text and "#" not in text:
        return True
    levels = text.split("/")
    for number, level in enumerate(levels):
        if "#" in level and (level != "#" or number != len(levels) - 1):
            return False
        if "+" in level and level != "+":
            return False
    return True


def matches(pattern: str, topic: str) -> bool:
    """Tell whether a filter matches a topic name; wildcards at the start do not match names that begin with ``$``."""
    if pattern == topic:
        return True
    if "+" not in pattern and "#" not in pattern:
        return False
    if topic.startswith("$") and pattern[0] in "+#":
        return False
    return covers(pattern, topic)


def covers(wide: str, narrow: str) -> bool:
    """Tell whether a filter matches every name that another filter (or name) does."""
    if wide == narrow:
        return True
    wanted = narrow.split("/")
    levels = wide.split("/")
    for number, level in enumerate(levels):
        if level == "#":
            return True
        if number >= len(wanted) or wanted[number] == "#" or (level != "+" and level != wanted[number]):
            # ``a/#`` matches ``a`` itself.
            return False
    return len(levels) == len(wanted)


def _fits(text: str) -> bool:
    return "\0" not in text and len(text.encode("utf-8", "surrogatepass")) <= TOPIC_MAX and text.count("/") < LEVELS_MAX
