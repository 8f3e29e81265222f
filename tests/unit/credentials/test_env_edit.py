"""Editing .env: only the value's bytes change, or the file stays as it is and the reason is clear."""

from __future__ import annotations

import io

import pytest
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.credentials.dotenv import Reader, read
from signoff.credentials.env_edit import EnvEditError, edit
from signoff.credentials.secret import Secret

NEW = Secret("Zq7-vT2m_K9xWc4bN8rJh")
Z = NEW.reveal()


def dotenv(raw: bytes) -> dict[str, str | None]:
    """What python-dotenv itself makes of a file."""
    return dotenv_values(
        stream=io.StringIO(raw.decode("utf-8", "surrogateescape"), newline=""), interpolate=False
    )


def edited(raw: str, name: str = "a", value: Secret = NEW, **options: object) -> str:
    new = edit(raw.encode("utf-8", "surrogateescape"), {name: value}, **options)  # type: ignore[arg-type]
    return new.decode("utf-8", "surrogateescape")


def refused(raw: str, name: str = "a", value: Secret = NEW, **options: object) -> EnvEditError:
    with pytest.raises(EnvEditError) as raised:
        edited(raw, name, value, **options)
    return raised.value


# The cases of python-dotenv's own tests of its parser.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a=b", "a=Z"),
        ("'a'=b", "'a'=Z"),
        (" a = b ", " a = Z "),
        ("export a=b", "export a=Z"),
        (" export 'a'=b", " export 'a'=Z"),
        ("a=b#c", "a=Z"),
        ("a=b #c", "a=Z #c"),
        ("a= #c", "a=Z #c"),
        ("a=  # comment", "a=Z  # comment"),
        ("a=#b", "a=Z"),
        ("a=b\t#c", "a=Z\t#c"),
        ("a=b c", "a=Z"),
        ("a=b\tc", "a=Z"),
        ("a=b  c", "a=Z"),
        ("a=b\u00a0 c", "a=Z"),
        ("a=b c ", "a=Z "),
        ("a='b c '", "a=Z"),
        ('a="b c "', "a=Z"),
        ('a="b\nc"', "a=Z"),
        ("a='b\nc'", "a=Z"),
        ('a="b\\nc"', "a=Z"),
        ("a='b\\nc'", "a=Z"),
        ('a="b\\"c"', "a=Z"),
        ("a='b\\'c'", "a=Z"),
        ("a='b\\\\'", "a=Z"),
        ("a=à", "a=Z"),
        ('a="à"', "a=Z"),
        ("a=b\nc=d", "a=Z\nc=d"),
        ("a=b\r\nc=d", "a=Z\r\nc=d"),
        ("a=\nb=c", "a=Z\nb=c"),
        ("a=b\n\n", "a=Z\n\n"),
        ("c=d\n\na=b", "c=d\n\na=Z"),
        ('# comment\na="b\nc"\nd=e\n', "# comment\na=Z\nd=e\n"),
        ("a=b\n# comment 1", "a=Z\n# comment 1"),
        ('uglyKey[%$="S3cr3t_P4ssw#rD" #\na=b', 'uglyKey[%$="S3cr3t_P4ssw#rD" #\na=Z'),
        ("\ufeffa=b", "\ufeffa=Z"),
        ("\ufeffa=b\nc=d", "\ufeffa=Z\nc=d"),
        ("no_value_var\na=b", "no_value_var\na=Z"),
        # More of what stands in real files.
        ("a=b   \n", "a=Z   \n"),
        ("a=b\t \r\n", "a=Z\t \r\n"),
        ("a=", "a=Z"),
        ("a=   ", "a=Z   "),
        ('a=""', "a=Z"),
        ("a='b' # it's", "a=Z # it's"),
        ('a="b"#c', 'a="Z"#c'),
        ("# a=old\na=b\n#a=older\n", "# a=old\na=Z\n#a=older\n"),
        ("aa=b\na=b\nab=b\n", "aa=b\na=Z\nab=b\n"),
        ("x=caf\udce9\na=b\n", "x=caf\udce9\na=Z\n"),
        ("\n\r\n  a=b", "\n\r\n  a=Z"),
        ("x=1\nx=2\na=b", "x=1\nx=2\na=Z"),
        ("a=b=c==\n", "a=Z\n"),
    ],
)
def test_only_the_bytes_of_the_value_change(before: str, after: str) -> None:
    assert edited(before) == after.replace("Z", Z)
    old, new = (dotenv(text.encode("utf-8", "surrogateescape")) for text in (before, after.replace("Z", Z)))
    assert new == old | {"a": Z}


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        ("[=b", 0, "no a in the file"),
        ("# a=b", 0, "no a in the file"),
        ("", 0, "no a in the file"),
        ("x=1\nno_value_var\na", 3, "no = and no value"),
        ("a: b", 1, "no assignment"),
        ("a=b\nx: y", 2, "no assignment"),
        ('a="\nb=c', 1, "quotes do not close"),
        ('\n\nb="\na=c', 3, "quotes do not close"),
        ('a=b\nx="y" z', 2, "no assignment"),
        ("a=b\rc=d", 1, "carriage return"),
        ("x=1\r\na=b\r\r\n", 2, "carriage return"),
        ("x=1\na=b\0", 2, "NUL"),
        ("\ufeff\ufeffa=b", 1, "byte order mark"),
        ("a=b".encode("utf-16").decode("utf-8", "surrogateescape"), 1, "NUL"),
        ("a=b\nc=d\na=b\n", 3, "second time, after line 1"),
        ("a=b\n\nexport a=c\n", 3, "second time, after line 1"),
        ("a=b\na\n", 2, "second time"),
        ('x="\na=inside\n"\na=b\n', 4, "second time, after line 2"),
        ("a=b\\\nc=d\n", 1, "backslash"),
        ("a=b # c\\\nc=d\n", 1, "backslash"),
        ("c=d\\\na=b\n", 2, "backslash"),
        ("# c\\\r\na=b\r\n", 2, "backslash"),
        ("x=1\n\u00a0a=b\n", 2, "unusual blank"),
        ("a\u00a0=b\n", 1, "unusual blank"),
        ("x=1\n\x0ca=b\n", 2, "unusual blank"),
    ],
)
def test_what_is_not_sure_is_refused_with_its_line(raw: str, line: int, words: str) -> None:
    error = refused(raw)
    assert (error.line, words in error.reason) == (line, True), error
    assert error.message == (f"Line {line}: {error.reason}" if line else error.reason)


def test_several_values_change_at_once_or_none() -> None:
    raw = b"A=1\nB=2 # two\nC='3'\n"
    assert edit(raw, {"C": Secret("z"), "A": Secret("x")}) == b"A=x\nB=2 # two\nC=z\n"
    with pytest.raises(EnvEditError, match="no D in the file"):
        edit(raw, {"A": Secret("x"), "D": Secret("y")})
    assert edit(raw, {}) == raw


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a=Z\n"),
        ("b=c", "b=c\na=Z\n"),
        ("b=c\n", "b=c\na=Z\n"),
        ("b=c\r\n", "b=c\r\na=Z\r\n"),
        ("b=c\r\nd=e", "b=c\r\nd=e\r\na=Z\r\n"),
        ("# a=b", "# a=b\na=Z\n"),
        ("b='c\nd'", "b='c\nd'\na=Z\n"),
    ],
)
def test_a_new_variable_is_added_at_the_end_where_that_is_allowed(before: str, after: str) -> None:
    assert edited(before, append=True) == after.replace("Z", Z)
    refused(before)


def test_what_would_join_the_new_line_is_refused() -> None:
    assert refused("b=c\\\n", append=True).line == 1
    assert refused("b=c\n# d\\", append=True).line == 2
    assert refused("b='c\n", append=True).line == 1


def test_a_value_gets_quotes_only_where_it_needs_them_and_nobody_minds() -> None:
    quoted = "a='old one'\n"
    assert edited(quoted, value=Secret("postgresql://shop:x-Y_9@db:5432/shop?a=b")) == (
        "a=postgresql://shop:x-Y_9@db:5432/shop?a=b\n"
    )
    assert edited(quoted, value=Secret("two words")) == "a='two words'\n"
    assert edited('a="old"\n', value=Secret("two words")) == 'a="two words"\n'
    assert edited(quoted, value=Secret("it's")) == 'a="it\'s"\n'
    assert edited(quoted, value=Secret("pa$$word")) == "a='pa$$word'\n"
    assert edited('a="old"\n', value=Secret("pa$$word")) == "a='pa$$word'\n"
    assert edited(quoted, value=Secret("#1")) == "a='#1'\n"
    assert edited("a=old", value=Secret("")) == "a="


def test_a_value_that_a_reader_would_misread_is_refused() -> None:
    for value in ("two words", "it's", "pa$$word", "#1", "x#1", "a;b", "~/x", "a:~/x", "a\\b", '"'):
        error = refused("a=old", value=Secret(value))
        assert "suits" in error.reason
        assert error.hint
    assert Reader.DOCKER.value in refused("a=old", value=Secret("two words")).reason
    for value in ("a\nb=c", "a\rb", "a\0", "tab\t", " a", "a ", "a\u00a0b", "${HOME}", "x\udce9"):
        refused("a=old", value=Secret(value))
        refused("a='old'", value=Secret(value))


def test_the_caller_may_know_better_who_reads() -> None:
    assert edited("a=old", value=Secret("two words"), readers=[Reader.COMPOSE]) == "a='two words'"
    assert edited("a=b$c", value=Secret("d$e"), readers=[Reader.DOCKER, Reader.SYSTEMD]) == "a=d$e"
    # systemd takes the comment for a part of the value, so the line cannot be made good for it.
    assert edited("a=old # note") == f"a={Z} # note"
    assert "systemd" in refused("a=old # note", readers=[Reader.SYSTEMD]).reason
    assert "systemd" in refused("export a=old", readers=[Reader.SYSTEMD]).reason


def test_names_that_are_none_are_refused() -> None:
    for name in ("a b", "a=b", "a\nb", "", "1a", "a-b", "ä"):
        assert "no name" in refused("a=b", name, append=True).reason


def test_nothing_is_shown() -> None:
    error = refused("A=hunter2-hunter2\nA=hunter3-hunter3\n", "A")
    assert "hunter" not in f"{error!r} {error}"
    error = refused("A=hunter2-hunter2\n", "A", Secret("hunter3 hunter3"))
    assert "hunter" not in f"{error!r} {error}"


# Pieces of which hostile files are made; put together in any order.
PIECES = st.sampled_from(
    [
        *"ab== #\n\r'\"\\\t$`;\ufeffé\u00a0\x0b",
        "KEY",
        " = ",
        "\n",
        "\r\n",
        " # ",
        "export ",
        "$x",
        "${x}",
        "x: y",
        "value",
        "a=1\n",
        "KEY=2\n",
        "a='\n'\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join), st.sampled_from(["a", "KEY"]), st.booleans())
def test_whatever_the_file_nothing_else_changes(text: str, name: str, append: bool) -> None:
    raw = text.encode()
    try:
        new = edit(raw, {name: NEW}, append=append)
    except EnvEditError:
        return
    before, after = dotenv(raw), dotenv(new)
    assert after == before | {name: Z}
    start = next(
        (i for i, (x, y) in enumerate(zip(raw, new, strict=False)) if x != y), min(len(raw), len(new))
    )
    if name in before:
        # What was cut out is the value as it was written, and nothing else.
        head, _, tail = new.partition(Z.encode())
        head, tail = head.rstrip(b"'\""), tail.lstrip(b"'\"")
        assert raw.startswith(head)
        assert raw.endswith(tail)
        cut = raw[len(head) : len(raw) - len(tail)].decode()
        (binding,) = parse_stream(io.StringIO(f"x={cut}", newline=""))
        assert binding.value == before[name]
    else:
        assert append
        assert start == len(raw)
    old, changed = read(raw).variables.get(name), read(new).variables[name]
    assert set(changed.disputed) <= (set(old.disputed) if old else {Reader.BASH, Reader.DOCKER})
