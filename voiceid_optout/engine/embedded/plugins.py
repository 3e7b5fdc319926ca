"""Plugin processes of a run: one a config, started when first needed, or before."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from voiceid_optout.engine.embedded.plugin import Plugin
from voiceid_optout.state import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceid_optout.engine.interface import Request
    from voiceid_optout.state.values import PropertyMap


class Plugins:
    """Hands out running plugins. A refresh before an ``up`` may need the config of the last run beside today's."""

    def __init__(self, request: Request, project: str, say: Callable[[str], None], *, calls: bool = False) -> None:
        """Start none yet; ``calls`` says that they will call the service."""
        self._request = request
        self._calls = calls
        self._project = project
        self._say = say
        self._lock = threading.Lock()
        self._running: dict[str, Plugin] = {}
        self._spare: Plugin | None = None

    def start(self) -> None:
        """Start a process that will be needed, so that it imports while something else is waited for."""
        with self._lock:
            self._spare = self._spare or self._launch()

    def with_config(self, config: PropertyMap) -> Plugin:
        """Return the plugin that is configured so."""
        plain = values.plain_value(config)
        key = json.dumps(plain, sort_keys=True)
        with self._lock:
            if key not in self._running:
                plugin, self._spare = self._spare or self._launch(), None
                plugin.configure(plain)
                self._running[key] = plugin
            return self._running[key]

    def _launch(self) -> Plugin:
        return Plugin(self._request.root, self._project, self._request.environment, self._say, calls=self._calls)

    def _all(self) -> list[Plugin]:
        return [*self._running.values(), *([self._spare] if self._spare else [])]

    def kill(self) -> None:
        """End all of them at once; calls under way fail."""
        with self._lock:
            for plugin in self._all():
                plugin.kill()

    def close(self) -> None:
        """End all of them."""
        for plugin in self._all():
            plugin.close()
