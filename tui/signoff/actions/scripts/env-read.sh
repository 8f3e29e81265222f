# Tells what a file is, and prints it. Wants: path, limit.
say() { printf '#%s\n' "$1"; exit 0; }

stat -L -- "$path" > /dev/null || say refused
file=$(readlink -f -- "$path") || say refused
[ -f "$file" ] || say kind
[ "$(stat -c %h -- "$file")" = 1 ] || say links
[ "$(stat -c %s -- "$file")" -le "$limit" ] || say large
head -c 1 -- "$file" > /dev/null || say refused

for left in "$file".signoff-*; do
  [ ! -d "$left" ] || printf '#draft\t%s\n' "${left##*/}"
done
case $(ls -ld -- "$file") in
??????????+*) listed=yes ;;
*) listed=no ;;
esac
case $(cp --help 2>&1) in
*--attributes-only*) keeps=yes ;;
*) keeps=no ;;
esac
printf '#file\t%s\t%s\t%s\t%s\n' "$file" "$listed" "$keeps" "$(stat -c '%a %u %g %s %Y %.9Y' -- "$file")"
cat -- "$file"
