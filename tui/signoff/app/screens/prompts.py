"""Dialogs that are asked by the program itself: a host key, a secret, a word to be typed, an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from signoff.app.screens.base import Dialog
from signoff.app.widgets.content import joined, line, text
from signoff.credentials.secret import Secret
from signoff.message import say, tr, translated

_BACK = Binding("escape", "back", "Back", id="back", tooltip="Go back")


class TypedWord(Dialog[bool]):
    """Asks for a word to be typed in full. Enter alone, or anything else, does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(
        self, title: str, body: Content, word: str, does: str, without: str = say("goes back")
    ) -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._word = word
        self._does = does
        self._without = without

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield Static(self._body, markup=False)
            yield Static(
                joined(
                    tr("Type "),
                    (self._word, "bold $accent"),
                    tr(" and press Enter to {does}.", does=self._does),
                ),
                classes="dialog-label",
                markup=False,
            )
            yield Input(id="word", compact=True, max_length=20)
            yield Static(id="problem", markup=False)
            yield Static(
                joined((back, "bold $accent"), tr(" goes back")), classes="dialog-keys", markup=False
            )

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on only where the word is there."""
        typed = event.value.strip()
        if typed == self._word and not self.has_class("-too-small"):
            self.dismiss(True)
        elif typed:
            self.query_one("#problem", Static).update(
                Content.styled(tr("That is not {word}; nothing was done.", word=self._word), "$error")
            )

    def action_back(self) -> None:
        """Answer no."""
        self.dismiss(False)


def host_key_dialog(host: str, kind: str, fingerprint: str) -> TypedWord:
    """Show an unknown host key."""
    body = joined(
        tr(
            "This host's key is not known yet. Compare the fingerprint with one that you have from "
            "somewhere\n"
            "else: the provider's console, or on the machine itself.\n\n"
        ).replace("\n", " ", 1),
        (tr("host         "), "$muted"),
        line(host, "bold"),
        (tr("\nkey          "), "$muted"),
        line(kind),
        (tr("\nfingerprint  "), "$muted"),
        line(fingerprint, "bold $accent"),
        (tr("\n\nOn the machine: "), "$muted"),
        "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
    )
    return TypedWord(
        tr("Is this the right machine?"), body, "yes", tr("trust this key from now on"), tr("refuses it")
    )


class SecretInput(Input):
    """A field whose value can be pasted in, and not be copied out."""

    class SeveralLines(Message):
        """A text of several lines was pasted, and not taken: half a secret is none."""

    def on_paste(self, event: events.Paste) -> None:
        """Take a line only; one that ends with a line feed is still one."""
        if len(event.text.strip().splitlines()) > 1:
            event.stop()
            event.prevent_default()
            self.post_message(self.SeveralLines())

    def action_copy(self) -> None:
        """Copy nothing: it would leave the mask."""

    def action_cut(self) -> None:
        """Cut nothing."""


class SecretDialog(Dialog[Secret]):
    """Asks for a secret. It is masked, cannot be copied out, and leaves as a Secret. None: without it.

    ``problem`` says what is wrong with one, if anything is: it is forgotten, and asked for again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(
        self, title: str, why: str, without: str, problem: Callable[[Secret], str] = lambda _: ""
    ) -> None:
        super().__init__()
        self._title = title
        self._why = why
        self._without = without
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield Static(text(self._why), markup=False)
            yield SecretInput(id="secret", password=True, compact=True)
            yield Static(id="problem", markup=False)
            yield Static(
                joined(
                    (tr("Enter"), "bold $accent"),
                    tr(" goes on   "),
                    (back, "bold $accent"),
                    " ",
                    self._without,
                ),
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(SecretInput).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand the secret over, and forget it here."""
        event.stop()
        field = self.query_one(SecretInput)
        if not field.value:
            return
        given = Secret(field.value)
        field.clear()
        problem = self._problem(given)
        if problem:
            self.complain(problem)
        else:
            self.dismiss(given)

    def complain(self, problem: str) -> None:
        """Say why nothing was taken."""
        self.query_one("#problem", Static).update(text(problem, "$error"))

    @on(SecretInput.SeveralLines)
    def _several_lines(self) -> None:
        self.complain(tr("More than one line was pasted: nothing of it was taken."))

    def action_back(self) -> None:
        """Go on without it."""
        self.query_one(SecretInput).clear()
        self.dismiss(None)


class ErrorDialog(Dialog[bool]):
    """Says what went wrong and what to do. True where the offered way out was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "back", "Back", id="back", tooltip="Close this"),
        Binding("r", "again", "Again", id="again", tooltip="Try again"),
        Binding("y", "copy", "Copy", id="copy-error", tooltip="Copy this text to the terminal's clipboard"),
    ]

    def __init__(self, message: str, hint: str = "", *, again: str = "") -> None:
        super().__init__()
        self._message = message
        self._hint = hint
        self._again = again

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(classes="dialog -error"):
            yield Static(tr("That did not work"), classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body"):
                yield Static(text(self._message, "bold"), markup=False)
                if self._hint:
                    yield Static(text(self._hint), classes="dialog-label", markup=False)
            yield Static(self._keys(), classes="dialog-keys", markup=False)

    def _keys(self) -> Content:
        def key(binding: str) -> tuple[str, str]:
            return (self.signoff.key_name(self, binding), "bold $accent")

        again = joined(key("again"), f" {self._again}   ") if self._again else Content("")
        return joined(again, key("copy-error"), tr(" copies this   "), key("back"), tr(" closes"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to try again only where that can help."""
        return bool(self._again) if action == "again" else True

    def action_copy(self) -> None:
        """Copy the message and the hint."""
        self.signoff.copy("\n".join(map(translated, filter(None, (self._message, self._hint)))))

    def action_again(self) -> None:
        """Try again."""
        self.dismiss(True)

    def action_back(self) -> None:
        """Close."""
        self.dismiss(False)


class Choice(Dialog[int]):
    """A list to choose one thing from; None where nothing was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(
        self, title: str, entries: Sequence[Content], *, chosen: int = 0, verb: str = say("chooses")
    ) -> None:
        super().__init__()
        self._title = title
        self._entries = entries
        self._chosen = chosen
        self._verb = verb

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog -tall"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield OptionList(*(Option(entry) for entry in self._entries), markup=False, compact=True)
            yield Static(
                joined(
                    (tr("Enter"), "bold $accent"),
                    f" {translated(self._verb)}   ",
                    (back, "bold $accent"),
                    tr(" goes back"),
                ),
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start in the list."""
        options = self.query_one(OptionList)
        options.highlighted = self._chosen if self._entries else None
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Hand over which one was chosen."""
        self.dismiss(event.option_index)

    def action_back(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
