# Puts what comes on standard input in a file's place, whole or not at all.
#
# Wants: path, and real, where it leads; seen, the file's mode and owner (`600 1000:1000`), and mode, owner and
# when (seconds, or empty) for the new one; draft, the name of a folder to make it in. The first line of the
# input has the SHA-256 of the content that is expected there and of the new one, which follows.
#
# In a folder of its own nobody else can put another file in the new one's place while its owner is being set.
say() { printf '#%s\n' "$1"; exit 0; }
digest() { sum=$(sha256sum < "$1") && printf %s "${sum%% *}"; }
expect() {
  stat -- "$1" > /dev/null || say refused
  { [ -f "$1" ] && [ ! -L "$1" ]; } || say kind
  [ "$(stat -c %h -- "$1")" = 1 ] || say links
  [ "$(stat -c '%a %u:%g' -- "$1")" = "$seen" ] || say changed
  [ "$(digest "$1")" = "$old" ] || say changed
}
clean() { cd "$folder" && rm -rf -- "./$draft"; }

umask 077
read -r old new || say cut
[ "$(readlink -f -- "$path")" = "$real" ] || say changed
name=${real##*/}
cd -P "${real%/*}/" || say refused
folder=$(pwd -P)
expect "./$name"
for left in "./$name".signoff-*; do
  case ${left##*.signoff-} in
  *[!0-9a-f]*) ;;
  ????????????????) rm -rf -- "$left" ;;
  esac
done 2> /dev/null

trap clean EXIT
trap 'exit 143' HUP INT TERM
mkdir -m 700 -- "./$draft" || say refused
cd -P "./$draft" || say refused
[ "$(pwd -P)" = "${folder%/}/$draft" ] || say refused
[ "$(stat -c %u .)" = "$(id -u)" ] || say refused
cat > new || say refused
[ "$(digest new)" = "$new" ] || say cut

# GNU cp keeps access control lists and attributes without any further program.
case $(cp --help 2>&1) in
*--attributes-only*)
  kinds=mode,ownership,xattr
  [ ! -e /sys/fs/selinux/enforce ] || kinds=$kinds,context
  cp --attributes-only --preserve="$kinds" -- "../$name" new || say attributes
  ;;
esac
[ "$(stat -c %u:%g new)" = "$owner" ] || chown "$owner" new || say owner
chmod "$mode" new || say owner
[ -z "$when" ] || touch -d "@$when" new 2> /dev/null || touch -d "@${when%.*}" new || say refused
[ "$(stat -c '%a %u:%g' new)" = "$mode $owner" ] || say owner
sync new || say refused

case $(mv --help 2>&1) in
*-T*) plain=-T ;;
*) plain= ;;
esac
expect "../$name"
mv -f $plain -- new "../$name" || say refused
trap '' HUP INT TERM
cd "$folder" || say unsure
sync . || say unsure
say replaced
