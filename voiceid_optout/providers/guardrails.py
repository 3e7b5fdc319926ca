"""``OptOutGuardrails``: what a careful team wants around the register. Needs the extra ``aws``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi

from voiceid_optout.providers import guardrail_policies as policies
from voiceid_optout.providers.guardrail_policies import AUDIENCE, ISSUER, Names

try:
    from pulumi_aws import cloudwatch, iam, sns
except ModuleNotFoundError as error:
    if error.name != "pulumi_aws":
        raise
    raise pulumi.RunError(
        "guardrails need the AWS provider, which is not installed: run pip install 'voiceid-optout[aws]'"
    ) from None

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.providers.guardrail_settings import GuardrailSettings

TYPE = "voiceid:index:OptOutGuardrails"


class OptOutGuardrails(pulumi.ComponentResource):
    """Two roles for CI, and a watch on what happens to speakers beside the register.

    ``preview_role_arn``: may describe and list, for pull requests of the repository. ``apply_role_arn``: may opt
    out too, and delete if releases are switched on, for one branch in one environment. ``log_group_name``: where
    deletions and enrolments are written. ``topic_arn``: where they are published, None without a topic.
    """

    preview_role_arn: pulumi.Output[str]
    apply_role_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    topic_arn: pulumi.Output[str | None]

    def __init__(self, name: str, settings: GuardrailSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare all of it as children; the AWS provider is the one of ``opts``, or the default one."""
        super().__init__(TYPE, name, None, opts)
        self._name = name
        self._settings = settings
        self._names = Names(settings)
        self._tags = {**settings.tags, "voiceid-optout:stack": pulumi.get_stack()}
        self._child = pulumi.ResourceOptions(parent=self)
        trusted = self._child
        if settings.oidc_provider is None:
            provider = iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{ISSUER}",
                client_id_lists=[AUDIENCE],
                tags=self._tags,
                opts=self._child,
            )
            trusted = pulumi.ResourceOptions(parent=self, depends_on=[provider])
        preview = self._role(
            "preview",
            self._names.preview_role,
            f"Previews of {settings.repository.name}: reads Voice ID, changes nothing",
            policies.preview_trust(settings),
            policies.preview_permissions(settings),
            trusted,
        )
        apply = self._role(
            "apply",
            self._names.apply_role,
            f"Applies the register of {settings.repository.name}, branch {settings.branch}",
            policies.apply_trust(settings),
            policies.apply_permissions(settings),
            trusted,
        )
        rule = cloudwatch.EventRule(
            f"{name}-events",
            name=settings.name,
            region=settings.region,
            description="Speakers of Voice ID who are deleted or enrolled",
            event_pattern=json.dumps(policies.event_pattern(settings)),
            tags=self._tags,
            opts=self._child,
        )
        self.preview_role_arn = preview.arn
        self.apply_role_arn = apply.arn
        self.log_group_name = self._log(rule)
        self.topic_arn = self._topic(rule) if settings.topic else pulumi.Output.from_input(None)
        self.register_outputs(
            {
                "preview_role_arn": self.preview_role_arn,
                "apply_role_arn": self.apply_role_arn,
                "log_group_name": self.log_group_name,
                "topic_arn": self.topic_arn,
            }
        )

    def _role(
        self,
        kind: str,
        role_name: str,
        description: str,
        trust: Mapping[str, Any],
        permissions: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> Any:
        role = iam.Role(
            f"{self._name}-{kind}",
            name=role_name,
            description=description,
            max_session_duration=self._settings.session_hours * 3600,
            assume_role_policy=json.dumps(trust),
            tags=self._tags,
            opts=opts,
        )
        iam.RolePolicy(
            f"{self._name}-{kind}",
            name="voiceid",
            role=role.name,
            policy=json.dumps(permissions),
            opts=self._child,
        )
        return role

    def _log(self, rule: Any) -> pulumi.Output[str]:
        """Write events to a log group. It outlives the stack: it is evidence."""
        settings = self._settings
        kept = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(retain_on_delete=True))
        group = cloudwatch.LogGroup(
            f"{self._name}-events",
            name=self._names.log_group,
            region=settings.region,
            retention_in_days=settings.log_retention_days,
            kms_key_id=settings.events_key,
            tags=self._tags,
            opts=kept,
        )
        permission = cloudwatch.LogResourcePolicy(
            f"{self._name}-events",
            policy_name=settings.name,
            region=settings.region,
            policy_document=json.dumps(policies.log_policy(settings)),
            opts=self._child,
        )
        cloudwatch.EventTarget(
            f"{self._name}-log",
            rule=rule.name,
            region=settings.region,
            arn=group.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        return pulumi.Output.from_input(group.name)

    def _topic(self, rule: Any) -> pulumi.Output[str | None]:
        """Publish events; whoever is to hear of them subscribes by hand, for an address is no config."""
        settings = self._settings
        topic = sns.Topic(
            f"{self._name}-events",
            name=settings.name,
            region=settings.region,
            kms_master_key_id=settings.events_key,
            tags=self._tags,
            opts=self._child,
        )
        permission = sns.TopicPolicy(
            f"{self._name}-events",
            arn=topic.arn,
            region=settings.region,
            policy=json.dumps(policies.topic_policy(settings)),
            opts=self._child,
        )
        cloudwatch.EventTarget(
            f"{self._name}-topic",
            rule=rule.name,
            region=settings.region,
            arn=topic.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        return pulumi.Output.from_input(topic.arn)
