"""Submits through the real door as fast as it can, for ever; one line for each order accepted."""

import itertools
import sys
import time
from pathlib import Path

from layers.orders import AnswerKind
from reconciler.adapters.clock import wall_clock
from reconciler.wiring.host import open_host
from reconciler.wiring.host_parts import paper_store, token_reader
from tests.fakes.paper_desk import Desk, intent


def main(config: str, folder: str) -> None:
    host = open_host(Path(config))
    (Path(folder) / "venue.db").symlink_to(paper_store(host))
    desk = Desk(folder)
    desk.door.armed = token_reader(host)
    desk.ledger.journal = Forgetful()  # the race is with the token, not with the disk
    for number in itertools.count():
        answer = desk.send(intent(number, quantity="0.06"))
        if answer.kind is AnswerKind.ACCEPTED:
            print(wall_clock().isoformat(), flush=True)  # noqa: T201
        else:
            time.sleep(0.002)


class Forgetful:
    """A journal without a disk."""

    def append(self, *_entry: object) -> int:
        return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
