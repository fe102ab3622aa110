// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transfer of net/knetdemo whose process is stopped, frozen, traced or gets a
 * signal: only a signal with a handler, or one that kills, ends the transfer.
 *
 * A child process runs the transfer. The server is a thread of the parent, and
 * sends as slowly as a test requests.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "../../kselftest_harness.h"
#include "ftp_test.h"

/* What the child does after EINTR */
enum { GIVE_UP, TRY_AGAIN, START_OVER };

static volatile int hold;	/* the server waits at half of the data */
static size_t asked_at;		/* position of the server in the data */
/* The size of the request, as the child knows it */
static size_t caller_size = sizeof(struct knetdemo_ftp_get);

static bool slowly(struct ftp_server *s, size_t at, const char **from,
		   size_t *len)
{
	*from = s->data + at;
	if (*len > 32768)
		*len = 32768;
	usleep(2000);
	asked_at = at;
	while (hold && at >= s->size / 2)
		usleep(1000);
	return true;
}

FIXTURE(stop) {
	struct ftp_server s;
	int fd;
	pid_t pid;
};

FIXTURE_VARIANT(stop) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(stop, passive) { .flags = 0 };
FIXTURE_VARIANT_ADD(stop, active) { .flags = KNETDEMO_FTP_ACTIVE };

FIXTURE_SETUP(stop)
{
	ASSERT_EQ(0, knd_unshare_net());
	dev = open("/dev/knetdemo", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, dev);
	fill();
	self->s.data = data;
	self->s.size = data_size;
	self->s.more = slowly;
	self->s.step_us = 500;
	hold = 0;
	asked_at = 0;
	ASSERT_EQ(0, ftp_server_start(&self->s, AF_INET));
	self->fd = new_file();
}

FIXTURE_TEARDOWN(stop)
{
	hold = 0;
	if (self->pid > 0) {
		kill(self->pid, SIGKILL);
		waitpid(self->pid, NULL, 0);
	}
	ftp_server_stop(&self->s);
}

static void nothing(int sig)
{
}

/* The child's exit status is the error of the last transfer */
static pid_t child(const struct ftp_server *s, int fd, unsigned int flags,
		   unsigned int timeout_ms, int when_interrupted)
{
	struct sigaction act = { .sa_handler = nothing };
	struct knetdemo_ftp_get r;
	pid_t pid = fork();
	int err;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* An open file of its own, which is closed when the child exits */
	close(dev);
	dev = open("/dev/knetdemo", O_RDWR);
	sigaction(SIGUSR1, &act, NULL);
	r = request(s, fd);
	r.size = caller_size;
	r.flags = flags | KNETDEMO_FTP_SIZE;
	r.timeout_ms = timeout_ms;
	err = get(&r);
	if (err == -EINTR && when_interrupted != GIVE_UP) {
		if (when_interrupted == START_OVER && ftruncate(fd, 0))
			_exit(255);
		err = get(&r);
	}
	_exit(-err);
}

static bool is_stopped(void *pid)
{
	int status;

	return waitpid(*(pid_t *)pid, &status, WUNTRACED | WNOHANG) > 0;
}

static bool is_halfway(void *s)
{
	return asked_at >= ((struct ftp_server *)s)->size / 2;
}

static bool has_failed(void *n)
{
	return knd_stat("ftp_failed") >= *(long long *)n;
}

static int exit_of(pid_t *pid)
{
	int status;

	if (waitpid(*pid, &status, 0) != *pid)
		return -1;
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

/* Stop it again and again, from the beginning of a transfer to its end */
TEST_F(stop, everywhere)
{
	int status, stops = 0;

	self->pid = child(&self->s, self->fd, variant->flags, 20000, GIVE_UP);
	for (;;) {
		usleep(3000);
		if (kill(self->pid, SIGSTOP))
			break;
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
		if (!WIFSTOPPED(status))
			break;
		stops++;
		usleep(1000);
		kill(self->pid, SIGCONT);
	}
	self->pid = 0;
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status))
		TH_LOG("%s", strerror(WEXITSTATUS(status)));
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_LE(10, stops);
	EXPECT_EQ(1, knd_stat("ftp_started"));
	EXPECT_EQ(1, knd_stat("ftp_done"));
	TH_LOG("stopped %d times", stops);
}

/* The stage's time stands still while the process is stopped */
TEST_F(stop, for_longer_than_a_stage_may_take)
{
	unsigned int timeout_ms = knd_machine_slow() ? 3000 : 1000;

	hold = 1;
	self->s.step_us = 0;
	self->pid = child(&self->s, self->fd, variant->flags, timeout_ms,
			  GIVE_UP);
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	kill(self->pid, SIGSTOP);
	ASSERT_TRUE(wait_until(is_stopped, &self->pid));
	usleep(timeout_ms * 1500);
	hold = 0;
	kill(self->pid, SIGCONT);
	EXPECT_EQ(0, exit_of(&self->pid));
	EXPECT_TRUE(same(self->fd, data, data_size));
}

/*
 * The restarted call has no results that the caller does not know of. It still
 * has to find its parked transfer, instead of beginning another one.
 */
TEST_F(stop, an_older_caller)
{
	hold = 1;
	caller_size = KNETDEMO_FTP_GET_SIZE_VER0;
	self->pid = child(&self->s, self->fd, variant->flags, 20000, GIVE_UP);
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	kill(self->pid, SIGSTOP);
	ASSERT_TRUE(wait_until(is_stopped, &self->pid));
	hold = 0;
	kill(self->pid, SIGCONT);
	EXPECT_EQ(0, exit_of(&self->pid));
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(1, knd_stat("ftp_started"));
}

/* As a debugger does when it attaches */
TEST_F(stop, traced)
{
	int status;

	hold = 1;
	self->pid = child(&self->s, self->fd, variant->flags, 20000, GIVE_UP);
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ptrace(PTRACE_ATTACH, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	}
	hold = 0;
	EXPECT_EQ(0, exit_of(&self->pid));
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(1, knd_stat("ftp_started"));
}

static bool is_frozen(void *dir)
{
	char text[256] = "";

	knd_read(dir, "/cgroup.events", text, sizeof(text));
	return strstr(text, "frozen 1");
}

TEST_F(stop, frozen)
{
	char top[] = "/tmp/knd-cgroup-XXXXXX", dir[64], number[16];

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_NE(NULL, mkdtemp(top));
	ASSERT_EQ(0, mount("none", top, "cgroup2", 0, NULL));
	snprintf(dir, sizeof(dir), "%s/frozen", top);
	ASSERT_EQ(0, mkdir(dir, 0755));

	hold = 1;
	self->pid = child(&self->s, self->fd, variant->flags, 20000, GIVE_UP);
	snprintf(number, sizeof(number), "%d", self->pid);
	ASSERT_EQ(0, knd_write(dir, "/cgroup.procs", number));
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, knd_write(dir, "/cgroup.freeze", "1"));
		ASSERT_TRUE(wait_until(is_frozen, dir));
		ASSERT_EQ(0, knd_write(dir, "/cgroup.freeze", "0"));
	}
	hold = 0;
	EXPECT_EQ(0, exit_of(&self->pid));
	EXPECT_TRUE(same(self->fd, data, data_size));
	EXPECT_EQ(0, rmdir(dir));
	umount2(top, MNT_DETACH);
	rmdir(top);
}

TEST_F(stop, a_handler_ends_it)
{
	hold = 1;
	self->pid = child(&self->s, self->fd, variant->flags, 60000, GIVE_UP);
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	kill(self->pid, SIGUSR1);
	EXPECT_EQ(EINTR, exit_of(&self->pid));
	EXPECT_EQ(1, knd_stat("ftp_failed"));
}

/*
 * The handler runs when the process is continued. The next transfer is correct,
 * whatever the program did to the file meanwhile.
 */
TEST_F(stop, a_handler_after_a_stop)
{
	static const int then[] = { GIVE_UP, TRY_AGAIN, START_OVER };

	for (int i = 0; i < 3; i++) {
		/* A new server: the last one may still serve the last child */
		ftp_server_stop(&self->s);
		ASSERT_EQ(0, ftp_server_start(&self->s, AF_INET));
		ASSERT_EQ(0, ftruncate(self->fd, 0));
		hold = 1;
		asked_at = 0;
		self->pid = child(&self->s, self->fd, variant->flags, 20000,
				  then[i]);
		ASSERT_TRUE(wait_until(is_halfway, &self->s));
		kill(self->pid, SIGSTOP);
		ASSERT_TRUE(wait_until(is_stopped, &self->pid));
		kill(self->pid, SIGUSR1);
		kill(self->pid, SIGCONT);
		hold = 0;
		if (then[i] == GIVE_UP) {
			EXPECT_EQ(EINTR, exit_of(&self->pid));
			continue;
		}
		EXPECT_EQ(0, exit_of(&self->pid));
		EXPECT_TRUE(same(self->fd, data, data_size))
			TH_LOG("%d", i);
	}
}

/* The exit of the process closes the open file, which ends the transfer */
TEST_F(stop, killed)
{
	long long one = 1;

	hold = 1;
	self->pid = child(&self->s, self->fd, variant->flags, 60000, GIVE_UP);
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	kill(self->pid, SIGSTOP);
	ASSERT_TRUE(wait_until(is_stopped, &self->pid));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(-2, exit_of(&self->pid));
	EXPECT_TRUE(wait_until(has_failed, &one));
	EXPECT_EQ(0, knd_stuck());
}

/* The open file outlives the task: its next transfer ends the parked one */
TEST_F(stop, killed_and_the_file_stays_open)
{
	struct knetdemo_ftp_get r;
	struct ftp_server other = {
		.data = data, .size = data_size,
	};
	int status;

	hold = 1;
	self->pid = fork();
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		r = request(&self->s, self->fd);
		r.flags = variant->flags;
		r.timeout_ms = 60000;
		_exit(-get(&r));
	}
	ASSERT_TRUE(wait_until(is_halfway, &self->s));
	kill(self->pid, SIGSTOP);
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(-2, exit_of(&self->pid));
	EXPECT_EQ(0, knd_stat("ftp_failed"));

	ASSERT_EQ(0, ftp_server_start(&other, AF_INET));
	r = request(&other, new_file());
	EXPECT_EQ(0, get(&r));
	EXPECT_TRUE(same(r.fd, data, data_size));
	EXPECT_EQ(1, knd_stat("ftp_failed"));
	EXPECT_EQ(1, knd_stat("ftp_done"));
	ftp_server_stop(&other);
}

TEST_HARNESS_MAIN
