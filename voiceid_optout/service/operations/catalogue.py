"""Which operations the service offers: those of the API, and those it runs by itself."""

from collections.abc import Mapping
from functools import partial

from voiceid_optout.service.db.transaction import Operation, Request, Result, Transaction, read, write
from voiceid_optout.service.errors import denied
from voiceid_optout.service.operations import (
    domains,
    job_steps,
    jobs,
    sessions,
    speakers,
    watchlists,
)


def _of_jobs(kind: jobs.JobKind, name: str) -> Mapping[str, Operation]:
    return {
        f"Start{name}": write(partial(jobs.start, kind, f"Start{name}")),
        f"Describe{name}": read(partial(jobs.describe, kind)),
        f"List{name}s": read(partial(jobs.list_, kind, f"List{name}s")),
    }


OFFERED: Mapping[str, Operation] = {
    "CreateDomain": write(domains.create_domain, alone=True),
    "DescribeDomain": read(domains.describe_domain),
    "ListDomains": read(domains.list_domains),
    "UpdateDomain": write(domains.update_domain),
    "DeleteDomain": write(domains.delete_domain),
    "OptOutSpeaker": Operation(speakers.opt_out_speakers, writes=True, knows_repeats=True),
    "DescribeSpeaker": Operation(speakers.describe_speakers, writes=False),
    "ListSpeakers": read(speakers.list_speakers),
    "DeleteSpeaker": write(speakers.delete_speaker),
    "TagResource": write(domains.tag_resource),
    "UntagResource": write(domains.untag_resource),
    "ListTagsForResource": read(domains.list_tags_for_resource),
    **_of_jobs(jobs.JobKind.ENROLLMENT, "SpeakerEnrollmentJob"),
    **_of_jobs(jobs.JobKind.REGISTRATION, "FraudsterRegistrationJob"),
    "CreateWatchlist": write(watchlists.create_watchlist),
    "DescribeWatchlist": read(watchlists.describe_watchlist),
    "ListWatchlists": read(watchlists.list_watchlists),
    "UpdateWatchlist": write(watchlists.update_watchlist),
    "DeleteWatchlist": write(watchlists.delete_watchlist),
    "AssociateFraudster": write(watchlists.associate_fraudster),
    "DisassociateFraudster": write(watchlists.disassociate_fraudster),
    "DescribeFraudster": read(watchlists.describe_fraudster),
    "ListFraudsters": read(watchlists.list_fraudsters),
    "DeleteFraudster": write(watchlists.delete_fraudster),
    "EvaluateSession": write(sessions.evaluate_session),
}
"""Every operation of the model."""

BACKGROUND: Mapping[str, Operation] = {
    "WaitingJobs": read(job_steps.waiting_jobs),
    "ClaimJob": write(job_steps.claim_job),
    "RenewLease": write(job_steps.renew_lease),
    "ReleaseJob": write(job_steps.release_job),
    "BeginJob": write(job_steps.begin_job),
    "ApplyRequests": write(job_steps.apply_requests),
    "ReadOutcomes": read(job_steps.read_outcomes),
    "FinishJob": write(job_steps.finish_job),
    "EraseDeleted": write(domains.erase_deleted, alone=True),
    "ExpireSpeakers": write(speakers.expire_speakers, alone=True),
}
"""What the service does by itself; nobody can ask for these."""


def _refuse_job(_tx: Transaction, _request: Request) -> Result:
    raise denied("This service was started without --objects, so it can read no input file of a job.")


WITHOUT_OBJECTS: Mapping[str, Operation] = {
    "StartSpeakerEnrollmentJob": read(_refuse_job),
    "StartFraudsterRegistrationJob": read(_refuse_job),
}
"""What a service that has no objects offers in their place."""
