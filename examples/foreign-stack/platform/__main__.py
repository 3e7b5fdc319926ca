"""What a platform team's stack tells others: the id of the Voice ID domain."""

import pulumi

pulumi.export("voiceIdDomain", pulumi.Config().require("voiceIdDomain"))
