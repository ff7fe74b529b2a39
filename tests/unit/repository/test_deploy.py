"""What is in deploy/ fits the server: metrics, variables, paths and times."""

import ast
import asyncio
import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.server import ServerOptions
from vivavoce.server.app import create_app
from vivavoce.server.metrics import Metrics, Now
from vivavoce.server.turn_meter import TurnReport

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "vivavoce.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
LAST_WORDS_S = ServerOptions().finish_s


def metrics():
    """All metrics that a server can have, by name, with the labels of their samples."""
    found = Metrics()
    found.began("v3")
    found.ended("failed", 1.0)
    found.refused("full")
    found.certificate_expires(1.0)
    found.key_store(is_usable=True)
    found.turn("m", TurnReport(0, None, 1, 1, 0, 0, 1.0, 1.0, 1.0, 1.0, (0.1,)))
    now = Now(
        n_open=0, n_connections=5, limit=1, is_ready=True, is_draining=False, backlog_s=0.0, n_readers=0
    )

    async def run():
        return found.render({"m": Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)}, now)

    samples = re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", asyncio.run(run()), re.MULTILINE)
    labels = {name: set() for name, _ in samples}
    for name, given in samples:
        labels[name] |= set(re.findall(r'(\w+)="', given))
    return labels


def selectors(expression):
    """The metrics that a query names, each with the labels that it selects by."""
    found = re.findall(r"\b((?:vivavoce|process)_\w+)(?:\{([^}]*)\})?", expression)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", labels))) for name, labels in found]


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def rules():
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return group["rules"]


def queries():
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    yield from ((rule["alert"], rule["expr"]) for rule in rules())


# --- dashboard and alerts -------------------------------------------------------------------------


def test_every_metric_of_a_query_exists():
    known = metrics()
    scraped = {"instance", "job"}
    for where, expression in queries():
        named = selectors(expression)
        assert named or "up{" in expression, where
        for name, labels in named:
            assert name in known, f"{where}: {name}"
            assert labels <= known[name] | scraped, f"{where}: {name} has no label {labels - known[name]}"


def test_a_metric_that_is_renamed_is_found():
    assert selectors('rate(vivavoce_a_total{reason="x", instance=~"y"}[5m]) / process_b') == [
        ("vivavoce_a_total", {"reason", "instance"}),
        ("process_b", set()),
    ]


def test_brackets_of_queries_are_closed():
    for where, expression in queries():
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), where


def test_the_panels_are_whole_and_do_not_overlap():
    dashboard = json.loads(DASHBOARD.read_text())
    assert (dashboard["uid"], dashboard["title"]) == ("vivavoce", "Vivavoce")
    everything = dashboard["panels"]
    ids = [panel["id"] for panel in everything]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in panels():
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", "a dashboard works with any data source"
    names = [variable["name"] for variable in dashboard["templating"]["list"]]
    assert names == ["datasource", "instance"]


def test_each_alert_says_how_bad_it_is_and_what_it_means():
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in page] == []


def test_every_metric_is_documented():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in metrics()}
    assert sorted(name for name in names if f"`{name.removeprefix('vivavoce_')}`" not in page) == []


# --- what starts a server -------------------------------------------------------------------------


def variables(text):
    return set(re.findall(r"\bVIVAVOCE_[A-Z_]+", text))


def known_variables():
    """Those of the options, and those that folders.py and shelf.py read."""
    return variables((ROOT / "docs" / "cli.md").read_text(encoding="utf-8")) | {
        "VIVAVOCE_DATA",
        "VIVAVOCE_HOME",
        "VIVAVOCE_MODELS",
        "VIVAVOCE_API_KEYS",
    }


FILES = [
    ROOT / "Containerfile",
    ROOT / "compose.yaml",
    *(path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and "__pycache__" not in path.parts),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_variable_is_one_of_an_option(path):
    assert variables(path.read_text(encoding="utf-8")) <= known_variables()


def test_everything_in_yaml_can_be_read():
    for path in (ROOT / "compose.yaml", *DEPLOY.rglob("*.y*ml")):
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)?", str(text)).groups()
    return int(number) * (60 if unit == "m" else 1)


def test_compose_waits_until_the_sessions_have_ended():
    for_this_machine = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["vivavoce"]
    drain_s = float(for_this_machine["environment"]["VIVAVOCE_DRAIN_TIMEOUT"])
    assert seconds(for_this_machine["stop_grace_period"]) > drain_s + LAST_WORDS_S
    assert for_this_machine["read_only"]
    # Without keys, nobody else may reach it.
    assert for_this_machine["environment"]["VIVAVOCE_NO_AUTH"] == "1"
    assert all(port.startswith("127.0.0.1:") for port in for_this_machine["ports"])


def test_systemd_waits_until_the_sessions_have_ended():
    unit = (DEPLOY / "systemd" / "vivavoce.service").read_text()
    settings = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert seconds(settings["TimeoutStopSec"]) > ServerOptions().drain_s + LAST_WORDS_S
    assert settings["Type"] == "notify"
    assert settings["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.fixture(scope="module")
def deployment():
    return yaml.safe_load((DEPLOY / "kubernetes" / "deployment.yaml").read_text())["spec"]["template"]["spec"]


def test_kubernetes_waits_until_the_sessions_have_ended(deployment):
    (container,) = deployment["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    _, pause = container["lifecycle"]["preStop"]["exec"]["command"]
    needed = float(pause) + float(given["VIVAVOCE_DRAIN_TIMEOUT"]) + LAST_WORDS_S
    assert deployment["terminationGracePeriodSeconds"] > needed


def test_the_probes_ask_for_paths_that_exist(deployment):
    (container,) = deployment["containers"]
    paths = {route.path for route in create_app(ServerOptions()).routes}
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert probes == {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    assert set(probes.values()) <= paths


def test_the_container_writes_nowhere_but_to_its_temporary_folder(deployment):
    (container,) = deployment["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert deployment["securityContext"]["runAsNonRoot"]
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["/tmp"]


def test_kustomize_names_every_manifest():
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in KUBERNETES if path.name != "kustomization.yaml"]


def test_the_image_has_what_its_recipe_copies():
    recipe = (ROOT / "Containerfile").read_text()
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", recipe, re.MULTILINE)
        for source in line.split()
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(
            source == rule[1:] or source.startswith(rule[1:] + "/") for rule in ignored if rule[0] == "!"
        )
    assert "\nUSER 10001" in recipe
    subprocess.run(["sh", "-n", DEPLOY / "container" / "install.sh"], check=True)


# --- the health check of the image ----------------------------------------------------------------


@pytest.fixture(scope="module")
def healthcheck():
    path = DEPLOY / "container" / "healthcheck.py"
    ast.parse(path.read_text())
    spec = importlib.util.spec_from_file_location("healthcheck", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:8765/healthz"),
        ({"VIVAVOCE_PORT": "80"}, "http://127.0.0.1:80/healthz"),
        ({"VIVAVOCE_TLS_CERT": "/cert.pem"}, "https://127.0.0.1:8765/healthz"),
        ({"VIVAVOCE_TLS_SELF_SIGNED": "1"}, "https://127.0.0.1:8765/healthz"),
        ({"VIVAVOCE_TLS_SELF_SIGNED": "0"}, "http://127.0.0.1:8765/healthz"),
    ],
)
def test_the_health_check_asks_where_the_server_listens(healthcheck, environment, url):
    assert healthcheck.url_of(environment) == url
