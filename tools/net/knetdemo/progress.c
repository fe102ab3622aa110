// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread beside a transfer that draws the bar, and enforces the time limits
 * that the kernel does not have.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "knetdemo.h"

#define TICK_NS		100000000

static struct {
	const struct watched *w;
	pthread_t thread;
	pthread_t transfers;	/* the thread that is in the ioctl */
	double start;
	unsigned long long size;	/* that the server said, or 0 */
	bool running;
	bool out_of_time;
	pthread_mutex_t lock;	/* protects @over and @whole */
	pthread_cond_t end;
	bool over;
	bool whole;	/* over, and the file is complete */
} bar = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_COND_INITIALIZER };

/* Split a line into fields, separated by blanks; returns their number */
static int split(char *line, char **fields, int max)
{
	char *save, *field;
	int n = 0;

	for (field = strtok_r(line, " \n", &save); field && n < max;
	     field = strtok_r(NULL, " \n", &save))
		fields[n++] = field;
	return n;
}

/*
 * Read size (0 if unknown) and stage of our transfer from /proc. The first line
 * there has the names of the columns.
 */
static bool read_proc(unsigned long long *size, char *stage, size_t len)
{
	char names[1024], line[1024], number[16];
	char *name[32], *field[32];
	FILE *file = NULL;
	bool found = false;
	unsigned int id;
	int i, n;

	/* The kernel writes this while the ioctl runs */
	id = __atomic_load_n(bar.w->id, __ATOMIC_ACQUIRE);
	if (id)
		file = fopen(PROC "ftp", "re");
	if (!file)
		return false;
	snprintf(number, sizeof(number), "%u", id);
	*size = 0;
	*stage = '\0';
	if (!fgets(names, sizeof(names), file))
		names[0] = '\0';
	n = split(names, name, ARRAY_SIZE(name));
	while (!found && fgets(line, sizeof(line), file)) {
		int have = split(line, field, ARRAY_SIZE(field));

		for (i = 0; i < n && i < have; i++)
			if (!strcmp(name[i], "id"))
				found = !strcmp(field[i], number);
		for (i = 0; found && i < n && i < have; i++) {
			if (!strcmp(name[i], "size"))
				*size = strtoull(field[i], NULL, 10);
			else if (!strcmp(name[i], "stage"))
				snprintf(stage, len, "%s", field[i]);
		}
	}
	fclose(file);
	return found;
}

static void human(double n, char *buf, size_t len)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	for (; n >= 1024 && i < 4; i++)
		n /= 1024;
	snprintf(buf, len, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

static void draw(void)
{
	double took = seconds() - bar.start;
	char done[32], rate[32], hashes[31];
	unsigned long long at;
	struct stat st;
	int n;

	at = fstat(bar.w->fd, &st) ? 0 : st.st_size;
	/* The transfer can end before its size was read */
	if (bar.whole)
		bar.size = at;
	human(at, done, sizeof(done));
	human(took > 0 ? (at - bar.w->from) / took : 0, rate, sizeof(rate));
	if (!bar.size) {
		fprintf(stderr, "\r%12s %12s/s\033[K", done, rate);
		return;
	}
	n = at >= bar.size ? 30 : at * 30 / bar.size;
	memset(hashes, '#', sizeof(hashes));
	hashes[n] = '\0';
	fprintf(stderr, "\r[%-30s] %3d%% %12s %12s/s\033[K", hashes,
		at >= bar.size ? 100 : (int)(at * 100 / bar.size), done, rate);
}

/*
 * Is the transfer out of time? @connect_limit only limits the stage in which
 * the transfer connects.
 */
static bool out_of_time(const char *stage)
{
	double now = seconds();

	if (bar.w->deadline && now >= bar.w->deadline)
		return true;
	return bar.w->connect_limit && !strcmp(stage, "connect") &&
	       now - bar.start >= bar.w->connect_limit;
}

static void *thread_main(void *arg)
{
	struct timespec until;
	char stage[32] = "";
	unsigned int tick;

	pthread_mutex_lock(&bar.lock);
	for (tick = 0; !bar.over; tick++) {
		/* With the size known, only @connect_limit needs the stage */
		if ((bar.w->connect_limit && !bar.out_of_time) ||
		    (bar.w->draw && !bar.size)) {
			unsigned long long size;

			if (read_proc(&size, stage, sizeof(stage)))
				bar.size = size;
		}
		if (bar.w->draw && !(tick % 2))
			draw();
		if (bar.out_of_time || out_of_time(stage)) {
			/*
			 * Repeat it at each tick: a signal that arrives just
			 * before the ioctl does not interrupt it.
			 */
			bar.out_of_time = true;
			pthread_kill(bar.transfers, SIGUSR1);
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_clockwait(&bar.end, &bar.lock, CLOCK_MONOTONIC,
				       &until);
	}
	pthread_mutex_unlock(&bar.lock);
	if (bar.w->draw) {
		draw();
		fputc('\n', stderr);
	}
	return NULL;
}

/*
 * Watch a transfer of the calling thread until watch_transfer_end(). @w must
 * stay valid until then. The thread blocks all signals, so that they interrupt
 * the ioctl in the calling thread.
 */
void watch_transfer(const struct watched *w)
{
	sigset_t all, old;
	int err;

	bar.w = w;
	bar.start = seconds();
	bar.transfers = pthread_self();
	bar.size = 0;
	bar.out_of_time = false;
	bar.over = false;
	bar.whole = false;
	bar.running = false;
	if (!w->draw && !w->deadline && !w->connect_limit)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&bar.thread, NULL, thread_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* Without the thread there is no limit */
	if (err && (w->deadline || w->connect_limit))
		die(EXIT_OTHER, "no thread: %s", strerror(err));
	bar.running = !err;
}

/* Returns whether the transfer was told that its time is up */
bool watch_transfer_end(bool whole)
{
	if (!bar.running)
		return false;
	pthread_mutex_lock(&bar.lock);
	bar.over = true;
	bar.whole = whole;
	pthread_cond_signal(&bar.end);
	pthread_mutex_unlock(&bar.lock);
	pthread_join(bar.thread, NULL);
	bar.running = false;
	return bar.out_of_time;
}
