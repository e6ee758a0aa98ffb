"""A process that submits as fast as it can until its door stays shut."""

import itertools
import sys
from pathlib import Path

from layers.orders import AnswerKind
from tests.fakes.paper_desk import Desk, intent


def main(folder: Path) -> None:
    desk = Desk(folder)  # writes the token; the parent waits for the first order
    for number in itertools.count():
        answer = desk.send(intent(number, quantity="0.06"))
        if number == 0:
            print("sending", flush=True)  # noqa: T201
        if answer.kind is AnswerKind.NOT_SENT:
            print(answer.code, flush=True)  # noqa: T201
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
