"""`make deploy-check`: the image, a run in a container of its own, and one whose container is killed. With `--files`
only what checkers of the files say, which `make deploy-files` asks for.

It needs Linux, Docker or Podman, and PostgreSQL's server programs. Everything is on this machine: containers use its
network, the sample takes the place of sites, and a stand-in the place of the model. What it takes from the environment:

    EXPOSURE_CHECK_ENGINE        docker or podman; by default the first that answers
    EXPOSURE_CHECK_IMAGE         an image that is there already, in place of one that is built
    EXPOSURE_CHECK_BUILD_OPTIONS more options of its `build`
    BASE_IMAGE                   what the image stands on, where not the Dockerfile's default
    PIP_INDEX_URL, PIP_CERT      another index, another authority of certificates; as secrets of the build
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from exposure_dagster.settings import BUNDLED_PROMPTS
from tests.integration.counting_server import CountingServer, counting_server
from tests.postgres import started_server, stop_server

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "deploy"
TOOLS = ROOT / ".venv" / "deploy-tools"
NAMED_IMAGE = os.environ.get("EXPOSURE_CHECK_IMAGE")
IMAGE = NAMED_IMAGE or "localhost/exposure:check"
PREFIX = f"exposure-check-{os.getpid()}"
PROMPT = "exposure"
DATA = "/var/lib/exposure/data"
CONCURRENCY = 2
ANSWER_S = 0.5
KILLED_AFTER = 6
"""Answers that the stand-in has given when the run's container is killed."""

FAILED_WITHIN_S = 15.0
PATIENCE_S = 300.0
ENDED = ("SUCCESS", "FAILURE", "CANCELED")

SELECTOR = '{repositoryLocationName: "exposure", repositoryName: "__repository__", jobName: "%s"}'
LAUNCH = (
    'mutation { launchRun(executionParams: {mode: "default", selector: %s, executionMetadata: {tags: %s}})'
    " { __typename ... on PythonError { message } ... on LaunchRunSuccess { run { runId } } } }"
)
ADD_PARTITION = (
    'mutation { addDynamicPartition(partitionsDefName: "prompts", partitionKey: "%s", repositorySelector:'
    ' {repositoryLocationName: "exposure", repositoryName: "__repository__"}) { __typename } }'
)
EVENTS = (
    'query { logsForRun(runId: "%s") { ... on EventConnection { events { ... on MessageEvent { message }'
    " ... on ErrorEvent { error { message } } } } } }"
)
RUN = 'query { runOrError(runId: "%s") { ... on Run { status tags { key value } } } }'


class Engine:
    """Docker or Podman."""

    def __init__(self) -> None:
        named = os.environ.get("EXPOSURE_CHECK_ENGINE")
        found = [name for name in ([named] if named else ["docker", "podman"]) if _answers(name)]
        if not found:
            sys.exit("deploy-check needs Docker or Podman, and none answers")
        self.program = found[0]

    def __call__(self, *arguments: str, may_fail: bool = False) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode and not may_fail:
            sys.exit(f"{self.program} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done

    @property
    def is_podman(self) -> bool:
        return "podman" in Path(self.program).name

    @contextmanager
    def socket(self, folder: Path) -> Iterator[Path]:
        """Where its API is spoken; Podman's is served for the length of the block."""
        if not self.is_podman:
            yield Path("/var/run/docker.sock")
            return
        path = folder / "podman.sock"
        service = subprocess.Popen([self.program, "system", "service", "--time=0", f"unix://{path}"])
        try:
            wait_for(path.exists, "the socket of podman")
            path.chmod(0o666)
            yield path
        finally:
            service.terminate()
            service.wait()

    def build(self) -> None:
        """The image, as the Dockerfile says."""
        options = shlex.split(os.environ.get("EXPOSURE_CHECK_BUILD_OPTIONS", ""))
        if self.is_podman:
            options += ["--format", "docker", "--ignorefile", str(HERE / "Dockerfile.dockerignore")]
        if base := os.environ.get("BASE_IMAGE"):
            options += ["--build-arg", f"BASE_IMAGE={base}"]
        with tempfile.TemporaryDirectory() as folder:
            if index := os.environ.get("PIP_INDEX_URL"):
                (Path(folder) / "index").write_text(index, encoding="utf-8")
                options += ["--secret", f"id=pip_index_url,src={folder}/index"]
            if certificate := os.environ.get("PIP_CERT"):
                options += ["--secret", f"id=pip_cert,src={certificate}"]
            self("build", *options, "--file", str(HERE / "Dockerfile"), "--tag", IMAGE, str(ROOT))


def _answers(program: str) -> bool:
    """Whether the engine is there and at work: its command line alone is not enough."""
    return shutil.which(program) is not None and not subprocess.call(
        [program, "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


class Stack:
    """Code server, daemon, web server and the published site in containers, over one database."""

    def __init__(self, engine: Engine, folder: Path, database_url: str, api: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._environment = {
            "EXPOSURE_DATABASE_URL": database_url,
            "EXPOSURE_DATA_URL": f"{DATA}/shared",
            "EXPOSURE_SITES": "sample",
            "EXPOSURE_GATE": "warn",  # a stand-in answers in the right form, and nonsense
            "EXPOSURE_PROMPTS": "/prompts",
            "EXPOSURE_PROMPTS_OWNER": "check",
            "EXPOSURE_CONCURRENCY": str(CONCURRENCY),
        }
        self._api = api
        self._code_port, self._web_port = free_port(), free_port()
        self._write_configuration()

    def _write_configuration(self) -> None:
        config = yaml.safe_load((HERE / "dagster.yaml").read_text(encoding="utf-8"))
        launcher = config["run_launcher"]["config"]
        launcher["network"] = "host"
        launcher["container_kwargs"]["volumes"] = [f"{PREFIX}:{DATA}", f"{self._folder}/prompts:/prompts:ro"]
        workspace = yaml.safe_load((HERE / "workspace.yaml").read_text(encoding="utf-8"))
        workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": self._code_port}
        for name, content in (("dagster.yaml", config), ("workspace.yaml", workspace)):
            (self._folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
            (self._folder / name).chmod(0o644)
        prompts = self._folder / "prompts"
        prompts.mkdir()
        shutil.copy(BUNDLED_PROMPTS / f"{PROMPT}.md", prompts)
        for path in (prompts, self._folder):
            path.chmod(0o755)

    @contextmanager
    def up(self, **environment: str) -> Iterator[None]:
        """Have it all running, with these settings besides, until the block ends."""
        settings = {**self._environment, **environment}
        code = ["dagster", "api", "grpc", "--host", "127.0.0.1", "--port", str(self._code_port)]
        code += ["--module-name", "exposure_dagster.definitions", "--location-name", "exposure"]
        web = ["dagster-webserver", "--host", "127.0.0.1", "--port", str(self._web_port)]
        workspace = ["--workspace", "/var/lib/exposure/workspace.yaml"]
        try:
            self._start("code", code, {**settings, "DAGSTER_CURRENT_IMAGE": IMAGE})
            health = ["exec", f"{PREFIX}-code", "dagster", "api", "grpc-health-check", "--port", str(self._code_port)]
            wait_for(lambda: self._engine(*health, may_fail=True).returncode == 0, "the code server", self.logs)
            self._start("daemon", ["dagster-daemon", "run", *workspace], settings)
            self._start("web", [*web, *workspace], settings)
            address = f"http://127.0.0.1:{self._web_port}/server_info"
            wait_for(lambda: _answers_at(address), "the web server", self.logs)
            yield
        finally:
            for name in ("serve", "web", "daemon", "code"):
                self._engine("rm", "--force", f"{PREFIX}-{name}", may_fail=True)

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        mounts = {
            f"{PREFIX}": DATA,
            f"{self._folder}/dagster.yaml": "/var/lib/exposure/dagster/dagster.yaml:ro",
            f"{self._folder}/workspace.yaml": "/var/lib/exposure/workspace.yaml:ro",
            f"{self._folder}/prompts": "/prompts:ro",
            str(self._api): "/var/run/docker.sock",
        }
        options = [part for source, target in mounts.items() for part in ("--volume", f"{source}:{target}")]
        options += [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
        options += ["--group-add", str(self._api.stat().st_gid), "--no-healthcheck"]
        self._engine("run", "--detach", "--network", "host", "--name", f"{PREFIX}-{name}", *options, IMAGE, *command)

    def events(self, run_id: str) -> str:
        """What Dagster recorded of a run, the latest of it."""
        events = self.ask(EVENTS % run_id)["logsForRun"]["events"]
        return "\n".join(f"{one.get('message')} {one.get('error') or ''}" for one in events[-12:])

    def logs(self) -> str:
        """The last lines of all of them."""
        parts = []
        for name in ("code", "daemon", "web", "serve"):
            done = self._engine("logs", "--tail", "40", f"{PREFIX}-{name}", may_fail=True)
            parts.append(f"--- {name}\n{done.stdout}{done.stderr}")
        return "\n".join(parts)

    def serve(self) -> float:
        """Start `exposure serve`; returns how long it took until it shows what is published."""
        port = free_port()
        self._start("serve", ["exposure", "serve", "--host", "127.0.0.1", "--port", str(port)], self._environment)
        return wait_for(lambda: _answers_at(f"http://127.0.0.1:{port}/"), "the published site", self.logs)

    def ask(self, query: str) -> dict[str, Any]:
        """Data that GraphQL answers."""
        reply = httpx.post(f"http://127.0.0.1:{self._web_port}/graphql", json={"query": query}, timeout=60).json()
        if "errors" in reply:
            sys.exit(f"{query}\n{json.dumps(reply['errors'])[:2000]}")
        data: dict[str, Any] = reply["data"]
        return data

    def launch(self, job: str, partition: str | None = None) -> str:
        """Ask for a run as the UI does; returns its id."""
        tags = "[]" if partition is None else f'[{{key: "dagster/partition", value: "{partition}"}}]'
        said = self.ask(LAUNCH % (SELECTOR % job, tags))["launchRun"]
        if said["__typename"] != "LaunchRunSuccess":
            sys.exit(f"{job} was not launched: {said}")
        return str(said["run"]["runId"])

    def status(self, run_id: str) -> str:
        return str(self.ask(RUN % run_id)["runOrError"]["status"])

    def container(self, run_id: str) -> str:
        """The container of a run, as its launcher noted it."""
        tags = {tag["key"]: tag["value"] for tag in self.ask(RUN % run_id)["runOrError"]["tags"]}
        return str(tags["docker/container_id"])

    def finished(self, run_id: str) -> str:
        """The status of a run when it has ended."""
        wait_for(lambda: self.status(run_id) in ENDED, f"run {run_id}", self.logs)
        return self.status(run_id)

    def succeed(self, job: str, partition: str | None = None) -> float:
        """Launch a run, which has to succeed; returns how long that took."""
        began = time.monotonic()
        run_id = self.launch(job, partition)
        if (status := self.finished(run_id)) != "SUCCESS":
            sys.exit(f"{job} of {partition}: {status}\n{self.events(run_id)}\n{self.logs()}")
        return time.monotonic() - began


def _answers_at(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(condition: Callable[[], bool], what: str, explain: Callable[[], str] = str) -> float:
    """Seconds until it came; ends the check where it does not."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_S:
            sys.exit(f"waited in vain for {what}\n{explain()}")
        time.sleep(0.2)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(server: CountingServer) -> set[str]:
    """The documents that were answered about."""
    return {document for one in server.asked if one.status == 200 for document in one.documents}


def slow_down(server: CountingServer) -> None:
    """Have every answer take its time, so that a run can be killed in the midst of it."""

    async def answer(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        await asyncio.sleep(ANSWER_S)
        return await CountingServer.answer(server, request)

    server.answer = answer  # type: ignore[method-assign]


def check_runs(engine: Engine) -> None:
    """A prompt by the baseline, then one by the stand-in whose container is killed, and what the next run asks."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exposure-check-")))
        postgres = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exposure-postgres-", dir="/tmp")))
        server, database_url = started_server(postgres)
        stack.callback(stop_server, server)
        api = stack.enter_context(engine.socket(folder))
        model = stack.enter_context(counting_server())
        slow_down(model)
        engine("volume", "create", PREFIX)
        stack.callback(engine, "volume", "rm", "--force", PREFIX)
        stack.callback(remove_runs, engine)
        containers = Stack(engine, folder, database_url, api)
        with containers.up(EXPOSURE_SCORER="baseline"):
            containers.ask(ADD_PARTITION % PROMPT)
            say("sources in a container", seconds=round(containers.succeed("refresh_sources"), 1))
            say("a prompt by the baseline", seconds=round(containers.succeed("score_prompts", PROMPT), 1))
            say("publishing", seconds=round(containers.succeed("publish"), 1))
            say("the published site is served", seconds=round(containers.serve(), 1))
        with containers.up(ANTHROPIC_API_KEY="stand-in", ANTHROPIC_BASE_URL=model.url):
            run_id = containers.launch("score_prompts", PROMPT)
            wait_for(lambda: len(asked(model)) >= KILLED_AFTER, "answers", containers.logs)
            engine("kill", "--signal", "KILL", containers.container(run_id))
            failed_s = wait_for(lambda: containers.status(run_id) == "FAILURE", "the failure", containers.logs)
            before = asked(model)
            model.forget()
            containers.succeed("score_prompts", PROMPT)
            after = asked(model)
            containers.succeed("score_prompts", PROMPT)
            say(
                "a killed container",
                seconds_until_failure=round(failed_s, 1),
                answered_before=len(before),
                asked_by_the_next_run=len(after),
                asked_twice=len(before & after),
                asked_by_the_run_after_it=len(asked(model) - after),
            )
    if failed_s > FAILED_WITHIN_S or not after or len(before & after) > 2 * CONCURRENCY:
        sys.exit("a killed container has to be a failure soon, and the next run has to ask about the rest alone")


def remove_runs(engine: Engine) -> None:
    """Containers of runs stay when they have ended; those of the check go with it."""
    left = engine("ps", "--all", "--quiet", "--filter", f"volume={PREFIX}").stdout.split()
    if left:
        engine("rm", "--force", *left, may_fail=True)


def check_files() -> None:
    """What can be said of the files without running them. The tools of tools.txt are installed beside the project."""
    binaries = Path(sys.executable).parent
    tools = {**os.environ, "PYTHONPATH": str(TOOLS)}
    job = subprocess.run([sys.executable, "-m", "deploy.kubernetes_job"], check=True, capture_output=True, cwd=ROOT)
    with tempfile.NamedTemporaryFile(suffix=".yaml") as objects:
        objects.write(job.stdout)
        objects.flush()
        validate = [sys.executable, "-m", "kubernetes_validate", "--strict", objects.name]
        subprocess.run(validate, check=True, env=tools)
    subprocess.run([TOOLS / "bin" / "hadolint", str(HERE / "Dockerfile")], check=True)
    schema = [binaries / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(HERE / "compose.yaml")]
    subprocess.run(schema, check=True)


def say(what: str, **figures: float) -> None:
    print(json.dumps({"what": what, **figures}), flush=True)


def main() -> None:
    check_files()
    if "--files" in sys.argv[1:]:
        return
    engine = Engine()
    if NAMED_IMAGE is None:
        began = time.monotonic()
        engine.build()
        say("image built", seconds=round(time.monotonic() - began, 1))
    check_runs(engine)


if __name__ == "__main__":
    main()
