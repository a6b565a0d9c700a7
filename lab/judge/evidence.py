"""What expectations are held against: the records of a run.

Pure. Says what there is; whether that is as expected is for `lab.judge.checks`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lab.judge.source import Source
from lab.judge.timeline import CohortRecord, NoEvidence, Window
from lab.scenario.model import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that expectations are held against.

    Attributes:
        judged: The time after the first fault; None if the story has none.
        age_problem: Why bounds that rest on the age of caches do not apply, or "".
        failed_by_cause: Over all cohorts.
    """

    source: Source
    judged: Window | None
    records: Mapping[str, CohortRecord]
    failed_by_cause: Counter[Cause]
    age_problem: str

    @property
    def window(self) -> Window:
        """The time after the fault.

        Raises:
            NoEvidence: There was none.
        """
        if self.judged is None:
            raise NoEvidence("the story has no fault to recover from")
        return self.judged

    def cohort(self, name: str) -> CohortRecord:
        """Return what a cohort saw.

        Raises:
            NoEvidence: It made no attempt, or was not well when the fault came.
        """
        record = self.records[name]
        if not record.clients:
            raise NoEvidence(f"{name} made no attempt")
        unwell = [client.client for client in record.clients if not client.was_well]
        if unwell:
            raise NoEvidence(f"{unwell[0]} was not working when the fault came")
        return record

    def aged_cohort(self, name: str) -> CohortRecord:
        """Return what a cohort saw, where its bound rests on the age of caches.

        Raises:
            NoEvidence: As `cohort`, or the caches did not have that age.
        """
        if self.age_problem:
            raise NoEvidence(self.age_problem)
        return self.cohort(name)
