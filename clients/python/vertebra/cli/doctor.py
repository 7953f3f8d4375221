"""`vertebra doctor`: what the way to a service does to calls, and which line is missing where."""

import json
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from vertebra.cli import exit_codes, words
from vertebra.cli.clients import given_credentials
from vertebra.cli.screen import screen
from vertebra.doctor.examine import HOLD_S, Report, examine
from vertebra.doctor.finding import Fault, Finding, Level
from vertebra.doctor.held_streams import LONGEST_HOLD_S, THOROUGH_S
from vertebra.doctor.proxies import Proxy
from vertebra.doctor.remedies import REMEDIES, WHY
from vertebra.doctor.way import Way

STYLES = {
    Level.OK: "green",
    Level.NOTE: "yellow",
    Level.WRONG: "bold red",
    Level.UNKNOWN: "dim",
}

NAMES = {
    Proxy.ENVOY: "Envoy",
    Proxy.ISTIO: "Istio",
    Proxy.LINKERD: "Linkerd",
    Proxy.NGINX: "nginx",
    Proxy.ENVOY_GATEWAY: "Envoy Gateway",
}


@click.command()
@click.option(
    "--through",
    "address",
    metavar="HOST:PORT",
    envvar="VERTEBRA_CATALOG_ADDRESS",
    default="localhost:50551",
    show_default=True,
    help="The service, or the proxy, gateway or mesh before it.",
)
@click.option(
    "--service",
    type=click.Choice(["catalog", "trainer"]),
    default="catalog",
    show_default=True,
    help="Which of two behind one address.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help=f"Hold streams for {THOROUGH_S / 60:.1f} minutes, not {HOLD_S:g} s.",
)
@click.option(
    "--hold",
    "hold_s",
    type=click.FloatRange(1, LONGEST_HOLD_S),
    metavar="SECONDS",
    help="Hold streams for so long instead.",
)
@click.option(
    "--for",
    "proxies",
    type=click.Choice([proxy.value for proxy in Proxy]),
    multiple=True,
    help="Whose settings to show; repeat it. Default: those of the proxy that shows itself.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def doctor(address: str, service: str, **flags: Any) -> int:
    """Measure what the way to a service does to calls, and say which setting is missing.

    Streams are held, calls are made to fail, messages grow until they are refused: nothing is
    stored, no job is touched. Limits longer than streams are held are not seen.

    \b
    Example:
      vertebra doctor --through localhost:50552
      vertebra doctor --through models.studio.example:443 --service trainer --for istio
    """
    hold_s = flags["hold_s"] or (THOROUGH_S if flags["thorough"] else HOLD_S)
    way = Way(address=address, service=service, credentials=given_credentials())
    with screen().status(f"holding streams through {address} for {words.duration(hold_s)}"):
        report = examine(way, hold_s=hold_s)
    shown = [Proxy(name) for name in flags["proxies"]]
    shown = shown or ([report.proxy] if report.proxy else list(Proxy))
    if flags["as_json"]:
        click.echo(json.dumps(document(report, shown), indent=2, ensure_ascii=False))
    else:
        print_report(report, shown)
    return exit_codes.OK if report.is_good else _code_of(report)


def _code_of(report: Report) -> int:
    """Return `UNREACHABLE` where not even the first call came through."""
    is_unreached = len(report.findings) == 1
    return exit_codes.UNREACHABLE if is_unreached else exit_codes.DOES_NOT_RUN


def print_report(report: Report, proxies: list[Proxy]) -> None:
    """Print what was found, and what to change."""
    page = screen()
    way = report.way
    page.print(Text(f"the way to the {way.service} through {way.address}", style="bold cyan"))
    page.print()
    page.print(findings_view(report))
    page.print()
    page.print(verdict(report), style="dim")
    for fault in report.faults:
        page.print()
        page.print(Text.assemble((fault.value, "bold"), f": {WHY[fault]}"))
        page.print(remedies_view(fault, proxies), soft_wrap=True)


def findings_view(report: Report) -> Table:
    """Return a line a finding."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True, style="bold")
    rows.add_column(overflow="fold")
    rows.add_column(no_wrap=True, style="dim")
    for one in report.findings:
        level = Text(one.level.value, style=STYLES[one.level])
        rows.add_row(level, one.check, one.seen, one.certainty.value if one.certainty else "")
    return rows


def remedies_view(fault: Fault, proxies: list[Proxy]) -> Text:
    """Return the line of each proxy below the place where it belongs; it is never wrapped."""
    page = Text()
    for proxy in proxies:
        remedy = REMEDIES[fault][proxy]
        place = "" if remedy.where == "-" else f", {remedy.where}"
        page.append(f"  {NAMES[proxy]}{place}\n", style="dim")
        page.append(f"    {remedy.line}\n")
    page.rstrip()
    return page


def verdict(report: Report) -> str:
    """Return how much there is to do, and how long it was looked for."""
    num_wrong = sum(one.level is Level.WRONG for one in report.findings)
    told = "nothing to mend"
    if num_wrong:
        told = f"{words.plural(num_wrong, 'thing')} to mend"
    elif report.faults:
        told = f"nothing is broken; {words.plural(len(report.faults), 'thing')} better changed"
    return f"{told}; took {words.duration(report.took_s)}; streams held {report.hold_s:g} s"


def document(report: Report, proxies: list[Proxy]) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "address": report.way.address,
        "service": report.way.service,
        "is_good": report.is_good,
        "proxy": report.proxy.value if report.proxy else None,
        "hold_s": report.hold_s,
        "took_s": round(report.took_s, 1),
        "findings": [_finding(one) for one in report.findings],
        "remedies": [
            {
                "fault": fault.value,
                "why": WHY[fault],
                "proxy": proxy.value,
                "where": REMEDIES[fault][proxy].where,
                "line": REMEDIES[fault][proxy].line,
            }
            for fault in report.faults
            for proxy in proxies
        ],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "check": one.check,
        "level": one.level.value,
        "seen": one.seen,
        "certainty": one.certainty.value if one.certainty else None,
        "fault": one.fault.value if one.fault else None,
        "value": one.value,
        "unit": one.unit,
    }
