"""Hands the CLI's events on and keeps what the outcome is made from."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING

from pulumi.automation.events import DiagnosticEvent, EngineEvent

from voiceid_optout.engine.messages import ErrorLines, for_people
from voiceid_optout.plan.build import is_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceid_optout.state.checkpoint import Upgrade

_VERDICT = re.compile(r"(?:update|preview|refresh|destroy) failed")
_EXIT = re.compile(r"(?:an unhandled error occurred: )?[Pp]rogram exited with non-zero exit code: (?P<status>\d+)")


class Relay:
    """Takes every event of one run (:meth:`take`), from the Automation API's thread.

    Step events pass as they are, but for what a state of before has in clear. Diagnostics are made fit for people:
    no debugging, no progress of tools, no tracebacks but their last lines, no values of refused properties.
    """

    def __init__(
        self, on_event: Callable[[EngineEvent], None], upgrade: Upgrade | None = None, *, remote: bool = False
    ) -> None:
        """``upgrade`` is the request's; ``remote`` says that the state is in no folder."""
        self._on_event = on_event
        self._upgrade = upgrade
        self._remote = remote
        self._errors: Counter[str] = Counter()
        self._exit_status = ""
        self._streams: dict[int | None, ErrorLines] = {}
        self.applied = 0
        self.broken: Exception | None = None

    def note(self, text: str) -> None:
        """Say something of our own before the run's events."""
        self._on_event(EngineEvent(0, int(time.time()), diagnostic_event=DiagnosticEvent(text, "never", "info")))

    def take(self, event: EngineEvent) -> None:
        """Look at an event and pass it on. An exception of the receiver is kept in ``broken``, and ends it."""
        if self.broken is not None:
            return
        if event.diagnostic_event is not None:
            diagnostic = self._cleaned(event.diagnostic_event)
            if diagnostic is None:
                return
            event = EngineEvent(event.sequence, event.timestamp, diagnostic_event=diagnostic)
        if self._upgrade is not None:
            self._show_upgraded(event, self._upgrade)
        done = event.res_outputs_event
        if done is not None and not done.planning and is_change(done.metadata):
            self.applied += 1
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - raised again once the CLI has ended: it must not be left alone
            self.broken = error

    def _show_upgraded(self, event: EngineEvent, upgrade: Upgrade) -> None:
        """Show both sides of a step as they are written today."""
        step = event.resource_pre_event or event.res_outputs_event or event.res_op_failed_event
        for side in (step.metadata.old, step.metadata.new) if step is not None else ():
            if side is None:
                continue
            before = side.id, dict(side.outputs or {})
            id_, outputs = upgrade(side.type, *before)
            if (id_, outputs) == before:
                continue
            # What is in no folder is mended by a read alone, so a plan must see that there is something to read.
            side.id, side.outputs = f"{id_}/old" if self._remote else id_, outputs

    def errors(self) -> tuple[str, ...]:
        """Return what went wrong, each once, with how often it was reported."""
        if not self._errors and self._exit_status:
            return (f"the program ended with exit status {self._exit_status}",)
        return tuple(text if count == 1 else f"{text} ({count} times)" for text, count in self._errors.items())

    def _cleaned(self, diagnostic: DiagnosticEvent) -> DiagnosticEvent | None:
        text = diagnostic.message.strip("\n")
        if diagnostic.severity == "debug" or diagnostic.ephemeral or not text.strip():
            return None
        if diagnostic.severity == "error":
            text = for_people(text)
            if exit_ := _EXIT.fullmatch(text):
                self._exit_status = exit_["status"]
                return None
            if _VERDICT.fullmatch(text):
                return None
            self._errors[text] += 1
        elif diagnostic.severity == "info#err":
            shown = self._streams.setdefault(diagnostic.stream_id, ErrorLines()).shown(text)
            if shown is None:
                return None
            text = shown
        kept = (diagnostic.color, diagnostic.severity, diagnostic.stream_id)
        return DiagnosticEvent(text, *kept, urn=diagnostic.urn, prefix=diagnostic.prefix)
