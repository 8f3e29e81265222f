# After trust.sh. The processes of every container that runs, with their users as the host numbers them.
ask running docker ps --quiet --no-trunc
for id in $said; do ask "$id" docker top "$id" -eo uid,pid,comm; done
