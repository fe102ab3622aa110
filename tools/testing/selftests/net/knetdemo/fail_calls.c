// SPDX-License-Identifier: GPL-2.0-only
/*
 * To be loaded before the C library: the calls that KND_FAIL names fail, as on
 * a disk that breaks.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool fails(const char *call)
{
	const char *which = getenv("KND_FAIL");

	if (!which || strcmp(which, call))
		return false;
	errno = EIO;
	return true;
}

int fsync(int fd)
{
	int (*next)(int fd) = dlsym(RTLD_NEXT, "fsync");

	return fails("fsync") ? -1 : next(fd);
}

int rename(const char *from, const char *to)
{
	int (*next)(const char *from, const char *to) =
		dlsym(RTLD_NEXT, "rename");

	return fails("rename") ? -1 : next(from, to);
}
