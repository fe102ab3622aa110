# shellcheck shell=bash
# What make demo shows, in the guest: commands as a user would type them, and
# what the kernel says to them. A command that fails ends the demo with status 1.

set -uo pipefail

title() { printf '\n== %s ==\n' "$*"; }

# show COMMAND: print it as typed, run it, then print what the kernel logged
show()
{
	local before status=0

	before=$(dmesg | wc -l)
	printf '# %s\n' "$1"
	eval "$1" || status=$?
	dmesg | tail -n "+$((before + 1))" | grep -a knetdemo
	if [ "$status" -ne 0 ]; then
		printf 'demo: status %d\n' "$status"
		exit 1
	fi
}

# Run a command until it succeeds, for 10 s
until_true()
{
	local i

	for ((i = 0; i < 200; i++)); do
		! eval "$1" > /dev/null 2>&1 || return 0
		sleep 0.05
	done
	printf 'demo: never true: %s\n' "$1"
	exit 1
}

title "1. A kernel with knetdemo in it: off until it is switched on"
show 'uname -sr'
show 'sysctl net.knetdemo.monitor net.knetdemo.tcp net.knetdemo.udp'

title "2. The monitor: each outgoing TCP connection"
nc -l -k 127.0.0.1 8080 > /dev/null 2>&1 &
server=$!
nc -l -k 127.0.0.2 8080 > /dev/null 2>&1 &
server2=$!
until_true "ss -Hltn sport = 8080 | grep 127.0.0.1 && ss -Hltn sport = 8080 | grep 127.0.0.2"
show 'sysctl net.knetdemo.monitor=1'
show 'nc -z 127.0.0.1 8080'
echo '  ... only those to 127.0.0.1, by the ioctl of the lab:'
show 'knetdemo filter 127.0.0.1'
show 'nc -z 127.0.0.1 8080'
show 'nc -z 127.0.0.2 8080'
show 'cat /proc/net/knetdemo/connections'
show 'knetdemo filter 0.0.0.0'
show 'sysctl net.knetdemo.monitor=0'
kill "$server" "$server2"

title "3. The TCP service: a listener in the kernel"
show 'sysctl net.knetdemo.tcp_service=echo net.knetdemo.tcp=1'
show 'ss -Hltn sport = 60000'
show 'ps -o comm | grep knd-tcp'
show 'echo "hello, kernel" | nc -N 127.0.0.1 60000'
show 'sysctl net.knetdemo.tcp=0'

title "4. The UDP emitter: a datagram from a kernel socket"
nc -l -u -p 60001 > /tmp/received 2> /dev/null &
receiver=$!
until_true 'ss -Hlun sport = 60001 | grep -q 60001'
echo '# nc -l -u -p 60001 &'
show 'sysctl net.knetdemo.udp=1'
until_true 'grep -q kernelsocket /tmp/received'
cat /tmp/received
kill "$receiver"
show 'grep -E "^(state|destination|sent|bytes|errors) " /proc/net/knetdemo/udp'

title "5. The FTP client: a file by way of kernel sockets"
mkdir -p /srv/ftp /run/empty
head -c 33554432 /dev/urandom > /srv/ftp/file
cat > /tmp/vsftpd.conf << 'END'
listen=YES
background=NO
anonymous_enable=YES
anon_root=/srv/ftp
isolate_network=NO
isolate=NO
seccomp_sandbox=NO
secure_chroot_dir=/run/empty
END
vsftpd /tmp/vsftpd.conf &
server=$!
until_true 'nc -z 127.0.0.1 21'
show 'knetdemo get ftp://127.0.0.1/file -o /tmp/file'
show 'cmp /srv/ftp/file /tmp/file && echo the same'
show 'cat /proc/net/knetdemo/ftp'
kill "$server"

title "6. Tests on real sockets"
show 'cd /kselftest && ./run_kselftest.sh -t net/knetdemo:sysctl | grep -v "^# *#"'
