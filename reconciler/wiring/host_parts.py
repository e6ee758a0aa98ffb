"""What this host has, for whoever needs no writer's lock: repositories, token, latch, ways out."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.adapters.git_state import GitState
from desired_state.admission import ROOT_PATH, Trust
from desired_state.canonical import digest_bytes
from desired_state.document import load
from desired_state.errors import GovernanceError
from desired_state.trust_root import Root
from layers.adapters.paper_cancels import PaperCancels
from layers.paper_venue.venue import PaperVenue
from layers.ports import Cancels
from reconciler.adapters.armed_token import TokenReader, TokenWriter
from reconciler.adapters.clock import SYSTEM, HostClock, boot_clock_ns, wall_clock
from reconciler.adapters.heartbeat_files import read_heartbeat
from reconciler.adapters.latch import Latch
from reconciler.host import Host
from reconciler.local_stop import LocalStop
from reconciler.watcher import Watcher
from reconciler.wiring.ways_out import WaysOut

HEARTBEAT: Final = timedelta(seconds=2)  # tighter or equal in every root as shipped
PAPER: Final = "paper"


def state_repository(host: Host, clone: str = "state.git") -> GitState:
    """The state repository through a bare clone of this process's own."""
    return GitState(host.var / clone, host.state_url, host.file.state.branch)


def trust_of(host: Host) -> Trust:
    """What this host pins."""
    return Trust(pin=host.file.trust_root, repository=host.file.state.repository)


def repository_id(host: Host, state: GitState) -> str:
    """The id in stop ids: the host's word, else that of the pinned root, else none at all."""
    if host.file.state.repository:
        return host.file.state.repository
    try:
        tree = state.tree(state.tips()[state.main])
        data = state.blob(tree[ROOT_PATH.format(1)].oid)
        if digest_bytes(data) == host.file.trust_root:
            return load(Root, data, "trust root").repository
    except (GovernanceError, KeyError):
        return ""
    return ""


def paper_store(host: Host) -> Path:
    """Where the embedded paper venue keeps its book."""
    return host.var / "venues" / "paper.db"


def venues(host: Host, glance: timedelta = timedelta(0)) -> Callable[[], Mapping[str, Cancels]]:
    """The way out at every venue on record here, now or later (STOP-11, STOP-12).

    A venue that was there once and is gone cannot tell its orders; it is never taken for none.
    """
    path = paper_store(host)
    opened: dict[str, Cancels] = {}
    elsewhere = WaysOut(host, glance)

    def found() -> Mapping[str, Cancels]:
        if PAPER not in opened and path.exists():
            opened[PAPER] = PaperCancels(PaperVenue(path))
        return {**elsewhere.found(), **opened}

    found()
    return found


def latch(host: Host) -> Latch:
    """Stops, releases and acknowledgements of this host."""
    return Latch(host.var)


def token_path(host: Host) -> Path:
    """The armed token."""
    return host.var / "armed"


def heartbeat_path(host: Host) -> Path:
    """What the watcher of this host last said."""
    return host.var / "heartbeat"


def heartbeats(host: Host) -> tuple[bytes, ...]:
    """What the watchers last said, here and elsewhere, unverified."""
    paths = [heartbeat_path(host), *(host.path(name) for name in host.file.heartbeats)]
    return tuple(data for path in paths if (data := read_heartbeat(path)) is not None)


def token_reader(host: Host, bound: timedelta = HEARTBEAT) -> TokenReader:
    """The door's end of the token."""
    return TokenReader(token_path(host), bound, boot_clock_ns)


def watcher(host: Host) -> Watcher:
    """The stop lane, with clones and venue connections that nobody else uses."""
    state = state_repository(host, "watch.git")
    return Watcher(
        history=state,
        records=latch(host),
        token=TokenWriter(token_path(host), boot_clock_ns),
        venues=venues(host),
        repository=repository_id(host, state),
        clock=wall_clock,
    )


def watched_paths(host: Host) -> list[Path]:
    """Where an event may mean that something changed."""
    local = Path(host.state_url)
    refs = [local / "refs", local / ".git" / "refs"] if local.is_dir() else []
    records = latch(host)
    return [
        path for path in [*refs, records.stops_folder, records.releases_folder] if path.exists()
    ]


def local_stop(host: Host, clock: HostClock = SYSTEM) -> LocalStop:
    """How this host stops itself."""
    token = TokenWriter(token_path(host), clock.boot_ns)
    return LocalStop(latch(host), token.disarm, clock.wall, host.file.host)


def memory_path(host: Host) -> Path:
    """Where memory outlives the process."""
    return host.var / "trusted" / "memory"
