# After trust.sh. Wants $paths, one a line: tells of those that somebody else than our own people can change, or make.
printf '%s\n' "$paths" | while IFS= read -r path; do
    place=$path
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then
        place=${path%/*}
        # In a folder such as /tmp anybody makes what is not there.
        if [ -k "${place:-/}" ]; then head_of foreign "$path"; continue; fi
    fi
    is_kept "${place:-/}" || head_of foreign "$path"
done
