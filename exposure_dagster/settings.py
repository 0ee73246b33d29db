"""The settings: the one place that reads the environment.

Every other module is handed values. The command line and the code location read the settings once
and pass them on as resource fields.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.hints import meant
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.core.tables import WAREHOUSE_FILE
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.corpora.own.names import OwnCorpus, own_corpora
from exposure_dagster.gates import Gate
from exposure_dagster.indices.names import NamedIndex, named_indices
from exposure_dagster.providers.registry import PROVIDERS, Endpoints, endpoints_of

if TYPE_CHECKING:
    from exposure_dagster.store.warehouse import Warehouse

PACKAGE_FOLDER = Path(__file__).resolve().parent
BUNDLED_PROMPTS = PACKAGE_FOLDER / "prompts" / "bundled"
SAMPLE_SITES = PACKAGE_FOLDER / "sample"


def project_root() -> Path:
    """The checkout that holds the package; the current folder where it was installed from a wheel."""
    checkout = PACKAGE_FOLDER.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def _from_project_root(path: Path) -> Path:
    try:
        expanded = path.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no such user as {path.parts[0]}") from None
    return expanded if expanded.is_absolute() else project_root() / expanded


_PREFIX = "EXPOSURE_"

_MOST_USD = 1_000_000_000

ProjectPath = Annotated[Path, AfterValidator(_from_project_root)]

_IN_AN_ADDRESS = re.compile(r"\?|%[0-9A-Fa-f]{2}")


def _home_folder(path: Path) -> Path:
    """Dagster writes the path of its files as an address and reads it as one: they would lie in another folder."""
    found = _IN_AN_ADDRESS.search(str(path))
    if found is not None:
        raise ValueError(f"{path} has {found[0]} in its path, by which Dagster and DuckDB do not find it: rename it")
    if path.is_file():
        raise ValueError(f"{path} is a file; name a folder")
    return path


HomePath = Annotated[ProjectPath, AfterValidator(_home_folder)]


def _list_of_corpora(text: str) -> str:
    for corpus in own_corpora(text, KNOWN_CORPORA):
        _from_project_root(corpus.path)
    return text


CorpusList = Annotated[str, AfterValidator(_list_of_corpora)]


def _list_of_indices(text: str) -> str:
    for index in named_indices(text):
        if index.path is not None:
            _from_project_root(index.path)
    return text


IndexList = Annotated[str, AfterValidator(_list_of_indices)]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _site_address(text: str) -> str:
    """With one slash at the end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or " " in text:
        raise ValueError(f"{text} is no address of a site; write it as in https://example.org/jobs/")
    return f"{text.rstrip('/')}/"


SiteAddress = Annotated[str, AfterValidator(_site_address)]


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+")


def _list_of_origins(text: str) -> str:
    for origin in _parts(text):
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin} is no origin; write scheme and host as in https://example.org, without a path")
    return text


OriginList = Annotated[str, AfterValidator(_list_of_origins)]


_HOST_NAME = re.compile(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")


def _list_of_hosts(text: str) -> str:
    for name in _parts(text):
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(f"{name} is no name of a host; write it as in data.example.org, without scheme or port")
    return text


HostList = Annotated[str, AfterValidator(_list_of_hosts)]


def _known_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("there is no such time zone; write it as in Europe/Berlin or UTC") from None
    return name


TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]


def _database_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        is_good = parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1 and (parts.port or 1) > 0
        is_good = is_good and "@" not in parts.path  # of a password with a slash, which would be shown
    except ValueError:  # of a port, or of brackets
        is_good = False
    if not is_good:
        raise ValueError("it is no address of a database; write it as in postgresql://user:password@host:5432/name")
    return url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]


_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#\s]*)?")


def _data_url(url: str) -> str:
    """Without a slash at the end; a path as an absolute one."""
    if "://" not in url:
        return str(_home_folder(_from_project_root(Path(url))))
    if not _BUCKET.fullmatch(url):
        raise ValueError("it is neither a folder nor a bucket; write it as in /mnt/exposure or s3://bucket/prefix")
    return url.rstrip("/")


DataUrl = Annotated[str, AfterValidator(_data_url)]


class ScorerName(StrEnum):
    """Who answers: the prompt's model, the same through batches, or the baseline that needs no key."""

    MODEL = "model"
    MODEL_BATCH = "model-batch"
    BASELINE = "baseline"


_EARLIER_SCORERS = {"claude": ScorerName.MODEL, "claude-batch": ScorerName.MODEL_BATCH}
"""What the scorers were called while only one provider could be asked; still understood."""


def _scorer_of_today(name: object) -> object:
    return _EARLIER_SCORERS.get(name, name) if isinstance(name, str) else name


def _usable_addresses(variables: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for variable in {provider.address_variable for provider in PROVIDERS.values()} & variables.keys():
        try:
            address = urlsplit(variables[variable].get_secret_value())
            is_good = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
        except ValueError:  # of a port, or of brackets
            is_good = False
        if not is_good:
            raise ValueError(f"{variable} is no address; write it as in https://example.org/v1")
    return variables


class Settings(BaseModel):
    """All settings, from the environment and `.env`. Relative paths are relative to the project root."""

    model_config = ConfigDict(validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _with_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What is given stands; the environment says the rest. A variable that is empty is not set."""
        return {**_environment(), **given}

    home: HomePath = Field(
        Path("data"),
        validate_default=True,
        description="Folder of the warehouse, published files and Dagster's own state.",
    )
    database_url: DatabaseUrl | None = Field(
        None,
        repr=False,
        description="A PostgreSQL database that several machines share, as in postgresql://user:password@host/name: "
        "with it the ledger, the tables' catalog and what is agreed on lie there (docs/deployment.md).",
    )
    data_url: DataUrl | None = Field(
        None,
        description="Where tables and published files lie that several machines share: a folder that all reach, or "
        "s3://bucket/prefix. Goes with EXPOSURE_DATABASE_URL.",
    )
    sites: str = Field(
        "live", description="Where pages come from: `live`, `sample`, or a folder with one folder a host."
    )
    contact: str | None = Field(None, description="E-mail address put into the User-Agent; live fetching needs it.")
    onet_database: ProjectPath | None = Field(
        None, description="A saved O*NET release instead of fetching one: zip archive or folder, text or Excel files."
    )
    onet_release: str | None = Field(
        None,
        pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$",
        description="The O*NET release that is fetched, as in 31.0; by default the newest that is known to be read.",
    )
    onet_pages: bool = Field(
        True,
        description="Whether O*NET's 923 summary pages are fetched from a live site, one a second; false does without.",
    )
    projections: ProjectPath | None = Field(
        None, description="BLS's employment projections as a saved CSV or Excel file, instead of fetching them."
    )
    documents: CorpusList | None = Field(
        None,
        description="Corpora of your own: `name=file` (CSV, Excel, Parquet, JSON lines), several with commas between "
        "them.",
    )
    matches: ProjectPath | None = Field(
        None,
        description="Corrections of the occupations that were found for your own documents: a CSV file with columns "
        "`document` and `code`; `exposure match --template FILE` writes one to fill in.",
    )
    indices: IndexList | None = Field(
        None,
        description="Published indices that scores are held against: names of bundled ones, or `bundled` for all, and "
        "`name=file.csv` for your own, several with commas or line ends between them.",
    )
    gate: Gate = Field(
        Gate.ESSENTIAL,
        description="What keeps scores back from publication: `essential` (examples and probes that score elsewhere, "
        "scores that do not vary), `block` (any check of ranked/gate that fails) or `warn` (none).",
    )
    prompts: ProjectPath = Field(BUNDLED_PROMPTS, description="Folder of prompt files.")
    prompts_owner: str | None = Field(
        None,
        description="Where several machines share tables: the name under which this one owns the prompt files. Whoever "
        "came first owns them, and only there the rows of files that are gone go too; machines with the same name are "
        "one. Without it, host and folder.",
    )
    scorer: Annotated[ScorerName | None, BeforeValidator(_scorer_of_today)] = Field(
        None,
        description="`model`, `model-batch` (half the price, hours) or `baseline`; by default model for a prompt whose "
        "model can be asked, else baseline.",
    )
    max_cost_usd: float = Field(
        25, ge=0, le=_MOST_USD, allow_inf_nan=False, description="A run stops before it would spend more, in USD."
    )
    max_cost_usd_per_day: float = Field(
        100,
        ge=0,
        le=_MOST_USD,
        allow_inf_nan=False,
        description="All runs of the last 24 hours stop before they would spend more, in USD.",
    )
    concurrency: int = Field(16, ge=1, le=256, description="Model requests under way at once.")
    refetch_after_hours: float = Field(
        24,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="A page of a live site that was fetched within so many hours is not asked for again.",
    )
    cancel_batches: bool = Field(
        False, description="Whether cancelling a `model-batch` run cancels its batch; else the next run picks it up."
    )
    alert_webhook: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Address that gets a JSON POST for a failed run, a broken prompt file or a changed layout.",
    )
    owner: str | None = Field(
        None,
        pattern=r"^(team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+)$",
        description="Who answers for the assets in Dagster: an e-mail address, or `team:name`.",
    )
    code_url: str | None = Field(
        None,
        pattern=r"^https://\S+/tree/\S+$",
        description="Where this code lies on GitHub or GitLab, as in https://github.com/me/exposure/tree/main: assets "
        "in Dagster then link there instead of to the files here.",
    )
    site_url: SiteAddress | None = Field(
        None,
        description="Address at which others reach the published site, as in https://example.org/jobs/: links to its "
        "pages then unfold with a picture, which has to be named by its whole address.",
    )
    sensor_interval_seconds: int = Field(
        15, ge=1, le=86_400, description="How often the sensors look at prompt files and warehouse, in seconds."
    )
    sources_cron: str = Field("0 6 * * 1", description="When the schedule refreshes the sources: weekly by default.")
    rescoring_cron: str = Field("0 7 1 * *", description="When the schedule scores what is stale: monthly by default.")
    time_zone: TimeZoneName = Field("UTC", description="Time zone of the schedules, as in Europe/Berlin.")
    cors_origins: OriginList | None = Field(
        None,
        description="Origins whose pages may read the API: `https://example.org`, several with commas, or `*`.",
    )
    allowed_hosts: HostList | None = Field(
        None,
        description="Names that `exposure serve` answers to beside loopback and its --host: `data.example.org`, "
        "several with commas, `*.example.org`, or `*` for any.",
    )
    prices: ProjectPath | None = Field(
        None, description="A file of model prices that adds to or replaces the bundled table."
    )
    provider_variables: Annotated[Mapping[str, SecretStr], AfterValidator(_usable_addresses)] = Field(
        default_factory=dict,
        repr=False,
        description="Keys and addresses of those who answer, by the variables that `PROVIDER_VARIABLES` lists.",
    )

    @model_validator(mode="after")
    def _shares_both_or_none(self) -> Settings:
        if (self.database_url is None) != (self.data_url is None):
            there, missing = ("database_url", "data_url") if self.data_url is None else ("data_url", "database_url")
            raise ValueError(f"{variable_of(there)} needs {variable_of(missing)} beside it: set both, or neither")
        return self

    @property
    def shared(self) -> SharedStore | None:
        """What several machines share; None where everything lies in the home."""
        if self.database_url is None or self.data_url is None:
            return None
        return SharedStore(self.database_url.get_secret_value(), self.data_url)

    @property
    def warehouse(self) -> Warehouse:
        """The tables, wherever they lie; opens no connection yet."""
        from exposure_dagster.store.warehouse import Warehouse

        return Warehouse(self.warehouse_file, shared=self.shared)

    @property
    def prompts_claim(self) -> str:
        """Under which name the prompt files are owned from here."""
        return self.prompts_owner or f"{socket.gethostname()}:{self.prompts}"

    @property
    def endpoints(self) -> Endpoints:
        """Where each provider is asked, with its key where there is one."""
        return endpoints_of(self.provider_variables)

    @property
    def scorer_in_force(self) -> ScorerName:
        """The scorer that is used: the one that was set, else by whether any model can be asked."""
        if self.scorer is not None:
            return self.scorer
        return ScorerName.MODEL if self.endpoints.is_any_usable else ScorerName.BASELINE

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins whose pages may read the API; none where nothing is set."""
        return _parts(self.cors_origins or "")

    @property
    def served_names(self) -> tuple[str, ...]:
        """The names that the server answers to beside loopback and where it listens."""
        return _parts(self.allowed_hosts or "")

    @property
    def own_corpora(self) -> tuple[OwnCorpus, ...]:
        """The user's own corpora, with the paths of their files."""
        return tuple(
            OwnCorpus(corpus.name, _from_project_root(corpus.path))
            for corpus in own_corpora(self.documents or "", KNOWN_CORPORA)
        )

    @property
    def named_indices(self) -> tuple[NamedIndex, ...]:
        """The indices that scores are held against, with the paths of the user's own."""
        return tuple(
            NamedIndex(index.name, None if index.path is None else _from_project_root(index.path))
            for index in named_indices(self.indices or "")
        )

    @property
    def source_settings(self) -> dict[str, str | bool]:
        """What single sources are fetched with, by the names of the settings; those that are not set are left out."""
        return {
            "onet_pages": self.onet_pages,
            **({"onet_release": self.onet_release} if self.onet_release else {}),
            **{name: str(path) for name, path in self.saved_sources.items()},
        }

    @property
    def saved_sources(self) -> dict[str, Path]:
        """Files and folders that take the place of what would be fetched, by the names of the settings."""
        saved = {"onet_database": self.onet_database, "projections": self.projections}
        return {name: path for name, path in saved.items() if path is not None}

    @property
    def known_corpora(self) -> tuple[str, ...]:
        """Every corpus that a prompt can ask about."""
        return (*KNOWN_CORPORA, *(corpus.name for corpus in self.own_corpora))

    @property
    def warehouse_file(self) -> Path:
        return self.home / WAREHOUSE_FILE

    @property
    def published_folder(self) -> Path:
        """The publications in the home; where they are shared, copies of them."""
        return self.home / "published"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"


_SECRET_FIELDS = ("database_url",)
"""Settings that may hold a password: no message shows what they hold."""

_FIELDS = tuple(name for name in Settings.model_fields if name != "provider_variables")

PROVIDER_VARIABLES: Mapping[str, str] = {
    variable: description
    for provider in PROVIDERS.values()
    for variable, description in (
        (provider.key_variable, f"The key that {provider.title} is asked with."),
        (provider.address_variable, f"Another address for {provider.title}, and for what speaks as it does."),
    )
}
"""The variables that hold keys and addresses of providers, and what each means."""


def _environment() -> dict[str, Any]:
    environment = {**_dotenv(), **os.environ}
    _refuse_what_is_unknown(environment, setting_variables())
    given: dict[str, Any] = {name: value for name in _FIELDS if (value := environment.get(variable_of(name)))}
    given["provider_variables"] = {
        variable: SecretStr(value) for variable in PROVIDER_VARIABLES if (value := environment.get(variable))
    }
    return given


def setting_variables() -> set[str]:
    """Every environment variable that is read."""
    return {*map(variable_of, _FIELDS), *PROVIDER_VARIABLES}


def _dotenv() -> dict[str, str]:
    """What the file `.env` in the project root says, if there is one; the environment itself goes before it.

    Raises SettingError where it cannot be read.
    """
    path = project_root() / ".env"
    if not path.is_file():
        return {}
    from dotenv.parser import parse_stream

    remedy = "Write NAME=value, a line each, in UTF-8."
    try:
        with path.open(encoding="utf-8-sig") as stream:
            lines = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"it cannot be read ({error.strerror})"
        raise SettingError(what, where=str(path), remedy=remedy) from None
    for one in lines:
        if one.error or (one.key is not None and one.value is None):
            raise SettingError(f"line {one.original.line} says no NAME=value", where=str(path), remedy=remedy)
    return {one.key: one.value for one in lines if one.key is not None and one.value is not None}


def _refuse_what_is_unknown(environment: Mapping[str, str], known: Collection[str]) -> None:
    """A setting that is misspelt would be left out without a word. Raises SettingError."""
    unknown = sorted(name for name in environment if name.startswith(_PREFIX) and name not in known)
    if unknown:
        hints = [f"{name}{meant(name, known)}" for name in unknown]
        raise SettingError(
            f"there is no setting {', '.join(hints)}",
            where=_where_set(" ".join(unknown)),
            remedy="Correct or unset it; `exposure settings` lists all settings.",
        )


def variable_of(field: str) -> str:
    """The environment variable of a settings field."""
    return f"{_PREFIX}{field.upper()}"


def load_settings() -> Settings:
    """Settings from the environment.

    Raises SettingError that names each variable that cannot be used, what it holds and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = []
        for item in error.errors():
            if not item["loc"]:  # of several settings together
                problems.append(item["msg"].removeprefix("Value error, "))
                continue
            name = str(item["loc"][0])
            if name == "provider_variables":
                problems.append(item["msg"].removeprefix("Value error, "))
                continue
            variable = name if name.isupper() else variable_of(name)
            held = "" if name in _SECRET_FIELDS else f"={item['input']!r}"
            problems.append(f"{variable}{held}: {item['msg'][0].lower()}{item['msg'][1:]}")
        raise SettingError(
            "; ".join(problems),
            where=_where_set("; ".join(problems)),
            remedy="Correct or unset it; `exposure settings` lists all settings.",
        ) from None


def _where_set(text: str) -> str:
    """Where the variables stand that `text` names: in the environment, which goes before `.env`, or in that file."""
    from_file = _dotenv()
    names = [name for name in re.findall(r"\b[A-Z][A-Z0-9_]+\b", text) if name in from_file or name in os.environ]
    places = {"environment" if name in os.environ else str(project_root() / ".env") for name in names}
    return ", ".join(sorted(places, reverse=True)) or "environment"
