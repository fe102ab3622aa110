// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo watch: show connections as they are opened.
 */

#include <time.h>

#include "knetdemo.h"

/*
 * Print what is new in the ring, or only what the columns are; returns the last
 * number that was there.
 */
static unsigned long long print_new(unsigned long long last, bool print)
{
	FILE *file = open_proc("connections");
	unsigned long long seq;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %llu ", &seq) != 1) {
			if (!print && *line != '#')
				put_line(line);
			/* The module was loaded anew */
			if (sscanf(line, "# attempts %llu ", &seq) == 1 &&
			    seq < last)
				last = 0;
			continue;
		}
		if (seq <= last)
			continue;
		if (print && last && seq > last + 1)
			printf("# %llu not seen: the ring was too small\n",
			       seq - last - 1);
		if (print)
			put_line(line);
		last = seq;
	}
	fclose(file);
	return last;
}

int watch(void)
{
	const struct timespec tick = { .tv_nsec = 200000000 };
	unsigned long long last;

	catch_signals();
	if (read_number(SYSCTL, "monitor") == 0)
		say("the monitor is off: sysctl net.knetdemo.monitor=1");
	last = print_new(0, false);
	while (!caught) {
		last = print_new(last, true);
		if (caught)
			break;
		flush_output();
		nanosleep(&tick, NULL);
	}
	return EXIT_SIGNAL;
}
