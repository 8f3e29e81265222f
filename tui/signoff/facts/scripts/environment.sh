# After trust.sh. A project's files with secrets: who may read them, what they say, who refers to them, and where copies lie
# about. Reads only; contents go out in base64. Is given the files that the profile and the project's services name.
refuse() { head_of nowhere "$@"; exit 0; }
[ -n "$project" ] || refuse 'not known'
if stat -- "$project/." 2>&1 > /dev/null | grep -q 'Permission denied'; then refuse closed "$project"; fi
cd -- "$project" 2> /dev/null || refuse missing "$project"
project=$(pwd -P)
# NAME PATH FIELD ...: between them what is known of the file that the path leads to.
tell() {
    name=$1 path=$2
    shift 2
    about=$(stat -L -c '%a %u %U %g %G %Y %Z %s' -- "$path" 2> /dev/null)
    # A plus behind the mode: an access control list.
    more=$(ls -Lld -- "$path" 2> /dev/null | cut -c11 | tr -dc '+')
    head_of "$name" "$path" ${about:-'' '' '' '' '' '' '' ''} "$more" "$@"
}
small() { [ -r "$1" ] && [ "$(wc -c < "$1")" -le 262144 ]; }
content() { if small "$1"; then base64 < "$1" | show; fi; }
# DEPTH CONDITION PLACE...: files named like those with secrets, in the folders of which the condition of find(1) holds.
# Folders of other people's code are passed over. A folder like .env.signoff-0123456789abcdef is our own, left by a kill.
candidates() {
    depth=$1 whose=$2
    shift 2
    find "$@" -xdev -maxdepth "$depth" ${whose:+-type d ! $whose -prune -o} \( -name .git -o -name node_modules -o -name .venv \
        -o -name venv -o -name vendor -o -name site-packages -o -name __pycache__ -o -name .cache \) -prune -o \
        \( -type f -o -type l \) $whose \( -name '*env*' -o -path '*.signoff-*/new' \) -print0 2> /dev/null
}
like_secrets() {
    grep -E '/(\.env([ ._~-][^/]*)?|\.envrc|[^/]*\.env([ ._~-][^/]*)?|#[^/]*env#|env\.(bak|old|txt)|[^/]*\.signoff-[0-9a-f]{16}/new)$'
}
# Names, one a line: as paths.
in_project() { project=$project awk '/^[^\/]/ { sub(/^\.\//, ""); $0 = ENVIRON["project"] "/" $0 } NF'; }
file() {
    if [ -f "$1" ]; then
        tell file "$1" "$([ -r "$1" ] && echo yes)" "$(readlink -f -- "$1")"
        case $1 in *.sw[a-p] | *'~' | *'#') ;; *) content "$1" ;; esac
    else
        head_of absent "$1" "$(stat -- "$1" 2>&1 > /dev/null | grep -q 'Permission denied' || echo sure)"
    fi
}
document() { if [ -f "$2" ]; then head_of "$1" "$2" "$(small "$2" && echo yes)"; content "$2"; fi; }

head_of project "$project"
way "$project" | while IFS= read -r folder; do tell parent "$folder"; done
{
    # Also what a rotation left beside them.
    given file | in_project | while IFS= read -r path; do printf '%s\n' "$path"; ls -- "$path".signoff-*/new 2> /dev/null; done
    { candidates 6 '' "$project" || left_out "folders in $project that may not be looked into"; } | names 'files of the project' | like_secrets
} | sort -u | first 200 'files named like .env' | while IFS= read -r path; do file "$path"; done
# The files that compose mounts as secrets: each is one secret's value.
cat docker-compose*.y*ml compose*.y*ml 2> /dev/null | tr -d "\"'\r" | awk '
    /^[^ \t#]/ { inside = /^secrets:/ }
    inside && /^[ \t]+file:[ \t]/ && !/\$/ { sub(/^[ \t]+file:[ \t]+/, ""); sub(/[ \t]+#.*$/, ""); print }' |
    in_project | sort -u | first 100 'files that compose mounts as secrets' | while IFS= read -r path; do
    [ -f "$path" ] || continue
    real=$(readlink -f -- "$path")
    # In a folder that others may not enter, a file may be open: the container's user has to read it.
    closed=$(way "${real%/*}" | tr '\n' '\0' | xargs -0 stat -c %a -- | grep '[0246]$' | one)
    tell mounted "$path" "${closed:-open}" "$real"
done
for path in docker-compose*.y*ml compose*.y*ml; do document compose "$project/$path"; done
for path in Dockerfile* */Dockerfile; do document dockerfile "$project/$path"; done
for path in .dockerignore */.dockerignore Dockerfile*.dockerignore; do document dockerignore "$project/$path"; done
# Copies elsewhere: where web servers serve from, and where people put things down. They are told of and judge nothing,
# so a list that is not whole is one as well; what is somebody else's is not gone through.
candidates 4 "$owned" /var/www /usr/share/nginx /usr/share/caddy /srv /opt /home /root /tmp /var/tmp |
    names 'files elsewhere' | like_secrets | some 400 | while IFS= read -r path; do
    case $path in "$project"/*) ;; *) if [ -f "$path" ]; then tell elsewhere "$path"; fi ;; esac
done
head_of groups; getent group | cut -d: -f1,3,4 | first 5000 'groups' | show
head_of users; getent passwd | cut -d: -f1,3,4 | first 5000 'users' | show
