"""The alert rules, checked and run by Prometheus' own promtool (Debian package ``prometheus``)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from ruamel.yaml import YAML

import infra
import shared.metrics

FOLDER = Path(infra.__file__).parent / "alerts"
RULES = FOLDER / "stadtfunk.yaml"
TESTS = FOLDER / "stadtfunk_test.yaml"


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is missing: install Debian's package 'prometheus'")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_rules_are_valid() -> None:
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_not_else() -> None:
    done = promtool("test", "rules", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_both_ways() -> None:
    yaml = YAML(typ="safe")
    alerts = {rule["alert"] for group in yaml.load(RULES)["groups"] for rule in group["rules"]}
    cases = [case for test in yaml.load(TESTS)["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


def test_the_rules_name_metrics_that_exist() -> None:
    assert shared.metrics.HANDLED
    exported = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    exported |= {family.name for family in REGISTRY.collect()}
    exported |= {f"{family.name}_{suffix}" for family in REGISTRY.collect() for suffix in ("total", "count")}
    yaml = YAML(typ="safe")
    for group in yaml.load(RULES)["groups"]:
        for rule in group["rules"]:
            named = set(re.findall(r"\bstadtfunk_\w+", rule["expr"]))
            assert named <= exported, f"{rule['alert']}: {named - exported}"
            assert set(rule["annotations"]) == {"summary", "action"}
