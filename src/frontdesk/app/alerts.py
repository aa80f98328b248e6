"""When somebody has to look: rules over the figures. The product evaluates them itself, and Prometheus can as well.

``docs/alerts.yml`` is made from the same rules (``frontdesk alerts``); a test keeps both alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec
import structlog

from frontdesk.app import figures
from frontdesk.app.figures import Sample
from frontdesk.kit import clock, meters
from frontdesk.kit.context import Resources
from frontdesk.kit.waits import first

Severity = Literal["page", "notice"]
MINUTE = 60.0
EVERY = 15.0  # seconds between two evaluations
SILENT_EVERY = 600.0  # seconds between two looks at the habits of inboxes


log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """``figure`` (its largest sample under ``where``; ``rate``: its growth in a minute) beyond ``above`` or ``below``.

    ``sentence`` says what is so ({} is the value), ``advice`` what to do, ``link`` where in the app.
    """

    name: str
    figure: str
    sentence: str
    advice: str
    one: str = ""  # the sentence for exactly one
    above: float | None = None
    below: float | None = None
    where: tuple[tuple[str, str], ...] = ()
    rate: bool = False
    summed: bool = False
    severity: Severity = "page"
    link: str = "/settings/health"
    shown: Callable[[float], str] = field(default=lambda value: f"{value:,.0f}")

    def broken(self, value: float | None) -> bool:
        if value is None:
            return False
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)

    def told(self, value: float) -> str:
        return self.one if self.one and value == 1 else self.sentence.format(self.shown(value))

    def expression(self) -> str:
        """The same in PromQL."""
        chosen = ",".join(f'{name}="{value}"' for name, value in self.where)
        series = f"{self.figure}{{{chosen}}}" if chosen else self.figure
        if self.rate:
            series = f"sum(rate({series}[1m])) * 60"
        else:
            series = f"{'sum' if self.summed else 'min' if self.below is not None else 'max'}({series})"
        return f"{series} > {self.above:g}" if self.above is not None else f"{series} < {self.below:g}"


def _span(seconds: float) -> str:
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} seconds"
    return f"{seconds / MINUTE:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"


def _share(ratio: float) -> str:
    return f"{ratio:.0%}"


RULES: tuple[Rule, ...] = (
    Rule(
        name="raw_oldest", figure="frontdesk_raw_oldest_seconds", above=30, shown=_span,
        sentence="Deliveries have been waiting to be read for {}.",
        advice="A worker is missing, hangs or cannot keep up. Look at its log; restart it.",
    ),
    Rule(
        name="outbox_oldest", figure="frontdesk_outbox_oldest_seconds", above=2 * MINUTE, shown=_span,
        sentence="A message that could go out has been waiting for {}.",
        advice="A worker is missing, or a provider does not answer. Look at the health of the inboxes.",
        link="/settings/inboxes",
    ),
    Rule(
        name="set_aside", figure="frontdesk_set_aside", above=0, summed=True,
        sentence="{} deliveries could not be read and are set aside.",
        one="A delivery could not be read and is set aside.",
        advice="Read them again, or discard them.", link="/settings/set-aside",
    ),
    Rule(
        name="uncertain", figure="frontdesk_uncertain_oldest_seconds", above=5 * MINUTE, shown=_span,
        sentence="Since {} nobody knows whether a message was sent.",
        advice="Open its conversation and say whether it was sent, or send it again.",
        link="/conversations/all",
    ),
    Rule(
        name="signature_failures", figure="frontdesk_signature_fail_total", above=10, rate=True,
        sentence="{} deliveries in a minute had a signature that does not fit.",
        advice="A secret was changed at the provider, FRONTDESK_URL is not the address it calls, or somebody tries.",
        link="/settings/inboxes",
    ),
    Rule(
        name="backup_old", figure="frontdesk_backup_age_seconds", above=26 * 3600, shown=_span,
        sentence="The newest backup is {} old.", advice="Look why the nightly `frontdesk backup` did not run.",
    ),
    Rule(
        name="reconcile_missing", figure="frontdesk_inbox_missed_seconds", below=3600, severity="notice", shown=_span,
        sentence="{} ago something was found at a provider that it had never delivered. It is here now.",
        advice="Check the webhook address that the provider has.", link="/settings/inboxes",
    ),
    Rule(
        name="disk", figure="frontdesk_disk_free_ratio", below=0.15, shown=_share,
        sentence="Only {} of the disk are free.",
        advice="Make room: when it is full, nothing new is taken until there is.",
    ),
    Rule(
        name="inbox_off", figure="frontdesk_inboxes", where=(("health", "off"),), above=0, summed=True,
        sentence="{} inboxes have lost their connection. Messages through them are held.",
        one="An inbox has lost its connection. Messages through it are held.",
        advice="Connect it again.", link="/settings/inboxes",
    ),
    Rule(
        name="inbox_silent", figure="frontdesk_inboxes_silent", above=0, summed=True, severity="notice",
        sentence="Nothing has come through {} inboxes for much longer than is usual there.",
        one="Nothing has come through an inbox for much longer than is usual there.",
        advice="Write to yourself through it; look at the provider's side.", link="/settings/inboxes",
    ),
    Rule(
        name="workers_missing", figure="frontdesk_workers", below=1,
        sentence="No worker is alive: nothing is read and nothing is sent.",
        advice="Start `frontdesk run`, or `frontdesk worker`.",
    ),
    Rule(
        name="restored_held", figure="frontdesk_restored_held", above=0, summed=True, severity="notice",
        sentence="{} messages are held since a backup was restored.",
        one="A message is held since a backup was restored.",
        advice="Send or cancel: it may have gone out before.",
    ),
)  # fmt: skip


class Alert(msgspec.Struct, kw_only=True, frozen=True):
    """A rule that is broken now. ``since``: when this process first saw it."""

    name: str
    severity: str
    sentence: str
    advice: str
    link: str
    value: float
    since: datetime


class Watch:
    """What is broken: in each workspace when somebody asks, at most every :data:`EVERY` seconds; everywhere (None) on a
    schedule, for the log."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._since: dict[tuple[int | None, str], datetime] = {}
        self._known: dict[int | None, tuple[datetime, list[Alert]]] = {}
        self._silent: dict[int | None, tuple[datetime, list[Sample]]] = {}
        self._failures: list[tuple[datetime, float]] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``: the log says when an alert begins, and when it has ended."""
        before: dict[str, Alert] = {}
        while not stop.is_set():
            try:
                now = {alert.name: alert for alert in await self.look(None)}
                for name in now.keys() - before.keys():
                    log.warning("an alert began", alert=name, sentence=now[name].sentence, advice=now[name].advice)
                for name in before.keys() - now.keys():
                    log.info("an alert ended", alert=name)
                before = now
            except Exception as error:  # whatever it is: this is what tells of everything else
                log.warning("alerts could not be looked for", error=repr(error))
            await first(stop, timeout=EVERY)

    async def look(self, workspace_id: int | None) -> list[Alert]:
        """The alerts of a workspace, the worst first."""
        now = clock.now()
        known = self._known.get(workspace_id)
        if known and (now - known[0]).total_seconds() < EVERY:
            return known[1]
        samples = await self._samples(workspace_id, now)
        found = []
        for rule in RULES:
            value = measured(rule, samples)
            if not rule.broken(value):
                self._since.pop((workspace_id, rule.name), None)
                continue
            since = self._since.setdefault((workspace_id, rule.name), now)
            found.append(
                Alert(
                    name=rule.name, severity=rule.severity, sentence=rule.told(value or 0),
                    advice=rule.advice, link=rule.link, value=value or 0, since=since,
                )
            )  # fmt: skip
        found.sort(key=lambda alert: alert.severity == "notice")
        self._known[workspace_id] = (now, found)
        return found

    async def _samples(self, workspace_id: int | None, now: datetime) -> list[Sample]:
        samples = await figures.collect(self._resources, workspace_id)
        kept = self._silent.get(workspace_id)
        if kept is None or (now - kept[0]).total_seconds() >= SILENT_EVERY:
            kept = self._silent[workspace_id] = (now, await figures.silent(self._resources, workspace_id))
        return [*samples, *kept[1], Sample("frontdesk_signature_fail_total", self._failing(now))]

    def _failing(self, now: datetime) -> float:
        """How many signatures did not fit in the last minute, in this process."""
        counted = sum(
            sample.value
            for metric in meters.signature_fails.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        )
        self._failures = [one for one in self._failures if (now - one[0]).total_seconds() < MINUTE]
        before = self._failures[0][1] if self._failures else counted
        self._failures.append((now, counted))
        return counted - before


def measured(rule: Rule, samples: Sequence[Sample]) -> float | None:
    """The value that a rule judges; None where there is nothing to judge."""
    wanted = dict(rule.where).items()
    values = [one.value for one in samples if one.name == rule.figure and wanted <= dict(one.labels).items()]
    if not values:
        return None
    return sum(values) if rule.summed else min(values) if rule.below is not None else max(values)


def prometheus() -> str:
    """``docs/alerts.yml``: the same rules for Prometheus."""
    lines = ["# Made by `frontdesk alerts` from src/frontdesk/app/alerts.py: change it there.", "groups:"]
    lines += ["  - name: frontdesk", "    rules:"]
    for rule in RULES:
        camel = "".join(part.capitalize() for part in rule.name.split("_"))
        summary = rule.sentence.replace("{}", _TEMPLATES.get(rule.shown, "{{ $value }}"))
        lines += [
            f"      - alert: Frontdesk{camel}",
            f"        expr: {_quoted(rule.expression())}",
            "        for: 30s",
            f"        labels: {{severity: {rule.severity}}}",
            f"        annotations: {{summary: {_quoted(summary)}, description: {_quoted(rule.advice)}}}",
        ]
    return "\n".join(lines) + "\n"


_TEMPLATES = {_span: "{{ $value | humanizeDuration }}", _share: "{{ $value | humanizePercentage }}"}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
