"""A program that declares what `wanted.json` asks for, options and misuse included."""

import json
import os
from pathlib import Path
from typing import Any

import pulumi
from cloud import Thing  # type: ignore[import-not-found]  # beside this file where it runs

WANTED = json.loads(Path("wanted.json").read_text(encoding="utf-8"))
SIMPLE = ("protect", "retain_on_delete", "ignore_changes", "replace_on_changes", "delete_before_replace",
          "additional_secret_outputs", "id", "import_", "version", "hide_diffs", "plugin_download_url",
          "env_var_mappings", "replacement_trigger")  # fmt: skip
made: dict[str, Any] = {}


def nothing(_: Any) -> None:
    """Serve as a transform or a hook that changes nothing."""


def never(_: Any) -> bool:
    """Serve as a hook that does not ask for another try."""
    return False


def options(wish: dict[str, Any]) -> pulumi.ResourceOptions:
    known = {key: wish[key] for key in SIMPLE if key in wish}
    known |= {key: made[wish[key]] for key in ("parent", "deleted_with", "provider") if key in wish}
    known |= {key: [made[name] for name in wish[key]] for key in ("depends_on", "replace_with") if key in wish}
    known |= {key: value for key, value in callbacks(wish).items() if value}
    if name := wish.get("was"):
        known["aliases"] = [pulumi.Alias(name=name)]
    if wish.get("was_at_top"):
        known["aliases"] = [pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
    if urn := wish.get("was_urn"):
        known["aliases"] = [urn]
    if timeouts := wish.get("custom_timeouts"):
        known["custom_timeouts"] = pulumi.CustomTimeouts(**timeouts)
    return pulumi.ResourceOptions(**known)


def callbacks(wish: dict[str, Any]) -> dict[str, Any]:
    hooks = None
    if name := wish.get("hook"):
        hooks = pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook(name, nothing)])
    if name := wish.get("error_hook"):
        hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(name, never)])
    return {"hooks": hooks, "transforms": [nothing] if wish.get("transform") else None}


def declare(name: str, wish: dict[str, Any]) -> Any:
    if wish.get("component"):
        return component(name, wish)
    if type_ := wish.get("type"):
        return pulumi.CustomResource(type_, name, {"val": "a"}, options(wish))
    val = wish.get("val", "a")
    if source := wish.get("val_from"):
        val = made[source].status
    if source := wish.get("name_from"):
        val = made[source].name
    if wish.get("secret"):
        val = pulumi.Output.secret(val)
    props = {"val": val, **wish.get("more", {})}
    if other := wish.get("holds"):
        props["other"] = made[other]
    if text := wish.get("asset"):
        props["asset"] = pulumi.StringAsset(text)
    props.update({key: pulumi.Output.secret(value) for key, value in wish.get("more_secret", {}).items()})
    return Thing(wish.get("name", name), props, options(wish))


def inputs_of(wish: dict[str, Any]) -> dict[str, Any] | None:
    return {"holds": made[wish["holds"]]} if "holds" in wish else None


def component(name: str, wish: dict[str, Any]) -> Any:
    if wish.get("remote"):
        return pulumi.ComponentResource("elsewhere:index:Group", name, {}, options(wish), remote=True)
    type_ = wish.get("type", "sample:group:Group")
    group = pulumi.ComponentResource(type_, wish.get("name", name), inputs_of(wish), options(wish))
    group.register_outputs(
        {"size": wish.get("size", 1), **({"first": made[wish["shows"]]} if "shows" in wish else {})}
    )
    return group


match os.environ.get("SAMPLE_ASKS"):
    case "transform":
        pulumi.runtime.register_resource_transform(nothing)
    case "invoke transform":
        pulumi.runtime.register_invoke_transform(nothing)
    case "hook":
        pulumi.ResourceHook("alone", nothing)
    case "error hook":
        pulumi.ErrorHook("alone", never)
for name, wish in WANTED.items():
    made[name] = declare(name, wish)
if message := os.environ.get("SAMPLE_RUN_ERROR"):
    raise pulumi.RunError(message)
if message := os.environ.get("SAMPLE_RAISES"):
    raise ValueError(message)
if os.environ.get("SAMPLE_EXIT"):
    raise SystemExit(int(os.environ["SAMPLE_EXIT"]))
if token := os.environ.get("SAMPLE_INVOKE"):
    pulumi.runtime.invoke(token, {})
if message := os.environ.get("SAMPLE_LOG"):
    pulumi.warn(message)
if message := os.environ.get("SAMPLE_LOG_ERROR"):
    pulumi.error(message)
if (greeting := pulumi.Config().get("greeting")) is not None:
    pulumi.export("greeting", greeting)
if (secret := pulumi.Config().get_secret("token")) is not None:
    pulumi.export("token", secret)
if name := os.environ.get("SAMPLE_EXPORT"):
    pulumi.export("status", made[name].status)
    pulumi.export("deep", {"text": "x", "list": ["a", made[name].status]})
pulumi.export("size", len(made))
