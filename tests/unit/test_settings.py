"""Settings: what the environment may say, and how a mistake in it is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exposure_dagster.core.errors import SettingError
from exposure_dagster.settings import PROVIDER_VARIABLES, ScorerName, Settings, load_settings, project_root, variable_of

DOCUMENTED_VARIABLES = {
    "EXPOSURE_HOME",
    "EXPOSURE_SITES",
    "EXPOSURE_CONTACT",
    "EXPOSURE_PROMPTS",
    "EXPOSURE_SCORER",
    "EXPOSURE_MAX_COST_USD",
    "EXPOSURE_MAX_COST_USD_PER_DAY",
    "EXPOSURE_CONCURRENCY",
    "EXPOSURE_CORS_ORIGINS",
    "EXPOSURE_ALLOWED_HOSTS",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
}


def test_every_documented_variable_is_a_setting() -> None:
    assert {variable_of(name) for name in Settings.model_fields} | set(PROVIDER_VARIABLES) >= DOCUMENTED_VARIABLES


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())


def test_an_empty_environment_means_live_pages_and_the_home_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPOSURE_HOME")
    settings = load_settings()
    assert (settings.home, settings.sites, settings.contact) == (project_root() / "data", "live", None)
    assert (settings.max_cost_usd, settings.max_cost_usd_per_day, settings.concurrency) == (25, 100, 16)
    assert settings.prompts.is_dir()


def test_a_variable_that_is_set_to_nothing_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXPOSURE_SITES", "EXPOSURE_SCORER", "EXPOSURE_CONCURRENCY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.sites, settings.scorer, settings.concurrency, settings.endpoints.of("claude-x").api_key) == (
        "live",
        None,
        16,
        None,
    )


def test_a_relative_home_lies_in_the_project_wherever_the_command_is_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", "elsewhere/data")
    monkeypatch.chdir(tmp_path)
    assert load_settings().home == project_root() / "elsewhere" / "data"


def test_an_absolute_home_and_one_below_the_users_own_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", "/srv/exposure")
    assert load_settings().home == Path("/srv/exposure")
    monkeypatch.setenv("HOME", "/home/jo")
    monkeypatch.setenv("EXPOSURE_HOME", "~/exposure")
    assert load_settings().home == Path("/home/jo/exposure")


@pytest.mark.parametrize(("name", "found"), [("My%20Project", "%20"), ("a?b", "?"), ("x/%2e%2e/y", "%2e")])
def test_a_home_that_dagster_would_look_for_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, found: str
) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", f"/srv/{name}")
    with pytest.raises(SettingError, match=f"has {re.escape(found)} in its path, by which Dagster and DuckDB"):
        load_settings()


@pytest.mark.parametrize("name", ["100%", "a b", "x#1", "r[1]", "k=v, z", "日本"])
def test_a_home_may_have_any_other_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", f"/srv/{name}")
    assert load_settings().home == Path("/srv") / name


def test_everything_that_is_kept_lies_in_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", "/srv/exposure")
    settings = load_settings()
    assert [str(settings.warehouse_file), str(settings.published_folder), str(settings.dagster_home)] == [
        "/srv/exposure/exposure.duckdb",
        "/srv/exposure/published",
        "/srv/exposure/dagster",
    ]


@pytest.mark.parametrize(
    ("key", "named", "in_force"),
    [
        (None, None, ScorerName.BASELINE),
        ("sk-1", None, ScorerName.MODEL),
        ("sk-1", "baseline", ScorerName.BASELINE),
        (None, "claude-batch", ScorerName.MODEL_BATCH),
    ],
)
def test_claude_answers_where_there_is_a_key_unless_a_scorer_is_named(
    monkeypatch: pytest.MonkeyPatch, key: str | None, named: str | None, in_force: ScorerName
) -> None:
    if key is not None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    if named is not None:
        monkeypatch.setenv("EXPOSURE_SCORER", named)
    assert load_settings().scorer_in_force is in_force


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    settings = load_settings()
    assert "sk-secret" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("EXPOSURE_SCORER", "gpt", "input should be 'model', 'model-batch' or 'baseline'"),
        ("EXPOSURE_CONCURRENCY", "many", "input should be a valid integer"),
        ("EXPOSURE_CONCURRENCY", "0", "greater than or equal to 1"),
        ("EXPOSURE_MAX_COST_USD", "-1", "greater than or equal to 0"),
        ("EXPOSURE_MAX_COST_USD_PER_DAY", "nan", "finite number"),
        ("EXPOSURE_ALLOWED_HOSTS", "https://a.org", "https://a.org is no name of a host; write it as in"),
        ("EXPOSURE_ALLOWED_HOSTS", "a.org, b.org:80", "b.org:80 is no name of a host"),
        ("EXPOSURE_HOME", "~nobody-of-that-name/data", "there is no such user as ~nobody-of-that-name"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_with_its_variable_and_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError) as raised:
        load_settings()
    message = str(raised.value)
    assert f"{variable}='{value}'" in message
    assert says in message
    assert message.endswith("`exposure settings` lists all settings.")


NUMERIC = [variable_of(name) for name, field in Settings.model_fields.items() if field.annotation in (int, float)]


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e300", "9" * 30])
@pytest.mark.parametrize("variable", NUMERIC)
def test_no_number_without_bounds_is_taken(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=f"{variable}='{value}'"):
        load_settings()


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_SCORER", "gpt")
    monkeypatch.setenv("EXPOSURE_CONCURRENCY", "many")
    with pytest.raises(SettingError, match=r"EXPOSURE_SCORER='gpt'.*; EXPOSURE_CONCURRENCY='many'"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("EXPOSURE_SCORRER", "EXPOSURE_SCORRER; did you mean EXPOSURE_SCORER?"),
        ("EXPOSURE_MAX_COST", "EXPOSURE_MAX_COST; did you mean EXPOSURE_MAX_COST_USD?"),
        ("EXPOSURE_QZX", "EXPOSURE_QZX"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    monkeypatch.setenv(name, "")
    with pytest.raises(SettingError, match=re.escape(f"there is no setting {hint}")):
        load_settings()


def test_settings_may_stand_in_a_file_and_the_environment_goes_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("exposure_dagster.settings.project_root", lambda: tmp_path)
    (tmp_path / ".env").write_text(
        "# mine\nEXPOSURE_CONCURRENCY=3\nexport EXPOSURE_OWNER='team:labour'\nANTHROPIC_API_KEY=\"from-$FILE\"\n"
        "EXPOSURE_SITES=sample\nANOTHER=x\n"
    )
    monkeypatch.setenv("EXPOSURE_CONCURRENCY", "5")
    settings = load_settings()
    assert (settings.concurrency, settings.owner, settings.sites) == (5, "team:labour", "sample")
    assert settings.provider_variables["ANTHROPIC_API_KEY"].get_secret_value() == "from-$FILE"
    monkeypatch.setenv("EXPOSURE_SITES", "")
    assert load_settings().sites == "live"
    (tmp_path / ".env").write_text("EXPOSURE_CONCURENCY=3\n")
    with pytest.raises(SettingError, match="did you mean EXPOSURE_CONCURRENCY") as raised:
        load_settings()
    assert raised.value.where == str(tmp_path / ".env")
    (tmp_path / ".env").write_text("EXPOSURE_MAX_COST_USD=much\n")
    with pytest.raises(SettingError, match="EXPOSURE_MAX_COST_USD='much'") as raised:
        load_settings()
    assert raised.value.where == str(tmp_path / ".env")
    monkeypatch.setenv("EXPOSURE_MAX_COST_USD", "more")
    with pytest.raises(SettingError, match="EXPOSURE_MAX_COST_USD='more'") as raised:
        load_settings()
    assert raised.value.where == "environment"
    for line in ("EXPOSURE_MAX_COST_USD 5", "EXPOSURE_MAX_COST_USD"):
        (tmp_path / ".env").write_text(f"EXPOSURE_SITES=sample\n{line}\n")
        with pytest.raises(SettingError, match="line 2 says no NAME=value"):
            load_settings()
    (tmp_path / ".env").write_bytes("EXPOSURE_OWNER=Müller".encode("latin-1"))
    with pytest.raises(SettingError, match="not UTF-8"):
        load_settings()


def test_git_passes_over_the_file_of_settings() -> None:
    assert ".env" in (project_root() / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_origins_that_may_read_the_api_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().allowed_origins == ()
    monkeypatch.setenv("EXPOSURE_CORS_ORIGINS", "https://example.org, http://localhost:5173")
    assert load_settings().allowed_origins == ("https://example.org", "http://localhost:5173")


@pytest.mark.parametrize("value", ["example.org", "https://example.org/map", "https://a.example,null"])
def test_what_is_no_origin_is_told(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EXPOSURE_CORS_ORIGINS", value)
    with pytest.raises(SettingError, match="is no origin; write scheme and host"):
        load_settings()


@pytest.mark.parametrize(("variable", "value"), [("TIME_ZONE", "Berlin"), ("ALERT_WEBHOOK", "hooks.example.org")])
def test_a_time_zone_or_address_that_is_none_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"EXPOSURE_{variable}", value)
    with pytest.raises(SettingError, match=f"EXPOSURE_{variable}='{value}'"):
        load_settings()


@pytest.mark.parametrize(
    "address", ["http://[::1:8080/v1", "http://127.0.0.1:80a0", "http://a:99999", "127.0.0.1:8080", "ftp://a"]
)
def test_an_address_that_is_none_is_a_sentence_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("EXPOSURE_BASE_URL", address)
    with pytest.raises(SettingError, match=r"^environment: EXPOSURE_BASE_URL is no address"):
        load_settings()
