// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TCP service of net/knetdemo with BPF programs: one puts a connection into
 * a sockmap before it is accepted, one causes a callback while TCP processes an
 * ACK, and one denies all traffic of the cgroup of the task that switched the
 * service on.
 *
 * Needs CONFIG_CGROUP_BPF, CONFIG_BPF_STREAM_PARSER, CONFIG_BPF_SYSCALL and
 * CONFIG_MEMCG. The programs are a few instructions each, so they are arrays of
 * instructions here.
 */

#define _GNU_SOURCE
#include <linux/bpf.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../kselftest_harness.h"
#include "tcp_test.h"

#define CGROUP	"/tmp/knetdemo_cgroup/"
#define CHILD	CGROUP "knetdemo/"

#define INSN(c, d, s, o, i)	\
	((struct bpf_insn){ .code = c, .dst_reg = d, .src_reg = s, .off = o, \
			    .imm = i })
#define MOV(d, s)	INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV_IMM(d, i)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD_IMM(d, i)	INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o)	INSN(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define STORE(d, o, i)	INSN(BPF_ST | BPF_MEM | BPF_W, d, 0, o, i)
#define JNE(d, i, o)	INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define CALL(i)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, i)
#define EXIT()		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static int load_program(int type, const struct bpf_insn *insns, size_t n)
{
	static char log[65536];
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)insns,
		.insn_cnt = n,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		printf("# %d: %.2000s\n", fd, log);
	return fd;
}

static int attach_program(int prog, const char *dir, int type)
{
	union bpf_attr attr = {
		.attach_bpf_fd = prog,
		.attach_type = type,
	};
	int fd = open(dir, O_RDONLY | O_DIRECTORY), err;

	if (fd < 0)
		return -errno;
	attr.target_fd = fd;
	err = bpf(BPF_PROG_ATTACH, &attr);
	close(fd);
	return err;
}

static int detach_program(int prog, const char *dir, int type)
{
	union bpf_attr attr = {
		.attach_bpf_fd = prog,
		.attach_type = type,
	};
	int fd = open(dir, O_RDONLY | O_DIRECTORY), err;

	if (fd < 0)
		return -errno;
	attr.target_fd = fd;
	err = bpf(BPF_PROG_DETACH, &attr);
	close(fd);
	return err;
}

/* A sockmap with room for one socket */
static int make_sockmap(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

/* Put each connection of PORT into the map when it is established */
static int load_taker(int map)
{
	const struct bpf_insn insns[] = {
		MOV(BPF_REG_6, BPF_REG_1),
		LOAD(BPF_REG_2, BPF_REG_6, offsetof(struct bpf_sock_ops, op)),
		JNE(BPF_REG_2, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, 10),
		LOAD(BPF_REG_2, BPF_REG_6,
		     offsetof(struct bpf_sock_ops, local_port)),
		JNE(BPF_REG_2, PORT, 8),
		STORE(BPF_REG_10, -4, 0),
		MOV(BPF_REG_1, BPF_REG_6),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0,
		     map),
		INSN(0, 0, 0, 0, 0),
		MOV(BPF_REG_3, BPF_REG_10),
		ADD_IMM(BPF_REG_3, -4),
		MOV_IMM(BPF_REG_4, BPF_ANY),
		CALL(BPF_FUNC_sock_map_update),
		MOV_IMM(BPF_REG_0, 1),
		EXIT(),
	};

	return load_program(BPF_PROG_TYPE_SOCK_OPS, insns, ARRAY_SIZE(insns));
}

/*
 * Set SO_SNDBUF of the connections of PORT whenever TCP has measured a round
 * trip, which it does while it processes an ACK. This calls sk_write_space.
 */
static int load_setter(void)
{
	const struct bpf_insn insns[] = {
		MOV(BPF_REG_6, BPF_REG_1),
		LOAD(BPF_REG_2, BPF_REG_6,
		     offsetof(struct bpf_sock_ops, local_port)),
		JNE(BPF_REG_2, PORT, 15),
		LOAD(BPF_REG_2, BPF_REG_6, offsetof(struct bpf_sock_ops, op)),
		JNE(BPF_REG_2, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, 4),
		MOV(BPF_REG_1, BPF_REG_6),
		MOV_IMM(BPF_REG_2, BPF_SOCK_OPS_RTT_CB_FLAG),
		CALL(BPF_FUNC_sock_ops_cb_flags_set),
		INSN(BPF_JMP | BPF_JA, 0, 0, 9, 0),
		JNE(BPF_REG_2, BPF_SOCK_OPS_RTT_CB, 8),
		STORE(BPF_REG_10, -4, 100000),
		MOV(BPF_REG_1, BPF_REG_6),
		MOV_IMM(BPF_REG_2, SOL_SOCKET),
		MOV_IMM(BPF_REG_3, SO_SNDBUF),
		MOV(BPF_REG_4, BPF_REG_10),
		ADD_IMM(BPF_REG_4, -4),
		MOV_IMM(BPF_REG_5, 4),
		CALL(BPF_FUNC_setsockopt),
		MOV_IMM(BPF_REG_0, 1),
		EXIT(),
	};

	return load_program(BPF_PROG_TYPE_SOCK_OPS, insns, ARRAY_SIZE(insns));
}

/* Deny each packet */
static int load_denier(void)
{
	const struct bpf_insn insns[] = {
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	return load_program(BPF_PROG_TYPE_CGROUP_SKB, insns,
			    ARRAY_SIZE(insns));
}

static int join(const char *dir)
{
	return knd_write(dir, "cgroup.procs", "0");
}

/* A value of memory.stat of the child group */
static long long group_memory(const char *name)
{
	char text[8192], *line, *save;
	size_t len = strlen(name);

	if (knd_read(CHILD, "memory.stat", text, sizeof(text)) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return atoll(line + len + 1);
	return -1;
}

FIXTURE(bpf) {
	int prog;
};

FIXTURE_SETUP(bpf)
{
	mkdir(CGROUP, 0700);
	ASSERT_EQ(0, mount("none", CGROUP, "cgroup2", 0, NULL));
	ASSERT_EQ(0, mkdir(CHILD, 0700));
	ASSERT_EQ(0, knd_unshare_net());
	self->prog = -1;
}

/* Leave nothing behind for the next tests */
FIXTURE_TEARDOWN_PARENT(bpf)
{
	join(CGROUP);
	rmdir(CHILD);
	umount(CGROUP);
	rmdir(CGROUP);
}

/*
 * Start the service and a program that puts its connections into a sockmap
 * before they are accepted. Returns the program, or -errno.
 */
static int start_taken(void)
{
	int map = make_sockmap(), prog, err;

	if (map < 0)
		return map;
	prog = load_taker(map);
	/* The program has a reference */
	close(map);
	if (prog < 0)
		return prog;
	err = start("127.0.0.1", "echo") ?:
	      attach_program(prog, CGROUP, BPF_CGROUP_SOCK_OPS);
	if (!err)
		return prog;
	close(prog);
	return err;
}

/*
 * A connection that has an owner already is reset. With the callbacks of two
 * owners, Linux 6.12 would free a socket that is still hashed.
 */
TEST_F(bpf, a_connection_of_a_sockmap_is_refused)
{
	int fd, n = knd_slow(20, 5);
	char c;

	self->prog = start_taken();
	ASSERT_LE(0, self->prog);
	for (int i = 0; i < n; i++) {
		fd = dial("127.0.0.1", PORT);
		if (fd >= 0) {
			/* The first call after the reset reports it */
			if (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
				EXPECT_EQ(-1, recv(fd, &c, 1, 0));
			EXPECT_EQ(ECONNRESET, errno);
			close(fd);
		}
		EXPECT_EQ(i + 1, knd_wait_stat("tcp_closed_error", i + 1,
					       20000));
	}
	ASSERT_EQ(0, detach_program(self->prog, CGROUP, BPF_CGROUP_SOCK_OPS));
	EXPECT_EQ(n, knd_stat("tcp_accepted"));
	EXPECT_EQ(0, listed());
	/* The next connection has no other owner */
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ask(fd, "alone"));
	close(fd);
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
	EXPECT_EQ(0, knd_stuck());
	close(self->prog);
}

/*
 * The same, with data and a reset that arrive before the connection is
 * accepted. The callbacks that it inherits from the listener run then, and must
 * not take the user data of the other owner for the service's.
 */
TEST_F(bpf, a_connection_of_a_sockmap_is_reset_early)
{
	int fd, n = knd_slow(20, 5);

	self->prog = start_taken();
	ASSERT_LE(0, self->prog);
	ASSERT_EQ(0, go_first());
	for (int i = 0; i < n; i++) {
		fd = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fd);
		EXPECT_EQ(5, send(fd, "hello", 5, MSG_NOSIGNAL));
		EXPECT_EQ(0, reset_by_peer(fd));
		EXPECT_EQ(i, knd_stat("tcp_accepted"));
		/* The acceptor runs while this task sleeps */
		EXPECT_EQ(i + 1, knd_wait_stat("tcp_closed_error", i + 1,
					       20000));
	}
	ASSERT_EQ(0, detach_program(self->prog, CGROUP, BPF_CGROUP_SOCK_OPS));
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
	EXPECT_EQ(0, knd_stuck());
	close(self->prog);
}

static ssize_t echo_back(int fd, size_t total)
{
	static uint8_t out[65536], in[sizeof(out)];
	struct stream s = { .state = 815 }, t = s;
	size_t done = 0;
	ssize_t n;
	pid_t pid;

	pid = fork();
	if (!pid) {
		for (; done < total; done += sizeof(out)) {
			stream_fill(&s, out, sizeof(out));
			if (send_all(fd, out, sizeof(out)))
				_exit(1);
		}
		_exit(0);
	}
	for (; done < total; done += n) {
		n = recv_all(fd, in, sizeof(in));
		stream_fill(&t, out, sizeof(out));
		if (n != (ssize_t)sizeof(in) || memcmp(in, out, n))
			break;
	}
	waitpid(pid, NULL, 0);
	return done;
}

TEST_F(bpf, a_callback_while_an_ack_is_processed)
{
	size_t total = knd_slow(64, 4) << 20;
	int fd;

	self->prog = load_setter();
	ASSERT_LE(0, self->prog);
	ASSERT_EQ(0, start("127.0.0.1", "echo"));
	ASSERT_EQ(0, attach_program(self->prog, CGROUP, BPF_CGROUP_SOCK_OPS));
	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ((ssize_t)total, echo_back(fd, total));
	/* The program did set SO_SNDBUF, which the kernel doubles */
	EXPECT_EQ(0, knd_run("ss -Htnm state established sport = 60000 | "
			     "grep -q 'tb200000,'"));
	EXPECT_EQ(0, detach_program(self->prog, CGROUP, BPF_CGROUP_SOCK_OPS));
	EXPECT_EQ(0, knd_set("tcp", "0"));
	EXPECT_EQ(knd_stat("tcp_accepted"), knd_stat("tcp_closed"));
	close(fd);
	close(self->prog);
}

/* Switch the service on by a task in the group that is denied all */
static int start_in_group(const char *service)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(join(CHILD) || start("127.0.0.1", service));
	waitpid(pid, &status, 0);
	return status;
}

/* Listen by a task in that group, until it is killed */
static pid_t listen_in_group(int ready)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (join(CHILD) || listen_on("127.0.0.1", MOVED_PORT) < 0 ||
	    write(ready, "r", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

static int dial_shortly(int port)
{
	struct timeval limit = { .tv_sec = 1 };
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, "127.0.0.1", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), err = 0;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&ss, len))
		err = -errno;
	close(fd);
	return err;
}

TEST_F(bpf, the_cgroup_of_the_writer_does_not_matter)
{
	static const int types[] = {
		BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS,
	};
	int fd, ready[2], status;
	pid_t pid;
	char c;

	self->prog = load_denier();
	ASSERT_LE(0, self->prog);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, attach_program(self->prog, CHILD, types[i]));
	}
	ASSERT_EQ(0, start_in_group("echo"));

	/* Clients cannot reach a listener of a task in the group */
	ASSERT_EQ(0, pipe(ready));
	pid = listen_in_group(ready[1]);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_NE(0, dial_shortly(MOVED_PORT));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);

	fd = dial("127.0.0.1", PORT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ask(fd, "allowed"));
	close(fd);
	/* The service does not hold the group, which can be removed */
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, detach_program(self->prog, CHILD, types[i]));
	}
	EXPECT_EQ(0, rmdir(CHILD));
	EXPECT_EQ(0, mkdir(CHILD, 0700));
	EXPECT_EQ(0, knd_set("tcp", "0"));
	close(self->prog);
}

/* The same for the UDP emitter, whose datagrams the group would not let out */
TEST_F(bpf, the_cgroup_of_the_writer_does_not_matter_to_udp)
{
	struct timeval limit = { .tv_sec = 20 };
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, "127.0.0.1", 60001);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), status;
	char buf[64];
	pid_t pid;

	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&ss, len));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	self->prog = load_denier();
	ASSERT_LE(0, self->prog);
	ASSERT_EQ(0, attach_program(self->prog, CHILD, BPF_CGROUP_INET_EGRESS));
	pid = fork();
	if (!pid) {
		if (join(CHILD) || knd_set("udp", "1"))
			_exit(1);
		/* The program does deny what a socket of the group sends */
		_exit(sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0,
			     (struct sockaddr *)&ss, len) != -1 ||
		      errno != EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(13, recv(fd, buf, sizeof(buf), 0));
	EXPECT_EQ(0, detach_program(self->prog, CHILD, BPF_CGROUP_INET_EGRESS));
	EXPECT_EQ(0, knd_set("udp", "0"));
	close(self->prog);
	close(fd);
}

/*
 * The memory of connections is charged to the cgroup of the thread that accepts
 * them, which an administrator may choose
 */
TEST_F(bpf, the_cgroup_of_the_acceptor_is_charged)
{
	static uint8_t buf[65536];
	int fds[16], thread;
	char text[32];

	ASSERT_EQ(0, knd_write(CGROUP, "cgroup.subtree_control", "+memory"));
	ASSERT_EQ(0, start("127.0.0.1", "chargen"));
	thread = acceptor();
	ASSERT_LT(0, thread);
	snprintf(text, sizeof(text), "%d", thread);
	ASSERT_EQ(0, knd_write(CHILD, "cgroup.procs", text));
	for (int i = 0; i < 16; i++) {
		fds[i] = dial("127.0.0.1", PORT);
		ASSERT_LE(0, fds[i]);
		ASSERT_LT(0, recv(fds[i], buf, sizeof(buf), 0));
	}
	/* Each connection has more than that in its queues */
	EXPECT_LT(16 * (long long)sizeof(buf), group_memory("sock"));

	EXPECT_EQ(0, knd_set("tcp", "0"));
	for (int i = 0; i < 16; i++)
		close(fds[i]);
}

TEST_HARNESS_MAIN
