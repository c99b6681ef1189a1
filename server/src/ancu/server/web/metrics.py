"""Metrics of the pages, and the desk's counters beside them, in a registry of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric, UntypedMetricFamily
from prometheus_client.registry import Collector

__all__ = ["WebMetrics"]


disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the lines, for times that nobody reads


class WebMetrics:
    """Counters by route template, never by path: a path holds ids, and anybody can invent one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ancu_http_requests", "Requests answered", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "ancu_http_request_seconds",
            "Time to an answer's first byte",
            buckets=(0.005, 0.02, 0.1, 0.5, 2.0),
            registry=self.registry,
        )
        self.streams = Gauge("ancu_http_streams", "Open event streams", registry=self.registry)
        self.sign_ins = Counter("ancu_sign_ins", "Sign-ins by result", ["result"], registry=self.registry)
        ProcessCollector(registry=self.registry)

    def text(self, health: Mapping[str, Any]) -> bytes:
        """Everything in Prometheus's text form; `health` is the desk's answer."""
        fleeting = CollectorRegistry()
        fleeting.register(_Health(health))
        return generate_latest(self.registry) + generate_latest(fleeting)


class _Health(Collector):
    def __init__(self, health: Mapping[str, Any]) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("ancu_ready", "Whether the server can do its job", float(bool(self._health["ready"])))
        for name, value in dict(self._health.get("counters", {})).items():
            full = name if name.startswith("ancu_") else f"ancu_{name}"
            if isinstance(value, int | float):
                yield UntypedMetricFamily(full, full.replace("_", " "), float(value))
            elif isinstance(value, Mapping) and value:
                yield _labelled(full, value)


def _labelled(name: str, values: Mapping[Any, float]) -> Metric:
    """A family whose keys are a label's value or a mapping's items: {'seal': 3} or {(('reason', 'seal'),): 3}."""
    first = next(iter(values))
    pairs = isinstance(first, tuple) and all(isinstance(part, tuple) for part in first)
    family = UntypedMetricFamily(name, name.replace("_", " "), labels=[p[0] for p in first] if pairs else ["of"])
    for key, value in values.items():
        family.add_metric([str(p[1]) for p in key] if pairs else [str(key)], float(value))
    return family
