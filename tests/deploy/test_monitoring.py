"""C{deploy/grafana.json} and C{deploy/prometheus}: they speak of what there is."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import yaml
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from kato.metrics import TABLE, Kind, make_registry
from tests.deploy.promql import spoken
from tests.source import ROOT

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
ANYWHERE = frozenset({"instance", "job"})
"""Labels that Prometheus gives to all it scrapes."""


def known() -> dict[str, frozenset[str]]:
    """The labels of each time series that there may be, by name."""
    found = {"up": ANYWHERE}
    for metric in TABLE.values():
        labels = ANYWHERE.union(metric.labels)
        if metric.kind is Kind.HISTOGRAM:
            found |= {f"{metric.name}_{part}": labels for part in ("count", "sum")}
            found[f"{metric.name}_bucket"] = labels | {"le"}
        else:
            found[metric.name] = labels
    for family in make_registry().collect():
        found |= {each.name: ANYWHERE.union(each.labels) for each in family.samples}
    return found


def faults(expression: str, shown: str = "") -> list[str]:
    """What an expression speaks of that there is not.

    @param shown: a text with C{{{label}}} that its results are told by.
    """
    series, read = known(), spoken(expression)
    unknown = [f"no metric {each}" for each in read.names if each not in series]
    if unknown or not read.names:
        return unknown or ["no metric at all"]
    wrong = [f"no {name}{{{label}}}" for name, label in read.metrics if label not in series[name]]
    labels = frozenset().union(*(series[each] for each in read.names))
    wrong += [f"grouped by {each}" for each in read.grouped - labels]
    told = set(re.findall(r"\{\{ *\$?(?:labels\.)?(\w+) *\}\}", shown)) - {"value"}
    left = read.grouped if read.grouped else labels
    return wrong + [f"told by {each}" for each in told - left]


class ExpressionTests(SynchronousTestCase):
    """How expressions are read here."""

    def test_good(self) -> None:
        """What there is is found."""
        for expression in (
            "up == 0",
            'sum by (le) (rate(kato_request_seconds_bucket{outcome!="okay"}[5m]))',
            'kato_ready{job=~"kato-.*"} == 0 and on (instance) up',
            "rate(process_cpu_seconds_total[$__rate_interval])",
        ):
            self.assertEqual(faults(expression), [], expression)

    def test_bad(self) -> None:
        """A metric or a label that there is not is found, also where nothing else is wrong."""
        for expression, fault in (
            ("kato_nothing > 0", "no metric kato_nothing"),
            ("kato_request_seconds > 0", "no metric kato_request_seconds"),
            ('kato_ready{colour="red"}', "no kato_ready{colour}"),
            ("sum by (colour) (kato_ready)", "grouped by colour"),
            ("1 + vector(1)", "no metric at all"),
        ):
            self.assertEqual(faults(expression), [fault])
        self.assertEqual(faults("sum by (job) (up)", "{{instance}}"), ["told by instance"])


class GrafanaTests(SynchronousTestCase):
    """The dashboard."""

    def setUp(self) -> None:
        self.board: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
        self.panels = [each for each in self.board["panels"] if each["type"] != "row"]

    def targets(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for panel in self.panels:
            for target in panel["targets"]:
                yield panel["title"], target

    def test_expressions(self) -> None:
        """Every panel asks for something, and for nothing that there is not; it looks at the
        chosen instances alone, in the chosen data source."""
        self.assertTrue(all(each["targets"] for each in self.panels))
        for title, target in self.targets():
            found = faults(target["expr"], target["legendFormat"])
            self.assertEqual(found, [], f"{title}: {target['expr']}")
            self.assertIn('instance=~"$instance"', target["expr"], title)
            self.assertEqual(target["datasource"], {"type": "prometheus", "uid": "${datasource}"})

    def test_variables(self) -> None:
        """Data source, instances and processors can be chosen, the latter from what there is."""
        variables = {each["name"]: each for each in self.board["templating"]["list"]}
        self.assertEqual(list(variables), ["datasource", "instance", "processor"])
        for name in ("instance", "processor"):
            query = variables[name]["query"]["query"]
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()  # type: ignore[union-attr]
            self.assertEqual(faults(metric), [])
            self.assertIn(label, known()[metric.partition("{")[0]])

    def test_all_is_shown(self) -> None:
        """Every metric of the table is on the dashboard."""
        asked = {name for _, target in self.targets() for name in spoken(target["expr"]).names}
        bases = {re.sub("_(bucket|count|sum)$", "", each) for each in asked}
        self.assertEqual(TABLE.keys() - bases, set())

    def test_places(self) -> None:
        """No panel lies on another one, none is wider than the page, and each has its own id."""
        taken: set[tuple[int, int]] = set()
        for panel in self.board["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
        ids = [each["id"] for each in self.board["panels"]]
        self.assertEqual(len(set(ids)), len(ids))


class PrometheusTests(SynchronousTestCase):
    """The example of a configuration, and the alerts."""

    def rules(self) -> list[dict[str, Any]]:
        groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def test_alerts(self) -> None:
        """Every alert has a name of its own, looks at what there is, and says what to look at."""
        names = [each["alert"] for each in self.rules()]
        self.assertEqual(len(set(names)), len(names))
        for rule in self.rules():
            told = rule["annotations"]["summary"] + rule["annotations"]["description"]
            self.assertEqual(faults(rule["expr"], told), [], rule["alert"])
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
            for metric in re.findall(r"kato_\w+", told):
                self.assertIn(metric, TABLE, rule["alert"])

    def test_configuration(self) -> None:
        """All targets are asked with the key, and the alerts are read."""
        config = yaml.safe_load((ALERTS.parent / "prometheus.yml").read_text("utf-8"))
        self.assertEqual(config["rule_files"], [ALERTS.name])
        for job in config["scrape_configs"]:
            self.assertTrue(job["job_name"].startswith("kato-"))
            self.assertEqual(job["authorization"]["type"], "Bearer")
            self.assertNotIn("metrics_path", job)

    def test_promtool(self) -> None:
        """Prometheus' own tool finds nothing wrong with the alerts, where it is installed."""
        tool = shutil.which("promtool")
        if tool is None:
            raise SkipTest("promtool is not installed")
        checked = subprocess.run(
            [tool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
        )
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
