"""``governor demo``: the whole story on real prices in about a minute."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from reconciler.cli.app import app
from reconciler.cli.shared import NO, AsJson, show, show_json
from reconciler.demonstration import story_data, tell
from reconciler.wiring.demonstration import Demonstration

STEPS = 10
BARS = 623  # of the carried prices


class Bars:
    """Progress on stderr: one bar for the story, one for the session that runs."""

    def __init__(self, progress: Progress) -> None:
        """Both bars begin empty."""
        self._progress = progress
        self._story = progress.add_task("", total=STEPS)
        self._bars = progress.add_task("hours of market time", total=BARS)
        self._done = 0
        self._before = 0

    def step(self, words: str) -> None:
        """The next part of the story begins."""
        self._before += self._done
        self._done = 0
        self._progress.console.print(f"► {words}")
        self._progress.update(self._story, advance=1, description=words)

    def bar(self, done: int) -> None:
        """So many bars of the current session are done."""
        self._done = done
        self._progress.update(self._bars, completed=self._before + done)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same packs.")] = 7,
    as_json: AsJson = False,
) -> None:
    """The whole story: people, mandate, session, stop, tampering, release, audit."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        story = Demonstration(folder, Bars(progress), seed).play()
    if as_json:
        show_json(story_data(story))
    else:
        for line in tell(story):
            show(line)
    if not story.ok:
        raise typer.Exit(NO)
