"""What is said of a secret, or of the files with secrets: in a few lines, or on a page. Never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from signoff.app.theme import STYLES
from signoff.app.widgets.content import joined, line, text
from signoff.message import tr, translated
from signoff.model import Finding
from signoff.report.remedies import parts

if TYPE_CHECKING:
    from signoff.probes.rated import RatedSecret


def about(one: RatedSecret) -> Content:
    """Return in a few lines what a secret is, and what replacing it brings about."""
    policy = one.policy
    how = tr("you paste it") if policy.pasted else tr("made here")
    return joined(
        line(one.name, "bold", width=60),
        (tr("  line "), "$muted"),
        f"{one.line}",
        (tr("  {title}, {how}\nreplaced  ", title=policy.title, how=how), "$muted"),
        text(policy.entails, "$error" if policy.orphans else ""),
    )


def about_files(one: Finding) -> Content:
    """Return in a few lines what is expected of the files, and how to put them right."""
    return joined(
        line(one.title, "bold"),
        (tr("  expected: "), "$muted"),
        line(one.expected),
        "\n",
        text(one.remedy),
        *_exact(one),
    )


def _exact(one: Finding) -> list[Content]:
    """Return a line for each exact part of the remedy: the command, or the edit."""
    return [
        joined("\n", (f"{translated(label)}  ", "$muted"), text(exact)) for label, exact in parts(one.fix)
    ]


def secret_page(one: RatedSecret) -> Content:
    """Return all that is said of a secret."""
    rating = one.rating
    said = "\n".join(f"· {translated(problem)}" for problem in one.problems) or tr(
        "Nothing is wrong with it."
    )
    return joined(
        line(one.name, "bold"),
        (tr("\n\nfile      "), "$muted"),
        line(one.path),
        (tr("\nline      "), "$muted"),
        f"{one.line}",
        (tr("\nclass     "), "$muted"),
        tr(
            "{form}, {length} characters, {bits} bits",
            form=rating.form.value,
            length=rating.length,
            bits=rating.bits,
        ),
        "\n\n",
        text(said, "" if not one.problems else "$error"),
        (tr("\n\nReplacing it\n"), "bold $primary"),
        tr("It is {title}. ", title=one.policy.title),
        text(one.policy.entails),
    )


def files_page(one: Finding) -> Content:
    """Return all that is said of the files."""
    evidence = [joined("\n", line(each, "$muted")) for each in one.evidence[:40]]
    return joined(
        line(one.title, "bold"),
        "\n",
        text(one.observed, STYLES[one.result]),
        (tr("\n\nexpected  "), "$muted"),
        text(one.expected),
        (tr("\n\nPut it right\n"), "bold $primary") if one.remedy else "",
        text(one.remedy),
        *_exact(one),
        (tr("\n\nSeen"), "bold $primary") if evidence else "",
        *evidence,
    )
