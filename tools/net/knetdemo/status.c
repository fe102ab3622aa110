// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo status: all services on one screen.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "knetdemo.h"

static void print_stats(const char *role)
{
	size_t len = strlen(role);
	unsigned long long value;
	char name[64];
	FILE *file = open_proc("stats");
	int column = 0;

	while (fscanf(file, "%63s %llu", name, &value) == 2) {
		if (strncmp(name, role, len) || name[len] != '_')
			continue;
		if (!value)
			continue;
		column += printf("%s%s %llu", column ? ", " : "  ",
				 name + len + 1, value);
		if (column > 60) {
			putchar('\n');
			column = 0;
		}
	}
	if (column)
		putchar('\n');
	fclose(file);
}

static void print_file(const char *name, int max)
{
	char line[1024], path[256];
	int more = 0;
	FILE *file;

	snprintf(path, sizeof(path), PROC "%s", name);
	file = fopen(path, "re");
	if (!file) {
		printf("  (%s)\n", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (max-- > 0) {
			fputs("  ", stdout);
			put_line(line);
		} else {
			more++;
		}
	}
	if (more)
		printf("  ... %d more in %s\n", more, path);
	fclose(file);
}

static void print_role(const char *role, const char *title)
{
	long long on = read_number(SYSCTL, role);

	printf("%s: %s\n", title, on > 0 ? "on" : "off");
	print_stats(role);
}

int status(void)
{
	if (access(PROC "stats", R_OK))
		die(EXIT_DEVICE, PROC "stats: %s", strerror(errno));
	print_role("monitor", "Monitor");
	print_role("tcp", "TCP service");
	print_file("tcp", 10);
	print_role("udp", "UDP emitter");
	if (read_number(SYSCTL, "udp") > 0)
		print_file("udp", 40);
	puts("FTP client:");
	print_stats("ftp");
	print_file("ftp", 6);
	flush_output();
	return EXIT_OK;
}
