"""Where things stand in the evidence repository: names from numbers, and numbers from names.

No folder may hold more than ``MAX_ENTRIES`` names, so numbered files lie in folders by their
number without its last 256 steps, three levels deep (room for 2**32 leaves).
"""

import re
from typing import Final

from desired_state.values import Digest

MAX_ENTRIES: Final = 256
"""Names in one folder; above that git slows down (spec: evidence)."""
MAX_BATCH: Final = 100
"""Leaves in one write-once shard (spec: evidence)."""
CHECKPOINT: Final = "log/checkpoint"
POLICY: Final = "log/policy"
README: Final = "README.md"

SHARD: Final = re.compile(r"log/leaves/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{2}/([0-9]{12})\.jsonl\Z")
NOTE: Final = re.compile(r"log/checkpoints/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{2}/([0-9]{12})\.note\Z")
OBJECT: Final = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})\Z")
INDEX: Final = re.compile(r"index/([0-9]{4}-[0-9]{2})\.md\Z")
PACK_FILE: Final = re.compile(
    r"packs/[0-9]{4}/[0-9]{2}(?:\.[0-9]{1,3})?/(EV-[0-9]{8}-[A-Z_]+-[0-9a-f]{12})/(.+)\Z"
)


def numbered_folder(number: int) -> str:
    """``00/00/01`` for the numbers 256 to 511."""
    above = f"{number >> 8:06x}"
    return f"{above[:2]}/{above[2:4]}/{above[4:]}"


def shard_path(first_seq: int) -> str:
    """The shard whose first leaf has this sequence number."""
    return f"log/leaves/{numbered_folder(first_seq)}/{first_seq:012d}.jsonl"


def note_path(size: int) -> str:
    """The signed head over the first ``size`` leaves."""
    return f"log/checkpoints/{numbered_folder(size)}/{size:012d}.note"


def object_path(digest: Digest) -> str:
    """The place of bytes with this digest."""
    name = digest.removeprefix("sha256:")
    return f"objects/{name[:2]}/{name[2:4]}/{name}"


def pack_folder(pack_id: str, overflow: int = 0) -> str:
    """``packs/2020/03/<id>``; further folders of a full month are ``03.1``, ``03.2`` and on."""
    day = pack_id.split("-")[1]
    month = day[4:6] if overflow == 0 else f"{day[4:6]}.{overflow}"
    return f"packs/{day[:4]}/{month}/{pack_id}"


def pack_month(pack_id: str) -> str:
    """``2020-03`` for a pack of that month."""
    day = pack_id.split("-")[1]
    return f"{day[:4]}-{day[4:6]}"


def index_path(month: str) -> str:
    """The page for people of one month, written ``2020-03``."""
    return f"index/{month}.md"


def may_change(path: str) -> bool:
    """Whether a path is one of the few that later commits write again."""
    return path == CHECKPOINT or INDEX.match(path) is not None


def is_known(path: str) -> bool:
    """Whether a path can belong to an evidence repository at all."""
    if path in (CHECKPOINT, POLICY, README):
        return True
    return any(form.match(path) for form in (SHARD, NOTE, OBJECT, INDEX, PACK_FILE))
