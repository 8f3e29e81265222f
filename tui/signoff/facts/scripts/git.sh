# After trust.sh. What git knows of a project's files with secrets: tracked now, in the history of any ref, and whether
# today's values stand there. Reads only. Values come on standard input and go through pipes alone, and what comes out
# names commits and variables.
project=$(given project)
[ -n "$project" ] || exit 1
refuse() { head_of "$@"; exit 0; }
top=$project
while [ "$top" != / ] && [ ! -e "$top/.git" ]; do top=$(dirname -- "$top"); done
if [ ! -e "$top/.git" ]; then
    within=$(find "$project" -xdev -maxdepth 4 -name node_modules -prune -o -name .git -print 2> /dev/null |
        first 5 'repositories within the project' | paste -sd ' ' -)
    [ -z "$within" ] || refuse within "$within"
    # A bare one elsewhere, whose hook puts here what is pushed to it.
    from=$(find /srv /opt /home /root /var/repo /var/git /var/lib/git -xdev -maxdepth 4 -type d ! $owned -prune \
        -o -path '*/hooks/post-receive' -type f $owned -print 2> /dev/null | first 200 'repositories elsewhere' |
        while IFS= read -r hook; do grep -qF -- "$project" "$hook" && printf '%s\n' "${hook%/hooks/*}"; done | one)
    [ -z "$from" ] || refuse deployed "$from"
    # A directory that may not be looked into could hold one.
    above=$project
    while [ "$above" != / ] && [ -x "$above" ]; do above=$(dirname -- "$above"); done
    if [ -x "$above" ]; then refuse norepository; else refuse hidden "$project"; fi
fi
command -v git > /dev/null || refuse nogit "$top"

# A repository's configuration can name programs to run, and it need not be root's: git runs as its owner, without what
# starts programs, writes, asks or connects, and with nothing of ours that it could read.
owner=$(stat -L -c %u -- "$top/.git")
unprivileged=
if [ "$(id -u)" = 0 ] && [ "$owner" != 0 ]; then
    command -v setpriv > /dev/null || refuse refused 'setpriv is missing'
    group=$(stat -L -c %g -- "$top/.git")
    unprivileged="setpriv --reuid $owner --regid $group --clear-groups --no-new-privs"
fi
export HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 GIT_NO_LAZY_FETCH=1 \
    GIT_ALLOW_PROTOCOL=none GIT_GRAFT_FILE=/dev/null
bound=
# Settings of the repository's own hide commits and lines: a first commit, files called binary, replaced and grafted ones.
in_git() {
    $unprivileged $bound git --no-pager --no-replace-objects -C "$top" -c safe.directory='*' -c core.fsmonitor=false -c core.quotePath=false \
        -c log.showSignature=false -c log.showRoot=true -c diff.relative=false -c diff.orderFile=/dev/null \
        -c protocol.allow=never -c core.hooksPath=/dev/null "$@" 3<&- 8<&- 9>&-
}
# Where somebody else can write to it, what it says is theirs to say. A group of our own people is nobody else.
group=$(getent passwd "$owner" | cut -d : -f 4)
for uid in $(members "$group"); do is_ours "$uid" || group=; done
# FOLDER...: goes on only where each thing there is a file of theirs; a FIFO would hold git up. An access control list (+)
# that lets somebody write shows as the group's right.
foreign() {
    found=$(find "$@" -xdev \( -path "$top/*" ! -path "$top/.git" ! -path "$top/.git/*" -prune \) -o ! -type l \
        -exec ls -ldn -- {} + 2> /dev/null | awk -v owner="$owner" -v group="$group" '
        !/^[-d]/ || ($3 != 0 && $3 != owner) || /^........w/ || /^.....w[^ ]*\+/ || (/^.....w/ && $4 != 0 && $4 != group) {
            sub(/^[^\/]*/, ""); print; exit
        }')
    [ -z "$found" ] || refuse foreign "$found"
}
is_ours "$owner" || refuse foreign "$top/.git"
foreign "$top" "$top/.git"
refused=$(in_git rev-parse --git-dir 2>&1 > /dev/null) || refuse refused "$(printf %s "$refused" | peek 300)"
# Of a worktree the repository lies elsewhere.
common=$(in_git rev-parse --path-format=absolute --git-common-dir 2> /dev/null)
foreign "${common:-$top/.git}"
partial=$(in_git config --get-regexp '^(extensions\.partialclone|remote\..*\.promisor)$' > /dev/null 2>&1 && echo yes)
head_of repository "$top" "$(in_git rev-parse --is-shallow-repository 2> /dev/null)" "$partial"
# Repositories inside this one, submodules too: their history is another.
head_of inside
find "$top" -xdev -maxdepth 5 \( -path "$top/.git" -o -name node_modules -o -name vendor -o -name .venv -o -name venv \) \
    -prune -o -name .git -print -prune 2> /dev/null | first 50 'repositories inside this one' | sed 's|/\.git$||' | show
head_of remotes; in_git config --get-regexp '^remote\..*\.url$' 2> /dev/null | show
# Of the working tree and of every ref's history, whatever .gitignore says.
set -- ':(top)*.env' ':(top)*.env.*' ':(top)*.env[~_-]*' ':(top)*.envrc'
# One path a line, whatever else is in it.
set -f
IFS=$nl
for path in $(given mounted); do
    case $path in "$top"/*) set -- "$@" ":(top,literal)${path#"$top"/}" ;; esac
done
set +f
unset IFS
head_of tracked; in_git ls-files --full-name -- "$@" 2> /dev/null | first 500 'tracked files named like .env' | show
head_of unignored
given file | while IFS= read -r path; do
    in_git check-ignore -q --no-index -- "$path" 2> /dev/null < /dev/null || printf '%s\n' "$path"
done | show
# Of commits too that only the reflog knows: amended, reset, of a branch that was deleted. Their objects are there.
versions=$(in_git log --all --reflog --full-history -m --diff-filter=d --name-only --format='commit %H' -- "$@" 2> /dev/null |
    awk '/^commit / { commit = $2; next } NF { print commit ":" $0 }' | first 20000 'versions of files named like .env')
head_of history; printf '%s\n' "$versions" | show
# VERSION: whether it is encrypted as a whole: by age, OpenPGP, openssl, git-crypt, Ansible, sops, dotenvx or dotenv-vault.
sealed() {
    case $(in_git cat-file blob "$1" 2> /dev/null < /dev/null | peek 10 | od -An -v -tx1 | tr -d ' \n') in
        6167652d656e63727970 | 53616c7465645f5f* | 00474954435259505400 | 24414e5349424c455f56) return 0 ;;
        84??03* | 85????03* | 8c??04* | c1??03* | c1????03* | c3??04*) return 0 ;;
    esac
    in_git cat-file blob "$1" 2> /dev/null < /dev/null | tr -d '\000' | awk '
        NR == 1 && /^-----BEGIN (PGP MESSAGE|AGE ENCRYPTED FILE)-----/ { sealed = 1; exit }
        /^[ \t]*(#|$)|^(sops_|DOTENV_PUBLIC_KEY)/ { next }
        !/^[A-Za-z_0-9]+="?(ENC\[AES256_GCM,|encrypted:)|^DOTENV_VAULT/ { sealed = 0; exit }
        { sealed = 1 }
        END { exit !sealed }'
}
# A path of which one is not needs no further look.
head_of sealed; plain=
printf '%s\n' "$versions" | while IFS= read -r version; do
    path=$nl${version#*:}$nl
    case $plain in *"$path"*) continue ;; esac
    if sealed "$version"; then printf '%s\n' "$version"; else plain=$plain$path; fi
done | show

head_of searched; given searched | show
head_of values
given value | {
    exec 8<&0
    bound='timeout 25'
    # As text even what an attribute or a NUL makes binary for git.
    { in_git log --all --reflog -p -c -U0 --text --no-ext-diff --no-textconv --no-color --no-renames --submodule=short \
        --format='%x01%H' 2> /dev/null < /dev/null
    printf '\001status %s\n' "$?"; } | tr -d '\000' | awk '
        BEGIN { while ((getline line < "/dev/fd/8") > 0) {
            at = index(line, "\t"); name[++n] = substr(line, 1, at - 1); value[n] = substr(line, at + 1)
        } }
        # Beyond 400 MB the end is not waited for.
        (size += length($0) + 1) > 400000000 { exit }
        /^\001status / { complete = ($0 ~ /status 0$/); next }
        /^\001/ { commit = substr($0, 2); next }
        { for (i = 1; i <= n; i++) if (index($0, value[i]) && !((commit, name[i]) in seen)) {
            seen[commit, name[i]] = 1
            if (++count[name[i]] <= 5) print commit ":" name[i]
        } }
        END { if (complete) print "complete" }'
} | show
