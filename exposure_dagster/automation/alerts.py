"""Telling someone: a webhook for failed runs, broken prompt files and changed page layouts."""

import json
from collections.abc import Sequence

import httpx
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    DefaultSensorStatus,
    RunFailureSensorContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_failure_sensor,
    sensor,
)

from assets.reporting import key_of
from assets.scored import PROMPT_FILE_CHECK
from exposure_dagster.automation.runs import last_evaluation
from exposure_dagster.corpora.registry import STEPS

TIMEOUT_S = 10.0

UNDELIVERED = "exposure_dagster: undelivered alerts"
"""Where Dagster's storage keeps what the webhook did not take."""

WATCHED_CHECKS = (
    AssetCheckKey(AssetKey(["scored", "prompts"]), PROMPT_FILE_CHECK),
    *(AssetCheckKey(key_of(table), name) for step in STEPS for table, name in step.alerts),
)
"""Broken prompt files, and what sources' folders name as signs of a changed layout."""


def alert_sensors(webhook: str | None) -> list[SensorDefinition]:
    """The sensors that tell, on where an address is set. They send JSON with `text`, as chat services take it."""
    status = DefaultSensorStatus.RUNNING if webhook else DefaultSensorStatus.STOPPED

    @run_failure_sensor(
        default_status=status,
        monitor_all_code_locations=True,  # else runs of the command line are passed over: they name no location
        description="Sends failed runs, budget stops among them, to EXPOSURE_ALERT_WEBHOOK.",
    )
    def alert_on_failed_run(context: RunFailureSensorContext) -> SkipReason | None:
        """Tell which job and partition failed, and why."""
        reasons = [
            event.event_specific_data.error_display_string  # type: ignore[union-attr]
            for event in context.get_step_failure_events()
        ]
        partition = context.dagster_run.tags.get("dagster/partition")
        what = f"{context.dagster_run.job_name}{f' of {partition}' if partition else ''} failed"
        first, *rest = (reasons[0] if reasons else context.failure_event.message or "").strip().splitlines() or [""]
        reason = f"{first} {rest[0]}" if first.endswith(":") and rest else first  # a check that blocks is named below
        return _send(context.instance, webhook, [f"{what}: {reason or 'no reason given'}"])

    @sensor(
        name="alert_on_failed_check",
        minimum_interval_seconds=60,
        default_status=status,
        description="Sends broken prompt files and changed page layouts to EXPOSURE_ALERT_WEBHOOK, once each.",
    )
    def alert_on_failed_check(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        """Tell of each watched check that fails, and again when it fails otherwise or after it passed."""
        told: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        texts = []
        for key in WATCHED_CHECKS:
            name = key.to_user_string()
            evaluation = last_evaluation(context.instance, key)
            if evaluation is None:
                continue
            if evaluation.passed:
                told.pop(name, None)
            elif told.get(name) != str(evaluation.description):
                texts.append(f"check {name} failed: {evaluation.description}")
                told[name] = str(evaluation.description)
        skipped = _send(context.instance, webhook, texts) or SkipReason(f"{len(WATCHED_CHECKS)} checks looked at")
        return SensorResult(cursor=json.dumps(told), skip_reason=skipped)

    return [alert_on_failed_run, alert_on_failed_check]


def _send(instance: DagsterInstance, webhook: str | None, texts: Sequence[str]) -> SkipReason | None:
    """Send what an earlier look could not deliver, and these; what cannot be delivered now is kept for the next look.

    The address stays out of what is said of a failure: it may hold a secret.
    """
    if webhook is None:
        return SkipReason("EXPOSURE_ALERT_WEBHOOK is not set")
    storage = instance.daemon_cursor_storage
    kept = json.loads(storage.get_cursor_values({UNDELIVERED}).get(UNDELIVERED, "[]"))
    waiting = [*kept, *texts]
    failure = ""
    while waiting and not failure:
        try:
            answer = httpx.post(webhook, json={"text": f"exposure_dagster: {waiting[0]}"}, timeout=TIMEOUT_S)
            failure = "" if answer.is_success else f"HTTP status {answer.status_code}"
        except httpx.HTTPError as error:
            failure = type(error).__name__
        if not failure:
            waiting.pop(0)
    if waiting != kept:
        storage.set_cursor_values({UNDELIVERED: json.dumps(waiting)})
    if not failure:
        return None
    return SkipReason(f"EXPOSURE_ALERT_WEBHOOK takes nothing ({failure}); {len(waiting)} alerts wait for the next look")
