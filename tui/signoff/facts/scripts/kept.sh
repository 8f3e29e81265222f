# After trust.sh. Wants $paths, one a line: tells of those that somebody else than our own people can change.
printf '%s\n' "$paths" | while IFS= read -r path; do
    is_kept "$path" || head_of foreign "$path"
done
