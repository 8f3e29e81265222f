# After trust.sh and project-files.sh. A project's files with secrets: who may read them, what they say, who refers to
# them, and where copies lie about. Reads only; contents go out in base64.
# NAME PATH FIELD ...: between them what is known of the file that the path leads to.
tell() {
    printf '#%s\t%s\t' "$1" "$(inert "$2")"
    about=$(stat -L -c "%a${tab}%u${tab}%U${tab}%g${tab}%G${tab}%Y${tab}%Z${tab}%s" -- "$2" 2> /dev/null)
    printf '%s\t' "${about:-$tab$tab$tab$tab$tab$tab$tab}"
    # A plus behind the mode: an access control list.
    ls -Lld -- "$2" 2> /dev/null | cut -c11 | tr -dc '+'
    shift 2
    for field in "$@"; do printf '\t%s' "$(inert "$field")"; done
    echo
}
content() { [ "$(wc -c < "$1")" -gt 262144 ] || base64 < "$1" | show; }
# PLACE DEPTH [CONDITION...]: files named like those with secrets, in the folders of which the condition of find(1) holds.
# Folders of other people's code are passed over. A folder like .env.signoff-0123456789abcdef is our own, left by a kill.
candidates() {
    place=$1 depth=$2
    shift 2
    find "$place" -xdev -maxdepth "$depth" ${1:+-type d ! "$@" -prune -o} \( -name .git -o -name node_modules -o -name .venv \
        -o -name venv -o -name vendor -o -name site-packages -o -name __pycache__ -o -name .cache \) -prune -o \
        \( -type f -o -type l \) "$@" \( -name '*env*' -o -path '*.signoff-*/new' \) -print0 2> /dev/null
}
like_secrets() {
    grep -E '/(\.env([ ._~-][^/]*)?|\.envrc|[^/]*\.env([ ._~-][^/]*)?|#[^/]*env#|env\.(bak|old|txt)|[^/]*\.signoff-[0-9a-f]{16}/new)$'
}
file() {
    if [ ! -f "$1" ]; then
        above=$(dirname -- "$1")
        while [ "$above" != / ] && [ ! -e "$above" ]; do above=$(dirname -- "$above"); done
        head_of absent "$1" "$([ -x "$above" ] && echo sure)"
        return
    fi
    if [ ! -r "$1" ]; then tell file "$1" no "$(readlink -f -- "$1")"; return; fi
    tell file "$1" yes "$(readlink -f -- "$1")"
    case $1 in *.sw[a-p] | *'~' | *'#') ;; *) content "$1" ;; esac
}
document() {
    [ -f "$2" ] || return 0
    if [ -r "$2" ]; then head_of "$1" "$2" yes; content "$2"; else head_of "$1" "$2" no; fi
}

enter_project
head_of project "$project" "$(id -un)"
above=$project
while :; do
    tell parent "$above"
    [ "$above" = / ] && break
    above=$(dirname -- "$above")
done
{
    secret_files | while IFS= read -r path; do
        printf '%s\n' "$path"
        for draft in "$path".signoff-*/new; do if [ -f "$draft" ]; then printf '%s\n' "$draft"; fi; done
    done
    { candidates "$project" 6 || left_out "folders in $project that may not be looked into"; } | names 'files of the project' | like_secrets
} | sort -u | first 200 'files named like .env' | while IFS= read -r path; do file "$path"; done
mounted_files | while IFS= read -r path; do
    [ -f "$path" ] || continue
    # In a folder that others may not enter, a file may be open: the container's user has to read it.
    above=$(dirname -- "$(readlink -f -- "$path")"); way=open
    while [ "$above" != / ]; do
        case $(stat -c %a -- "$above") in *[1357]) ;; *) way=closed ;; esac
        above=$(dirname -- "$above")
    done
    tell mounted "$path" "$way" "$(readlink -f -- "$path")"
done
for path in docker-compose*.y*ml compose*.y*ml; do document compose "$project/$path"; done
for path in Dockerfile* */Dockerfile; do document dockerfile "$project/$path"; done
for path in .dockerignore */.dockerignore Dockerfile*.dockerignore; do document dockerignore "$project/$path"; done
# Copies elsewhere: where web servers serve from, and where people put things down. They are told of and judge nothing,
# so a list that is not whole is one as well; what is somebody else's is not gone through.
for place in /var/www /usr/share/nginx /usr/share/caddy /srv /opt /home /root /tmp /var/tmp; do
    [ -d "$place" ] || continue
    [ -r "$place" ] || head_of gap "$place"
    candidates "$place" 4 $owned | names "$place" | like_secrets | some 100 | while IFS= read -r path; do
        case $path in "$project"/*) ;; *) [ -f "$path" ] && tell elsewhere "$path" ;; esac
    done
done
head_of groups; getent group | cut -d: -f1,3,4 | first 5000 'groups' | show
head_of users; getent passwd | cut -d: -f1,3,4 | first 5000 'users' | show
