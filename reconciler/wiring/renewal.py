"""The reconciler's own work while a session runs: verdict renewed, evidence kept and shipped."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from evidence_repo.packs import Pack
from reconciler.gate import Verdict
from reconciler.ports import Report
from reconciler.wiring.desk import Desk, ship

RENEW: Final = timedelta(milliseconds=500)  # the verdict is judged again at least this often
SHIP: Final = timedelta(seconds=1)  # evidence.md: the commit follows within a second
ATTESTED: Final = timedelta(seconds=5)  # a watcher elsewhere that is silent for longer is none


@dataclass
class Renewal:
    """Cycles and shipments that fall due while a session runs. ``told`` gets each report."""

    desk: Desk
    told: Callable[[Report], None]
    _renewed: datetime | None = None
    _shipped: datetime | None = None
    _elsewhere: datetime | None = None  # when a watcher on another host was last heard

    def verdict(self) -> Verdict:
        """Judged again when it is due, or when the token says that something happened."""
        now = self.desk.clock.wall()
        due = self._renewed is None or now - self._renewed >= RENEW
        if due or self.desk.token.check() is not None:
            self.told(self.desk.reconcile())
            self._elsewhere = self.desk.cycle.ears.elsewhere_at or self._elsewhere
            self._renewed = now
        if self._shipped is None or now - self._shipped >= SHIP:
            ship(self.desk)  # where the remote does not answer, the journal has it all
            self._shipped = now
        verdict = self.desk.permits.verdict
        assert verdict is not None  # noqa: S101  (taken above)
        return verdict

    def overtake(self) -> None:
        """Something happened: whoever asks next is told of a verdict that knows it."""
        self._renewed = None

    def told_account(self, venue: str, account: str | None) -> None:
        """Another account than the approved one permits nothing from here on (GATE-3)."""
        accounts = self.desk.running.accounts
        if account is not None and accounts.get(venue) != account:
            accounts[venue] = account
            self.overtake()
            self.verdict()

    def attested(self) -> bool:
        """Whether a watcher on another host is heard now (SESSION-5)."""
        told = self._elsewhere
        return told is not None and abs(self.desk.clock.wall() - told) <= ATTESTED

    def revision(self) -> str | None:
        """Of the verdict that stands."""
        verdict = self.desk.permits.verdict
        return verdict.revision if verdict else None

    def keep(self, pack: Pack, _at: datetime) -> None:
        """One more pack, under the revision that stands."""
        self.desk.ledger.record_pack(pack, self.desk.clock.wall(), self.revision())
