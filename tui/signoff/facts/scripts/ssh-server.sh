head_of session; printf '%s\n' "$SSH_CONNECTION" | show
head_of socket; systemctl show ssh.socket sshd.socket -p ActiveState -p Listen 2>/dev/null | show
