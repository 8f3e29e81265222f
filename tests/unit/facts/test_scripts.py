"""What every script of the facts keeps to: nothing is left out in silence, and the shell can read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from signoff.facts.base import Facts, HostFact, Noted, Unavailable, text_for
from signoff.facts.collect import _value
from signoff.facts.sections import assigned, left_out, read_script, sections, strangers
from signoff.message import NOTHING, listed, say
from signoff.model import Result
from signoff.probes import all_probes
from signoff.probes.base import Judgement, Probe, probe
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.disks import access_list

FOLDER = Path(str(files("signoff.facts").joinpath("scripts")))
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.sh"))
CUTS = re.compile(
    r"\b(head|tail|dd|shuf)\b(?!_)|\bsplit -|-m ?[0-9]|--max-count|-quit\b|\bcut -[cb]"
    r"|\bgrep [^|]*-[a-z]*m[0-9 ]|\bsed -n '?[0-9,]+p|\bsed '?[0-9]+q|\bNR *(<|>|==)=? *[0-9]+(?! &&)"
)
"""What would leave something out without a mark. ``lib.sh`` has the only ways to."""
KNOWN = {
    # The line of a dump's beginning by which it is known; a mode's eleventh character; all but the 60 newest.
    "check.sh": {"NR < 10 && /^-- PostgreSQL", "last[NR % 10]"},
    "environment.sh": {"cut -c11"},
    "backups.sh": {"NR < 10 && /^-- PostgreSQL", "awk 'NR > 60'"},
    "git.sh": {"NR == 1 && /^-----BEGIN"},
}


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "lib.sh"])
def test_nothing_is_cut_but_by_the_helpers(name: str) -> None:
    for number, line in enumerate((FOLDER / name).read_text().splitlines(), 1):
        for known in KNOWN.get(name, ()):
            line = line.replace(known, "")
        code = line.partition("# ")[0] if line.lstrip().startswith("#") else line
        assert not CUTS.search(code), f"{name}:{number}: {line.strip()}"
        assert "9>" not in code.replace("9>&-", ""), f"{name}:{number}: a mark would go astray"


def test_a_short_script_may_be_its_own_text() -> None:
    text = read_script("trust.sh", "ask a echo x; ask b echo y")
    done = subprocess.run(["sh", "-s"], input=text.encode(), capture_output=True, check=True)
    found = sections(Output("x", 0, done.stdout))
    assert [(one.name, one.lines) for one in found] == [("a", ("x",)), ("b", ("y",))]


@pytest.mark.parametrize("one", all_probes().values(), ids=lambda one: one.id)
def test_nothing_is_cut_in_a_script_of_its_own_text(one: Probe) -> None:
    known = [(FOLDER / name).read_text() for name in SCRIPTS]
    for fact in one.needs:
        if isinstance(fact, HostFact):
            text = text_for(fact.script, Profile())
            for part in known:
                text = text.replace(part, "")
            assert not CUTS.search(text)


@pytest.mark.parametrize(
    "line",
    [
        "| head -n 200",
        "tail -c 1 x",
        "grep -m 1 x",
        "grep -rIliq -m 1 x",
        "grep --max-count=1 x",
        "dd if=x count=1",
        "sed -n '61,4000p'",
        "sed 5q",
        "find / -quit",
        "awk 'NR <= 12'",
    ],
)
def test_the_rule_bites(line: str) -> None:
    assert CUTS.search(line)


SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def run(shell: str, body: str) -> Output:
    """What a script prints that consists of this alone, with the library and the rules of trust."""
    script = read_script("trust.sh").replace("\n:\n}\n", f"\n{body}\n}}\n")
    words = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run([*words, "-s"], input=script.encode(), capture_output=True, check=False)
    return Output("x", done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("shell", SHELLS)
class TestLibrary:
    """The helpers, in every shell that reads them."""

    def test_what_is_beyond_a_cap_leaves_a_mark(self, shell: str, tmp_path: Path) -> None:
        assert left_out(run(shell, "seq 5 | first 5 numbers | show")) == ()
        cut = run(shell, "head_of some; seq 6 | first 5 numbers | show; head_of more")
        assert left_out(cut) == ("numbers: more than 5",)
        assert [(one.name, one.lines) for one in sections(cut)] == [
            ("some", ("1", "2", "3", "4", "5")),
            ("more", ()),
        ]
        (tmp_path / "f").write_text("12345")
        assert left_out(run(shell, f"first_bytes 5 file {tmp_path}/f | show >/dev/null")) == ()
        assert left_out(run(shell, f"first_bytes 4 file {tmp_path}/f | show >/dev/null")) == (
            "file: more than 4 bytes",
        )

    def test_a_mark_comes_through_pipes_and_substitutions(self, shell: str) -> None:
        nested = 'x=$(seq 9 | first 2 numbers | sort); seq 3 | while read -r n; do left_out "$n"; done | cat'
        assert left_out(run(shell, nested)) == ("numbers: more than 2", "1", "2", "3")

    def test_a_name_with_a_line_feed_does_not_vanish(self, shell: str, tmp_path: Path) -> None:
        (tmp_path / "plain").touch()
        listed = f"head_of names; find {tmp_path} -type f -print0 | names files | show"
        assert left_out(run(shell, listed)) == ()
        (tmp_path / "a\n#end\nb").touch()
        output = run(shell, listed)
        assert left_out(output) == ("files: a name has a line feed in it",)
        assert [one.lines for one in sections(output)] == [(f"{tmp_path}/plain",)]

    def test_a_field_cannot_make_a_line(self, shell: str) -> None:
        output = run(shell, "head_of a \"$(printf 'x\\n#end\\ty\\rz')\" b; left_out \"$(printf 'x\\n#end')\"")
        assert [one.fields for one in sections(output)] == [("x?#end?y?z", "b")]
        assert left_out(output) == ("x?#end",)

    def test_an_early_end_is_an_end_and_a_failure_is_none(self, shell: str) -> None:
        assert run(shell, "head_of a; exit 0; head_of b").stdout == b"#a\n#end\n"
        assert b"#end" not in run(shell, "head_of a; exit 3").stdout

    @pytest.mark.parametrize(
        ("asked", "reason", "by_hand"),
        [
            ("ask a no-such-program -T", "no-such-program: not installed", "no-such-program -T"),
            (
                "ask a sh -c 'echo half; echo \"cannot: Permission denied\" >&2; exit 3'",
                "sh: permission refused: cannot: Permission denied",
                """sh -c 'echo half; echo "cannot: Permission denied" >&2; exit 3'""",
            ),
            ("ask a sh -c 'exit 7'", "sh: exit code 7", "sh -c 'exit 7'"),
            ("patience=1; ask a sleep 9", "sleep: no answer within 1 s", "sleep 9"),
            ("ask a false \"it's\" ''", "false: exit code 1", "false 'it'\\''s' ''"),
        ],
    )
    def test_a_program_without_an_answer_makes_the_fact_unavailable(
        self, shell: str, asked: str, reason: str, by_hand: str
    ) -> None:
        for body in (asked, f"{asked}; head_of more; echo x | show", f"ask b true; {asked} | grep '^#'"):
            with pytest.raises(Unavailable) as caught:
                sections(run(shell, body))
            assert (caught.value.reason, caught.value.by_hand.removeprefix("sudo ")) == (reason, by_hand)

    def test_an_answer_is_a_section(self, shell: str) -> None:
        body = r"ask a printf 'x\n#end\n\ny'; ask b true; ask c cat"
        assert [(one.name, one.fields, one.lines) for one in sections(run(shell, body))] == [
            ("a", ("10",), ("x", "#end", "", "y")),
            ("b", ("0",), ()),
            ("c", ("0",), ()),
        ]

    def test_only_what_matches_is_told_and_counted(self, shell: str) -> None:
        body = r"only='^(x|y) '; ask a printf 'x 1\nz 2\ny 3'; ask b echo z"
        assert [(one.fields, one.lines) for one in sections(run(shell, body))] == [
            (("8",), ("x 1", "y 3")),
            (("0",), ()),
        ]

    def test_nothing_is_inherited_that_is_not_needed(self, shell: str) -> None:
        assert run(shell, "readlink /proc/self/fd/3 || echo '#none'").stdout == b"#none\n#end\n"


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_can_read_every_script(shell: str, name: str) -> None:
    words = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run([*words, "-n", FOLDER / name], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def parse(output: Output) -> tuple[str, ...]:
    """A fact's value: the names of the sections."""
    return tuple(section.name for section in sections(output))


FACT: HostFact[tuple[str, ...]] = HostFact(id="x", title=say("X"), script="", parse=parse)


def judged(result: Result, marks: str) -> Judgement:
    """What becomes of a judgement on a fact whose script left these marks."""
    value = _value(FACT, Output("x", 0, f"#a\n{marks}#end\n".encode()), Profile())

    def judge(facts: Facts, profile: Profile) -> Judgement:
        assert facts[FACT] == ("a",)
        return Judgement(result=result, observed=say("seen"))

    one = probe("x.y", title=NOTHING, expected=NOTHING, needs=(FACT,))(judge)
    (finding,) = one.findings(Facts({"x": value}), Profile())
    return Judgement(result=finding.result, observed=listed((finding.observed,)), evidence=finding.evidence)


@pytest.mark.parametrize("result", [Result.PASS, Result.NOTAPPLICABLE, Result.FIXED])
def test_what_was_cut_off_is_never_a_pass(result: Result) -> None:
    assert judged(result, "").result is result
    cut = judged(result, "#cut\tfiles: more than 200\n")
    assert (cut.result, cut.observed) == (
        Result.UNKNOWN,
        "seen; but not everything was looked at: files: more than 200",
    )
    assert judged(Result.FAIL, "#cut\tfiles\n").result is Result.FAIL


def test_strangers_are_named_and_decide_nothing() -> None:
    seen = judged(Result.PASS, "#stranger\tnginx, process 7 of user 12345\n")
    assert seen.result is Result.PASS
    assert seen.evidence == ("Not trusted, and not counted: nginx, process 7 of user 12345",)


def test_no_content_can_pass_for_a_mark() -> None:
    assert judged(Result.PASS, "|#cut\tx\n|#stranger\ty\n") == judged(Result.PASS, "")
    output = Output("x", 0, b"#a\n|#cut\tx\n#end\n")
    assert (left_out(output), strangers(output)) == ((), ())


@pytest.mark.parametrize("one", all_probes().values(), ids=lambda one: one.id)
def test_every_probe_hears_of_what_was_left_out_for_any_of_its_facts(one: Probe) -> None:
    """Whatever a probe concludes from whole facts, it claims nothing on cut ones."""
    for fact in one.needs:
        notes = Facts({fact.id: Noted(None, ("x",))}).notes(one.needs)
        assert notes.left_out == ("x",)


def test_values_of_a_script_are_inert() -> None:
    hostile = "a'b\n$(touch /tmp/no)`x`\"\\"
    text = f'{assigned(name=hostile)}printf %s "$name"'
    assert subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout == hostile.encode()


def said(body: str, *names: str) -> list[str]:
    """What a shell prints that has these scripts' functions."""
    script = read_script("trust.sh", *names).replace("\n:\n}\n", f"\n{body}\n}}\n")
    done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, check=True)
    return [line for line in done.stdout.decode().splitlines() if line != "#end"]


@pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
class TestTrust:
    """Who can change what, on real files."""

    @pytest.fixture
    def place(self) -> Iterator[Path]:
        """A folder of root's in one that is root's alone."""
        folder = Path(tempfile.mkdtemp(dir="/opt"))
        folder.chmod(0o755)
        (folder / "file").write_text("x")
        (folder / "file").chmod(0o644)
        yield folder
        shutil.rmtree(folder)

    def judged(self, path: Path) -> tuple[bool, bool]:
        """Whether root alone can change it; whether our own people alone can."""
        answers = said(f"root_only {path} && echo root; is_kept {path} && echo kept; :")
        return "root" in answers, "kept" in answers

    def test_what_is_roots_alone(self, place: Path) -> None:
        assert self.judged(place / "file") == (True, True)

    @pytest.mark.parametrize("mode", [0o666, 0o777])
    def test_what_everybody_can_write(self, place: Path, mode: int) -> None:
        (place / "file").chmod(mode)
        assert self.judged(place / "file") == (False, False)

    def test_a_folder_above_counts(self, place: Path) -> None:
        place.chmod(0o777)
        assert self.judged(place / "file") == (False, False)
        place.chmod(0o1777)  # as /tmp: what is ours in it stays ours; but no program of root's lies there
        assert self.judged(place / "file") == (False, True)

    def test_owners_count(self, place: Path) -> None:
        os.chown(place / "file", 1, 1)  # a system account
        assert self.judged(place / "file") == (False, True)
        os.chown(place / "file", 12345, 12345)
        assert self.judged(place / "file") == (False, False)

    def test_a_group_counts_by_who_is_in_it(self, place: Path) -> None:
        (place / "file").chmod(0o664)
        assert self.judged(place / "file") == (True, True)
        os.chown(place / "file", 0, 54321)  # nobody is in a group that there is not
        assert self.judged(place / "file") == (True, True)

    def test_an_access_list_that_lets_write_counts(self, place: Path) -> None:
        os.setxattr(
            place / "file", "system.posix_acl_access", access_list((12345, 7), owner=6, group=4, mask=6)
        )
        assert self.judged(place / "file") == (False, False)

    def test_every_link_on_the_way_counts(self, place: Path) -> None:
        with tempfile.TemporaryDirectory(dir="/opt") as name:
            open_folder = Path(name)
            open_folder.chmod(0o777)
            (open_folder / "inner").symlink_to(place / "file")
            (place / "link").symlink_to(open_folder / "inner")
            assert self.judged(place / "link") == (False, False)
            (place / "direct").symlink_to("../" + place.name + "/./file")
            assert self.judged(place / "direct") == (True, True)
            open_folder.chmod(0o1777)
            os.chown(open_folder / "inner", 12345, 12345, follow_symlinks=False)
            assert self.judged(place / "link") == (False, False)

    def test_what_is_not_there_or_leads_nowhere_is_nobodys(self, place: Path) -> None:
        (place / "loop").symlink_to("loop")
        (place / "odd\nname").touch()
        for path in (place / "none", place / "loop"):
            assert self.judged(path) == (False, False)
        assert said("root_only relative && echo root; :") == []

    def test_what_compose_would_make_of_a_path_that_is_not_there(self, place: Path) -> None:
        paths = "\n".join((f"{place}/none", "/tmp/none"))
        script = assigned(paths=paths) + read_script("trust.sh", "kept.sh")
        done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, check=True)
        # Anybody can make it in /tmp; but a folder that is nobody else's to change is where ours would be.
        assert done.stdout == b"#foreign\t/tmp/none\n#end\n"


CONFIGURATION = """\
load_module modules/ngx_x.so; # include /commented;
"include" '/etc/b/*.conf';
# it's a comment
include /after-a-comment.conf; # include /commented;
events {} http { include
    mime.types; # one more; to include health checks
    log_format x 'include /quoted; "$a"';
    access_log /var/log/a.log x; access_log off; error_log stderr; access_log /var/log/$host.log;
    client_body_temp_path /var/tmp/body; proxy_cache_path "/var/cache/x" keys_zone=a:1m;
    init_by_lua_file /srv/init.lua; js_import main from http.js;
    server { location / { return 200 "\\"include /escaped;\\""; } }\r
include crlf.conf; log_format y '# {'; include "/etc/c/*"; include# /no;
}
"""


def test_the_files_that_a_configuration_names(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(CONFIGURATION, newline="")
    assert said(f"nginx_words /etc/nginx /usr/share/nginx {tmp_path}/nginx.conf", "servers.sh") == [
        "loaded /usr/share/nginx/modules/ngx_x.so",
        "include /etc/b/*.conf",
        "include /after-a-comment.conf",
        "include /etc/nginx/mime.types",
        "made /var/log/a.log",
        "made /var/tmp/body",
        "made /var/cache/x",
        "loaded /srv/init.lua",
        "loaded /usr/share/nginx/http.js",
        "include /etc/nginx/crlf.conf",
        "include /etc/c/*",
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('include "/etc/a b/*.conf";', "loaded /a name that is not understood"),
        ("include # it's\n/x;", "loaded /a name that is not understood"),
        ("access_log '/x;y';", "loaded /a name that is not understood"),
        # Within quotes, or behind a sign that begins no comment there.
        ('add_header X "a;include /inner;";', "include /inner"),
        ("add_header X 'a # b'; include /x;", "include /x"),
        ("# it's; include /x;", "include /x"),
    ],
)
def test_what_is_not_understood_of_a_configuration_is_no_name_or_one_too_many(
    tmp_path: Path, line: str, found: str
) -> None:
    (tmp_path / "n.conf").write_text(line)
    assert said(f"nginx_words /etc /usr {tmp_path}/n.conf", "servers.sh") == [found]


def test_what_is_included_is_followed_and_what_is_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(
        f"load_module m.so; include conf.d/*.conf; include {tmp_path}/nginx.conf; error_log logs/e.log;"
    )
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("include none/*.conf; access_log /x/$host.log;")
    (tmp_path / "conf.d" / "b.conf").write_text("include conf.d/a.conf; include deeper;")
    (tmp_path / "deeper").write_text("include conf.d/*.conf; pid /run/n.pid")
    found = said(f"nginx_files {tmp_path}/nginx.conf /usr/share/nginx", "servers.sh")
    assert sorted(found) == sorted(
        [
            f"loaded {tmp_path}/nginx.conf",
            "loaded /usr/share/nginx/m.so",
            f"loaded {tmp_path}/conf.d/a.conf",
            f"loaded {tmp_path}/conf.d/b.conf",
            f"loaded {tmp_path}/deeper",
            f"loaded {tmp_path}/none/*.conf",
            "made /usr/share/nginx/logs/e.log",
            "made /run/n.pid",
        ]
    )


def test_files_beyond_a_bound_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("".join(f"include f{number};" for number in range(300)))
    assert said(f"nginx_files {tmp_path}/nginx.conf /usr", "servers.sh")[-1] == "loaded too many files"


def test_a_log_that_leads_elsewhere_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "link.log").symlink_to("/etc/nologin")
    os.mkfifo(tmp_path / "fifo.log")
    for name in ("link.log", "fifo.log"):
        assert said(f"is_made_safely {tmp_path}/{name} && echo safe; :", "servers.sh") == []
