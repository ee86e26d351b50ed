# sshd that lets two connections at a time log in, and eight that say nothing.
command='/usr/sbin/sshd -D -e -f sshd.conf'
prepare() {
    mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f host
    ssh-keygen -q -t ed25519 -N '' -f user
    cat >sshd.conf <<CONF
ListenAddress 127.0.0.1:7408
HostKey $PWD/host
PidFile none
AuthorizedKeysFile $PWD/user.pub
StrictModes no
PermitRootLogin yes
UsePAM no
MaxStartups 2:100:2
LoginGraceTime 1
# Of a deeper level bash does not read ~/.bashrc, which is another one everywhere.
SetEnv SHLVL=1
CONF
}
load() {
    login='ssh -i user -p 7408 -o StrictHostKeyChecking=no -o UserKnownHostsFile=known -o LogLevel=ERROR'
    until $login root@127.0.0.1 true 2>ready; do sleep 0.1; done
    for n in 1 2 3 4 5 6 7 8; do
        bash -c 'exec 3<>/dev/tcp/127.0.0.1/7408; sleep 1.2' &
    done
    sleep 0.2
    $login root@127.0.0.1 true 2>refused || :
    wait
    $login root@127.0.0.1 sleep 0.3
}
