"""Findings, and the two families of errors: what a person must mend, and what may pass by itself.

A "no" is a value (a finding), a broken input is an error, a bug is an assertion.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from desired_state.frozen import Frozen
from desired_state.reasons import Reason


class Severity(StrEnum):
    """How much a finding weighs: errors reduce what is permitted, warnings announce."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Finding(Frozen):
    """One thing that was seen, as people and machines read it."""

    code: Reason
    severity: Severity
    subject: str
    message: str
    remedy: str


def finding(
    code: Reason, subject: str, message: str = "", *, severity: Severity = Severity.ERROR
) -> Finding:
    """A finding with the code's own sentence and remedy where nothing better is known."""
    return Finding(
        code=code,
        severity=severity,
        subject=subject,
        message=redact(message) or code.explanation.sentence,
        remedy=code.explanation.remedy,
    )


class GovernanceError(Exception):
    """Base of what is raised on broken input. ``str()`` holds no secret."""

    def __init__(self, code: Reason, subject: str, message: str = "", remedy: str = "") -> None:
        """``message`` says what was expected and what was found, ``remedy`` what to do."""
        self.code = code
        self.subject = subject
        self.message = redact(message) or code.explanation.sentence
        self.remedy = redact(remedy) or code.explanation.remedy
        super().__init__(f"{code}: {subject}: {self.message} {self.remedy}")

    @property
    def finding(self) -> Finding:
        """The same as a value."""
        return Finding(
            code=self.code,
            severity=Severity.ERROR,
            subject=self.subject,
            message=self.message,
            remedy=self.remedy,
        )


class Stalled(GovernanceError):  # noqa: N818  (named by what happens next, as in Flux)
    """A person must act; trying again cannot help."""


class Waiting(GovernanceError):  # noqa: N818
    """Worth another try after ``retry_after``."""

    def __init__(
        self, code: Reason, subject: str, message: str = "", *, retry_after: timedelta
    ) -> None:
        """As the base, with the time to wait."""
        super().__init__(code, subject, message)
        self.retry_after = retry_after


_SECRETS: Final = (
    (re.compile(r"(\b\w{1,20}://)[^/\s:@]+:[^/\s@]+@"), r"\1***@"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL), "***"),
    (re.compile(r"(?i)(secret|api[_-]?key|password)(\"?\s*[=:]\s*)\S+"), r"\1\2***"),
)


MAX_TEXT: Final = 4000  # outside text in a message is cut: patterns over it must stay cheap


def redact(text: str) -> str:
    """The text without URLs' credentials, private keys and values that look like secrets."""
    text = text[:MAX_TEXT]
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The heaviest severity, or none where there are no findings."""
    order = list(Severity)
    return max((f.severity for f in findings), key=order.index, default=None)
