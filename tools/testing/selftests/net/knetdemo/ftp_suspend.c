// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transfer of net/knetdemo continues after a suspend of the system.
 *
 * A suspend freezes all tasks and thaws them again, which is all that a task
 * notices. /dev/snapshot does the same by the same functions to all tasks but
 * the caller. No device sleeps, so nothing has to wake up the machine.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <linux/suspend_ioctls.h>
#include <sys/prctl.h>

#include "../../kselftest_harness.h"
#include "ftp_test.h"

static volatile size_t asked_at;	/* position of the server in the data */
static volatile bool hold;		/* the server waits at half of it */

static bool to_half(struct ftp_server *s, size_t at, const char **from,
		    size_t *len)
{
	*from = s->data + at;
	if (at < s->size / 2 && *len > s->size / 2 - at)
		*len = s->size / 2 - at;
	asked_at = at;
	while (hold && at >= s->size / 2)
		usleep(1000);
	return true;
}

static bool is_halfway(void *s)
{
	return asked_at >= ((struct ftp_server *)s)->size / 2;
}

FIXTURE(suspend) {
	struct ftp_server s;
	int fd;
	pid_t pid;
};

FIXTURE_SETUP(suspend)
{
	ASSERT_EQ(0, knd_unshare_net());
	fill();
	self->s.data = data;
	self->s.size = data_size;
	self->s.more = to_half;
	hold = true;
	ASSERT_EQ(0, ftp_server_start(&self->s, AF_INET));
	self->fd = new_file();
}

FIXTURE_TEARDOWN(suspend)
{
	hold = false;
	if (self->pid > 0) {
		kill(self->pid, SIGKILL);
		waitpid(self->pid, NULL, 0);
	}
	ftp_server_stop(&self->s);
}

TEST_F(suspend, three_times)
{
	int status, snapshot;

	/* Closing it thaws the tasks, also if this process is killed */
	snapshot = open("/dev/snapshot", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, snapshot) TH_LOG("%s", strerror(errno));

	self->pid = fork();
	if (!self->pid) {
		struct knetdemo_ftp_get r = request(&self->s, self->fd);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dev = open("/dev/knetdemo", O_RDWR);
		_exit(-get(&r));
	}
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ioctl(snapshot, SNAPSHOT_FREEZE))
			TH_LOG("%s", strerror(errno));
		ASSERT_EQ(0, ioctl(snapshot, SNAPSHOT_UNFREEZE));
	}
	/* No result yet: the server holds half of the data */
	EXPECT_EQ(0, waitpid(self->pid, &status, WNOHANG));
	hold = false;
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	self->pid = 0;
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status))
		TH_LOG("%s", strerror(WEXITSTATUS(status)));
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(1, knd_stat("ftp_started"));
	EXPECT_EQ(1, knd_stat("ftp_done"));
	close(snapshot);
}

TEST_HARNESS_MAIN
