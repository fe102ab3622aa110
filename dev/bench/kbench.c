// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbench: count what networking costs, from inside the guest
 *
 *	kbench [-n REPETITIONS] [-t] ROLE [PATTERN]
 *
 * measures the role's cases whose CASE/WHO matches (*, ?, [], !(...)).
 *
 * The guest's time stamp counter advances by one with each instruction, so
 * the unit is an instruction; the time of the idle loop is subtracted. With
 * -t the unit is a nanosecond of the guest's clock.
 *
 * A case runs in a process group of its own, which is killed at its end. It
 * prints one line, the figures or the reason why there are none:
 *
 *	KB <tab> role, case, who, unit, repetitions, median, minimum, maximum
 *	KB- <tab> role, case, who, reason
 */

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kbench.h"

#define MAX_SAMPLES	64
#define LIMIT		300		/* seconds of the guest for a case */

unsigned int kb_reps = 7;

static const struct kb_case *current;
static bool seconds;
static double samples[MAX_SAMPLES];
static unsigned int sample_count;
static unsigned long long begin_ticks, begin_idle;

/*
 * The plugins for QEMU recognise the begin and the end of a measurement by
 * these two addresses, which are options of the linker.
 */
static void __attribute__((section(".kbmark0"), noinline)) mark_begin(void)
{
	asm volatile("");
}

static void __attribute__((section(".kbmark1"), noinline)) mark_end(void)
{
	asm volatile("");
}

static unsigned long long ticks(void)
{
	struct timespec ts;

	if (!seconds)
		return __builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/*
 * The time in ns that the one CPU slept; with -icount as many ticks. No other
 * file has it in less than hundredths of a second.
 */
static unsigned long long idle_ticks(void)
{
	static const char key[] = ".idle_sleeptime ";
	static char text[64 * 1024];
	char *at;

	if (seconds)
		return 0;
	kb_read("/proc/timer_list", text, sizeof(text));
	at = strstr(text, key);
	kb_need(at, "no idle time in /proc/timer_list");
	return strtoull(strchr(at, ':') + 1, NULL, 10);
}

void kb_begin(void)
{
	begin_idle = idle_ticks();
	mark_begin();
	begin_ticks = ticks();
}

/* Ticks since kb_begin() without the idle loop */
double kb_end(void)
{
	unsigned long long now = ticks();

	mark_end();
	return (double)(now - begin_ticks) - (idle_ticks() - begin_idle);
}

void kb_sample(double value)
{
	if (sample_count < MAX_SAMPLES)
		samples[sample_count++] = value;
}

/* Measure @op(@n) in each repetition, and divide by @units */
void kb_measure(void (*op)(unsigned long n), unsigned long n, double units)
{
	unsigned int i;

	for (i = 0; i < kb_reps; i++) {
		kb_begin();
		op(n);
		kb_sample(kb_end() / units);
	}
}

void kb_cannot(const char *fmt, ...)
{
	va_list args;

	printf("KB-\t%s\t%s\t%s\t", current->role, current->name, current->who);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(void)
{
	double median;

	kb_need(sample_count, "measured nothing");
	qsort(samples, sample_count, sizeof(samples[0]), by_value);
	median = (samples[(sample_count - 1) / 2] + samples[sample_count / 2]) / 2;
	printf("KB\t%s\t%s\t%s\t%s\t%u\t%.1f\t%.1f\t%.1f\n", current->role,
	       current->name, current->who, current->unit, sample_count, median,
	       samples[0], samples[sample_count - 1]);
	fflush(stdout);
}

static void run_case(const struct kb_case *c)
{
	int status;
	pid_t pid;

	current = c;
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		/* By the guest's clock, not the host's */
		alarm(LIMIT);
		c->run(c);
		report();
		_exit(0);
	}
	setpgid(pid, pid);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return;
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGALRM)
			printf("KB-\t%s\t%s\t%s\tno end within %d s\n", c->role,
			       c->name, c->who, LIMIT);
		else
			printf("KB-\t%s\t%s\t%s\tended by signal %d\n", c->role,
			       c->name, c->who, WTERMSIG(status));
	}
	fflush(stdout);
	kb_write(KNOB("tcp"), "0");
	kb_write(KNOB("udp"), "0");
	/* Free what the killed processes held now, not in the next case */
	while (waitpid(-1, NULL, 0) > 0)
		;
	kb_nap(300);
}

static void run_cases(const struct kb_case *c, size_t count, const char *pattern)
{
	char name[128];

	for (; count; count--, c++) {
		snprintf(name, sizeof(name), "%s/%s", c->name, c->who);
		if (!fnmatch(pattern, name, FNM_EXTMATCH))
			run_case(c);
	}
}

/* Write a text with one call; returns 0 or an errno */
int kb_write(const char *path, const char *text)
{
	ssize_t len = strlen(text), done;
	int fd, err = 0;

	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	done = write(fd, text, len);
	if (done < 0)
		err = errno;
	else if (done != len)
		err = EIO;
	close(fd);
	return err;
}

void kb_set(const char *path, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int err;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err = kb_write(path, text);
	kb_need(!err, "'%s' to %s: %s", text, path, strerror(err));
}

void kb_read(const char *path, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY);
	kb_need(fd >= 0, "%s: %s", path, strerror(errno));
	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(fd);
}

unsigned long long kb_number(const char *path)
{
	char text[64];

	kb_read(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* A counter of knetdemo; -1 if there is none of that name */
long long kb_stat(const char *name)
{
	size_t len = strlen(name);
	char text[8192], *line;

	kb_read("/proc/net/knetdemo/stats", text, sizeof(text));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtoll(line + len, NULL, 10);
	return -1;
}

/* Free memory: MemFree and the pages on the lists of each CPU */
unsigned long kb_free_kib(void)
{
	static char text[65536];
	unsigned long pages = 0;
	char *at;

	/* Fold the counters of each CPU into the sum */
	kb_write("/proc/sys/vm/stat_refresh", "1");
	kb_read("/proc/zoneinfo", text, sizeof(text));
	for (at = text; (at = strstr(at, "count:")); at++)
		pages += strtoul(at + 6, NULL, 10);
	kb_need(pages, "no lists in /proc/zoneinfo");
	kb_read("/proc/meminfo", text, sizeof(text));
	at = strstr(text, "MemFree:");
	kb_need(at, "no MemFree");
	return strtoul(at + 8, NULL, 10) + pages * 4;
}

unsigned int kb_tasks(void)
{
	char text[128], *at;

	kb_read("/proc/loadavg", text, sizeof(text));
	at = strchr(text, '/');
	kb_need(at, "no tasks in /proc/loadavg");
	return strtoul(at + 1, NULL, 10);
}

void kb_nap(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* Memory that child processes share */
void *kb_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	kb_need(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

/* Fill with bytes that depend on the seed and do not repeat */
void kb_fill(void *buf, size_t size, unsigned int seed)
{
	unsigned char *p = buf;
	uint32_t x = seed * 2654435761u + 1;

	while (size--) {
		x = x * 1664525u + 1013904223u;
		*p++ = x >> 24;
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	const char *role, *pattern;
	const struct kb_case *cases;
	size_t count;
	int opt;

	while ((opt = getopt(argc, argv, "n:t")) != -1) {
		switch (opt) {
		case 'n':
			kb_reps = atoi(optarg);
			break;
		case 't':
			seconds = true;
			break;
		default:
			return 2;
		}
	}
	if (optind >= argc)
		return 2;
	role = argv[optind++];
	pattern = optind < argc ? argv[optind] : "*";
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);

	if (!strcmp(role, "monitor")) {
		cases = kb_monitor(&count);
		run_cases(cases, count, pattern);
	} else if (!strcmp(role, "tcp"))
		run_cases(kb_tcp, kb_tcp_count, pattern);
	else if (!strcmp(role, "udp"))
		run_cases(kb_udp, kb_udp_count, pattern);
	else if (!strcmp(role, "ftp"))
		run_cases(kb_ftp, kb_ftp_count, pattern);
	else if (!strcmp(role, "cpus"))
		run_cases(kb_cpus, kb_cpus_count, pattern);
	else
		return 2;
	return 0;
}
