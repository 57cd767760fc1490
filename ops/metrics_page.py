"""What ``/metrics`` of the web process tells: the counters of all processes of this host, and the product's state.

Counters are added up from the files that each process writes (see :mod:`config.metrics`), with the label ``process``.
State (calls up, queues, unknowns) is read once for each answer, from where the truth is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector
from prometheus_client.samples import Sample

from config import metrics
from config.settings import Settings
from ops import alarms, look
from ops.facts import Facts

PREFIX = "obzvon_"


def text(settings: Settings) -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Processes(metrics.folder(settings.run)))
    registry.register(_State(look.gather(settings, ping=False)))
    return generate_latest(registry)


class _Processes(Collector):
    """Counters of each role, labelled with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        merged: dict[str, Metric] = {}
        for role in metrics.ROLES:
            for family in _of_role(self._folder / role):
                target = merged.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )  # fmt: skip
                target.samples += [_labelled(sample, role) for sample in family.samples]
        if not merged:  # one process, as in tests: what it counted itself
            merged = {family.name: family for family in REGISTRY.collect() if family.name.startswith(PREFIX)}
        yield from merged.values()
        yield _memory(self._folder)


def _of_role(folder: Path) -> Iterator[Metric]:
    if folder.is_dir():
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
        yield from registry.collect()


def _labelled(sample: Sample, role: str) -> Sample:
    return Sample(sample.name, {**sample.labels, "process": role}, sample.value, sample.timestamp, sample.exemplar)


def _memory(folder: Path) -> Metric:
    """Resident memory of each process that counts here and lives."""
    family = GaugeMetricFamily(f"{PREFIX}process_resident_bytes", "Resident memory", labels=["process", "pid"])
    for role in metrics.ROLES:
        pids = {path.stem.rpartition("_")[2] for path in (folder / role).glob("*.db")}
        for pid in sorted(pids):
            resident = _resident(pid)
            if resident:
                family.add_metric([role, pid], resident)
    return family


def _resident(pid: str) -> int:
    try:
        status = (Path("/proc") / pid / "status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class _State(Collector):
    """The product's state now, from the database and the broker."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterable[Metric]:
        yield from self._nodes()
        yield from self._trunks()
        yield from self._rest()
        yield from self._alarms()

    def _nodes(self) -> Iterator[Metric]:
        connected = GaugeMetricFamily(f"{PREFIX}node_connected", "1: the node speaks to its Asterisk", labels=["node"])
        calls = GaugeMetricFamily(f"{PREFIX}node_calls", "Calls of a node", labels=["node", "state"])
        for node in self._facts.nodes:
            connected.add_metric([node.name], int(node.connected))
            calls.add_metric([node.name, "ringing"], node.ringing)
            calls.add_metric([node.name, "talking"], node.talking)
        yield connected
        yield calls

    def _trunks(self) -> Iterator[Metric]:
        labels = ["trunk", "node"]
        reachable = GaugeMetricFamily(f"{PREFIX}trunk_reachable", "1: the carrier answers OPTIONS", labels=labels)
        registered = GaugeMetricFamily(f"{PREFIX}trunk_registered", "1: registered at the carrier", labels=labels)
        calls = GaugeMetricFamily(f"{PREFIX}trunk_calls", "Open attempts of a trunk", labels=["trunk"])
        for name, open_calls in {trunk.name: trunk.open_calls for trunk in self._facts.trunks}.items():
            calls.add_metric([name], open_calls)
        for trunk in self._facts.trunks:
            if trunk.reachable is not None:
                reachable.add_metric([trunk.name, trunk.node], int(trunk.reachable))
            if trunk.must_register and trunk.registration:
                registered.add_metric([trunk.name, trunk.node], int(trunk.registration == "Registered"))
        yield from (reachable, registered, calls)

    def _rest(self) -> Iterator[Metric]:
        facts = self._facts
        for name, told, value in (
            ("attempts_open", "Attempts without outcome", facts.open_attempts),
            ("unknown_contacts", "Contacts that wait for a decision", sum(item.count for item in facts.unknown)),
            ("campaigns_paused_by_product", "Campaigns that the product paused", len(facts.paused)),
            ("broker_reachable", "1: the broker answers", int(facts.broker.reachable)),
            ("database_bytes", "Size of the database", facts.database_bytes),
            ("database_clock_skew_seconds", "The database server's clock minus ours", facts.database_skew_s),
        ):
            yield GaugeMetricFamily(PREFIX + name, told, value=value)
        queues = GaugeMetricFamily(f"{PREFIX}queue_messages", "Messages that wait", labels=["queue"])
        for queue, length in facts.broker.lengths.items():
            queues.add_metric([queue], length)
        disk = GaugeMetricFamily(f"{PREFIX}disk_free_ratio", "Free part of a disk", labels=["disk"])
        for item in facts.disks:
            disk.add_metric([item.subject], item.part_free)
        silence = GaugeMetricFamily(
            f"{PREFIX}sign_of_life_age_seconds", "Since a process's last sign of life", labels=["process"]
        )
        for sign in (sign for sign in facts.signs if sign.role in metrics.ROLES):
            silence.add_metric([sign.name], max(0.0, (facts.now - sign.seen_at).total_seconds()))
        yield from (queues, disk, silence)

    def _alarms(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(f"{PREFIX}alarm", "1: this alarm stands", labels=["code", "subject", "severity"])
        for alarm in alarms.standing():
            family.add_metric([alarm.code, alarm.subject, alarm.severity], 1)
        yield family
