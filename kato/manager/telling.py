"""What the manager prints for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from kato.manager.command_line import without_password
from kato.manager.health import Health, Report
from kato.manager.registry import Instance

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(seconds: float | None) -> str:
    """A span of time as a person would say it."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR}h"


def started(report: Report, anew: bool) -> str:
    """What to try next."""
    instance = report.instance
    state = "is ready" if anew else f"runs already, and is {report.health.value}"
    curl, post, url = _curl(instance), "-H 'Content-Type: application/json'", instance.url
    key = "" if instance.key == "none" else f", with the key in {_variable(instance)}"
    return f"""{instance.id} {state} at {url} (process {instance.pid})

Try it{key}:
  {curl} {url}/p1/observe {post} -d '{{"strings": ["hello"]}}'
  {curl} {url}/p1/observe {post} -d '{{"strings": ["world"]}}'
  {curl} -X POST {url}/p1/learn
  {curl} {url}/p1/observe {post} -d '{{"strings": ["hello"]}}'
  {curl} {url}/p1/observe {post} -d '{{"strings": ["there"]}}'
  {curl} {url}/p1/predictions

{_services(report)}Its log: {instance.log}"""


def _services(report: Report) -> str:
    """Where the services beside a gateway are."""
    if not report.services:
        return ""
    lines = [
        f"  {each.instance.id}  {each.instance.url}  (process {each.instance.pid})"
        for each in report.services
    ]
    return "\n".join(["Its services, which speak ZeroMQ:", *lines, "", ""])


def _curl(instance: Instance) -> str:
    """How to call a server: past a certificate that nobody vouches for, and with its key."""
    own = " --insecure" if instance.url.startswith("https:") else ""
    key = "" if instance.key == "none" else f' -H "X-API-Key: ${_variable(instance)}"'
    return f"curl{own}{key}"


def _variable(instance: Instance) -> str:
    """Where a person may have a key; what is in KATO_API_KEY when a server starts may do everything
    there."""
    return "KEY" if instance.key == "keys" else "KATO_API_KEY"


def table(reports: Sequence[Report]) -> str:
    """All instances, a line each."""
    rows = [("ID", "NAME", "STATE", "PROCESS", "ADDRESS", "UPTIME")]
    for report in reports:
        instance = report.instance
        rows.append(
            (
                instance.id,
                instance.name,
                report.health.value,
                str(instance.pid) if report.health.runs else "-",
                instance.url,
                duration(report.uptime),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _process(report: Report) -> str:
    if report.health.runs:
        return f"{report.instance.pid}, up {duration(report.uptime)}"
    return f"none; it was {report.instance.pid}"


def status(report: Report, details: Mapping[str, Any], tails: Mapping[str, Sequence[str]]) -> str:
    """One instance, with what its server tells.

    @param tails: the last that those said which are dead, by their ids.
    """
    instance = report.instance
    lines = [
        f"{instance.id} ({instance.name}): {report.health.value}",
        f"  address  {instance.url}",
        f"  process  {_process(report)}",
        f"  storage  {instance.storage}",
        f"  options  {' '.join(map(without_password, instance.options)) or '-'}",
        f"  log      {instance.log}",
    ]
    for each in report.services:
        service = each.instance
        lines.append(
            f"  service  {service.id}: {each.health.value}, {service.url}, {_process(each)}"
        )
    if details:
        lines.append(
            f"  serves   {details['processors']} processors, {details['requests']} requests so far"
        )
    if "store" in details:
        store = details["store"]
        lines.append(f"  commits  {store['commits']}, {store['failures']} failed")
    if not details and report.health.runs and instance.key != "none":
        lines.append("  serves   (who asks needs a key, in KATO_API_KEY)")
    for each in report.family:
        if each.health is Health.DEAD:
            lines.append(f"The last that {each.instance.id} said:")
            lines += [f"  {line}" for line in tails.get(each.instance.id, ())]
    return "\n".join(lines)
