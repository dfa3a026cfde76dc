"""Turn the results of side_by_side.run_rounds into a page of Markdown tables."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

Results = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Claim:
    """One thing said of Striate, what was measured, and whether it held."""

    text: str
    measured: str
    held: bool


def of(results: Results, side: str, key: str) -> list[Any]:
    """Return `key` of every round of `side`, in the order of the rounds."""
    return [result[key] for result in results if result["side"] == side]


def names(results: Results, *, ours: bool) -> list[str]:
    """Return the names of Striate's sides, or those of the peers, in the order they ran."""
    return list(dict.fromkeys(r["side"] for r in results if (r["peer"] == "striate") is ours))


def mean_accuracy(results: Results, side: str) -> float:
    return mean(of(results, side, "accuracy"))


def times_faster(results: Results, side: str, than: str) -> float:
    """Return how many times the seconds of `side` the peer `than` took: the rounds' median."""
    pairs = zip(of(results, than, "seconds"), of(results, side, "seconds"), strict=True)
    return median(theirs / ours for theirs, ours in pairs)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def sides_table(results: Results) -> str:
    rows = []
    for side in [*names(results, ours=False), *names(results, ours=True)]:
        accuracies, seconds = of(results, side, "accuracy"), of(results, side, "seconds")
        spread = f" ± {stdev(accuracies):.2%}" if len(accuracies) > 1 else ""
        first = next(result for result in results if result["side"] == side)
        rows.append(
            (
                side,
                f"{first['parameters']:,}",
                str(first["epochs"]),
                f"{mean(accuracies):.2%}{spread}",
                f"**{median(seconds):.1f}** ({min(seconds):.1f} to {max(seconds):.1f})",
                str(len(seconds)),
            )
        )
    head = ("side", "parameters", "epochs", "test accuracy", "seconds, median (range)", "n")
    return markdown(head, rows)


def ratios_table(results: Results) -> str:
    """Return Striate's sides against the peers; below 1 × and below 0 points Striate loses."""
    peers = names(results, ours=False)
    if not peers:
        return "No peer took part.\n"

    def cell(side: str, than: str) -> str:
        points = 100 * (mean_accuracy(results, side) - mean_accuracy(results, than))
        times = times_faster(results, side, than)
        return f"{times:.{1 if times >= 1 else 2}f} ×, {points:+.2f} points"

    rows = [[side, *(cell(side, than) for than in peers)] for side in names(results, ours=True)]
    return markdown(["Striate against", *peers], rows)


def claims_table(claims: Iterable[Claim]) -> str:
    rows = [(claim.text, claim.measured, "yes" if claim.held else "**no**") for claim in claims]
    return markdown(("claim", "measured", "held"), rows)


def processor() -> str:
    """Return the processor's name and what it has for bfloat16."""
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    found = dict(
        tuple(part.strip() for part in line.split(":", 1)) for line in facts if ":" in line
    )
    flags = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"} & set(found.get("flags", "").split())
    return f"{found.get('model name', platform.machine())} ({', '.join(sorted(flags))})"


def machine(results: Results) -> str:
    """Say on what the results were made; no name of a machine or a person."""
    versions: dict[str, str] = {"python": platform.python_version()}
    for result in results:
        versions |= result["versions"]
    loads = [result["load"] for result in results]
    return "\n".join(
        (
            f"* Processor: {processor()}; {os.cpu_count()} cores, of which every side had two.",
            f"* System: {platform.system()} {platform.machine()}; load average before the runs "
            f"{min(loads):.1f} to {max(loads):.1f} (over 2: others worked too).",
            f"* Versions: {', '.join(f'{name} {v}' for name, v in sorted(versions.items()))}.",
            f"* Day: {datetime.now(UTC):%Y-%m-%d}.",
        )
    )


def write(
    path: Path, title: str, results: Results, claims: Callable[[Results], Iterable[Claim]]
) -> None:
    """Write the page: claims, sides, ratios, machine."""
    told = list(claims(results))
    page = (
        f"# {title}\n\n{claims_table(told)}\n"
        "Seconds are those in `fit`, data in memory; every side ran in a process of its own on two "
        f"cores.\n\n{sides_table(results)}\n"
        "How many times faster Striate was (median over the rounds), and by how many points of "
        "accuracy\nbetter (means); below 1 × or below 0 points it lost.\n\n"
        f"{ratios_table(results)}\n{machine(results)}\n"
    )
    path.write_text(page, encoding="utf-8")
    print(f"\n{page}\nwritten to benchmarks/results/{path.name}")
