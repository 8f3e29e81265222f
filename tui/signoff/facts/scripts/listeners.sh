# After trust.sh. ss names the processes behind each socket, and whose it is; their control groups tell which container
# they are in. Below user.slice anybody makes groups of any name.
command -v ss >/dev/null 2>&1 || { head_of absent; exit 0; }
listed=$(ss -Hlntupe) || exit 1
head_of listeners
printf '%s\n' "$listed" | show
head_of ours
printf '%s\n' "$ours" | show
head_of groups
for pid in $(printf '%s\n' "$listed" | grep -o 'pid=[0-9]*' | sort -u | cut -d= -f2); do
    grep -hE '[0-9a-f]{64}' "/proc/$pid/cgroup" 2>/dev/null | grep -v '/user\.slice/' | one | sed "s/^/$pid /" | show
done
