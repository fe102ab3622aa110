// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bar: how much of the file is there, of the size that the server said.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "knetdemo.h"

static struct {
	int fd;
	unsigned long long from;
	char server[64];
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool over;
	bool whole;	/* over, and all of the file is there */
} bar = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_COND_INITIALIZER };

/* The size that the youngest running transfer from our server has, or 0 */
static unsigned long long size_from_proc(void)
{
	unsigned long long size = 0;
	char line[1024], text[32], server[64];
	FILE *file = fopen(PROC "ftp", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*u running %*s %*u %31s %*s %*s %*s %*s %63s",
			   text, server) != 2)
			continue;
		if (strcmp(server, bar.server))
			continue;
		size = strtoull(text, NULL, 10);
		break;
	}
	fclose(file);
	return size;
}

static void human(double n, char *buf, size_t len)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	for (; n >= 1024 && i < 4; i++)
		n /= 1024;
	snprintf(buf, len, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

static void draw(double start)
{
	static unsigned long long size;
	unsigned long long at;
	char done[32], rate[32], hashes[31];
	double took = seconds() - start;
	struct stat st;
	int n;

	if (!size)
		size = size_from_proc();
	at = fstat(bar.fd, &st) ? 0 : st.st_size;
	/* Perhaps faster than its size could be read */
	if (bar.whole)
		size = at;
	human(at, done, sizeof(done));
	human(took > 0 ? (at - bar.from) / took : 0, rate, sizeof(rate));
	if (!size) {
		fprintf(stderr, "\r%12s %12s/s\033[K", done, rate);
		return;
	}
	n = at >= size ? 30 : at * 30 / size;
	memset(hashes, '#', sizeof(hashes));
	hashes[n] = '\0';
	fprintf(stderr, "\r[%-30s] %3d%% %12s %12s/s\033[K", hashes,
		at >= size ? 100 : (int)(at * 100 / size), done, rate);
}

static void *draw_thread(void *arg)
{
	double start = seconds();
	struct timespec until;

	pthread_mutex_lock(&bar.lock);
	while (!bar.over) {
		draw(start);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 200000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&bar.end, &bar.lock, &until);
	}
	pthread_mutex_unlock(&bar.lock);
	draw(start);
	fputc('\n', stderr);
	return NULL;
}

/*
 * Draw until progress_stop(). Signals stay with the calling thread, which is
 * the one that transfers.
 */
void progress_start(int fd, unsigned long long from, const char *server)
{
	sigset_t all, old;

	bar.fd = fd;
	bar.from = from;
	snprintf(bar.server, sizeof(bar.server), "%s", server);
	bar.over = false;
	bar.whole = false;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	bar.running = !pthread_create(&bar.thread, NULL, draw_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void progress_stop(bool whole)
{
	if (!bar.running)
		return;
	pthread_mutex_lock(&bar.lock);
	bar.over = true;
	bar.whole = whole;
	pthread_cond_signal(&bar.end);
	pthread_mutex_unlock(&bar.lock);
	pthread_join(bar.thread, NULL);
	bar.running = false;
}
