// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo filter: show connections to one address only.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/knetdemo.h>

#include "knetdemo.h"

int filter(const char *text)
{
	struct in6_addr addr6;
	struct in_addr addr;
	char line[128];
	int fd;

	if (!strcmp(text, "any") || !strcmp(text, "::"))
		text = "0.0.0.0";
	if (inet_pton(AF_INET, text, &addr) == 1) {
		__be32 be = addr.s_addr;

		fd = open_device();
		if (ioctl(fd, KNETDEMO_IOC_FILTER_ADDRESS, &be))
			die(EXIT_DEVICE, DEVICE ": %s", strerror(errno));
	} else if (inet_pton(AF_INET6, text, &addr6) == 1) {
		/* The ioctl takes IPv4 only. One write() is atomic as well. */
		snprintf(line, sizeof(line), "flush\nadd %s\n", text);
		fd = open(PROC "filter", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, line, strlen(line)) < 0)
			die(EXIT_DEVICE, PROC "filter: %s", strerror(errno));
	} else {
		die(EXIT_USAGE, "%s: not an address", text);
	}
	close(fd);
	return EXIT_OK;
}
