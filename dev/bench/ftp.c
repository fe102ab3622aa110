// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbench: FTP, 64 MiB from vsftpd on loopback to a file in memory
 *
 * The client from its start to its end, the server and the kernel are counted.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/knetdemo.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kbench.h"

#define FILE_SIZE	(64 * MIB)
#define REMOTE		"/srv/ftp/file"
#define LOCAL		"/tmp/file"

enum { F_CURL, F_WGET, F_BUSYBOX, F_OURS, F_TOOL };

static const char *const commands[][8] = {
	[F_CURL] = { "/usr/bin/curl", "-s", "-o", LOCAL, "ftp://127.0.0.1/file" },
	[F_WGET] = { "/usr/bin/wget", "-q", "-O", LOCAL, "ftp://127.0.0.1/file" },
	[F_BUSYBOX] = { "/bin/busybox", "ftpget", "127.0.0.1", LOCAL, "file" },
	[F_TOOL] = { "/usr/bin/knetdemo", "get", "ftp://127.0.0.1/file", "-o",
		     LOCAL },
};

static void make_file(void)
{
	/* No two blocks of the file are the same */
	static char pattern[BLOCK + FILE_SIZE / BLOCK * 64];
	struct stat st;
	size_t i;
	int fd;

	if (!stat(REMOTE, &st) && st.st_size == FILE_SIZE)
		return;
	kb_fill(pattern, sizeof(pattern), 7);
	fd = open(REMOTE, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	kb_need(fd >= 0, "%s: %s", REMOTE, strerror(errno));
	for (i = 0; i < FILE_SIZE / BLOCK; i++)
		kb_need(write(fd, pattern + i * 64, BLOCK) == BLOCK, "%s: %s",
			REMOTE, strerror(errno));
	close(fd);
}

static void prove_file(void)
{
	static char a[BLOCK], b[BLOCK];
	size_t i;
	int x, y;

	x = open(REMOTE, O_RDONLY);
	y = open(LOCAL, O_RDONLY);
	kb_need(x >= 0 && y >= 0, "no file came");
	for (i = 0; i < FILE_SIZE / BLOCK; i++)
		kb_need(read(x, a, BLOCK) == BLOCK && read(y, b, BLOCK) == BLOCK &&
			!memcmp(a, b, BLOCK), "another file came, from byte %zu",
			i * BLOCK);
	kb_need(read(y, b, 1) == 0, "more than the file came");
	close(x);
	close(y);
}

static bool answers(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(21),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool yes = !connect(fd, (struct sockaddr *)&addr, sizeof(addr));

	close(fd);
	return yes;
}

static void start_server(void)
{
	unsigned int i;

	kb_need(!access("/usr/sbin/vsftpd", X_OK), "no vsftpd in the guest");
	if (!fork()) {
		execl("/usr/sbin/vsftpd", "vsftpd", "/tmp/vsftpd.conf", NULL);
		_exit(127);
	}
	for (i = 0; i < 100 && !answers(); i++)
		kb_nap(100);
	kb_need(i < 100, "vsftpd does not answer");
	kb_nap(500);
}

static void get_command(int kind)
{
	int null, status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		/* No terminal, no progress bar */
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execv(commands[kind][0], (char **)commands[kind]);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	kb_need(!status, "%s ended with status %d", commands[kind][0],
		WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

#ifdef KNETDEMO_IOC_FTP_GET
static void get_ours(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(21),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct knetdemo_ftp_get get = {
		.size = sizeof(get),
		.server = (uintptr_t)&addr,
		.server_len = sizeof(addr),
		.user = (uintptr_t)"anonymous",
		.password = (uintptr_t)"kbench@",
		.path = (uintptr_t)"file",
	};
	int fd;

	fd = open("/dev/knetdemo", O_RDWR);
	kb_need(fd >= 0, "/dev/knetdemo: %s", strerror(errno));
	get.fd = open(LOCAL, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	kb_need(get.fd >= 0, "%s: %s", LOCAL, strerror(errno));
	kb_need(!ioctl(fd, KNETDEMO_IOC_FTP_GET, &get),
		"stage %u, reply %u %s: %s", get.stage, get.code, get.text,
		strerror(errno));
	kb_need(get.bytes == FILE_SIZE, "%llu of %lu bytes",
		(unsigned long long)get.bytes, FILE_SIZE);
	close(get.fd);
	close(fd);
}
#else
static void get_ours(void)
{
	kb_cannot("the role is not there yet");
}
#endif

static void run_ftp(const struct kb_case *c)
{
	unsigned int i;

	if (c->kind != F_OURS)
		kb_need(!access(commands[c->kind][0], X_OK), "no %s in the guest",
			commands[c->kind][0]);
	make_file();
	start_server();
	/* Warm up the caches */
	for (i = 0; i <= 3; i++) {
		unlink(LOCAL);
		kb_begin();
		if (c->kind == F_OURS)
			get_ours();
		else
			get_command(c->kind);
		if (i)
			kb_sample(kb_end() / (FILE_SIZE / MIB));
		prove_file();
	}
	unlink(LOCAL);
}

#define PER_MIB	"instr/MiB"

const struct kb_case kb_ftp[] = {
	{ "ftp", "get-64MiB", "curl", PER_MIB, run_ftp, F_CURL },
	{ "ftp", "get-64MiB", "wget", PER_MIB, run_ftp, F_WGET },
	{ "ftp", "get-64MiB", "busybox ftpget", PER_MIB, run_ftp, F_BUSYBOX },
	{ "ftp", "get-64MiB", "knetdemo", PER_MIB, run_ftp, F_OURS },
	{ "ftp", "get-64MiB", "knetdemo get", PER_MIB, run_ftp, F_TOOL },
};

const size_t kb_ftp_count = ARRAY_SIZE(kb_ftp);
