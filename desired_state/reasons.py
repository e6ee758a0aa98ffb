"""The one list of reason codes: every refusal, error and condition uses a code from here.

Each code has a sentence (what it means), a remedy (what to do), and what is permitted afterwards.
``person=True`` marks the codes that stay until somebody acts; each of those has a runbook page.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means to the person who reads it."""

    sentence: str
    remedy: str
    afterwards: str
    person: bool


UNCHANGED: Final = "what was permitted before; the file or request at hand adds nothing"
HALTED: Final = "nothing; mode halted"
NARROWED: Final = "the tighter of what stood before and what can still be read"
REFUSED: Final = "this one order is refused; cancels and other orders are judged as ever"
STOPPED: Final = "nothing but cancels, until the stop is released by name"
NOTHING_DONE: Final = "the command changed nothing"


class Reason(StrEnum):
    """Machine names. Findings, conditions, exit codes, events and runbooks share them."""

    explanation: Explanation

    def __new__(
        cls, value: str, sentence: str, remedy: str, afterwards: str, person: bool = False
    ) -> Self:
        """Hang the explanation on the member, so a code without one cannot exist."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = Explanation(sentence, remedy, afterwards, person)
        return member

    # Two or three lines a code: name = (code, sentence, / remedy, permitted afterwards, person).
    # fmt: off
    # --- conditions that are true ------------------------------------------------------------
    SUCCEEDED = ("Succeeded", "The last cycle did what it set out to do.",
        "Nothing to do.", "what the verdict says")
    SUSPENDED = ("SUSPENDED", "Somebody suspended the reconciler.",
        "Resume it through a signed restore when the cause is gone.", NARROWED, True)
    SUSPENSION_OVERDUE = ("SUSPENSION_OVERDUE", "The time named for a suspension is over and it still stands.",
        "Look at its cause; then resume through a signed restore, or name a later time.", NARROWED, True)

    # --- reading the state repository --------------------------------------------------------
    FETCH = ("FETCH", "The state repository could not be read.",
        "Check state.url in governor.yaml and that the server answers.", NARROWED, True)
    HEAD_REWRITE = ("HEAD_REWRITE", "The head does not descend from the last admitted head.",
        "Push a commit that descends from the admitted head; going back is a forward commit. Find out who rewrote the branch.",
        HALTED, True)
    SHALLOW = ("SHALLOW", "The clone is shallow, so history cannot be judged.",
        "Fetch the whole history.", HALTED, True)
    TREE_MODE = ("TREE_MODE", "A governed path is not a plain file (mode 100644).",
        "Replace symlinks, submodules and executables by plain files.", NARROWED, True)
    TREE_PATH = ("TREE_PATH", "A path is not allowed, or two names differ in case alone.",
        "Rename the path.", NARROWED, True)
    TREE_SIZE = ("TREE_SIZE", "A file or the tree is larger than may be read.",
        "Remove what is too large.", NARROWED, True)
    ROOT_PIN = ("ROOT_PIN", "The first trust root does not have the digest pinned in governor.yaml.",
        "Compare trust_root in governor.yaml with the sha256 of trust/root/1.yaml.", HALTED, True)
    ROOT_SCHEMA = ("ROOT_SCHEMA", "The trust root does not have the required form.",
        "Mend the file as the message says; a pinned root cannot be edited, only replaced. As a warning it speaks of a next root, which is only not taken.", HALTED, True)
    ROOT_VERSION = ("ROOT_VERSION", "A trust root stands under a number that is not the next one.",
        "Number the next root exactly one above the last. As a warning it speaks of a next root, which is only not taken.", HALTED, True)
    ROOT_PREV = ("ROOT_PREV", "A next trust root does not name the last one by digest.",
        "State the sha256 of the last accepted root as prev, and sign again.", UNCHANGED)
    ROOT_THRESHOLD_OLD = ("ROOT_THRESHOLD_OLD", "Too few people of the last trust root have signed the next one.",
        "Collect signatures of people with role root in the last root; nothing changes until then.", UNCHANGED)
    ROOT_THRESHOLD_NEW = ("ROOT_THRESHOLD_NEW", "Too few people of the next trust root have signed it themselves.",
        "Collect signatures of people with role root in the next root; nothing changes until then.", UNCHANGED)
    ROOT_REPOSITORY = ("ROOT_REPOSITORY", "The trust root is for another repository or environment.",
        "Use the root made for this repository; neither may change. As a warning it speaks of a next root, which is only not taken.", HALTED, True)
    ROOT_DUPLICATE_KEY = ("ROOT_DUPLICATE_KEY", "One key material stands twice in the trust root, whatever its form.",
        "Give every person a key of their own. As a warning it speaks of a next root, which is only not taken.", HALTED, True)
    ROOT_ERASED = ("ROOT_ERASED", "A trust root that was accepted is gone from the repository.",
        "Restore the file with a forward commit.", HALTED, True)
    ROOT_CHANGED = ("ROOT_CHANGED", "Other bytes stand under the number of an accepted root.",
        "Restore the accepted bytes with a forward commit.", HALTED, True)
    ROOT_EXPIRED = ("ROOT_EXPIRED", "The trust root has expired.",
        "Sign and publish the next trust root.", "reducing for the root's bound, then halted", True)
    GATE_UNSATISFIABLE = ("GATE_UNSATISFIABLE", "No set of other people could complete this gate.",
        "Add people with the missing roles to the trust root. As a warning it speaks of a next root, which is only not taken.", HALTED, True)
    GATE_FRAGILE = ("GATE_FRAGILE", "The gate cannot be completed without one particular person.",
        "Add a second person for that role.", UNCHANGED)
    GATE_TOUCH = ("GATE_TOUCH", "A gate that a rehearsal never comes to wants a touch that too few people's keys can give.",
        "Give its people hardware keys before this becomes production; there the root would be invalid.", UNCHANGED)
    REVOCATION_SCHEMA = ("REVOCATION_SCHEMA", "A revocation does not have the required form or name.",
        "Write it again with governor trust revoke.", UNCHANGED)
    REVOCATION_FOREIGN = ("REVOCATION_FOREIGN", "A revocation is for another repository or environment.",
        "Write it again for this one.", UNCHANGED)
    REVOCATION_SIGNATURE = ("REVOCATION_SIGNATURE", "A revocation is not signed by a key that may revoke.",
        "Sign with the key itself, or with a key that has the use revocation.", UNCHANGED)
    REVOCATION_ERASED = ("REVOCATION_ERASED", "A revocation that was seen is gone or changed.",
        "Find out who erased it. The key stays revoked all the same.", UNCHANGED, True)
    STATE_YAML = ("STATE_YAML", "A file is not in the strict form of YAML that is read here.",
        "Correct the line named; quote decimals and times; no anchors, tags, duplicates.", NARROWED, True)
    STATE_SCHEMA = ("STATE_SCHEMA", "A file has an unknown, missing or wrong key.",
        "Correct the key named; compare with the template.", NARROWED, True)
    STATE_MISSING = ("STATE_MISSING", "A governed file is missing.",
        "Restore the file with a forward commit.", NARROWED, True)
    CONFIGURATION_UNAPPROVED = ("CONFIGURATION_UNAPPROVED", "The configuration at the head is not the approved one.",
        "Propose and sign the new configuration, or revert it; the approved one keeps running.", UNCHANGED)
    CONFIGURATION_LOST = ("CONFIGURATION_LOST", "The approved configuration's bytes are gone.",
        "Restore the base revision, or approve a new configuration.", HALTED, True)

    # --- proposals and sign-offs -------------------------------------------------------------
    SIGNATURE = ("SIGNATURE", "A signature or public key is not in the one form that is read here.",
        "Sign the file's bytes with ssh-keygen -Y sign and the listed key; change nothing after.", UNCHANGED)
    PROPOSAL_SCHEMA = ("PROPOSAL_SCHEMA", "The proposal does not have the required form.",
        "Write a new proposal with the next number.", UNCHANGED)
    PROPOSAL_SIGNATURE = ("PROPOSAL_SIGNATURE", "The proposal is not signed by its requester.",
        "The requester signs the file with a key that has the use proposal.", UNCHANGED)
    PROPOSAL_CHANGED = ("PROPOSAL_CHANGED", "A proposal's bytes changed or vanished after they were seen.",
        "Nothing brings the number back; propose again under the next one.", UNCHANGED)
    PROPOSAL_SEQUENCE = ("PROPOSAL_SEQUENCE", "The proposal's number is used up, too far ahead, or not the one in its name.",
        "Use the next free number.", UNCHANGED)
    PROPOSAL_BASE = ("PROPOSAL_BASE", "The proposal's base is not a revision of this branch's history.",
        "Propose again from the present head.", UNCHANGED)
    PROPOSAL_CONFIGURATION = ("PROPOSAL_CONFIGURATION", "The proposal's configuration is not the one at its base.",
        "Propose again from a base that holds the configuration.", UNCHANGED)
    PROPOSAL_GATE = ("PROPOSAL_GATE", "The stated gate is not the one this change needs.",
        "State the gate named in the message.", UNCHANGED)
    PROPOSAL_CEILING = ("PROPOSAL_CEILING", "The proposal asks for more than its gate may grant.",
        "Ask for less, or change the ceiling in the next trust root.", UNCHANGED)
    PROPOSAL_FOREIGN = ("PROPOSAL_FOREIGN", "The proposal is for another repository or environment.",
        "Propose again for this one.", UNCHANGED)
    PROPOSAL_NOT_YET = ("PROPOSAL_NOT_YET", "The proposal is complete but its start lies ahead.",
        "Wait.", UNCHANGED)
    PROPOSAL_EXPIRED = ("PROPOSAL_EXPIRED", "The proposal has expired.",
        "Propose a renewal.", "reducing for the root's bound, then halted")
    EXPIRES_SOON = ("EXPIRES_SOON", "A trust root, an approval or a key ends soon.",
        "Renew it: governor propose --renew for an approval, the next trust root for itself and its keys.", UNCHANGED)
    PROPOSAL_EVIDENCE = ("PROPOSAL_EVIDENCE", "The proposal does not list the evidence packs that its gate asks for.",
        "Propose again and list the packs named in the message, each with its sha256.", UNCHANGED)
    SIGNOFF_SCHEMA = ("SIGNOFF_SCHEMA", "The sign-off does not have the required form.",
        "Write it again with governor sign.", UNCHANGED)
    SIGNOFF_KEY_UNKNOWN = ("SIGNOFF_KEY_UNKNOWN", "The sign-off's key is not in the trust root.",
        "Sign with the key that the trust root lists.", UNCHANGED)
    SIGNOFF_KEY_REVOKED = ("SIGNOFF_KEY_REVOKED", "The sign-off's key is revoked.",
        "Sign with another key.", UNCHANGED)
    SIGNOFF_KEY_EXPIRED = ("SIGNOFF_KEY_EXPIRED", "The sign-off's key is outside its validity.",
        "Sign with a valid key.", UNCHANGED)
    SIGNOFF_SIGNATURE = ("SIGNOFF_SIGNATURE", "The signature beside the sign-off does not verify.",
        "Sign the file as it stands in git.", UNCHANGED)
    SIGNOFF_PERSON = ("SIGNOFF_PERSON", "The key does not belong to the person named.",
        "Name the person who holds the key.", UNCHANGED)
    SIGNOFF_ROLE = ("SIGNOFF_ROLE", "The person does not hold the role claimed.",
        "Claim a role that the trust root gives.", UNCHANGED)
    SIGNOFF_REPLAY = ("SIGNOFF_REPLAY", "The sign-off was made for another proposal or place.",
        "Sign this proposal.", UNCHANGED)
    SIGNOFF_CLEARS = ("SIGNOFF_CLEARS", "The sign-off does not name every stop the proposal clears.",
        "Sign again and name them.", UNCHANGED)
    SIGNOFF_NOT_YET = ("SIGNOFF_NOT_YET", "The sign-off's issue time lies ahead.",
        "Wait.", UNCHANGED)
    SIGNOFF_EXPIRED = ("SIGNOFF_EXPIRED", "The sign-off has expired.", "Sign again.", UNCHANGED)
    SIGNOFF_TOO_LONG = ("SIGNOFF_TOO_LONG", "The sign-off runs longer than its gate allows.",
        "Sign with a shorter validity.", UNCHANGED)
    SIGNOFF_REQUESTER = ("SIGNOFF_REQUESTER", "The requester's own sign-off does not count.",
        "Ask somebody else.", UNCHANGED)
    SIGNOFF_TOUCH = ("SIGNOFF_TOUCH", "The gate wants a hardware key that was touched, and the sign-off's was not.",
        "Sign again with a hardware key of the trust root (ssh-keygen -t ed25519-sk or ecdsa-sk) and touch it.", UNCHANGED)
    VOTE_ERASED = ("VOTE_ERASED", "A file that was a vote or a proposal changed or vanished.",
        "Find out who erased it. The vote stands in memory all the same.", UNCHANGED, True)
    QUORUM_NOT_MET = ("QUORUM_NOT_MET", "Not enough of the right people have signed.",
        "Collect the sign-offs listed by governor approvals.", UNCHANGED)
    VETO = ("VETO", "Somebody answered NO_GO or WITHDRAW; the number is void for ever.",
        "Propose again under the next number.", UNCHANGED)
    STOP_UNKNOWN = ("STOP_UNKNOWN", "The proposal clears a stop that is not known here.",
        "Name stops by their id from governor status.", UNCHANGED)
    PROPOSAL_INCOMPLETE = ("PROPOSAL_INCOMPLETE", "From testnet up a proposal names the build, and the account at each venue of its symbols.",
        "Propose again and name what the message says is missing.", UNCHANGED)
    BUILD_UNAPPROVED = ("BUILD_UNAPPROVED", "The build that runs is not the one approved for testnet or live trading.",
        "Install the approved build, or propose the one that runs and have it signed.", HALTED, True)
    ACCOUNT_UNAPPROVED = ("ACCOUNT_UNAPPROVED", "A venue reports another account than the approved one.",
        "Use the approved account's key, or propose the account and have it signed.", HALTED, True)
    REHEARSAL_VENUE = ("REHEARSAL_VENUE", "In a rehearsal modes above paper exist on a local exchange alone, and in production never there.",
        "In governor.yaml, give the venue rehearsal: http://127.0.0.1:PORT where the root is marked for it, and nowhere else.", HALTED, True)
    RELEASE_WAITS = ("RELEASE_WAITS", "The release of a technical stop is signed, and its venues are not proven clean yet.",
        "Let the watcher see two clean sweeps, or have the release signed under gate release.", STOPPED, True)
    WIND_DOWN_BEYOND = ("WIND_DOWN_BEYOND", "The wind-down asks for more than reducing what was approved last.",
        "Propose again: trading reducing, access reduce, limits within the last approval.", UNCHANGED)
    WIND_DOWN_UNDER = ("WIND_DOWN_UNDER", "The wind-down does not name every stop in force.",
        "Propose again and name every stop of governor status in under.", UNCHANGED)
    NOT_APPROVED = ("NOT_APPROVED", "What is asked for exceeds what stands approved.",
        "Propose and sign it, or lower what is asked.", UNCHANGED)
    FALLEN = ("FALLEN", "What was once lowered stays down until people raise it.",
        "Propose a restore and have it signed.", UNCHANGED)

    # --- freshness, clock, memory ------------------------------------------------------------
    SOURCE_STALE = ("SOURCE_STALE", "The state repository has not answered within the bound.",
        "Restore the connection to the server.", "reducing, then halted", True)
    SOURCE_UNREADABLE = ("SOURCE_UNREADABLE", "A tip cannot be read within the bound.",
        "Look at the tip named; it lifts when it is read.", HALTED, True)
    HEARTBEAT_MISSING = ("HEARTBEAT_MISSING", "The watcher has given no sign of life within the bound.",
        "Start governor run or governor watch.", "nothing that increases risk", True)
    HEARTBEAT_INVALID = ("HEARTBEAT_INVALID", "A heartbeat does not read, is not signed by a watcher of the trust root, or repeats an older one.",
        "Look at the watcher that writes the file; until then it counts as silent.", UNCHANGED)
    LIFTING = ("LIFTING", "What narrowed is good again and is watched for three cycles.",
        "Wait for the next cycles.", NARROWED)
    CLOCK_UNSURE = ("CLOCK_UNSURE", "The clock moved in a way that cannot be trusted.",
        "Set the clock right, or let a time service do it. If it is right, after a boot for instance: compare it with another clock and start with --clock-checked.", HALTED, True)
    STORE_ROLLBACK = ("STORE_ROLLBACK", "Memory is older than the evidence chain.",
        "Restore the newest memory, or release the stop it raises.", STOPPED, True)
    MEMORY_UNREADABLE = ("MEMORY_UNREADABLE", "Memory is missing or damaged.",
        "Release the stop it raises after looking into the cause.", STOPPED, True)
    ANOTHER_WRITER = ("ANOTHER_WRITER", "Another reconciler holds the writer's lock or a higher epoch.",
        "Stop the other one.", HALTED, True)
    INTERNAL = ("INTERNAL", "An unexpected fault of ours; the cycle ended with less authority.",
        "Report it with the log.", HALTED, True)

    # --- kill switch -------------------------------------------------------------------------
    KILL_ENGAGED = ("KILL_ENGAGED", "The kill switch is engaged.",
        "Find the cause; then propose a release that names the stop.", STOPPED, True)
    KILL_UNREADABLE = ("KILL_UNREADABLE", "The kill switch file cannot be read, so it counts as engaged.",
        "Mend the file; then propose a release that names the stop.", STOPPED, True)
    KILL_LATCHED = ("KILL_LATCHED", "A stop is in force, or the armed token is missing.",
        "See governor status for the stop and who can release it.", STOPPED, True)
    LOCAL_HALT = ("LOCAL_HALT", "Somebody halted this host.",
        "Find the cause; then propose a release that names the stop.", STOPPED, True)
    VENUE_NOT_CLEAN = ("VENUE_NOT_CLEAN", "Open orders could not be proven gone.",
        "Look at the venue and cancel by hand what is left.", STOPPED, True)
    UNJOURNALED_CANCELS = ("UNJOURNALED_CANCELS", "Cancels went out before they could be written down.",
        "Free the disk; the record was completed from the venue.", STOPPED, True)

    # --- L5: one code a control (risk.md) ----------------------------------------------------
    DATA_MISSING = ("DATA_MISSING", "An input that the control needs is missing, stale or not a number.",
        "Look at the input named in the finding.", REFUSED)
    LIMIT_MISSING = ("LIMIT_MISSING", "The limit that the control needs is not configured.",
        "Set it in limits.yaml and have it approved; missing never means unlimited.", REFUSED)
    WITHIN = ("WITHIN", "The control found nothing against the order.",
        "Nothing to do.", "as the other controls decide")
    MODE_FORBIDS = ("MODE_FORBIDS", "The order's venue does not belong to the mode.",
        "Use the venue class of the permitted mode.", REFUSED)
    ARMING_INVALID = ("ARMING_INVALID", "Testnet or live trading is not armed by an approval for exactly these limits, configuration, build and account.",
        "Propose what runs and have it signed, or run what was approved.", REFUSED, True)
    TRADING_HALTED = ("HALTED", "Trading is halted.", "See governor status for the cause.", REFUSED)
    REDUCING = ("REDUCING", "Only orders that reduce a position may leave.",
        "See governor status for the cause.", REFUSED)
    INTENT_UNAPPROVED = ("INTENT_UNAPPROVED", "The order cites no approved, unexpired plan.",
        "Have L4 approve the plan's pack.", REFUSED)
    NOT_ALLOW_LISTED = ("NOT_ALLOW_LISTED", "Venue, account, symbol, side, type or time in force is not on the list.",
        "Ask for it in a signed proposal.", REFUSED)
    LEVERAGE = ("LEVERAGE", "The order would borrow or sell what is not owned.",
        "Spot only.", REFUSED)
    NO_TRADE = ("NO_TRADE", "A NO-TRADE trigger stands, or the outlook is missing or expired.",
        "Wait for the trigger's expiry.", REFUSED)
    BAD_NUMBER = ("BAD_NUMBER", "Quantity or price is not a plain positive number.",
        "Mend the planner.", REFUSED)
    BAD_INCREMENT = ("BAD_INCREMENT", "Price or quantity is not a multiple of the venue's step.",
        "Quantise before the gate.", REFUSED)
    VENUE_BOUNDS = ("VENUE_BOUNDS", "The venue's own minimum or maximum is not met.",
        "Resize the order.", REFUSED)
    MAX_ORDER_NOTIONAL = ("MAX_ORDER_NOTIONAL", "The order is worth more than one order may be.",
        "Use a smaller order.", REFUSED)
    MAX_QUANTITY = ("MAX_QUANTITY", "The order is for more units than one order may be.",
        "Use a smaller order.", REFUSED)
    FAT_FINGER = ("FAT_FINGER", "The order is far larger than the ones before it, or than the book it would meet.",
        "Use a smaller order.", REFUSED)
    PRICE_COLLAR = ("PRICE_COLLAR", "The price lies outside the collar.",
        "Price the order nearer the market.", REFUSED)
    ORDER_EXPIRED = ("ORDER_EXPIRED", "The order ends in the past.",
        "Decide it anew.", REFUSED)
    TOTAL_EXPOSURE = ("TOTAL_EXPOSURE", "Worst-case exposure over all symbols would exceed its limit.",
        "Reduce first.", REFUSED)
    SYMBOL_EXPOSURE = ("SYMBOL_EXPOSURE", "Worst-case exposure of the symbol would exceed its limit.",
        "Reduce first.", REFUSED)
    STRATEGY_EXPOSURE = ("STRATEGY_EXPOSURE", "Worst-case exposure of the strategy would exceed its limit.",
        "Reduce first.", REFUSED)
    MAX_POSITIONS = ("MAX_POSITIONS", "Too many symbols would be held or worked.",
        "Close one first.", REFUSED)
    INSUFFICIENT_FUNDS = ("INSUFFICIENT_FUNDS", "Free balance after reservations does not cover it.",
        "Use a smaller order.", REFUSED)
    MAX_OPEN_ORDERS = ("MAX_OPEN_ORDERS", "Too many orders would be open.",
        "Cancel one first.", REFUSED)
    REDUCE_ONLY = ("REDUCE_ONLY", "The order would not only reduce the position.",
        "Size it to what is held and not yet being sold.", REFUSED)
    DAILY_TURNOVER = ("DAILY_TURNOVER", "What was filled today and is open would exceed the day's turnover.",
        "Wait for the next day.", REFUSED)
    DAILY_LOSS = ("DAILY_LOSS", "The day's loss has reached its limit, or would with this order.",
        "Look at the session's marks and fills (governor session show), decide whether to go on today and with which limits; then propose a release that names the stop.", STOPPED, True)
    ROLLING_LOSS = ("ROLLING_LOSS", "The loss of the last 24 hours has reached its limit.",
        "Look at the fills of the last 24 hours (governor session show) and decide whether to go on; then propose a release that names the stop.", STOPPED, True)
    DRAWDOWN = ("DRAWDOWN", "Equity has fallen from its highest by the limit, or would with this order.",
        "Look at the marks since the peak (governor session show) and decide whether the strategy may go on; then propose a release that names the stop.", STOPPED, True)
    LOSING_STREAK = ("LOSING_STREAK", "Too many round trips in a row were lost.",
        "Look at the round trips that lost (governor session show) and at the market; then propose a release that names the stop.", STOPPED, True)
    SLIPPAGE = ("SLIPPAGE", "Executions cost more against the price of their decision than is accepted.",
        "Review the market and the order sizes; then propose a release that names the stop.", STOPPED, True)
    MSG_RATE = ("MSG_RATE", "Too many messages in the window.",
        "Wait; cancels are never held back.", REFUSED)
    MAX_ORDERS_DAY = ("MAX_ORDERS_DAY", "Too many orders today.", "Wait for the next day.", REFUSED)
    ORDER_RATIO = ("ORDER_RATIO", "Too many orders or cancels for what was executed.",
        "Wait for the next day; look at what the planner chases.", REFUSED)
    REPEATED_EXECUTION = ("REPEATED_EXECUTION", "The same side of the same symbol was executed again and again.",
        "It looks like a loop: look at the plans and orders of the session (governor session show) and mend what repeats; then propose a release that names the stop.", STOPPED, True)
    DUPLICATE = ("DUPLICATE", "The same intent or the same order was seen already.",
        "Nothing; a doubled order never leaves.", REFUSED)
    REJECT_STREAK = ("REJECT_STREAK", "The venue refused one order after the other.",
        "Read the venue's words in the answers (governor evidence log --kind order_answer --json) and mend what it refuses; then propose a release that names the stop.", STOPPED, True)
    SLICING = ("SLICING", "Together with its siblings the order exceeds what the plan was approved for.",
        "Have L4 approve a new plan.", REFUSED)
    STALE_BOOK = ("STALE_BOOK", "The book is too old.", "Look at the feed.", REFUSED)
    BOOK_SHAPE = ("BOOK_SHAPE", "The book is one-sided, crossed or too wide.",
        "Look at the feed.", REFUSED)
    PRICE_JUMP = ("PRICE_JUMP", "The price jumped; quarantined until enough good ticks.",
        "Wait.", REFUSED)
    SEQUENCE_GAP = ("SEQUENCE_GAP", "Market data is missing between the last piece and the one before.",
        "Wait until the book is whole again.", REFUSED)
    SOURCE_DEVIATION = ("SOURCE_DEVIATION", "Two sources of the price disagree.",
        "Find out which of them is wrong.", REFUSED)
    DEPEGGED = ("DEPEGGED", "The quote currency is not worth what the limits take it for.",
        "Nothing more is bought while its price lies that far from the peg in venues.yaml; what is held may be reduced. Look at the pair that is watched, and move the peg by a signed proposal alone.", REFUSED, True)
    MARKET_CLOSED = ("MARKET_CLOSED", "The venue has closed the symbol for trading.",
        "Wait for the venue.", REFUSED)
    VOLATILITY = ("VOLATILITY", "The price moves too fast to judge an order by it.",
        "Wait.", REFUSED)
    PROVENANCE_FORBIDS = ("PROVENANCE_FORBIDS", "The market data does not come from where the mode needs it.",
        "Use live data for testnet and live trading.", REFUSED)
    CLOCK_SKEW = ("CLOCK_SKEW", "Our clock and the venue's differ, or ours has jumped.",
        "Synchronise the clock.", REFUSED, True)
    VENUE_ERRORS = ("VENUE_ERRORS", "The venue lost too many answers; the circuit is open.",
        "Wait; it closes by itself once reads are answered. Where a stop was raised, it stayed open too long: find out what the venue or the way to it lacks, then propose a release that names the stop.", STOPPED, True)
    UNKNOWN_ORDERS = ("UNKNOWN_ORDERS", "The fate of an order is not known.",
        "Wait ten seconds: it is looked up and never sent again. Where a stop was raised, look for the client order id at the venue, cancel it there if it rests, then propose a release.", STOPPED, True)
    KEY_SCOPE = ("KEY_SCOPE", "The venue's key can do more than trade, works from anywhere, or belongs to another account.",
        "Make a key that can trade and not withdraw, bound to this address.", REFUSED, True)
    VENUE_IDENTITY = ("VENUE_IDENTITY", "The venue that answers is not of the class that is wired.",
        "Compare the class in venues.yaml with the host in the message and with governor.yaml; stop this host (governor halt) if the venue is not the one you meant.", REFUSED, True)
    RATE_HEADROOM = ("RATE_HEADROOM", "What is left of the venue's rate limit is kept for cancels.",
        "Wait.", REFUSED)
    SELF_TRADE = ("SELF_TRADE", "The order would meet a resting order of our own.",
        "Cancel the resting one first.", REFUSED)
    NO_BIJECTION = ("NO_BIJECTION", "An order at the venue has no intent, or its intent had ended.",
        "Find out who sent it, say so: governor books explain SUBJECT; then propose a release that names the stop.", STOPPED, True)
    RECON_DIFF = ("RECON_DIFF", "Our books and the venue's differ without an explanation.",
        "Read the reconciliation report and find the difference at the venue. Say what it was: governor books explain SUBJECT; then propose a release that names the stop.", STOPPED, True)
    SAFETY_NET_DOWN = ("SAFETY_NET_DOWN", "The watcher's heartbeat is older than the root allows.",
        "Start governor run or governor watch.", REFUSED)
    JOURNAL = ("JOURNAL", "The journal could not be written, so nothing may leave.",
        "Free the disk or mend the permissions.", "nothing that increases risk", True)

    # --- layers, orders, venues --------------------------------------------------------------
    FEED_INVALID = ("FEED_INVALID", "The market data file does not have the required form.",
        "Compare with the columns named in the message.", NOTHING_DONE)
    DATA_FILE = ("DATA_FILE", "The file of market data cannot be made or continued.",
        "Give the arguments that the file was begun with (FILE.source.json has them), or name another file; what it holds is whole.", NOTHING_DONE)
    PRESET_OPTIMISTIC = ("PRESET_OPTIMISTIC", "The paper venue fills more kindly than evidence may rest on.",
        "Use the pessimistic preset, or one calibrated on recorded fills; a venue keeps the model it was made with.", NOTHING_DONE)
    ARTIFACT_INVALID = ("ARTIFACT_INVALID", "A layer returned something that is not its artifact.",
        "Look at the layer's pack.", "nothing downstream of the layer")
    CRITIC_REJECTED = ("CRITIC_REJECTED", "L4 did not answer exactly APPROVE.",
        "Look at the findings of the critic's report.", "nothing that increases risk")
    PERMIT_INVALID = ("PERMIT_INVALID", "The permit is forged, used, or for another request.",
        "Nothing; the order did not leave.", REFUSED)
    PERMIT_EXPIRED = ("PERMIT_EXPIRED", "The permit ended before the order left.",
        "Nothing; the order did not leave.", REFUSED)
    VERDICT_EXPIRED = ("VERDICT_EXPIRED", "The verdict ended before the order left.",
        "Nothing; the next cycle judges anew.", REFUSED)
    VERDICT_FELL = ("VERDICT_FELL", "What is permitted fell after the permit was given, and before the order left.",
        "Nothing; the order did not leave, and the next one is judged under what is permitted now.", REFUSED)
    VENUE_REJECTED = ("VENUE_REJECTED", "The venue refused the order.",
        "See the venue's words.", REFUSED)
    ORDER_UNKNOWN = ("ORDER_UNKNOWN", "It is not known whether the venue has the order.",
        "Wait for the look-up; exposure stays reserved.", REFUSED)
    ORDER_UNRESOLVED = ("ORDER_UNRESOLVED", "Every look-up on the schedule was made, and it is still not known whether the venue has the order.",
        "Look for the client order id at the venue by hand, and cancel it there if it rests. The stop is of class technical (G3): one operator releases it, with a clean reconciliation.", STOPPED, True)
    EXPIRED_UNKNOWN = ("EXPIRED_UNKNOWN", "The venue was proven not to have the order whose answer was lost; it is never sent again.",
        "Nothing; the next plan decides anew.", REFUSED)
    NOT_RECONCILED = ("NOT_RECONCILED", "Since the start, books and venue have not been compared yet.",
        "Wait for the look-ups to end. If no session begins within 30 s, a difference stands unexplained: read the last reconciliation report, then governor books explain SUBJECT.", REFUSED)
    FILL_IMPLAUSIBLE = ("FILL_IMPLAUSIBLE", "The venue reports an execution that the order does not allow: its size, price or fee, or one id for two executions.",
        "Compare the fill with the venue's own record and say what it was: governor books explain SUBJECT; then propose a release that names the stop.", STOPPED, True)
    VENUE_RESET = ("VENUE_RESET", "The venue was wiped: orders, fills and balances that it had are gone together. Our books still hold them.",
        "Confirm with the venue's announcements. Then governor books accept-reset, and propose a release that names the stop.", STOPPED, True)
    FOREIGN_ORDER = ("FOREIGN_ORDER", "The venue shows an order that is not ours.",
        "Find out who else has the key or the account, and change the key. Say what it was: governor books explain SUBJECT; then propose a release that names the stop.", STOPPED, True)
    UNATTENDED = ("UNATTENDED", "The order could rest at a venue without a dead-man switch, and no watcher on another host is heard.",
        "Run governor watch on a second host and name its heartbeat in governor.yaml; orders that cannot rest are sent all the same.", REFUSED)
    SESSION_RUNNING = ("SESSION_RUNNING", "A session is running or asked for on this host, and there is one at a time.",
        "Wait for it, or end it: governor session stop.", NOTHING_DONE)
    NOT_STOPPED = ("NOT_STOPPED", "No stop of class integrity is in force on this host, so nothing waits for people's word on our books.",
        "Nothing; a difference that a session meets stops it, and is explained then.", NOTHING_DONE)
    BOOKS_AGREE = ("BOOKS_AGREE", "Nothing stands in these books that people could explain or accept.",
        "Look at governor books show; a stop that stands needs its release alone.", NOTHING_DONE)
    SESSION_LOST = ("SESSION_LOST", "The process that ran the session, or was to run it, is gone.",
        "Look at governor status, and start governor run if nothing watches; then run a new session: it looks up what the old one left before it sends anything.", "what the verdict says")
    VENUE_UNREACHABLE = ("VENUE_UNREACHABLE", "The venue cannot be reached or its store not read.",
        "Look at the network, at the venue's own status page, and at its entry in governor.yaml; nothing is taken for clean until it answers.", "nothing that increases risk", True)
    VENUES_UNKNOWN = ("VENUES_UNKNOWN", "Which venues were opened before this host took over is not known here, so open orders may rest where nobody here looks.",
        "On the host that is to trade, start governor run or governor reconcile while the evidence repository answers: it reads them there. Not on one that only watches, for that would take over. Until then no stop is called clean here: look at every venue yourself, and cancel there by hand what is open.", "what the verdict says; no stop counts as clean", True)
    VENUE_RATE_LIMIT = ("VENUE_RATE_LIMIT", "The venue said that it was asked too much (429), or shut this address out (418), and the time that it named is not over.",
        "Wait; each process of this host goes on by itself. Look for whatever else uses the same address or key, and do not try by hand: every request under a ban makes it longer, and cancels pass again only when it ends.", "nothing that increases risk", True)

    VENUE_UNPROVEN = ("VENUE_UNPROVEN", "The line to the venue may lead somewhere else, so it is not used.",
        "Compare class, account and host in the message with venues.yaml and governor.yaml. Where both are right, reinstall the approved ccxt. A host opens a venue for one account, class and place: for another one make another desk.", "nothing that increases risk", True)
    VENUE_HISTORY = ("VENUE_HISTORY", "The venue holds more orders or executions of ours since that instant than one look may read.",
        "Give the desk a new account and a new journal, or find out who else trades on this account; what was not read was not compared.", "nothing that increases risk", True)
    CREDENTIALS = ("CREDENTIALS", "The venue's key or secret is missing, or not kept where nobody else can read it.",
        "Set the two variables that governor.yaml names, or keep both in the file it names: chmod 600, owned by who runs this.", NOTHING_DONE)
    WIRE_UNREADABLE = ("WIRE_UNREADABLE", "The signed order did not read back as exactly one order, so it was not sent.",
        "Nothing left; look for another version of ccxt than the approved one.", REFUSED)
    EGRESS = ("EGRESS", "A request is not on the list of what may leave for the venue.",
        "Nothing left this machine. Keep the message and tell whoever answers for security: something asked for a request that trading does not need; run the approved build again.", REFUSED)

    # --- evidence ----------------------------------------------------------------------------
    CHAIN_BROKEN = ("CHAIN_BROKEN", "A leaf does not follow from the one before.",
        "Stop, and compare with a mirror of the evidence repository.", HALTED, True)
    CHECKPOINT_INVALID = ("CHECKPOINT_INVALID", "A signed checkpoint does not verify or does not match the leaves.",
        "Stop, and compare with a mirror of the evidence repository.", HALTED, True)
    PACK_INVALID = ("PACK_INVALID", "A pack's files and its manifest do not agree.",
        "Compare with a mirror of the evidence repository.", UNCHANGED, True)
    REPLAY_MISMATCH = ("REPLAY_MISMATCH", "A recorded decision does not come out again.",
        "Stop, and find out which of record, code or input changed.", HALTED, True)
    EVIDENCE_UNWRITABLE = ("EVIDENCE_UNWRITABLE", "Evidence cannot be written or pushed.",
        "Free the disk or restore the evidence server.", "nothing that increases risk", True)
    EVIDENCE_KEY = ("EVIDENCE_KEY", "The key that signs the log's heads is not listed in the trust root, or was revoked.",
        "List this host's key for evidence in the next trust root, or give the host one that is listed.", HALTED, True)
    EVIDENCE_MISSING = ("EVIDENCE_MISSING", "The chain names bytes that the evidence repository does not have.",
        "Compare with a mirror of the evidence repository.", HALTED, True)
    HISTORY_MISSING = ("HISTORY_MISSING", "What came before this host's journal is not in its clone of the evidence repository, so its books cannot be told.",
        "Bring the evidence server back, or put its repository back from a mirror, and start governor run again; no session runs before.", "nothing that increases risk", True)
    EVIDENCE_FOREIGN = ("EVIDENCE_FOREIGN", "A file in the evidence repository is named by no leaf of the chain.",
        "Find out who put it there; only the reconciler writes evidence.", UNCHANGED, True)
    EVIDENCE_REWRITTEN = ("EVIDENCE_REWRITTEN", "Something that is written once, or generated, was changed by somebody.",
        "Stop, and compare with a mirror of the evidence repository.", HALTED, True)

    # --- command line ------------------------------------------------------------------------
    USAGE = ("USAGE", "The command cannot be carried out as given.", "See --help.", NOTHING_DONE)
    CONFIG_INVALID = ("CONFIG_INVALID", "governor.yaml is missing or not valid.",
        "Run governor init, or correct the key named.", NOTHING_DONE)
    TARGET_NOT_EMPTY = ("TARGET_NOT_EMPTY", "The folder exists and is not empty.",
        "Name another folder.", NOTHING_DONE)
    DESK_GIT = ("DESK_GIT", "Git refused in the working clone.",
        "Read git's words; commit or stash what is changed there, or pull, and try again.", NOTHING_DONE)
    MERGE_CONFLICT = ("MERGE_CONFLICT", "The change cannot be merged as it stands.",
        "Merge or rebase the branch onto its target, then look again.", NOTHING_DONE)
    TOOL_MISSING = ("TOOL_MISSING", "A program that is needed is not installed.",
        "Install git and OpenSSH.", NOTHING_DONE)
    SIGNING_FAILED = ("SIGNING_FAILED", "ssh-keygen could not sign.",
        "Check the key file.", NOTHING_DONE)
    # fmt: on
