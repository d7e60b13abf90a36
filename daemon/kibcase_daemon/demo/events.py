"""The events that the demo's rules find: ECS as an agent writes it, nested; pure given a random source.

Addresses and domains are those reserved for documentation (RFC 5737, RFC 2606).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, Final

Event = dict[str, Any]

DOMAIN: Final = "cdn-metrics.example"
"""The domain that nobody had asked for before."""

_LAPTOPS: Final = ("FIN-LT-014", "FIN-LT-022", "FIN-LT-031")
_SERVER: Final = "SRV-FILE-02"
_LURE: Final = "Invoice_2291.exe"
_HASH: Final = "9f2c41b7d05e8a6634c1f07b92e5ad38710c6fe4425b9d83a1f6e07cb85d2f19"
_USERS: Final = MappingProxyType({"FIN-LT-014": "h.brandt", "FIN-LT-022": "s.oduya", "FIN-LT-031": "k.virtanen"})
_TRAVELLER: Final = "l.moreau"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sign-in came from."""

    ip: str
    city: str
    country: tuple[str, str]
    location: tuple[float, float]


_PLACES: Final = (
    Place(ip="198.51.100.23", city="Lyon", country=("FR", "France"), location=(45.76, 4.84)),
    Place(ip="203.0.113.77", city="Singapore", country=("SG", "Singapore"), location=(1.29, 103.85)),
)


def malware(random: Random, number: int) -> Event:
    """Make an Elastic Defend alert about a file."""
    host = _LAPTOPS[number % len(_LAPTOPS)]
    user = _USERS[host]
    path = f"C:\\Users\\{user}\\Downloads\\{_LURE}"
    return {
        **_windows(random, host, user, "endpoint.alerts"),
        "event": _event("endpoint", "endpoint.alerts", "execution", ["malware", "intrusion_detection", "process"],
                        ["info", "allowed" if number == 0 else "denied"], code="malicious_file"),
        "file": {
            "name": _LURE, "path": path, "extension": "exe", "size": 481_280, "hash": {"sha256": _HASH},
            "code_signature": {"exists": False},
        },
        "process": _process(
            random, path, (path,), parent="C:\\Windows\\explorer.exe", sha256=_HASH
        ),
        "message": "Malware Detection Alert",
    }


def powershell(random: Random, number: int) -> Event:
    """Make a process start of PowerShell with an encoded command."""
    script = f"Get-ChildItem \\\\{_SERVER}\\share{number + 1}"
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    program = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
    return {
        **_windows(random, _SERVER, "svc_report", "endpoint.events.process"),
        "event": _event("endpoint", "endpoint.events.process", "start", ["process"], ["start"]),
        "process": _process(
            random, program, ("powershell.exe", "-NoProfile", "-EncodedCommand", encoded),
            parent="C:\\Windows\\System32\\wsmprovhost.exe",
        ),
        "message": "Endpoint process event",
    }


def credentials(random: Random, number: int) -> Event:
    """Make a process start that asks a system library to write LSASS's memory to a file."""
    program = "C:\\Windows\\System32\\rundll32.exe"
    target = f"C:\\Windows\\Temp\\dbg{number + 1}.dmp"
    return {
        **_windows(random, _SERVER, "svc_report", "endpoint.events.process"),
        "event": _event("endpoint", "endpoint.events.process", "start", ["process"], ["start"]),
        "process": _process(
            random, program, ("rundll32.exe", "comsvcs.dll,", "MiniDump", "668", target, "full"),
            parent="C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
        ),
        "file": {"path": target, "extension": "dmp"},
        "message": "Endpoint process event",
    }


def new_domain(random: Random, number: int) -> Event:
    """Make a DNS request; the host's name appears, its processes do not: the sensor sees packets only."""
    host = _LAPTOPS[number % len(_LAPTOPS)]
    label = f"{random.getrandbits(48):012x}"
    return {
        **_agent(random, "SENSOR-CORE-1", "network_traffic.dns", kind="packetbeat"),
        "host": {"name": host, "ip": [f"10.20.4.{14 + number % len(_LAPTOPS)}"]},
        "event": _event("network_traffic", "network_traffic.dns", "dns_query", ["network"], ["connection", "protocol"]),
        "dns": {
            "question": {"name": f"{label}.{DOMAIN}", "registered_domain": DOMAIN, "subdomain": label, "type": "TXT"},
            "response_code": "NOERROR", "resolved_ip": ["203.0.113.10"],
        },
        "network": {"protocol": "dns", "transport": "udp", "direction": "egress"},
        "source": {"ip": f"10.20.4.{14 + number % len(_LAPTOPS)}", "port": 49_152 + random.randrange(16_000)},
        "destination": {"ip": "192.0.2.53", "port": 53},
    }


def travel(random: Random, number: int) -> Event:
    """Make a sign-in to Entra ID; such events know no host."""
    place = _PLACES[number % len(_PLACES)]
    return {
        **_agent(random, "CLOUD-COLLECTOR", "azure.signinlogs", kind="filebeat"),
        "event": _event("azure", "azure.signinlogs", "Sign-in activity", ["authentication"], ["info"]),
        "user": {"name": _TRAVELLER, "full_name": "Lucie Moreau", "email": f"{_TRAVELLER}@corp.example",
                 "domain": "corp.example"},
        "source": {
            "ip": place.ip,
            "geo": {
                "city_name": place.city, "country_iso_code": place.country[0], "country_name": place.country[1],
                "location": {"lat": place.location[0], "lon": place.location[1]},
            },
        },
        "user_agent": {"name": "Edge", "os": {"name": "Windows"}, "device": {"name": "Other"}},
    }


Maker = Callable[[Random, int], Event]


def _event(
    module: str, dataset: str, action: str, category: Sequence[str], types: Sequence[str], *, code: str | None = None
) -> Event:
    event: Event = {
        "kind": "alert" if code else "event", "module": module, "dataset": dataset, "action": action,
        "category": list(category), "type": list(types), "outcome": "success",
    }
    return {**event, "code": code} if code else event


def _agent(random: Random, name: str, dataset: str, *, kind: str) -> Event:
    return {
        "agent": {"id": f"{random.getrandbits(64):016x}", "name": name, "type": kind, "version": "9.2.0"},
        "data_stream": {"type": "logs", "dataset": dataset, "namespace": "default"},
        "ecs": {"version": "8.17.0"},
    }


def _windows(random: Random, host: str, user: str, dataset: str) -> Event:
    return {
        **_agent(random, host, dataset, kind="endpoint"),
        "host": {
            "name": host.lower(), "hostname": host, "id": f"{random.getrandbits(128):032x}", "ip": [_address(host)],
            "os": {"family": "windows", "type": "windows", "name": "Windows", "version": "10.0.22631"},
        },
        "user": {"name": user, "domain": "CORP"},
    }


def _address(host: str) -> str:
    return f"10.20.4.{14 + _LAPTOPS.index(host)}" if host in _LAPTOPS else "10.20.8.2"


def _process(
    random: Random, executable: str, args: Sequence[str], *, parent: str, sha256: str | None = None
) -> Event:
    return {
        "entity_id": f"{random.getrandbits(96):024x}", "pid": random.randrange(1_000, 30_000),
        "name": _file(executable), "executable": executable, "args": list(args),
        "args_count": len(args), "command_line": " ".join(args),
        "hash": {"sha256": sha256 or f"{random.getrandbits(256):064x}"},
        "parent": {"name": _file(parent), "executable": parent, "pid": random.randrange(500, 9_000)},
    }


def _file(path: str) -> str:
    return path.rpartition("\\")[2]


def text(event: Mapping[str, Any], *path: str) -> str:
    """Give a nested value as text, "" if it is not there."""
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
