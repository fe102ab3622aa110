// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print the rate of this machine's time stamp counter in kHz. QEMU's emulated
 * processors read that counter, and a guest cannot measure it on a busy host.
 */

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* A pair of readings that nothing came between: the closest of many */
static void read_pair(int64_t *ns, uint64_t *tsc)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 1000; i++) {
		int64_t before = now_ns();
		uint64_t t = __rdtsc();
		int64_t after = now_ns();

		if (after - before < best) {
			best = after - before;
			*ns = before + best / 2;
			*tsc = t;
		}
	}
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	uint64_t from, to;
	int64_t begin, end;

	read_pair(&begin, &from);
	nanosleep(&pause, NULL);
	read_pair(&end, &to);
	printf("%.0f\n", (to - from) * 1e6 / (end - begin));
	return 0;
}
