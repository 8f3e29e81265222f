# After trust.sh. ss names the processes behind each socket; whose it is stands in lines without names, in which nobody can
# write anything. Of those of others no more are listed than one reads. Their control groups tell which container processes
# are in; below user.slice anybody makes groups of any name.
command -v ss >/dev/null 2>&1 || { no_answer missing '' ss -lntup; exit 0; }
owners=$(ss -Hlntue) || exit 1
listed=$(ss -Hlntup) || exit 1
ours_list=$(echo $ours)
excess=$(printf '%s\n' "$owners" | awk -v ours=" $ours_list " '
    { uid = $7; if (sub(/^uid:/, "", uid) && !index(ours, " " uid " ") && (uid < 61184 || uid > 65519) && ++n > 200) print $1 " " $5 }')
[ -z "$excess" ] || passed_over "$(printf '%s\n' "$excess" | wc -l) more listening sockets of others"
kept() { excess=$excess awk 'BEGIN { n = split(ENVIRON["excess"], line, "\n"); for (i = 1; i <= n; i++) drop[line[i]] } !(($1 " " $5) in drop)'; }
head_of listeners
printf '%s\n' "$listed" | kept | show
head_of owners
printf '%s\n' "$owners" | kept | awk '{ uid = $7; print $1, $5, sub(/^uid:/, "", uid) ? uid : 0 }' | show
head_of ours
printf '%s\n' "$ours" | show
head_of groups
for pid in $(printf '%s\n' "$listed" | kept | grep -o 'pid=[0-9]*' | sort -u | cut -d= -f2); do
    group=$(group_of "$pid")
    case $group in /user.slice/*) continue ;; esac
    printf '%s\n' "$group" | grep -E '[0-9a-f]{64}' | sed "s/^/$pid /" | show
done
