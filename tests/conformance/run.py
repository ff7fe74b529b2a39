"""Runs the vendor's and others' clients, unmodified, against our server and checks what they report.

    python -m conformance.run [--only REGEX] [--list] [--jobs N]

Installs each client into an environment of its own under ``.conformance``, starts ``vivavoce serve`` with and
without TLS, runs the programs in ``clients`` on a real recording and checks their reports. Several cases run
at the same time. Clients have limits of their own, which a busy machine exceeds: a case that failed runs
again alone, and its second result counts. The exit code is 1 if any case fails.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cases import CASES, Case
from conformance.checks import Expected, check_trace, check_webhook, word_error_rate
from conformance.environments import InstallError, MissingToolError, UnsupportedPythonError, install
from conformance.recording import CONTROL_AT_S, ENCODINGS, Recording, write_recording
from conformance.servers import API_KEY, Server
from conformance.webhooks import AUTH_HEADER, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.packages import Environment

_ROOT = Path(__file__).parents[2]
_CLIENTS = Path(__file__).parent / "clients"
_CASE_TIMEOUT_S = 90
_SPEED = 2.0  # times real time, far below the speed at which the server slows clients down


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a case.

    Attributes:
        case: The case.
        duration_s: How long it took, in seconds.
        wer: Word error rate; None if the server must reject the session.
        failures: What failed, a sentence each; empty if the case passed.
        skipped: Why the case did not run; empty if it did.
        ran: Whether the client was installed and ran.
    """

    case: Case
    duration_s: float = 0.0
    wer: float | None = None
    failures: tuple[str, ...] = ()
    skipped: str = ""
    ran: bool = False

    @property
    def status(self) -> str:
        """The result in one word."""
        return "SKIPPED" if self.skipped else "FAILED" if self.failures else "ok"


def _expected(case: Case, recording: Recording) -> Expected:
    return Expected(
        protocol=case.protocol,
        words=recording.words,
        audio_s=recording.audio_s,
        max_wer=case.max_wer,
        forces_endpoint=case.controls,
        channels=case.channels,
        events_once=case.events_once,
        skips_empty_turns=case.skips_empty_turns,
        other_events=case.other_events,
        sends_partials=case.sends_partials,
        rejected_with=case.rejected_with,
        max_close_s=case.max_close_s,
        sessions=case.sessions,
    )


class Suite:
    """What the cases share: folders, servers, audio, webhook receiver."""

    def __init__(self, folder: Path, servers: dict[bool, Server], receiver: Receiver) -> None:
        self._receiver = receiver
        self._folder = folder
        self._servers = servers
        self._short = write_recording(folder, short=True)
        self._long = {each: write_recording(folder, encoding=each) for each in ENCODINGS}

    def run(self, case: Case, environment: Path) -> Result:
        """Run one client program and check its report."""
        started = time.monotonic()
        recording = self._long[case.encoding] if case.rejected_with is None else self._short
        try:
            completed = subprocess.run(
                self._command(case, environment, recording),
                env=self._environment(case),
                cwd=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_CASE_TIMEOUT_S,
                check=False,
            )
            output, errors, code = completed.stdout, completed.stderr, completed.returncode
        except subprocess.TimeoutExpired as timeout:
            output, errors = ((it or b"").decode(errors="replace") for it in (timeout.stdout, timeout.stderr))
            code = None
        duration_s = time.monotonic() - started
        (self._folder / "traces" / f"{case.name}.jsonl").write_text(output)
        (self._folder / "traces" / f"{case.name}.err").write_text(errors)
        # Libraries may write to standard output as well.
        trace = [json.loads(line) for line in output.splitlines() if line.startswith('{"event":')]
        expected = _expected(case, recording)
        failures = [] if code is not None else [f"did not end within {_CASE_TIMEOUT_S} s"]
        failures += [f"exit code {code}"] if code else []
        failures += check_trace(trace, expected)
        if case.webhook:
            failures += check_webhook(trace, self._receiver.wait(f"/{case.name}"))
        if failures and errors.strip():
            failures.append(f"standard error: {errors.strip()[-1500:]}")
        wer = word_error_rate(trace, expected) if case.rejected_with is None else None
        return Result(case, duration_s, wer, tuple(failures), ran=True)

    def _command(self, case: Case, environment: Path, recording: Recording) -> list[str]:
        server = self._servers[case.tls]
        config: dict[str, Any] = {
            "sdk": case.sdk,
            "key": case.key or API_KEY,
            "sample_rate": recording.sample_rate,
            "encoding": recording.encoding,
            "audio": str(recording.path),
            "chunk_ms": case.chunk_ms,
            "chunk_bytes": recording.bytes_at(case.chunk_ms / 1000),
            "speed": _SPEED,
            "control_at_bytes": recording.bytes_at(CONTROL_AT_S),
            "speech_ends_s": list(recording.speech_ends_s),
            "protocol": case.protocol,
            # The vendor's Python SDK turns https:// into wss:// for v2, and adds wss:// for v3.
            "base_url": server.http_url if case.tls and case.protocol == "v2" else server.ws_url,
            "api_host": server.authority if case.tls else server.ws_url,
            "https_url": server.http_url,
            "wss_url": server.ws_url,
            "with_token": case.token,
            "with_controls": case.controls,
            "channels": case.channels,
            "speech_model": case.model,
            "options": case.options | (self._webhook(case) if case.webhook else {}),
        }
        program = _CLIENTS / case.program
        if program.suffix == ".mjs":  # Node resolves packages from the folder of the program
            for file in _CLIENTS.glob("*.mjs"):
                shutil.copy(file, environment)
            return ["node", str(environment / program.name), json.dumps(config)]
        return [str(environment / "bin" / "python"), str(program), json.dumps(config)]

    def _webhook(self, case: Case) -> dict[str, str]:
        name, value = AUTH_HEADER
        return {
            "webhook_url": self._receiver.url(f"/{case.name}"),
            "webhook_auth_header_name": name,
            "webhook_auth_header_value": value,
        }

    def _environment(self, case: Case) -> dict[str, str]:
        ca_file = self._servers[case.tls].ca_file
        trust = {name: str(ca_file) for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")} if ca_file else {}
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        # Some clients download into the home folder when they are imported.
        return kept | trust | {"NO_PROXY": "127.0.0.1", "HOME": str(self._folder / "home")}


def _run_cases(cases: Sequence[Case], suite: Suite, environments: Path, jobs: int) -> Iterator[Result]:
    """Run each case as soon as its client is installed; yield the results as they come."""
    by_environment: dict[Environment, list[Case]] = {}
    for case in cases:
        by_environment.setdefault(case.environment, []).append(case)
    with (
        concurrent.futures.ThreadPoolExecutor(2) as installers,
        concurrent.futures.ThreadPoolExecutor(jobs) as runners,
    ):
        installing = {installers.submit(install, it, environments): it for it in by_environment}
        running = []
        for installed in concurrent.futures.as_completed(installing):
            waiting = by_environment[installing[installed]]
            try:
                environment = installed.result()
            except MissingToolError as missing:
                yield from (_skipped(case, str(missing)) for case in waiting)
            except UnsupportedPythonError as unsupported:
                yield from (Result(case, skipped=str(unsupported)) for case in waiting)
            except InstallError as error:
                yield from (Result(case, failures=(f"installation failed: {error}",)) for case in waiting)
            else:
                running += [runners.submit(suite.run, case, environment) for case in waiting]
        for finished in concurrent.futures.as_completed(running):
            yield finished.result()


def _repeat_failed(results: list[Result], suite: Suite, environments: Path) -> None:
    """Run the failed cases again, one at a time, and put their second results in the place of the first."""
    for at, first in enumerate(results):
        if first.failures and first.ran:
            results[at] = suite.run(first.case, environments / first.case.environment.name)
            _announce(results[at], f"; at first: {'; '.join(first.failures)[:300]}")


def _announce(result: Result, note: str = "") -> None:
    line = f"{result.status:8}{result.duration_s:5.1f} s  {result.case.name}{note}"
    print(line, file=sys.stderr, flush=True)


def _skipped(case: Case, reason: str) -> Result:
    """The result of a case whose tools are missing. In continuous integration it fails."""
    if os.environ.get("CI"):
        return Result(case, failures=(reason,))
    return Result(case, skipped=reason)


def _print_results(results: Sequence[Result]) -> None:
    rows = [("client", "version", "protocol", "variant", "result", "WER", "seconds")]
    for result in sorted(results, key=lambda it: CASES.index(it.case)):
        case = result.case
        wer = "" if result.wer is None else f"{result.wer:.1%}"
        duration = f"{result.duration_s:.1f}"
        rows.append((case.client, case.version, case.protocol, case.variant, result.status, wer, duration))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for result in results:
        for failure in result.failures:
            print(f"\n{result.case.name}: {failure}")
    for reason in sorted({result.skipped for result in results if result.skipped}):
        print(f"\nSKIPPED: {reason}")


def _start(stack: contextlib.ExitStack, folder: Path) -> dict[bool, Server]:
    return {tls: stack.enter_context(Server(folder, tls=tls)) for tls in (False, True)}


def _start_ray(stack: contextlib.ExitStack, folder: Path) -> dict[bool, Server]:
    from conformance.ray_servers import RayServer, TlsFront

    plain = stack.enter_context(RayServer(folder))
    return {False: plain, True: stack.enter_context(TlsFront(folder, plain))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the selected cases; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/conformance",
        description="Run the vendor's and others' clients, unmodified, against our server.",
    )
    parser.add_argument("--only", metavar="REGEX", help="run the cases whose name matches")
    parser.add_argument("--list", action="store_true", help="list the names of the cases")
    parser.add_argument("--jobs", type=int, default=3, help="cases to run at the same time (default: 3)")
    parser.add_argument(
        "--ray", action="store_true", help="serve with replicas on Ray Serve, behind a proxy that ends TLS"
    )
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if re.search(options.only or "", case.name)]
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not cases:
        parser.error(f"--only must match the name of a case, got {options.only!r}; --list prints the names")
    started = time.monotonic()
    folder = _ROOT / ".conformance"
    shutil.rmtree(folder / "traces", ignore_errors=True)
    (folder / "traces").mkdir(parents=True)
    results: list[Result] = []
    with contextlib.ExitStack() as stack:
        servers = _start_ray(stack, folder) if options.ray else _start(stack, folder)
        suite = Suite(folder, servers, stack.enter_context(Receiver()))
        for result in _run_cases(cases, suite, folder / "environments", options.jobs):
            _announce(result)
            results.append(result)
        _repeat_failed(results, suite, folder / "environments")
    _print_results(results)
    server_failures = [failure for server in servers.values() for failure in server.failures()]
    for failure in server_failures:
        print(f"\n{failure}")
    failed_cases = sum(bool(result.failures) for result in results)
    failed = failed_cases + bool(server_failures)
    skipped = sum(bool(result.skipped) for result in results)
    passed = len(results) - skipped - failed_cases
    print(f"\nIn {time.monotonic() - started:.0f} s:")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
