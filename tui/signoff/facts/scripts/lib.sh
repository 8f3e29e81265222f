# What every script prints with, and the only ways to leave something out.
exec 3<&- # the script itself came this way: nothing that it runs is to have it
# The containers of this machine: a docker context may lead to another one.
unset DOCKER_CONTEXT
export DOCKER_HOST=unix:///var/run/docker.sock
nl='
'
tab=$(printf '\t')
cr=$(printf '\r')
# NAME: the values of other facts that this one is given under a name, one a line.
given() { printf '%s\n' "${values:-}" | sed -n "s/^$1$tab//p"; }
show() { sed 's/^/|/'; echo; }
inert() {
    case $1 in
        *"$nl"* | *"$tab"* | *"$cr"*) printf %s "$1" | tr '\t\n\r' '???' ;;
        *) printf %s "$1" ;;
    esac
}
head_of() {
    printf '#%s' "$1"
    shift
    for field in "$@"; do printf '\t'; inert "$field"; done
    echo
}
# WHAT: a mark that something was not looked at. Whatever is judged by this output is no pass then.
left_out() { printf '#cut\t%s\n' "$(inert "$1")" >&9; } # at once: others may be writing
# WHAT: that somebody has put it there who is not to be trusted, so that it does not count.
passed_over() { printf '#stranger\t%s\n' "$(inert "$1")" >&9; }
# N WHAT: the first lines; a mark where there are more.
first() { awk -v most="$1" 'NR <= most; END { exit NR <= most }' && left_out "$2: more than $1"; return 0; }
# N WHAT FILE: the first bytes of a file; a mark where there are more.
first_bytes() {
    head -c "$1" -- "$3"
    [ "$(wc -c < "$3")" -le "$1" ] || left_out "$2: more than $1 bytes"
}
# N: the first or last bytes of something, to tell what it is or to compare it by them; never a list of subjects.
peek() { head -c "$1"; }
peek_end() { tail -c "$1"; }
# N: as many lines as are told of, where nothing is judged by the others.
some() { awk -v most="$1" 'NR <= most'; }
# The first line: one of several that are as good.
one() { sed -n '1{p;q;}'; }
# What find(1) prints with -print0, one a line. A name with a line feed is no line; where there is one, a mark says so.
names() {
    tr '\n\0' '\001\n' | awk '/\001/ { odd = 1; next } { print } END { exit !odd }' &&
        left_out "$1: a name has a line feed in it"
    return 0
}
# NAME COMMAND...: what a program says, as a section with its number of bytes; where $only is set, the lines that match it. Where it is
# not there, refuses, takes too long or fails, the fact as a whole cannot be had, and the operator is given the command to run
# by hand.
ask() {
    asked=$1
    shift
    command -v "$1" > /dev/null 2>&1 || { no_answer missing '' "$@"; return; }
    said=$(timeout "${patience:-5}" "$@" 2> /dev/null < /dev/null)
    code=$?
    if [ "$code" = 0 ]; then
        [ -z "${only:-}" ] || said=$(printf '%s\n' "$said" | grep -E "$only")
        head_of "$asked" $(($(printf %s "${said:+$said$nl}" | wc -c)))
        if [ -n "$said" ]; then printf '%s\n' "$said" | show; fi
        return 0
    fi
    # Once more, for what it complains of: apart from its answer, and without a file to write to.
    [ "$code" = 124 ] || said=$(timeout "${patience:-5}" "$@" 2>&1 > /dev/null < /dev/null)
    case $code,$said in
        124,*) no_answer late "${patience:-5}" "$@" ;;
        *[Pp]'ermission denied'* | *'not permitted'* | *'must be root'*) no_answer refused "$said" "$@" ;;
        *) no_answer "$code" "$said" "$@" ;;
    esac
}
# WHY DETAIL COMMAND...: says so, and is a failure.
no_answer() {
    why=$1 detail=$2 by_hand=
    shift 2
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./:=,@%+-]* | '') word="'$(printf %s "$word" | sed "s/'/'\\\\''/g")'" ;;
        esac
        by_hand="$by_hand $word"
    done
    [ "$(id -u)" = 0 ] || by_hand=" sudo$by_hand"
    head_of unavailable "${by_hand# }" "$why" "$1" "$detail"
    return 1
}
