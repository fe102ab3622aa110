// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection monitor of net/knetdemo on the paths that a SYN can take: what
 * is recorded of each attempt, and what is only counted.
 *
 * Every test compares the monitor's count of retransmissions with the kernel's
 * own, so a host that is slow enough for some changes nothing.
 */

#define _GNU_SOURCE
#include <linux/bpf.h>
#include <linux/genetlink.h>
#include <linux/io_uring.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "../../kselftest_harness.h"
#include "monitor_test.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP		262
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN		0x20000000
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT	30
#endif

/* Counters of a namespace; @kernel is TCPSynRetrans of the kernel itself */
struct seen {
	long long attempts;
	long long retrans;
	long long again;
	long long no_socket;
	long long kernel;
};

static long long syn_retrans(void)
{
	char text[16384], *names, *values, *name, *value, *save[2];

	if (knd_read("/proc/net/", "netstat", text, sizeof(text)) < 0)
		return -1;
	names = strtok_r(text, "\n", &values);
	values = strtok_r(NULL, "\n", &values);
	if (!names || !values)
		return -1;
	name = strtok_r(names, " ", &save[0]);
	value = strtok_r(values, " ", &save[1]);
	while (name && value) {
		if (!strcmp(name, "TCPSynRetrans"))
			return atoll(value);
		name = strtok_r(NULL, " ", &save[0]);
		value = strtok_r(NULL, " ", &save[1]);
	}
	return -1;
}

/* Call this when no socket retransmits any more */
static struct seen seen(void)
{
	return (struct seen) {
		.attempts = knd_stat("monitor_attempts"),
		.retrans = knd_stat("monitor_syn_retrans"),
		.again = knd_stat("monitor_syn_again"),
		.no_socket = knd_stat("monitor_no_socket"),
		.kernel = syn_retrans(),
	};
}

/*
 * Expect a number of attempts, of further passes of each SYN, and of SYNs that
 * no socket of this namespace sent
 */
#define EXPECT_SEEN(_attempts, _passes, _no_socket) do {		\
	struct seen _s = seen();					\
									\
	EXPECT_EQ(_attempts, _s.attempts);				\
	EXPECT_EQ(_s.kernel, _s.retrans);				\
	EXPECT_EQ((_passes) * (_s.attempts + _s.retrans), _s.again);	\
	EXPECT_EQ(_no_socket, _s.no_socket);				\
} while (0)

/* How long to wait for something that must happen, in milliseconds */
static int patience(void)
{
	return knd_slow(60000, 120000);
}

static bool retransmitted(void)
{
	const struct timespec tick = { .tv_nsec = 10000000 };
	int i;

	for (i = 0; i < patience() / 10; i++) {
		if (syn_retrans() > 0)
			return true;
		nanosleep(&tick, NULL);
	}
	return false;
}

/*
 * Make a network namespace with its loopback up. Commands find it as $@name,
 * the caller by the descriptor.
 */
static int new_namespace(const char *name)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), ns;
	char path[64];

	if (home < 0 || knd_unshare_net())
		return -1;
	ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (setns(home, CLONE_NEWNET))
		return -1;
	close(home);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), ns);
	setenv(name, path, 1);
	return ns;
}

static int sysctl_net(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	return monitor_write_path(path, value);
}

/* Wait until a command succeeds */
static int soon(const char *command)
{
	const struct timespec tick = { .tv_nsec = 50000000 };
	int i;

	for (i = 0; i < patience() / 50; i++) {
		if (!knd_run(command))
			return 0;
		nanosleep(&tick, NULL);
	}
	return -1;
}

FIXTURE(path) {
	int home;
	int peer;
};

/*
 * The hole never answers; nor does the other hole. The namespace $PEER is at
 * the other end of "veth", which commands that need it make.
 */
FIXTURE_VARIANT(path) {
	int family;
	const char *nft;	/* family of nftables, and of "ip -" */
	const char *hole;
	const char *from;
	const char *other;
	const char *local;	/* on the loopback */
	const char *near;	/* our end of "veth", and the peer's */
	const char *far;
};

FIXTURE_VARIANT_ADD(path, ipv4) {
	.family = AF_INET,
	.nft = "ip",
	.hole = "192.0.2.1",
	.from = "192.0.2.2",
	.other = "198.51.100.1",
	.local = "198.18.0.1",
	.near = "203.0.113.1",
	.far = "203.0.113.2",
};

FIXTURE_VARIANT_ADD(path, ipv6) {
	.family = AF_INET6,
	.nft = "ip6",
	.hole = "2001:db8:1::1",
	.from = "2001:db8:1::2",
	.other = "2001:db8:2::1",
	.local = "2001:db8:3::1",
	.near = "2001:db8:4::1",
	.far = "2001:db8:4::2",
};

/* Commands find the members of the variant in their environment */
static void set_environment(const struct _fixture_variant_path *v)
{
	setenv("NFT", v->nft, 1);
	setenv("HOLE", v->hole, 1);
	setenv("FROM", v->from, 1);
	setenv("OTHER", v->other, 1);
	setenv("NEAR", v->near, 1);
	setenv("FAR", v->far, 1);
	setenv("LOCAL", v->local, 1);
	setenv("FAMILY", v->family == AF_INET ? "inet" : "inet6", 1);
	setenv("LEN", v->family == AF_INET ? "24" : "64", 1);
	setenv("NODAD", v->family == AF_INET ? "" : "nodad", 1);
}

#define IN_PEER	"nsenter --net=$PEER "

/* Commands for nftables: a chain, with type, hook and priority, and rules */
#define CHAIN(_how)							\
	"nft add table $NFT t && "					\
	"nft \"add chain $NFT t c { type " _how "; }\" && "
#define RULE	"nft add rule $NFT t c "

FIXTURE_SETUP(path)
{
	set_environment(variant);
	ASSERT_EQ(0, knd_unshare_net());
	self->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->home);
	self->peer = new_namespace("PEER");
	ASSERT_LE(0, self->peer);
	ASSERT_EQ(0, knd_run("ip link add hole type dummy && "
			     "ip link add other type dummy && "
			     "ip link set hole up && ip link set other up && "
			     "ip addr add $FROM/$LEN dev hole $NODAD && "
			     "ip addr add ${OTHER}2/$LEN dev other $NODAD && "
			     "ip neigh add $HOLE lladdr 2:0:0:0:0:1 dev hole && "
			     "ip neigh add $OTHER lladdr 2:0:0:0:0:2 dev other && "
			     "ip addr add $LOCAL dev lo $NODAD"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
}

FIXTURE_TEARDOWN(path)
{
}

/* A cable to the peer, which is soon ready */
static int add_veth(void)
{
	if (knd_run("ip link add veth type veth peer name veth netns $PEER && "
		    "ip addr add $NEAR/$LEN dev veth $NODAD && "
		    "ip link set veth up && "
		    IN_PEER "ip addr add $FAR/$LEN dev veth $NODAD && "
		    IN_PEER "ip link set veth up"))
		return -1;
	return soon(IN_PEER "ping -c 1 -W 1 $NEAR > /dev/null");
}

/* Count what leaves and matches, to prove that it took the path */
static int count_leaving(const char *match)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "nft add table $NFT proof && "
		 "nft \"add chain $NFT proof c "
		 "{ type filter hook postrouting priority 300; }\" && "
		 "nft add rule $NFT proof c %s counter", match);
	return knd_run(command);
}

#define LEFT	"nft list chain $NFT proof c | grep -q 'packets [1-9]'"

/*
 * A container behind a device of the given kind, on top of "hole", makes a
 * connection that nobody answers, and may wait for a retransmission. Returns
 * how often its SYN was sent.
 */
static long long container_connects(const char *addr, int home, int peer,
				    const char *kind, bool wait)
{
	long long sent = -1;
	char command[512];
	struct seen s;
	int fd;

	snprintf(command, sizeof(command),
		 "ip link add cont link hole type %s && "
		 "ip link set cont netns $PEER && "
		 IN_PEER "ip addr add ${FROM}0/$LEN dev cont $NODAD && "
		 IN_PEER "ip link set cont up && "
		 IN_PEER "ip neigh replace $HOLE lladdr 2:0:0:0:0:1 dev cont",
		 kind);
	if (knd_run(command) || setns(peer, CLONE_NEWNET))
		return -1;
	if (!knd_set("monitor", "1")) {
		fd = monitor_connect(addr, 80, 0);
		if (!wait || retransmitted()) {
			close(fd);
			s = seen();
			/* The container has its record, and only one */
			if (s.attempts == 1 && !s.no_socket && !s.again &&
			    s.retrans == s.kernel)
				sent = s.attempts + s.retrans;
		}
	}
	return setns(home, CLONE_NEWNET) ? -1 : sent;
}

TEST_F(path, ipvlan_l3)
{
	long long sent = container_connects(variant->hole, self->home,
					    self->peer, "ipvlan mode l3",
					    true);

	ASSERT_LE(2, sent);
	EXPECT_SEEN(0, 0, sent);
}

TEST_F(path, ipvlan_l2)
{
	ASSERT_LE(1, container_connects(variant->hole, self->home, self->peer,
					"ipvlan mode l2", false));
	EXPECT_SEEN(0, 0, 0);
}

TEST_F(path, macvlan)
{
	ASSERT_LE(1, container_connects(variant->hole, self->home, self->peer,
					"macvlan mode bridge", false));
	EXPECT_SEEN(0, 0, 0);
}

static int add_vrf(void)
{
	return knd_run("ip link add red type vrf table 10 && "
		       "ip link set red up && ip link set hole master red && "
		       "ip addr replace $FROM/$LEN dev hole $NODAD && "
		       "ip neigh replace $HOLE lladdr 2:0:0:0:0:1 dev hole");
}

static int connect_bound(const char *addr, const char *dev)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, addr, 80);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, strlen(dev)) ||
	    !connect(fd, (void *)&ss, len) || errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Into the VRF device, and out of it */
TEST_F(path, vrf)
{
	struct record r;
	int fd;

	ASSERT_EQ(0, add_vrf());
	fd = connect_bound(variant->hole, "red");
	ASSERT_LE(0, fd);
	EXPECT_TRUE(retransmitted());
	close(fd);
	EXPECT_SEEN(1, 1, 0);
	r = monitor_last();
	EXPECT_EQ(getpid(), atoi(r.pid));
	EXPECT_STREQ("red", r.dev);
}

/* The queue of the VRF device lets go of the SYN after connect() is over */
TEST_F(path, vrf_with_a_queue)
{
	int fd;

	ASSERT_EQ(0, add_vrf());
	ASSERT_EQ(0, knd_run("tc qdisc add dev red root netem delay 50ms"));
	fd = connect_bound(variant->hole, "red");
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, knd_wait_stat("monitor_syn_again", 1, patience()));
	close(fd);
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	EXPECT_EQ(syn_retrans(), knd_stat("monitor_syn_retrans"));
}

/* The record has the destination and the device before the translation */
TEST_F(path, dnat)
{
	struct sockaddr_storage ss;
	struct record r;
	int fd;

	ASSERT_EQ(0, knd_run(CHAIN("nat hook output priority -100")
			     RULE "$NFT daddr $HOLE dnat to $OTHER"));
	ASSERT_EQ(0, count_leaving("oifname other $NFT daddr $OTHER"));
	fd = monitor_connect(variant->hole, 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, knd_run(LEFT));
	close(fd);
	EXPECT_SEEN(1, 0, 0);
	r = monitor_last();
	knd_addr(&ss, variant->hole, 80);
	EXPECT_STREQ(knd_addr_name(&ss), r.dst);
	EXPECT_STREQ("hole", r.dev);
}

/* Likewise where a mark of netfilter's leads to another route */
TEST_F(path, mark_that_routes)
{
	struct record r;
	int fd;

	ASSERT_EQ(0, knd_run(CHAIN("route hook output priority -150")
			     RULE "tcp dport 80 meta mark set 5 && "
			     "ip -f $FAMILY rule add fwmark 5 lookup 5 && "
			     "ip route add $HOLE dev other table 5 && "
			     "ip neigh add $HOLE lladdr 2:0:0:0:0:2 "
			     "dev other"));
	ASSERT_EQ(0, count_leaving("oifname other $NFT daddr $HOLE mark 5"));
	fd = monitor_connect(variant->hole, 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, knd_run(LEFT));
	close(fd);
	EXPECT_SEEN(1, 0, 0);
	r = monitor_last();
	EXPECT_EQ(0, r.mark);
	EXPECT_STREQ("hole", r.dev);
}

/* A copy for another host is no attempt */
TEST_F(path, nft_dup)
{
	struct seen s;
	int fd;

	ASSERT_EQ(0, knd_run(CHAIN("filter hook output priority 0")
			     RULE "oifname hole dup to $OTHER device other"));
	fd = monitor_connect(variant->hole, 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(retransmitted());
	close(fd);
	s = seen();
	EXPECT_SEEN(1, 0, s.attempts + s.retrans);
}

/* The firewall makes the handshake with the server, for the client */
TEST_F(path, synproxy)
{
	int port = 8080, lfd, fd, cfd;

	ASSERT_EQ(0, add_veth());
	ASSERT_EQ(0, knd_run("nft add table $NFT p && "
			     "nft \"add chain $NFT p c "
			     "{ type filter hook prerouting priority -300; }\" && "
			     "nft add rule $NFT p c iifname veth tcp dport 8080 "
			     "'tcp flags & (syn|ack) == syn' notrack && "
			     CHAIN("filter hook input priority 0")
			     RULE "tcp dport 8080 ct state invalid,untracked "
			     "synproxy mss 1460 wscale 7 timestamp sack-perm && "
			     RULE "tcp dport 8080 ct state invalid drop"));
	ASSERT_EQ(0, sysctl_net("netfilter/nf_conntrack_tcp_loose", "0"));
	lfd = monitor_listen(variant->near, &port);
	ASSERT_LE(0, lfd);
	ASSERT_EQ(0, setns(self->peer, CLONE_NEWNET));
	fd = monitor_connect(variant->near, port, patience());
	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
	ASSERT_LE(0, fd);
	cfd = accept(lfd, NULL, NULL);
	EXPECT_LE(0, cfd);
	EXPECT_EQ(0, knd_stat("monitor_attempts"));
	EXPECT_LE(1, knd_stat("monitor_no_socket"));
	close(cfd);
	close(fd);
	close(lfd);
}

/* A transformation of IPsec for packets to the hole */
static int add_xfrm(const char *proto, const char *algorithms)
{
	char command[512];

	setenv("PROTO", proto, 1);
	setenv("KEY", "0x00112233445566778899aabbccddeeff", 1);
	snprintf(command, sizeof(command),
		 "ip xfrm state add src $FROM dst $HOLE proto $PROTO spi 0x100 mode transport %s && "
		 "ip xfrm policy add src $FROM dst $HOLE dir out "
		 "tmpl src $FROM dst $HOLE proto $PROTO mode transport",
		 algorithms);
	return knd_run(command);
}

#define TRANSFORMED	"ip -s xfrm state | grep -q '[1-9][0-9]*(packets)'"

/* The AH header of IPv6 is one that TCP can stand behind */
TEST_F(path, xfrm_ah)
{
	int fd;

	ASSERT_EQ(0, add_xfrm("ah", "auth 'hmac(sha256)' $KEY"));
	fd = monitor_connect(variant->hole, 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(retransmitted());
	close(fd);
	EXPECT_EQ(0, knd_run(TRANSFORMED));
	EXPECT_SEEN(1, variant->family == AF_INET6, 0);
}

TEST_F(path, xfrm_esp)
{
	int fd;

	ASSERT_EQ(0, add_xfrm("esp", "enc 'cbc(aes)' $KEY "
			      "auth 'hmac(sha256)' $KEY"));
	fd = monitor_connect(variant->hole, 80, 0);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(0, knd_run(TRANSFORMED));
	EXPECT_SEEN(1, 0, 0);
}

/* A SYN is too short to be compressed, and continues as it is */
TEST_F(path, xfrm_ipcomp)
{
	int fd;

	ASSERT_EQ(0, add_xfrm("comp", "comp deflate"));
	fd = monitor_connect(variant->hole, 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(retransmitted());
	close(fd);
	EXPECT_EQ(0, knd_run(TRANSFORMED));
	EXPECT_SEEN(1, 1, 0);
}

/*
 * A program with MPTCP, of an unprivileged user. A work item of the kernel
 * makes its second subflow.
 */
TEST_F(path, mptcp_with_a_join)
{
	struct sockaddr_storage ss, from;
	socklen_t len = knd_addr(&ss, variant->near, 8080);
	struct listing l;
	int lfd, cfd, i;
	pid_t pid;
	char c;

	ASSERT_EQ(0, add_veth());
	ASSERT_EQ(0, knd_run("ip mptcp limits set subflow 2 && "
			     IN_PEER "ip mptcp limits set subflow 2 && "
			     IN_PEER "ip addr add ${FAR}2/$LEN dev veth "
			     "$NODAD && "
			     IN_PEER "ip mptcp endpoint add ${FAR}2 subflow"));
	knd_addr(&from, variant->far, 0);
	lfd = socket(variant->family, SOCK_STREAM, IPPROTO_MPTCP);
	ASSERT_LE(0, lfd);
	ASSERT_EQ(0, bind(lfd, (void *)&ss, len));
	ASSERT_EQ(0, listen(lfd, 1));
	ASSERT_EQ(0, setns(self->peer, CLONE_NEWNET));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd;

		if (setresuid(1234, 1234, 1234))
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Not the address that the second subflow is to have */
		fd = socket(variant->family, SOCK_STREAM, IPPROTO_MPTCP);
		if (bind(fd, (void *)&from, len) ||
		    connect(fd, (void *)&ss, len) || write(fd, "x", 1) != 1)
			_exit(1);
		/* Until the connection is closed by the other side */
		while (read(fd, &c, 1) == 1)
			;
		_exit(0);
	}
	cfd = accept(lfd, NULL, NULL);
	ASSERT_LE(0, cfd);
	ASSERT_EQ(1, read(cfd, &c, 1));
	ASSERT_EQ(1, write(cfd, "y", 1));
	EXPECT_EQ(2, knd_wait_stat("monitor_attempts", 2, patience()));
	ASSERT_EQ(2, monitor_list(&l));
	for (i = 0; i < 2; i++) {
		EXPECT_STREQ(knd_addr_name(&ss), l.rec[i].dst);
		EXPECT_STREQ("user", l.rec[i].from);
		EXPECT_EQ(1234, l.rec[i].uid);
	}
	EXPECT_EQ(pid, atoi(l.rec[0].pid));
	EXPECT_STREQ("monitor_paths", l.rec[0].comm);
	EXPECT_NE(NULL, strstr(l.rec[1].src,
			       variant->family == AF_INET ? "22:" : "22]:"));
	EXPECT_STREQ("-", l.rec[1].pid);
	EXPECT_STREQ("-", l.rec[1].comm);
	free(l.rec);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(cfd);
	close(lfd);
	EXPECT_SEEN(2, 0, 0);
}

/* Only the first SYN, with data, is refused by the firewall */
TEST_F(path, fast_open_falls_back)
{
	struct sockaddr_storage ss;
	char data[200] = "hello";
	int port = 0, lfd, fd;
	struct record r;
	struct seen s;
	socklen_t len;

	ASSERT_EQ(0, sysctl_net("ipv4/tcp_fastopen", "0x207"));
	ASSERT_EQ(0, knd_run(CHAIN("filter hook output priority 0")
			     RULE "'tcp flags & (syn|ack) == syn' "
			     "meta length '>' 150 counter drop"));
	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	len = knd_addr(&ss, variant->local, port);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	ASSERT_EQ(sizeof(data), sendto(fd, data, sizeof(data), MSG_FASTOPEN,
				       (void *)&ss, len));
	EXPECT_EQ(0, knd_run("nft list chain $NFT t c | grep -q 'packets 1 '"));
	s = seen();
	EXPECT_EQ(1, s.attempts);
	/* The kernel does not count this one, which tcp_connect() sends */
	EXPECT_EQ(s.kernel + 1, s.retrans);
	EXPECT_EQ(0, s.again);
	r = monitor_last();
	EXPECT_EQ(sizeof(data), r.data);
	close(fd);
	close(lfd);
}

/* connect() only takes the address: the first write makes the connection */
TEST_F(path, fast_open_by_connect)
{
	struct sockaddr_storage ss;
	int port = 0, one = 1, lfd, fd;
	struct record r;
	socklen_t len;

	ASSERT_EQ(0, sysctl_net("ipv4/tcp_fastopen", "0x207"));
	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	len = knd_addr(&ss, variant->local, port);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	ASSERT_EQ(0, setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one,
				sizeof(one)));
	ASSERT_EQ(0, connect(fd, (void *)&ss, len));
	EXPECT_EQ(0, knd_stat("monitor_attempts"));
	ASSERT_EQ(5, write(fd, "hello", 5));
	EXPECT_SEEN(1, 0, 0);
	r = monitor_last();
	EXPECT_EQ(5, r.data);
	EXPECT_STREQ(monitor_local(lfd), r.dst);
	EXPECT_EQ(getpid(), atoi(r.pid));
	close(fd);
	close(lfd);
}

/* Submit one connect() to an io_uring of its own; returns its result */
static int uring_connect(int fd, const struct sockaddr_storage *ss,
			 socklen_t len, int flags)
{
	struct io_uring_params p = {};
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	unsigned int *array, *tail;
	uint8_t *sq, *cq;
	int ring, res;

	ring = syscall(SYS_io_uring_setup, 1, &p);
	if (ring < 0)
		return -errno;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(*array),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		return -ENOMEM;
	*sqe = (struct io_uring_sqe) {
		.opcode = IORING_OP_CONNECT,
		.flags = flags,
		.fd = fd,
		.addr = (uintptr_t)ss,
		.off = len,
	};
	array = (void *)(sq + p.sq_off.array);
	array[0] = 0;
	tail = (void *)(sq + p.sq_off.tail);
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -EIO;
	cqe = (void *)(cq + p.cq_off.cqes);
	res = cqe->res;
	close(ring);
	return res;
}

/* In the caller's thread, or in one that the kernel makes for the process */
TEST_F(path, io_uring)
{
	static const int flags[] = { 0, IOSQE_ASYNC };
	struct sockaddr_storage ss;
	int port = 0, lfd, fd, i;
	struct record r;
	socklen_t len;

	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	len = knd_addr(&ss, variant->local, port);
	for (i = 0; i < 2; i++) {
		fd = socket(ss.ss_family, SOCK_STREAM, 0);
		ASSERT_EQ(0, uring_connect(fd, &ss, len, flags[i]));
		EXPECT_SEEN(i + 1, 0, 0);
		r = monitor_last();
		EXPECT_STREQ("user", r.from);
		EXPECT_EQ(getpid(), atoi(r.pid));
		EXPECT_EQ(0, strncmp(r.comm, flags[i] ? "iou-wrk-" :
						       "monitor_paths", 8));
		close(fd);
	}
	close(lfd);
}

#define BPF_ST32(_off, _imm)						\
	{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1,	\
	  .off = (_off), .imm = (_imm) }

/*
 * Attach a program that rewrites the destination of each connect() in the
 * cgroup, and refuses the connect() unless @verdict is 1
 */
static int attach_rewrite(int cgroup, const struct sockaddr_storage *to,
			  int verdict)
{
	const struct sockaddr_in6 *sin6 = (const void *)to;
	const struct sockaddr_in *sin = (const void *)to;
	bool v4 = to->ss_family == AF_INET;
	uint32_t addr[4] = {};
	struct bpf_insn insns[] = {
		BPF_ST32(offsetof(struct bpf_sock_addr, user_port),
			 v4 ? sin->sin_port : sin6->sin6_port),
		BPF_ST32(offsetof(struct bpf_sock_addr, user_ip6[0]), 0),
		BPF_ST32(offsetof(struct bpf_sock_addr, user_ip6[1]), 0),
		BPF_ST32(offsetof(struct bpf_sock_addr, user_ip6[2]), 0),
		BPF_ST32(offsetof(struct bpf_sock_addr, user_ip6[3]), 0),
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* IPv4 has one word of address, and jumps over the others */
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		.expected_attach_type = v4 ? BPF_CGROUP_INET4_CONNECT :
					     BPF_CGROUP_INET6_CONNECT,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
	};
	union bpf_attr attach = {
		.target_fd = cgroup,
		.attach_type = load.expected_attach_type,
	};
	int i;

	if (v4) {
		addr[0] = sin->sin_addr.s_addr;
		for (i = 1; i < 5; i++)
			insns[i].off = offsetof(struct bpf_sock_addr, user_ip4);
		for (i = 1; i < 5; i++)
			insns[i].imm = addr[0];
	} else {
		memcpy(addr, &sin6->sin6_addr, sizeof(addr));
		for (i = 0; i < 4; i++)
			insns[i + 1].imm = addr[i];
	}
	attach.attach_bpf_fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load,
				       sizeof(load));
	if ((int)attach.attach_bpf_fd < 0)
		return -errno;
	return syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) ?
	       -errno : 0;
}

/* The destination is the one that the program chose */
TEST_F(path, cgroup_connect)
{
	char dir[] = "/tmp/knetdemo-XXXXXX", group[64], procs[80];
	struct sockaddr_storage to;
	int port = 0, lfd, fd, cgroup;
	struct record r;

	lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, lfd);
	knd_addr(&to, variant->local, port);
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, mount("none", dir, "cgroup2", 0, NULL));
	snprintf(group, sizeof(group), "%s/knetdemo-%d", dir, getpid());
	ASSERT_EQ(0, mkdir(group, 0755));
	cgroup = open(group, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, cgroup);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
	ASSERT_EQ(0, monitor_write_path(procs, "0"));
	EXPECT_EQ(0, attach_rewrite(cgroup, &to, 1));

	fd = monitor_connect(variant->hole, 80, patience());
	EXPECT_LE(0, fd);
	EXPECT_SEEN(1, 0, 0);
	r = monitor_last();
	EXPECT_STREQ(knd_addr_name(&to), r.dst);
	EXPECT_STREQ("lo", r.dev);
	close(fd);

	/* This program replaces the other one, and there is no SYN */
	EXPECT_EQ(0, attach_rewrite(cgroup, &to, 0));
	EXPECT_EQ(-EPERM, monitor_connects(variant->local, port, 1));
	EXPECT_SEEN(1, 0, 0);

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	EXPECT_EQ(0, monitor_write_path(procs, "0"));
	close(cgroup);
	EXPECT_EQ(0, rmdir(group));
	EXPECT_EQ(0, umount(dir));
	EXPECT_EQ(0, rmdir(dir));
	close(lfd);
}

/* A filter that drops makes the transmission fail, but not connect() */
TEST_F(path, refused_by_a_firewall)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, variant->hole, 80);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0), i;
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_run(CHAIN("filter hook output priority 0")
			     RULE "drop"));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(-1, connect(fd, (void *)&ss, len));
		EXPECT_EQ(EINPROGRESS, errno);
		EXPECT_EQ(i + 1, knd_stat("monitor_attempts"));
		if (!i)
			EXPECT_TRUE(retransmitted());
		ASSERT_EQ(0, connect(fd, &none, sizeof(none)));
	}
	close(fd);
	EXPECT_SEEN(3, 0, 0);
}

/* Among hooks of one priority, the one that was registered last runs first */
TEST_F(path, chain_of_the_same_priority)
{
	close(monitor_connect(variant->hole, 80, 0));
	ASSERT_EQ(0, knd_run(CHAIN("filter hook output priority -2147483648")
			     RULE "drop"));
	close(monitor_connect(variant->hole, 80, 0));
	EXPECT_SEEN(1, 0, 0);
	ASSERT_EQ(0, knd_set("monitor", "0"));
	ASSERT_EQ(0, knd_set("monitor", "1"));
	close(monitor_connect(variant->hole, 80, 0));
	EXPECT_SEEN(2, 0, 0);
}

FIXTURE(segments) {
};

FIXTURE_SETUP(segments)
{
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set("monitor", "1"));
}

FIXTURE_TEARDOWN(segments)
{
}

/* A route that puts a segment routing header in, and runs the hooks again */
TEST_F(segments, inline_with_hooks)
{
	struct sockaddr_storage ss;
	struct record r;
	int fd;

	ASSERT_EQ(0, sysctl_net("netfilter/nf_hooks_lwtunnel", "1"));
	ASSERT_EQ(0, knd_run("ip link add hole type dummy && "
			     "ip link set hole up && "
			     "ip addr add 2001:db8:1::2/64 dev hole nodad && "
			     "ip neigh add 2001:db8:1::1 "
			     "lladdr 2:0:0:0:0:1 dev hole && "
			     "ip route add 2001:db8:5::1/128 encap seg6 "
			     "mode inline segs 2001:db8:1::1 dev hole"));
	fd = monitor_connect("2001:db8:5::1", 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(retransmitted());
	close(fd);
	EXPECT_SEEN(1, 1, 0);
	r = monitor_last();
	knd_addr(&ss, "2001:db8:5::1", 80);
	EXPECT_STREQ(knd_addr_name(&ss), r.dst);
}

/* A request of generic netlink that is being made */
struct request {
	union {
		struct nlmsghdr head;
		char room[1024];
	};
};

static void start_request(struct request *r, int family, int command)
{
	struct genlmsghdr *g = NLMSG_DATA(&r->head);

	memset(r, 0, sizeof(*r));
	r->head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	r->head.nlmsg_type = family;
	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	g->cmd = command;
	g->version = 1;
}

/* Add an attribute; returns it, to be ended by end_nest() if others follow */
static struct nlattr *add_attribute(struct request *r, int type,
				    const void *data, size_t len)
{
	struct nlattr *a = (void *)(r->room + NLMSG_ALIGN(r->head.nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy((char *)a + NLA_HDRLEN, data, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) +
			    NLA_ALIGN(a->nla_len);
	return a;
}

static void add_u32(struct request *r, int type, uint32_t value)
{
	add_attribute(r, type, &value, sizeof(value));
}

static void add_u16(struct request *r, int type, uint16_t value)
{
	add_attribute(r, type, &value, sizeof(value));
}

static void end_nest(struct request *r, struct nlattr *a)
{
	a->nla_type |= NLA_F_NESTED;
	a->nla_len = r->room + r->head.nlmsg_len - (char *)a;
}

/* Send the request and read one answer into it; returns 0 or -errno */
static int send_request(int fd, struct request *r)
{
	struct nlmsgerr *e = NLMSG_DATA(&r->head);
	ssize_t n;

	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, r, sizeof(*r), 0);
	if (n < (ssize_t)sizeof(r->head))
		return -EIO;
	return r->head.nlmsg_type == NLMSG_ERROR ? e->error : 0;
}

/* The number of a family of generic netlink */
static int find_family(int fd, const char *name)
{
	struct nlattr *a;
	struct request r;
	size_t at;

	start_request(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	r.head.nlmsg_flags = NLM_F_REQUEST;
	add_attribute(&r, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	if (send_request(fd, &r))
		return -1;
	for (at = NLMSG_LENGTH(GENL_HDRLEN); at < r.head.nlmsg_len;
	     at += NLA_ALIGN(a->nla_len)) {
		a = (void *)(r.room + at);
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)((char *)a + NLA_HDRLEN);
	}
	return -1;
}

static void add_service(struct request *r, int family, const char *addr)
{
	const struct ip_vs_flags flags = { .mask = ~0 };
	struct sockaddr_storage ss;
	struct nlattr *nest;
	char bytes[16] = {};

	knd_addr(&ss, addr, 0);
	if (family == AF_INET)
		memcpy(bytes, &((struct sockaddr_in *)&ss)->sin_addr, 4);
	else
		memcpy(bytes, &((struct sockaddr_in6 *)&ss)->sin6_addr, 16);
	nest = add_attribute(r, IPVS_CMD_ATTR_SERVICE, NULL, 0);
	add_u16(r, IPVS_SVC_ATTR_AF, family);
	add_u16(r, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP);
	add_attribute(r, IPVS_SVC_ATTR_ADDR, bytes, sizeof(bytes));
	add_u16(r, IPVS_SVC_ATTR_PORT, htons(80));
	add_attribute(r, IPVS_SVC_ATTR_SCHED_NAME, "rr", 3);
	add_attribute(r, IPVS_SVC_ATTR_FLAGS, &flags, sizeof(flags));
	add_u32(r, IPVS_SVC_ATTR_TIMEOUT, 0);
	add_u32(r, IPVS_SVC_ATTR_NETMASK,
		family == AF_INET ? 0xffffffff : 128);
	end_nest(r, nest);
}

static void add_server(struct request *r, int family, const char *addr)
{
	struct sockaddr_storage ss;
	struct nlattr *nest;
	char bytes[16] = {};

	knd_addr(&ss, addr, 0);
	if (family == AF_INET)
		memcpy(bytes, &((struct sockaddr_in *)&ss)->sin_addr, 4);
	else
		memcpy(bytes, &((struct sockaddr_in6 *)&ss)->sin6_addr, 16);
	nest = add_attribute(r, IPVS_CMD_ATTR_DEST, NULL, 0);
	add_attribute(r, IPVS_DEST_ATTR_ADDR, bytes, sizeof(bytes));
	add_u16(r, IPVS_DEST_ATTR_PORT, htons(80));
	add_u32(r, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_MASQ);
	add_u32(r, IPVS_DEST_ATTR_WEIGHT, 1);
	add_u32(r, IPVS_DEST_ATTR_U_THRESH, 0);
	add_u32(r, IPVS_DEST_ATTR_L_THRESH, 0);
	add_u16(r, IPVS_DEST_ATTR_ADDR_FAMILY, family);
	end_nest(r, nest);
}

/* Make the namespace a director for @addr, with one server; 0 or -errno */
static int add_director(int family, const char *addr, const char *server)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC), ipvs, err;
	struct request r;

	if (fd < 0)
		return -errno;
	ipvs = find_family(fd, IPVS_GENL_NAME);
	start_request(&r, ipvs, IPVS_CMD_NEW_SERVICE);
	add_service(&r, family, addr);
	err = ipvs < 0 ? -ENOENT : send_request(fd, &r);
	if (!err) {
		start_request(&r, ipvs, IPVS_CMD_NEW_DEST);
		add_service(&r, family, addr);
		add_server(&r, family, server);
		err = send_request(fd, &r);
	}
	close(fd);
	return err;
}

/* A director of IPVS, whose only server never answers */
FIXTURE(director) {
	int home;
	int peer;
};

FIXTURE_VARIANT(director) {
	int family;
	const char *near;
	const char *far;
	const char *hole;
	const char *from;
};

FIXTURE_VARIANT_ADD(director, ipv4) {
	.family = AF_INET,
	.near = "203.0.113.1",
	.far = "203.0.113.2",
	.hole = "192.0.2.1",
	.from = "192.0.2.2",
};

FIXTURE_VARIANT_ADD(director, ipv6) {
	.family = AF_INET6,
	.near = "2001:db8:4::1",
	.far = "2001:db8:4::2",
	.hole = "2001:db8:1::1",
	.from = "2001:db8:1::2",
};

FIXTURE_SETUP(director)
{
	const bool v4 = variant->family == AF_INET;

	/* Nothing else in the test loads them */
	knd_run("modprobe -q ip_vs; modprobe -q ip_vs_rr");
	ASSERT_EQ(0, knd_unshare_net());
	self->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->home);
	self->peer = new_namespace("PEER");
	ASSERT_LE(0, self->peer);
	setenv("NEAR", variant->near, 1);
	setenv("FAR", variant->far, 1);
	setenv("HOLE", variant->hole, 1);
	setenv("FROM", variant->from, 1);
	setenv("LEN", v4 ? "24" : "64", 1);
	setenv("NODAD", v4 ? "" : "nodad", 1);
	ASSERT_EQ(0, add_veth());
	ASSERT_EQ(0, knd_run("ip link add hole type dummy && "
			     "ip link set hole up && "
			     "ip addr add $FROM/$LEN dev hole $NODAD && "
			     "ip neigh add $HOLE lladdr 2:0:0:0:0:1 dev hole"));
	ASSERT_EQ(0, sysctl_net(v4 ? "ipv4/ip_forward" :
				     "ipv6/conf/all/forwarding", "1"));
	ASSERT_EQ(0, add_director(variant->family, variant->near,
				  variant->hole));
	ASSERT_EQ(0, knd_set("monitor", "1"));
}

FIXTURE_TEARDOWN(director)
{
}

/*
 * A client in the peer connects to the director. Returns how often its SYN was
 * sent, or -1. Its own namespace has one record of that.
 */
static long long client_connects(const char *addr, int home, int peer,
				 bool wait)
{
	long long sent = -1;
	struct seen s;
	int fd;

	if (setns(peer, CLONE_NEWNET))
		return -1;
	if (!knd_set("monitor", "1")) {
		fd = monitor_connect(addr, 80, 0);
		if (!wait || retransmitted()) {
			close(fd);
			s = seen();
			if (s.attempts == 1)
				sent = s.attempts + s.retrans;
		}
	}
	return setns(home, CLONE_NEWNET) ? -1 : sent;
}

TEST_F(director, client)
{
	long long sent = client_connects(variant->near, self->home,
					 self->peer, true);

	ASSERT_LE(2, sent);
	EXPECT_EQ(sent, knd_wait_stat("monitor_no_socket", sent, patience()));
	EXPECT_SEEN(0, 0, sent);
}

/* The thread of a NAPI instance is a task, and not the one that connects */
TEST_F(director, client_by_threaded_napi)
{
	long long sent;

	ASSERT_EQ(0, knd_run("ethtool -K veth gro on && "
			     "unshare -m bash -c 'mount -t sysfs sys /sys && "
			     "echo 1 > /sys/class/net/veth/threaded'"));
	ASSERT_EQ(0, soon("grep -q napi/veth /proc/[0-9]*/comm"));
	sent = client_connects(variant->near, self->home, self->peer, false);
	ASSERT_LE(1, sent);
	EXPECT_EQ(sent, knd_wait_stat("monitor_no_socket", sent, patience()));
	EXPECT_SEEN(0, 0, sent);
}

/* The director connects itself: once to the service, once by IPVS */
TEST_F(director, local_client)
{
	struct sockaddr_storage ss;
	struct record r;
	struct seen s;
	int fd;

	fd = monitor_connect(variant->near, 80, 0);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(retransmitted());
	close(fd);
	s = seen();
	EXPECT_SEEN(1, 0, s.attempts + s.retrans);
	r = monitor_last();
	knd_addr(&ss, variant->near, 80);
	EXPECT_STREQ(knd_addr_name(&ss), r.dst);
	EXPECT_STREQ("user", r.from);
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *p = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *p++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* A SYN to port 80 of @to; returns its length */
static size_t make_syn(uint8_t *syn, int family, const char *from,
		       const char *to)
{
	uint8_t *tcp = syn + (family == AF_INET ? 20 : 40);
	uint16_t sum;

	memset(syn, 0, 60);
	if (family == AF_INET) {
		syn[0] = 0x45;
		syn[3] = 40;
		syn[8] = 64;
		syn[9] = IPPROTO_TCP;
		inet_pton(AF_INET, from, syn + 12);
		inet_pton(AF_INET, to, syn + 16);
		sum = checksum(syn, 20);
		memcpy(syn + 10, &sum, sizeof(sum));
	} else {
		syn[0] = 0x60;
		syn[5] = 20;
		syn[6] = IPPROTO_TCP;
		syn[7] = 64;
		inet_pton(AF_INET6, from, syn + 8);
		inet_pton(AF_INET6, to, syn + 24);
	}
	tcp[0] = 0x12;
	tcp[1] = 0x34;
	tcp[3] = 80;
	tcp[12] = 0x50;
	tcp[13] = 0x02;
	tcp[14] = 0xff;
	return tcp + 20 - syn;
}

/* A program that writes to a tun device receives packets in its own context */
TEST_F(director, tun_writer)
{
	const bool v4 = variant->family == AF_INET;
	uint8_t syn[60];
	size_t len;
	int tun, i;

	tun = monitor_tun(0);
	ASSERT_LE(0, tun);
	ASSERT_EQ(0, knd_run("ip link set tun addrgenmode none up && "
			     "ip addr add 198.51.100.1/24 dev tun && "
			     "ip addr add 2001:db8:2::1/64 dev tun nodad"));
	len = make_syn(syn, variant->family,
		       v4 ? "198.51.100.2" : "2001:db8:2::2", variant->near);
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(len, write(tun, syn, len));
		EXPECT_EQ(i, knd_wait_stat("monitor_no_socket", i, patience()));
	}
	EXPECT_SEEN(0, 0, 3);
	close(tun);
}

/* PID of the latest record, as the calling process reads it */
static int latest_pid(void)
{
	return atoi(monitor_last().pid);
}

/* Run @fn as the first process of a pid namespace; returns its PID, or -1 */
static int in_pid_namespace(int (*fn)(void))
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return -1;
	pid = fork();
	if (!pid)
		_exit(fn());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -1;
	return pid;
}

/* The first process of its namespace */
static int connects_as_one(void)
{
	/* The record is of a process outside of this namespace */
	if (latest_pid() != 0)
		return 1;
	if (monitor_connects("127.0.0.1", 1, 1))
		return 2;
	return latest_pid() != 1;
}

/* The same from a namespace one level further down */
static int connects_below(void)
{
	int pid = in_pid_namespace(connects_as_one);

	/* The process has exited; the record still has its number */
	return pid < 2 || latest_pid() != pid;
}

TEST(pid_as_the_reader_sees_it)
{
	int pid;

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	EXPECT_EQ(getpid(), latest_pid());
	pid = in_pid_namespace(connects_as_one);
	EXPECT_LT(0, pid);
	EXPECT_EQ(pid, latest_pid());
}

TEST(pid_of_two_namespaces_below)
{
	int pid;

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	pid = in_pid_namespace(connects_below);
	EXPECT_LT(0, pid);
	/* The process two levels down came after the one that is known here */
	EXPECT_LT(pid, latest_pid());
}

TEST_HARNESS_MAIN
