// SPDX-License-Identifier: GPL-2.0-only
/*
 * labcheck EXERCISE MODULE.ko: load a student's module in the guest, try what
 * the exercise asks for, unload it. Prints KTAP, with a line "# hint:" below
 * each point that failed, "# log:" for what the module shows in the kernel log
 * and "# kernel:" for what the kernel complains about.
 *
 * Status: 0 all points passed, 1 some failed, 2 the checker could not be run; as
 * 1, 3 where the module or a thread is left, 4 where sockets are.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "lab.h"

static const struct exercise *const exercises[] = {
	&connect_exercise, &filter_exercise, &listen_exercise,
	&accept_exercise, &udp_exercise, &ftp_exercise, &daytime_exercise,
	&netns_exercise,
};

static const struct exercise *exercise;
static const char *module_file;
static char module_name[64];
static int kmsg = -1, complaints = -1;
static bool stuck;	/* in rmmod */
static int sockets_before;
static pid_t last_pid;
static unsigned int listeners_before[256];
static int nr_listeners_before;

const char *hint(const char *format, ...)
{
	static char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

int command(const char *format, ...)
{
	char line[512];
	va_list args;
	int status;
	pid_t pid;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* Not sh, which is busybox and has commands of its own */
		if (freopen("/dev/null", "w", stdout) &&
		    freopen("/dev/null", "w", stderr))
			execl("/bin/bash", "bash", "-c", line, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* What a child waits for, in words, and whether it sleeps */
static bool child_waits(pid_t pid, char *where, size_t len)
{
	char path[64], text[128] = "";
	const char *state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	file = fopen(path, "r");
	if (file) {
		if (!fgets(text, sizeof(text), file))
			text[0] = 0;
		fclose(file);
	}
	snprintf(where, len, "%s", text[0] && strcmp(text, "0") ? text : "");

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	state = strrchr(text, ')');
	return state && (state[2] == 'S' || state[2] == 'D');
}

int in_child(int (*run)(void *), void *arg, int ms, char *where, size_t len)
{
	long end = now_ms() + ms;
	int status;
	pid_t pid;

	if (len)
		where[0] = 0;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		int ret = run(arg);

		_exit(ret < 0 ? (-ret & 0x7f) | 0x80 : ret & 0x7f);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (now_ms() > end) {
			if (len)
				child_waits(pid, where, len);
			/*
			 * A module's init that sleeps interruptibly ends with
			 * an error; what sleeps for ever is left behind.
			 */
			kill(pid, SIGKILL);
			for (end = now_ms() + 1000; now_ms() < end; ) {
				if (waitpid(pid, &status, WNOHANG) == pid)
					break;
				sleep_ms(10);
			}
			return -ETIMEDOUT;
		}
		sleep_ms(5);
	}
	if (!WIFEXITED(status))
		return -EINTR;
	status = WEXITSTATUS(status);
	return status & 0x80 ? -(status & 0x7f) : status;
}

static int do_load(void *params)
{
	int fd = open(module_file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
}

static int do_unload(void *unused)
{
	return syscall(SYS_delete_module, module_name, O_NONBLOCK) ?
	       -errno : 0;
}

bool loaded(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", module_name);
	return !access(path, F_OK);
}

const char *died(const char *what)
{
	return hint("%s was killed: the kernel found a fault in your code, see the lines \"# kernel:\" below. \"RIP:\" names the function, \"Call Trace:\" how it was reached", what);
}

const char *load(const char *params)
{
	char where[128];
	int ret = in_child(do_load, (void *)params, LIMIT_MS, where,
			   sizeof(where));

	switch (ret) {
	case 0:
		return NULL;
	case -ETIMEDOUT:
		return hint("insmod has not returned after %d s: it sleeps in %s(). An init function must not wait for a peer; a thread (kthread_run) or a work item can",
			    LIMIT_MS / 1000, where[0] ? where : "?");
	case -EINTR:
		return died("insmod");
	case -EADDRINUSE:
		return hint("insmod: Address already in use. %s",
			    exercise->in_use ?:
			    "Is the port that of the exercise, and was the socket released when the module was unloaded before?");
	case -EAFNOSUPPORT:
		return hint("insmod: Address family not supported. Is sin_family set?");
	default:
		return hint("insmod: %s. The init function returned this error, or the kernel log says why the module was refused",
			    strerror(-ret));
	}
}

const char *unload(void)
{
	char where[128];
	int ret;

	if (!loaded())
		return hint("the module is not loaded");
	if (stuck)
		return hint("rmmod has not returned before");
	ret = in_child(do_unload, NULL, LIMIT_MS, where, sizeof(where));
	switch (ret) {
	case 0:
		return NULL;
	case -ETIMEDOUT:
		stuck = true;
		return hint("rmmod has not returned after %d s: it sleeps in %s(). A thread that rmmod waits for has to return when kthread_should_stop() says so; a work item must come to an end",
			    LIMIT_MS / 1000, where[0] ? where : "?");
	case -EINTR:
		return died("rmmod");
	case -EBUSY:
	case -EWOULDBLOCK:
		return hint("rmmod: %s. Is there a module_exit()? Does something still use the module, such as an open file?",
			    strerror(-ret));
	default:
		return hint("rmmod: %s", strerror(-ret));
	}
}

/* One record of /dev/kmsg, without its prefix; NULL where there is none now */
static char *next_record(int fd)
{
	static char text[2048];
	char *start, *end;
	ssize_t len;

	do {
		len = read(fd, text, sizeof(text) - 1);
	} while (len < 0 && (errno == EPIPE || errno == EINTR));
	if (len <= 0)
		return NULL;
	text[len] = 0;
	start = strchr(text, ';');
	if (!start)
		return text;
	end = strchr(start, '\n');
	if (end)
		*end = 0;
	return start + 1;
}

static int open_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		perror("/dev/kmsg");
		exit(2);
	}
	lseek(fd, 0, SEEK_END);
	return fd;
}

void log_from_here(void)
{
	lseek(kmsg, 0, SEEK_END);
}

void show_log(const char *line)
{
	printf("# log: %s\n", line);
}

const char *log_line(const char *text, int ms)
{
	long end = now_ms() + ms;
	char *line;

	for (;;) {
		line = next_record(kmsg);
		if (line && strstr(line, text)) {
			show_log(line);
			return line;
		}
		if (line)
			continue;
		if (now_ms() >= end)
			return NULL;
		sleep_ms(10);
	}
}

int log_count(const char *text)
{
	int count = 0;
	char *line;

	while ((line = next_record(kmsg)))
		if (strstr(line, text)) {
			show_log(line);
			count++;
		}
	return count;
}

/* Calls a function for each TCP socket that listens */
static void each_listener(void (*call)(unsigned int port, const char *address,
				       void *arg), void *arg)
{
	static const char *const files[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	char line[512], text[INET6_ADDRSTRLEN];
	unsigned int port, state, a[4];
	FILE *file;
	int i;

	for (i = 0; i < 2; i++) {
		file = fopen(files[i], "r");
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file)) {
			if (!i && sscanf(line, " %*d: %8X:%X %*X:%*X %X", a,
					 &port, &state) == 3)
				inet_ntop(AF_INET, a, text, sizeof(text));
			else if (i && sscanf(line,
					     " %*d: %8X%8X%8X%8X:%X %*32X:%*X %X",
					     a, a + 1, a + 2, a + 3, &port,
					     &state) == 6)
				inet_ntop(AF_INET6, a, text, sizeof(text));
			else
				continue;
			if (state == 0xa)
				call(port, text, arg);
		}
		fclose(file);
	}
}

struct find {
	unsigned int port;
	char *text;
	size_t len;
	bool found;
};

static void find_port(unsigned int port, const char *address, void *arg)
{
	struct find *find = arg;

	if (port != find->port)
		return;
	find->found = true;
	if (find->text)
		snprintf(find->text, find->len, "%s", address);
}

bool listens(unsigned int port, char *text, size_t len)
{
	struct find find = { .port = port, .text = text, .len = len };

	each_listener(find_port, &find);
	return find.found;
}

static void note_listener(unsigned int port, const char *address, void *arg)
{
	if (nr_listeners_before < 256)
		listeners_before[nr_listeners_before++] = port;
}

static void find_new(unsigned int port, const char *address, void *arg)
{
	unsigned int *res = arg;
	int i;

	for (i = 0; i < nr_listeners_before; i++)
		if (listeners_before[i] == port)
			return;
	*res = port;
}

unsigned int new_listener(void)
{
	unsigned int port = 0;

	each_listener(find_new, &port);
	return port;
}

int nr_sockets(void)
{
	FILE *file = fopen("/proc/net/sockstat", "r");
	int tcp = 0, udp = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "TCP: inuse %*d orphan %*d tw %*d alloc %d", &tcp);
		sscanf(line, "UDP: inuse %d", &udp);
	}
	if (file)
		fclose(file);
	return tcp + udp;
}

const char *sockets_left(void)
{
	long end = now_ms() + LIMIT_MS / 2;
	unsigned int port;
	int left;

	/* Closed sockets may wait for a grace period or for their peer */
	while ((left = nr_sockets() - sockets_before) > 0 && now_ms() < end)
		sleep_ms(20);
	if (left <= 0)
		return NULL;
	port = new_listener();
	if (port)
		return hint("the module is unloaded and a socket still listens on port %u: sock_release() in the exit function, and after an error in the init function", port);
	return hint("%d %s left: each socket that was created or accepted needs a sock_release(), after an error too",
		    left, left == 1 ? "socket is" : "sockets are");
}

/* A process that ends at once: later ones have greater numbers */
static pid_t new_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/* A thread of the kernel, not of its workqueues, that is newer than the load */
static const char *thread_left(void)
{
	static char name[64];
	const char *found = NULL;
	struct dirent *entry;
	char path[300];
	int pid, parent;
	FILE *file;
	DIR *proc;

	proc = opendir("/proc");
	while (proc && !found && (entry = readdir(proc))) {
		if (atoi(entry->d_name) <= last_pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fscanf(file, "%d (%63[^)]) %*c %d", &pid, name,
			   &parent) == 3 && parent == 2 &&
		    strncmp(name, "kworker", 7))
			found = name;
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return found;
}

const char *point_no_thread(void)
{
	const char *name = thread_left();

	return name ? hint("the thread \"%s\" is left, and its code is unloaded: kthread_stop() in the exit function",
			   name) : NULL;
}

/* From a port that is another one with its bytes swapped */
static void bind_any(int fd, bool is6)
{
	static unsigned int port = 20000;
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in a4 = { .sin_family = AF_INET };

	for (int tries = 0; tries < 1000; tries++) {
		port++;
		a6.sin6_port = htons(port);
		a4.sin_port = htons(port);
		if (port != swapped(port) &&
		    !bind(fd, is6 ? (void *)&a6 : (void *)&a4,
			  is6 ? sizeof(a6) : sizeof(a4)))
			return;
	}
}

int tcp_connect(const char *address, unsigned int port, unsigned int *local)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	bool is6 = strchr(address, ':');
	int fd, err, on = 1;
	struct pollfd pollfd = { .events = POLLOUT };
	socklen_t len = sizeof(err);

	inet_pton(is6 ? AF_INET6 : AF_INET, address,
		  is6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr);
	fd = socket(is6 ? AF_INET6 : AF_INET,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (local)
		bind_any(fd, is6);
	if (connect(fd, is6 ? (void *)&a6 : (void *)&a4,
		    is6 ? sizeof(a6) : sizeof(a4))) {
		err = errno;
		pollfd.fd = fd;
		if (err == EINPROGRESS && poll(&pollfd, 1, LIMIT_MS) <= 0)
			err = ETIMEDOUT;
		else if (err == EINPROGRESS)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err) {
			close(fd);
			return -err;
		}
	}
	if (local) {
		struct sockaddr_in6 name = {};

		len = sizeof(name);
		getsockname(fd, (struct sockaddr *)&name, &len);
		*local = ntohs(name.sin6_port);
	}
	return fd;
}

int read_all(int fd, char *buffer, size_t len, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	long end = now_ms() + ms;
	size_t have = 0;
	ssize_t got;

	for (;;) {
		int left = end - now_ms();

		if (left < 0 || poll(&pollfd, 1, left) <= 0)
			return -ETIMEDOUT;
		got = recv(fd, buffer + have, len - have, MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got < 0)
			return -errno;
		if (!got || have + got == len)
			return have + got;
		have += got;
	}
}

int bound_socket(int type, const char *address, unsigned int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	inet_pton(AF_INET, address, &addr.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&addr, sizeof(addr)) ||
	    (type == SOCK_STREAM && listen(fd, 16))) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

const char *point_unload(void)
{
	return unload();
}

const char *point_nothing_left(void)
{
	if (loaded())
		return hint("the module is still loaded");
	return sockets_left();
}

/* What the kernel says about the code: the first lines of each complaint */
static const char *kernel_complaints(void)
{
	static const char *const bad[] = {
		"BUG:", "WARNING:", "Oops", "suspiciously returned",
		"general protection", "kernel BUG", "refcount_t:", "UBSAN:",
		"KASAN:", "list_del corruption", "list_add corruption",
		"Poison overwritten", "Object already free", "soft lockup",
		"blocked for more than", "scheduling while atomic",
		"sleeping function called", "self-detected stall",
		"detected stalls", "Attempt to", "INFO: possible",
		"INFO: suspicious", "still has locks held",
	};
	int shown = 0, found = 0;
	bool positive = false;
	char *line;
	size_t i;

	while ((line = next_record(complaints))) {
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (strstr(line, bad[i]))
				break;
		if (i < sizeof(bad) / sizeof(bad[0])) {
			found++;
			if (found <= 3)
				shown = 16;
			if (strstr(line, "suspiciously returned"))
				positive = true;
		}
		if (shown > 0) {
			shown--;
			printf("# kernel: %s\n", line);
		}
	}
	if (positive)
		return hint("the init function returned a positive number. 0 is success, and -errno an error: what kernel_sendmsg() returns is a number of bytes");
	if (found)
		return hint("the kernel complained, see the lines \"# kernel:\" above: which function of yours does \"RIP:\" or \"Call Trace:\" name?");
	return NULL;
}

static int number, failed;

static void result(const char *name, const char *why)
{
	number++;
	if (!why) {
		printf("ok %d %s\n", number, name);
	} else {
		failed++;
		printf("not ok %d %s\n# hint: %s\n", number, name, why);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct exercise *ex = NULL;
	const struct point *point;
	const char *why, *base;
	bool usable;
	char *c, *line;
	size_t i;

	for (i = 0; argc == 3 && i < sizeof(exercises) / sizeof(*exercises); i++)
		if (!strcmp(exercises[i]->name, argv[1]))
			ex = exercises[i];
	if (!ex) {
		fprintf(stderr, "usage: labcheck EXERCISE MODULE.ko\n");
		return 2;
	}
	exercise = ex;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	module_file = argv[2];
	base = strrchr(module_file, '/');
	base = base ? base + 1 : module_file;
	snprintf(module_name, sizeof(module_name), "%s", base);
	c = strstr(module_name, ".ko");
	if (c)
		*c = 0;
	for (c = module_name; *c; c++)
		if (*c == '-')
			*c = '_';

	for (i = 0, point = ex->points; point->name; point++)
		i++;
	printf("KTAP version 1\n1..%zu\n", i + 3);
	kmsg = open_kmsg();
	complaints = open_kmsg();
	why = ex->prepare ? ex->prepare() : NULL;
	if (why) {
		fprintf(stderr, "labcheck: %s\n", why);
		return 2;
	}
	each_listener(note_listener, NULL);
	sockets_before = nr_sockets();

	last_pid = new_pid();
	why = load("");
	/* What it says when it is loaded */
	while ((line = next_record(kmsg)))
		if (!strncmp(line, module_name, strlen(module_name)))
			show_log(line);
	result("insmod returns", why);
	usable = !why;
	for (point = ex->points; point->name; point++) {
		if (!usable) {
			result(point->name,
			       "not tried, as a point before it failed");
			continue;
		}
		log_from_here();
		why = point->run();
		result(point->name, why);
		if (why && point->needed)
			usable = false;
	}
	/* A module that is there is unloaded, whatever came before */
	if (loaded())
		unload();
	if (ex->finish)
		ex->finish();
	result("the kernel has no complaint", kernel_complaints());
	result("the module is gone", loaded() ?
	       hint("it is still loaded: see the hints above") : NULL);
	/* What is left may be in the way of the next module */
	if (loaded() || thread_left())
		return 3;
	if (nr_sockets() > sockets_before)
		return 4;
	return !!failed;
}
