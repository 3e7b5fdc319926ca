"""Which operations the service offers, and how a batch of requests runs through them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from voiceid_optout.service.db.inbox import Job, Outcome
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.db.used_requests import Used
from voiceid_optout.service.errors import ApiError, denied
from voiceid_optout.service.operations import (
    domains,
    expiry,
    fraudsters,
    job_steps,
    jobs,
    optouts,
    sessions,
    speakers,
    tags,
    watchlists,
)

Single = Callable[[Transaction, Request], Result]
Bulk = Callable[[Transaction, Sequence[Request]], Sequence[Result | ApiError]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for by name.

    ``run`` takes neighbouring requests of a batch, within a transaction that its caller commits. It returns one
    answer a request, in their order: a result or an ApiError. It decides before it writes: a request answered with
    an ApiError has changed nothing, and the others of the batch go on. Whether a request is valid by the model, and
    whether the caller may ask it, is checked before.

    A write stays within the domain that its request names, or is ``alone``: no other write runs beside it. One that
    is ``apart`` touches no domain's data. One that ``knows_repeats`` is given a request's ``Mark`` and whether it
    is ``Repeated``, and remembers marks itself.
    """

    run: Bulk
    writes: bool
    alone: bool = False
    apart: bool = False
    knows_repeats: bool = False


def _one_by_one(single: Single) -> Bulk:
    def run(tx: Transaction, requests: Sequence[Request]) -> list[Result | ApiError]:
        return list(answers(tx, requests))

    def answers(tx: Transaction, requests: Sequence[Request]) -> Iterator[Result | ApiError]:
        for request in requests:
            try:
                yield single(tx, request)
            except ApiError as error:
                yield error

    return run


def read(single: Single) -> Operation:
    return Operation(_one_by_one(single), writes=False)


def write(single: Single, *, alone: bool = False, apart: bool = False) -> Operation:
    return Operation(_one_by_one(single), writes=True, alone=alone, apart=apart)


def domains_written(jobs: Iterable[Job], operations: Mapping[str, Operation]) -> set[str] | None:
    """Return the ids of the domains that the jobs may change, or None if they may change more than these."""
    found: set[str] = set()
    for job in jobs:
        if operations[job.operation].apart:
            continue
        domain_id = job.request.get("DomainId") or job.request.get("ResourceArn", "").rpartition("/")[2]
        if not domain_id or operations[job.operation].alone:
            return None
        found.add(domain_id)
    return found


OFFERED: Mapping[str, Operation] = {
    "CreateDomain": write(domains.create_domain, alone=True),
    "DescribeDomain": read(domains.describe_domain),
    "ListDomains": read(domains.list_domains),
    "UpdateDomain": write(domains.update_domain),
    "DeleteDomain": write(domains.delete_domain),
    "OptOutSpeaker": Operation(optouts.opt_out_speakers, writes=True, knows_repeats=True),
    "DescribeSpeaker": Operation(speakers.describe_speakers, writes=False),
    "ListSpeakers": read(speakers.list_speakers),
    "DeleteSpeaker": write(speakers.delete_speaker),
    "TagResource": write(tags.tag_resource),
    "UntagResource": write(tags.untag_resource),
    "ListTagsForResource": read(tags.list_tags_for_resource),
    "StartSpeakerEnrollmentJob": write(jobs.start_speaker_enrollment_job),
    "DescribeSpeakerEnrollmentJob": read(jobs.describe_speaker_enrollment_job),
    "ListSpeakerEnrollmentJobs": read(jobs.list_speaker_enrollment_jobs),
    "StartFraudsterRegistrationJob": write(jobs.start_fraudster_registration_job),
    "DescribeFraudsterRegistrationJob": read(jobs.describe_fraudster_registration_job),
    "ListFraudsterRegistrationJobs": read(jobs.list_fraudster_registration_jobs),
    "CreateWatchlist": write(watchlists.create_watchlist),
    "DescribeWatchlist": read(watchlists.describe_watchlist),
    "ListWatchlists": read(watchlists.list_watchlists),
    "UpdateWatchlist": write(watchlists.update_watchlist),
    "DeleteWatchlist": write(watchlists.delete_watchlist),
    "AssociateFraudster": write(fraudsters.associate_fraudster),
    "DisassociateFraudster": write(fraudsters.disassociate_fraudster),
    "DescribeFraudster": read(fraudsters.describe_fraudster),
    "ListFraudsters": read(fraudsters.list_fraudsters),
    "DeleteFraudster": write(fraudsters.delete_fraudster),
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
    "ExpireSpeakers": write(expiry.expire_speakers, alone=True),
}
"""What the service does by itself; nobody can ask for these."""


def _refuse_job(_tx: Transaction, _request: Request) -> Result:
    raise denied("This service was started without --objects, so it can read no input file of a job.")


WITHOUT_OBJECTS: Mapping[str, Operation] = {
    "StartSpeakerEnrollmentJob": read(_refuse_job),
    "StartFraudsterRegistrationJob": read(_refuse_job),
}
"""What a service that has no objects offers in their place."""


def run_batch(tx: Transaction, jobs: Sequence[Job], operations: Mapping[str, Operation]) -> list[Outcome]:
    """Run the jobs in order; neighbours of one operation go through it together. A mark has its effect once."""
    used = Used(tx, [job.mark for job in jobs if job.mark is not None])
    outcomes: list[Outcome] = []
    for name, group in groupby(jobs, key=lambda job: job.operation):
        outcomes += _run(tx, operations[name], list(group), used)
    return outcomes


def _run(tx: Transaction, operation: Operation, jobs: Sequence[Job], used: Used) -> list[Outcome]:
    """Run those jobs that are due, and answer the others as they were answered before."""
    due: dict[str | int, Job] = {}
    for place, job in enumerate(jobs):
        if job.mark is None or (operation.knows_repeats and not used.has_answer(job.mark)):
            due[place] = job
        elif not operation.knows_repeats and job.mark not in used and not used.is_forgotten(job.mark):
            due.setdefault(job.mark, job)
    requests = [dict(job.request) for job in due.values()]
    if operation.knows_repeats:
        for request, job in zip(requests, due.values(), strict=True):
            if job.mark is not None:
                request |= {"Mark": job.mark, "Repeated": job.mark in used}
    found = dict(zip(due, operation.run(tx, requests), strict=True)) if due else {}
    if operation.knows_repeats:
        first = [(job.mark, found[place]) for place, job in due.items() if job.mark and job.mark not in used]
        used.note(mark for mark, _ in first)
        used.add((mark, outcome) for mark, outcome in first if isinstance(outcome, ApiError))
    else:
        used.add((mark, outcome) for mark, outcome in found.items() if isinstance(mark, str))
    return [found[place] if place in found else _known(found, job, used) for place, job in enumerate(jobs)]


def _known(found: Mapping[str | int, Outcome], job: Job, used: Used) -> Outcome:
    mark = job.mark or ""
    return found[mark] if mark in found else used.answer(mark)
