"""A program that declares what `wanted.json` asks for."""

import json
import os
from pathlib import Path
from typing import Any

import pulumi
from cloud import Thing  # type: ignore[import-not-found]  # beside this file where it runs

WANTED = json.loads(Path("wanted.json").read_text(encoding="utf-8"))
SIMPLE = ("protect", "retain_on_delete", "ignore_changes", "replace_on_changes", "delete_before_replace",
          "additional_secret_outputs", "import_")  # fmt: skip
made: dict[str, Any] = {}


def options(wish: dict[str, Any]) -> pulumi.ResourceOptions:
    known = {key: wish[key] for key in SIMPLE if key in wish}
    if names := wish.get("depends_on"):
        known["depends_on"] = [made[name] for name in names]
    if name := wish.get("parent"):
        known["parent"] = made[name]
    if name := wish.get("was"):
        known["aliases"] = [pulumi.Alias(name=name)]
    if timeouts := wish.get("custom_timeouts"):
        known["custom_timeouts"] = pulumi.CustomTimeouts(**timeouts)
    return pulumi.ResourceOptions(**known)


def declare(name: str, wish: dict[str, Any]) -> Any:
    if wish.get("component"):
        group = pulumi.ComponentResource("sample:group:Group", name, None, options(wish))
        group.register_outputs({"size": 1})
        return group
    val = wish.get("val", "a")
    if source := wish.get("val_from"):
        val = made[source].status
    if wish.get("secret"):
        val = pulumi.Output.secret(val)
    return Thing(name, {"val": val, **wish.get("more", {})}, options(wish))


for name, wish in WANTED.items():
    made[name] = declare(name, wish)
if message := os.environ.get("SAMPLE_RUN_ERROR"):
    raise pulumi.RunError(message)
if message := os.environ.get("SAMPLE_RAISES"):
    raise ValueError(message)
if (greeting := pulumi.Config().get("greeting")) is not None:
    pulumi.export("greeting", greeting)
if (token := pulumi.Config().get_secret("token")) is not None:
    pulumi.export("token", token)
pulumi.export("size", len(made))
