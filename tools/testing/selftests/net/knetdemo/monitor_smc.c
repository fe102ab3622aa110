// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection monitor of net/knetdemo and programs that use AF_SMC: these
 * connect by a TCP socket of the kernel's, which stays where the peer or the
 * machine cannot do SMC.
 *
 * A program of its own, as some kernels have no SMC: it needs InfiniBand.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>

#include "../../kselftest_harness.h"
#include "monitor_test.h"

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN	0x20000000
#endif
#define SMCPROTO_SMC	0
#define SMCPROTO_SMC6	1

FIXTURE(smc) {
	int lfd;
	struct sockaddr_storage to;
	socklen_t len;
};

FIXTURE_VARIANT(smc) {
	int family;
	int protocol;
	const char *local;
	bool fast_open;
};

FIXTURE_VARIANT_ADD(smc, ipv4) {
	.family = AF_INET,
	.protocol = SMCPROTO_SMC,
	.local = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(smc, ipv6) {
	.family = AF_INET6,
	.protocol = SMCPROTO_SMC6,
	.local = "::1",
};

/* SMC knows no Fast Open: the socket becomes one of TCP before it connects */
FIXTURE_VARIANT_ADD(smc, ipv4_fast_open) {
	.family = AF_INET,
	.protocol = SMCPROTO_SMC,
	.local = "127.0.0.1",
	.fast_open = true,
};

FIXTURE_VARIANT_ADD(smc, ipv6_fast_open) {
	.family = AF_INET6,
	.protocol = SMCPROTO_SMC6,
	.local = "::1",
	.fast_open = true,
};

FIXTURE_SETUP(smc)
{
	int fd, port = 0;

	fd = socket(AF_SMC, SOCK_STREAM, variant->protocol);
	if (fd < 0 && errno == EAFNOSUPPORT)
		SKIP(return, "this kernel has no SMC");
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, monitor_write_path("/proc/sys/net/ipv4/tcp_fastopen",
					"0x207"));
	self->lfd = monitor_listen(variant->local, &port);
	ASSERT_LE(0, self->lfd);
	self->len = knd_addr(&self->to, variant->local, port);
	ASSERT_EQ(0, knd_set("monitor", "1"));
}

FIXTURE_TEARDOWN(smc)
{
	close(self->lfd);
}

TEST_F(smc, is_its_program_s)
{
	struct record r;
	int cfd, status;
	pid_t pid;
	char c;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setresuid(1234, 1234, 1234))
			_exit(1);
		fd = socket(AF_SMC, SOCK_STREAM, variant->protocol);
		if (variant->fast_open)
			_exit(sendto(fd, "x", 1, MSG_FASTOPEN,
				     (void *)&self->to, self->len) != 1);
		if (connect(fd, (void *)&self->to, self->len))
			_exit(2);
		_exit(write(fd, "x", 1) != 1);
	}
	cfd = accept(self->lfd, NULL, NULL);
	ASSERT_LE(0, cfd);
	EXPECT_EQ(1, read(cfd, &c, 1));
	EXPECT_EQ('x', c);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	r = monitor_last();
	EXPECT_STREQ("user", r.from);
	EXPECT_EQ(1234, r.uid);
	EXPECT_EQ(pid, atoi(r.pid));
	EXPECT_STREQ("monitor_smc", r.comm);
	EXPECT_STREQ(knd_addr_name(&self->to), r.dst);
	close(cfd);
}

TEST_HARNESS_MAIN
