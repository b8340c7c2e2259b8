"""What compose.yaml, its GPU override, .env.example and the Dockerfile promise, read as Compose reads them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jackfield.settings import load_settings
from jackfield.testing.compose_file import VariableMissing, filled_in, read_compose, read_services, seconds

ROOT = Path(__file__).parents[3]
COMPOSE, GPU = ROOT / "compose.yaml", ROOT / "compose.gpu.yaml"
DEMANDED = {name: f"{name.lower()}-1" for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "SETUP_TOKEN")}
ONE_SHOT = {"migrate"}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as tables."""
    found: dict[str, Any] = read_compose(COMPOSE, DEMANDED)["services"]
    return found


def test_these_are_the_services(services: dict[str, Any]) -> None:
    assert services.keys() == {"postgres", "redis", "migrate", "api", "worker"}


def test_none_runs_as_root_or_may_become_it(services: dict[str, Any]) -> None:
    for name, service in services.items():
        uid, _, gid = service["user"].partition(":")
        assert int(uid) > 0, name
        assert int(gid) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name


def test_none_writes_but_to_its_volumes_and_memory(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["tmpfs"], name
        for volume in service["volumes"]:
            assert not volume.startswith((".", "/", "~")), f"{name} mounts a folder of the host"


def test_every_lasting_service_has_a_health_check_a_restart_and_limits(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}
        if name in ONE_SHOT:
            assert service["restart"] == "no"
            assert service["healthcheck"] == {"disable": True}
            continue
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"], name
        assert service["healthcheck"]["start_period"], name
        assert service["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}


def test_what_is_waited_for_is_waited_for_until_it_is_well(services: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        assert services[name]["depends_on"] == {
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
        }


def test_images_are_pinned_to_a_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+\.?\d*(-[a-z]+)?$", service["image"]), name
    sources = re.findall(r"^ARG \w+_IMAGE=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    gpu = re.findall(r"_IMAGE: (\S+)", GPU.read_text())
    assert len(sources) == len(gpu) == 2
    assert [image for image in (*sources, *gpu) if not re.search(r":\d+\.\d+\.\d+-", image)] == []


@pytest.mark.parametrize("missing", DEMANDED)
@pytest.mark.parametrize("given", [None, ""])
def test_it_refuses_to_start_without_a_secret(missing: str, given: str | None) -> None:
    variables = {name: value for name, value in DEMANDED.items() if name != missing}
    with pytest.raises(VariableMissing, match=rf"{missing} is not set; see \.env\.example"):
        read_services(COMPOSE, variables if given is None else {**variables, missing: given})


def test_no_secret_has_a_default() -> None:
    for text in (COMPOSE.read_text(), GPU.read_text()):
        for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", text):
            if SECRET.search(name):
                assert rest in (":?is not set; see .env.example", ":-"), name
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, given, value = line.lstrip("#").partition("=")
        if given and SECRET.search(name):
            assert value == "", name


def test_the_example_names_every_variable_of_the_files() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text())) - {"JACKFIELD_VERSION"}
    told = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert told == used


def test_only_the_api_is_published_and_on_loopback_alone(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == {"api"}
    assert services["api"]["ports"] == ["127.0.0.1:5225:5225"]
    networks = read_compose(COMPOSE, DEMANDED)["networks"]
    assert networks["inner"] == {"internal": True}
    assert {name: service["networks"] for name, service in services.items() if name not in ("api", "worker")} == {
        name: ["inner"] for name in ("postgres", "redis", "migrate")
    }


def test_redis_refuses_writes_before_its_container_is_full(services: dict[str, Any]) -> None:
    [most] = re.findall(r"--maxmemory (\d+)mb ", " ".join(services["redis"]["command"]))
    assert services["redis"]["deploy"]["resources"]["limits"]["memory"] == "512m"
    assert int(most) <= 512 * 0.75


def test_a_worker_has_longer_to_stop_than_it_drains(services: dict[str, Any]) -> None:
    worker = services["worker"]
    assert seconds(worker["stop_grace_period"]) >= float(worker["environment"]["JACKFIELD_JOBS__DRAIN"]) + 10


def test_api_and_worker_share_models_and_state(services: dict[str, Any]) -> None:
    api, worker = services["api"], services["worker"]
    assert api["volumes"] == worker["volumes"] == ["data:/data"]
    for name in ("JACKFIELD_DATABASE_URL", "JACKFIELD_JOBS__REDIS_URL", "JACKFIELD_HOME", "JACKFIELD_DEFAULT_MODEL"):
        assert api["environment"][name] == worker["environment"][name]


@pytest.mark.parametrize("name", ["migrate", "api", "worker"])
def test_settings_take_every_variable(name: str, services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [variable for variable in os.environ if variable.startswith("JACKFIELD_")]:
        monkeypatch.delenv(variable)
    for variable, value in services[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = load_settings()
    assert settings.identity.enabled is (name != "migrate")
    assert str(settings.home) == "/data"
    assert settings.state_url == "postgresql://jackfield:postgres_password-1@postgres:5432/jackfield"
    assert settings.jobs.redis_url == "redis://:redis_password-1@redis:6379/0"


def test_the_gpu_override_changes_services_that_exist(services: dict[str, Any]) -> None:
    override = yaml.safe_load(GPU.read_text())["services"]
    assert override.keys() <= services.keys()
    [device] = override["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    assert "GGML_CUDA=ON" in override["worker"]["build"]["args"]["EXTRA_ENGINE_OPTIONS"]


def test_the_image_is_built_for_all_processors_and_runs_as_nobody() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for option in ("-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON"):
        assert option in text
    run = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", run, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", run, re.MULTILINE)
    assert '"tini"' in run
    assert "build-essential" not in run
    assert "--require-hashes" in text


def test_the_image_gets_every_folder_that_the_wheel_is_made_of() -> None:
    text, ignored = (ROOT / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    packages = re.findall(r'^    "(\w+)/jackfield\w*",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(packages) == 7
    for folder in packages:
        assert f"\nCOPY {folder} {folder}\n" in text
        assert f"\n!{folder}\n" in ignored


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A}", "one"),
        ("$A-$$A", "one-$A"),
        ("${B:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY-two}", ""),
        ("${B-}x", "x"),
        ("${N:--1}", "-1"),
    ],
)
def test_variables_are_filled_in_as_compose_does_it(text: str, filled: str) -> None:
    assert filled_in(text, {"A": "one", "EMPTY": ""}) == filled


def test_compose_itself_takes_the_files(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("no docker client is installed")
    if subprocess.run([docker, "compose", "version"], capture_output=True, timeout=30, check=False).returncode:
        pytest.skip("the docker client that is installed has no compose")
    for files in ((COMPOSE,), (COMPOSE, GPU)):
        command = [docker, "compose", *(word for file in files for word in ("--file", str(file)))]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **DEMANDED}
        done = subprocess.run(
            [*command, "config", "--quiet"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
