"""What this process counts and times, for ``/metrics``. Labels are few and known: never a name, an address or an id.

Figures that the database knows (what waits, how old it is) are asked of it when somebody looks: see ``app/figures.py``.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_FAST = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)  # seconds
_SLOW = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


def _counter(name: str, words: str, *labels: str) -> Counter:
    return Counter(f"frontdesk_{name}", words, labels, registry=REGISTRY)


def _timer(name: str, words: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"frontdesk_{name}_seconds", words, labels, buckets=buckets, registry=REGISTRY)


inbound_events = _counter("inbound_events", "Requests of providers, and how they were answered.", "channel", "verdict")
inbound_ack = _timer("inbound_ack", "From a provider's request to our answer.", "channel", buckets=_FAST)
dedupe_hits = _counter("dedupe_hits", "Deliveries that were there already.")
processing = _timer("processing", "From storing a delivery until it is a message.", "channel", buckets=_SLOW)
signature_fails = _counter("signature_fail", "Deliveries whose signature does not fit.", "channel")
reconcile_missing = _counter("reconcile_missing", "Deliveries never made by a provider, but fetched there.", "channel")

send_attempts = _counter("send_attempts", "Messages handed to a provider, and what came of it.", "channel", "result")
uncertain = _counter("uncertain", "Messages of which nobody knows whether they were sent.", "channel")
provider_latency = _timer("provider_latency", "What a provider took for one message.", "channel", buckets=_SLOW)
rate_limited = _counter("rate_limited", "Put off: requests of callers (api), messages of an inbox (inbox).", "who")
consent_blocks = _counter("consent_block", "Messages that were not sent, by the reason's code.", "reason")

stream_clients = Gauge("frontdesk_stream_clients", "Open event streams.", registry=REGISTRY)
stream_lag = _timer("stream_lag", "From an event's time until streams have it.", buckets=_FAST)
stream_resyncs = _counter("stream_resync", "Streams that were told to load afresh.")

ssrf_blocks = _counter("ssrf_block", "Addresses that were not connected to.")
authz_denied = _counter("authz_denied", "Requests that were refused: unauthorised or forbidden.", "status")
pool_wait = _timer("pg_pool_wait", "Waiting for a database connection.", buckets=_FAST)
