command -v ip >/dev/null 2>&1 || { no_answer missing '' ip addr; exit 0; }
head_of links; ip -j -d addr show up | show
head_of routes4; ip -j -4 route show default | show
head_of routes6; ip -j -6 route show default | show
