"""What L5 is shown of a scene: the account alone, or with one order put to it. Pure."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from desired_state.canonical import digest
from desired_state.values import Mode
from layers.artifacts import Decision
from layers.orders import Intent, Side
from layers.pegs import in_quote, rate_of
from layers.planner.desk import ApprovedPlan
from layers.risk_snapshot import (
    NEVER,
    Arming,
    Conduct,
    Flow,
    Funds,
    LossWindow,
    PlanApproval,
    Safety,
    Snapshot,
    SymbolState,
    VenueHealth,
    window,
)
from reconciler.conduct import NOTHING_KNOWN, Asked
from reconciler.gate import Verdict
from reconciler.marks import NO_WINDOW, WINDOWS, WindowName
from reconciler.scene import Scene

ZERO: Final = Decimal(0)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
MILLISECOND: Final = timedelta(milliseconds=1)
TICK: Final = timedelta(microseconds=1)


def account(scene: Scene) -> Snapshot:
    """The account without an order: what the loss limits are watched on at every bar."""
    permitted, mark = scene.verdict.permitted, scene.mark
    day, rolling, peak = (_window(scene, name) for name in WINDOWS)
    return Snapshot(
        journal_sequence=scene.books.sequence,
        at=scene.at,
        mode=permitted.mode,
        rehearsal=scene.wired.rehearsal,
        trading=permitted.trading,
        venue_class=scene.wired.venue_class,
        venue=None,
        account=_account(scene),
        symbols=(),
        peg=scene.peg,
        plan=None,
        equity_now=mark.equity if mark else None,
        day=day,
        rolling=rolling,
        peak=peak,
        funds=Funds(free_quote=None, reserved_quote=None, free_base=None, reserved_base=None),
        flow=Flow(
            messages_second=None,
            messages_minute=None,
            orders_today=None,
            open_orders=None,
            intent_seen=None,
            intent_working=None,
            same_order_at=None,
        ),
        safety=Safety(
            kill_latched=bool(scene.verdict.stops),
            token_ok=scene.token is None,
            heartbeat_at=scene.heartbeat_at,
            heartbeat_max_age=scene.wired.heartbeat_max_age,
            journal_writable=scene.journal_writable,
            unexplained=len(scene.books.unexplained),
        ),
        conduct=NOTHING_KNOWN,
        health=_health(scene),
        arming=_arming(scene),
    )


def _health(scene: Scene) -> VenueHealth:
    circuit, over = scene.circuit, window(MINUTE, scene.interval)
    errors, timeouts = circuit.lost(scene.at, over) if circuit else (None, None)
    seen = scene.venue
    told = seen.standing if seen else None
    return VenueHealth(
        asked_at=told.at if told else None,
        venue_class=told.venue_class if told else None,
        account=told.account if told else None,
        can_withdraw=told.can_withdraw if told else None,
        address_bound=told.address_bound if told else None,
        clock_offset=_whole(told.clock_offset) if told else None,
        clock_jump=_whole(seen.clock_jump) if seen else None,
        headroom=told.headroom if told else None,
        errors=errors,
        timeouts=timeouts,
        open_since=(circuit.opened_at or NEVER) if circuit else None,
    )


def _whole(offset: timedelta | None) -> timedelta | None:
    """In milliseconds, away from nothing: a snapshot carries no less than was measured."""
    if offset is None:
        return None
    size = -(-abs(offset) // MILLISECOND) * MILLISECOND
    return size if offset >= timedelta() else -size


def _arming(scene: Scene) -> Arming | None:
    """What stands approved beside what runs; A2 compares them, and asks for it from testnet up."""
    verdict, wired = scene.verdict, scene.wired
    if verdict.permitted.mode < Mode.TESTNET or verdict.sequence is None:
        return None
    return Arming(
        sequence=verdict.sequence,
        people=len(set(verdict.people)),
        limits=digest(verdict.permitted.limits),
        configuration=verdict.configuration,
        running_configuration=wired.configuration,
        build=verdict.permitted.build,
        running_build=wired.build,
        account=verdict.permitted.accounts.get(wired.venue),
        expires_at=verdict.permitted.expires,
    )


def _account(scene: Scene) -> str | None:
    """Which account an order must name: from testnet up the one that people signed (AUTH-4)."""
    permitted = scene.verdict.permitted
    if permitted.mode < Mode.TESTNET:
        return scene.wired.account
    return permitted.accounts.get(scene.wired.venue)


def snapshot(scene: Scene, intent: Intent) -> Snapshot:
    """The snapshot for this intent."""
    symbol = intent.request.symbol
    entry = scene.verdict.permitted.symbols.get(symbol)
    return replace(
        account(scene),
        venue=entry.venue if entry else None,
        symbols=_symbols(scene, symbol),
        plan=_plan(scene.thinking.approved, scene),
        funds=_funds(scene, symbol),
        flow=_flow(scene, intent),
        conduct=_conduct(scene, intent),
    )


def _conduct(scene: Scene, intent: Intent) -> Conduct:
    return scene.conduct.seen(
        Asked(
            intent=intent,
            books=scene.books,
            at=scene.at,
            interval=scene.interval,
            repeat_window=scene.verdict.permitted.limits.repeat_window,
            released=_Released(scene.verdict),
        )
    )


class _Released:
    """Stops that are in force no more: somebody released them."""

    def __init__(self, verdict: Verdict) -> None:
        self._in_force = {stop.id for stop in verdict.stops}

    def __contains__(self, stop: object) -> bool:
        return stop not in self._in_force


def _window(scene: Scene, name: WindowName) -> LossWindow:
    in_force = {stop.id for stop in scene.verdict.stops}
    released = frozenset(s.stop for s in scene.marks.stops if s.stop not in in_force)
    if scene.mark is None:
        return NO_WINDOW
    return scene.marks.window(name, scene.mark, released)


def _symbols(scene: Scene, symbol: str) -> tuple[SymbolState, ...]:
    """The order's own symbol, and beside it all that the account holds or works (C1, C4, G3)."""
    own = scene.wired.rules.symbol
    names = (symbol,) if symbol == own else (symbol, own)
    others = (state for state in scene.beside if state.symbol != symbol)
    return (*(scene.state_of(name) for name in names), *others)


def _plan(approved: ApprovedPlan | None, scene: Scene) -> PlanApproval | None:
    """What L4 said, judged on what answered; an APPROVE of another plan is none."""
    if approved is None:
        return None
    limits = scene.verdict.permitted.limits
    symbols = tuple(sorted({h.symbol for h in approved.plan.hypotheses}))
    whole = in_quote(limits.max_symbol_exposure, rate_of(scene.peg, limits))
    rungs = [h.checklist.rung_fraction for h in approved.plan.hypotheses]
    sizes = [h.checklist.size_fraction for h in approved.plan.hypotheses]
    return PlanApproval(
        plan=approved.pack,
        decision=approved.report.decision.value,
        proposer=approved.plan.proposer,
        critic=approved.report.critic,
        symbols=symbols,
        sides=(Side.BUY,) if approved.report.decision is Decision.APPROVE else (),
        max_notional=whole * max(rungs) if whole is not None and rungs else ZERO,
        whole_notional=whole * max(sizes) if whole is not None and sizes else ZERO,
        expires_at=approved.plan.expires,
    )


def _funds(scene: Scene, symbol: str) -> Funds:
    base, quote = symbol.split("/")
    free = {balance.currency: balance.free for balance in scene.balances}
    reserved = scene.books.reserved_unproven
    return Funds(
        free_quote=free.get(quote),
        reserved_quote=reserved.get(quote, ZERO),
        free_base=free.get(base, ZERO),
        reserved_base=reserved.get(base, ZERO),
    )


def _flow(scene: Scene, intent: Intent) -> Flow:
    books, request, at = scene.books, intent.request, scene.at
    order = books.order_of(intent.intent_id)
    key = (request.symbol, request.side, Decimal(request.quantity), Decimal(request.price))
    return Flow(
        messages_second=books.messages.since(at - window(SECOND, scene.interval) + TICK),
        messages_minute=books.messages.since(at - window(MINUTE, scene.interval) + TICK),
        orders_today=books.orders_on.get(at.date(), 0),
        open_orders=len(books.working),
        intent_seen=intent.intent_id in scene.judged or order is not None,
        intent_working=order is not None and order.client_order_id in books.working,
        same_order_at=books.last_equal.get(key, NEVER),
    )
