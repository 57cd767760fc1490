"""What docs/scale.md tells people to run: the units and the compose file can be read and name what there is."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml

from config.settings import PROCESSES, Settings
from web import cli

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
SETTINGS = {f"OBZVON_{name.upper()}" for name in Settings.model_fields}
#: Without any of these a process that is taken over could do more than its work.
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "CapabilityBoundingSet": "",
    "RestrictSUIDSGID": "yes",
    "SystemCallFilter": "@system-service",
    "User": "obzvon",
    "UMask": "0077",
}


class Sections(dict):
    """Keys of systemd's files may be repeated."""

    def __setitem__(self, key, value):
        if key in self and isinstance(value, list):
            value = self[key] + value
        super().__setitem__(key, value)


def unit(path):
    """A unit's sections; repeated keys are joined by lines."""
    parser = configparser.RawConfigParser(dict_type=Sections, strict=False, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str
    parser.read_string(path.read_text())
    return parser


def accepted(arguments):
    """Whether our command line takes this."""
    options = cli.parser().parse_args(arguments)
    assert options.command in ("prepare", "run", "process")
    return getattr(options, "name", options.command)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_hardened_and_start_what_there_is(path):
    service = unit(path)["Service"]
    python, *arguments = shlex.split(service["ExecStart"])
    assert python == "/opt/obzvon/.venv/bin/python"
    assert arguments[:2] == ["-m", "web.cli"]
    name = accepted(arguments[2:])
    assert path.name.removeprefix("obzvon-").removesuffix(".service").rstrip("@") == name
    assert {key: service.get(key) for key in HARDENED} == HARDENED
    assert "/var/lib/obzvon" in service["ReadWritePaths"]
    names = set(re.findall(r"OBZVON_\w+", path.read_text()))
    assert names <= SETTINGS
    install = unit(path)["Install"]
    assert install["WantedBy"] == "obzvon.target"
    assert name == "prepare" or "obzvon-prepare.service" in unit(path)["Unit"]["Requires"]


def test_every_process_has_a_unit():
    started = {accepted(shlex.split(unit(path)["Service"]["ExecStart"])[3:]) for path in UNITS}
    assert started == {*PROCESSES, "carrier", "prepare"}


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_compose_starts_what_there_is_with_settings_that_exist():
    services = compose()["services"]
    started = []
    for service in services.values():
        environment = service.get("environment", {})
        ours = {name for name in environment if name.startswith("OBZVON_")}
        assert ours <= SETTINGS
        if service.get("image") != "obzvon":
            continue
        if service.get("entrypoint"):
            (script,) = service["command"]
            command = re.search(r"web\.cli (\w+)$", script)[1].split()
        else:
            command = service["command"]
        processes = environment["OBZVON_PROCESSES"].split(",")
        Settings(_env_file=None, processes=",".join(processes), node_name=environment.get("OBZVON_NODE_NAME", "main"))
        started += processes if accepted(command) == "run" else [accepted(command)]
    assert sorted(started) == ["beat", "dial", "dial", "jobs", "pbx", "pbx", "prepare", "web"]
    assert services["web"]["deploy"]["replicas"] == 3
    assert services["jobs"]["deploy"]["replicas"] == 4
    named = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert named == set(compose()["volumes"])


def test_the_image_is_built_from_files_that_exist():
    root = DEPLOY.parent
    text = (DEPLOY / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--)(\S+)", text, re.M):
        assert (root / source).exists()
    assert compose()["services"]["prepare"]["build"]["dockerfile"] == "deploy/Dockerfile"


def test_the_computed_table_is_that_of_the_measured_figures():
    from bench import scale_table

    page = scale_table.PAGE.read_text()
    assert scale_table.written(page, scale_table.table(scale_table.read())) == page
    rows = scale_table.rows(scale_table.read())
    assert rows[-1].nodes == 100
    assert all(row.calls_s > 0 for row in rows)
