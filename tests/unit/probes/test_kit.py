"""The judge kit: a pass rests on subjects that were all seen, and says what it proves."""

from __future__ import annotations

import pytest

from signoff.facts.base import Facts, Noted, Unavailable
from signoff.message import say
from signoff.model import Result
from signoff.probes import kit
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import Proves, Seen, each, right, unseen, wrong
from signoff.report.text import finding_lines
from signoff.target.profile import Profile
from unit.test_engine import WORD


def judged(*marks: str) -> Judgement:
    """What comes of subjects that are right (+), wrong (-), not seen (?) and not available (!)."""

    def look(mark: str) -> Seen:
        if mark[0] == "!":
            raise Unavailable(say("no answer"))
        return {"+": right, "-": wrong, "?": unseen}[mark[0]](say("is {mark}", mark=mark))

    return each(say("doors"), marks, look, proves=Proves.RUNNING)


@pytest.mark.parametrize(
    ("marks", "result", "observed"),
    [
        (("+a", "+b"), Result.PASS, "all doors (2): is +a; is +b"),
        (("+", "+"), Result.PASS, "all doors (2): is +"),
        (("+a", "?b"), Result.UNKNOWN, "1 of 2 doors not seen: ?b: is ?b"),
        (("+a", "!b"), Result.UNKNOWN, "1 of 2 doors not seen: !b: no answer"),
        (("?a", "-b", "+c"), Result.FAIL, "1 of 3 doors wrong: -b: is -b"),
        ((), Result.UNKNOWN, "no doors seen: there is nothing to judge by"),
        (tuple("-----"), Result.FAIL, "5 of 5 doors wrong: -: is -; -: is -; -: is -; and 2 more"),
    ],
)
def test_the_worst_subject_counts_and_none_is_no_pass(
    marks: tuple[str, ...], result: Result, observed: str
) -> None:
    found = judged(*marks)
    assert (found.result, found.observed) == (result, observed)
    assert len(found.evidence) == len(marks)
    assert found.proves == ("running" if result is Result.PASS else "")


def test_evidence_says_what_was_left_out() -> None:
    found = judged(*(f"+{number}" for number in range(50)))
    assert (found.result, len(found.evidence), found.evidence[-1]) == (Result.PASS, 41, "and 10 more")


def test_a_pass_without_evidence_is_none() -> None:
    assert kit.passed(say("fine"), proves=Proves.RUNNING, evidence=()).result is Result.UNKNOWN
    assert kit.passed(say("fine"), proves=Proves.RUNNING, evidence=("a",)).result is Result.PASS


def test_a_finding_says_what_it_proves_and_not_what_it_does_not() -> None:
    one = probe("t.kit", title=say("Doors"), expected=say("shut"), needs=(WORD,))(lambda *_: judged("+a"))
    (found,) = one.findings(Facts({"word": "x"}), Profile())
    assert next(finding_lines(found)) == "✓ pass          Doors  [host: running]"
    (cut,) = one.findings(Facts({"word": Noted("x", ("half",))}), Profile())
    assert (cut.result, cut.proves) == (Result.UNKNOWN, "")
