// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local file of a retrieval: FILE.part, which is renamed to FILE when it is
 * complete, or an unnamed file that is then copied to the standard output.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knetdemo.h"

/*
 * Return the name that the file gets; NULL stands for the standard output. An
 * existing regular file of this name will be replaced.
 */
const char *local_name(const struct url *u, const struct options *opt)
{
	const char *name = opt->output;
	const char *last;
	struct stat st;

	if (name && !strcmp(name, "-"))
		return NULL;
	if (!name)
		name = basename(copy_of(u->path));
	last = basename(copy_of(name));
	if (!*name || name[strlen(name) - 1] == '/' || !strcmp(last, ".") ||
	    !strcmp(last, ".."))
		die(EXIT_USAGE, "no name of a file: see --output");
	if (!stat(name, &st) && !S_ISREG(st.st_mode))
		die(EXIT_LOCAL, "%s is there, and not a regular file", name);
	return name;
}

/* Return the size of the file, or exit: without it, no offset is known */
unsigned long long part_size(const struct part *p)
{
	struct stat st;

	if (fstat(p->fd, &st))
		die(EXIT_LOCAL, "%s: %s", p->path, strerror(errno));
	return st.st_size;
}

/* Truncate the file to @size */
void cut_part(const struct part *p, unsigned long long size)
{
	if (ftruncate(p->fd, size))
		die(EXIT_LOCAL, "%s: %s: remove it, what is there is wrong",
		    p->path, strerror(errno));
}

static void read_at(const struct part *p, void *buf, size_t len, off_t at)
{
	if (pread(p->fd, buf, len, at) != (ssize_t)len)
		die(EXIT_LOCAL, "%s: it cannot be read at %lld", p->path,
		    (long long)at);
}

/*
 * Are the @len bytes at @at the same as the first ones? A server that accepts
 * REST and ignores it sends those again.
 */
bool part_repeats(const struct part *p, unsigned long long at,
		  unsigned long long len)
{
	static char first[1 << 16], later[1 << 16];
	unsigned long long done;
	size_t n;

	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(first) ? len - done : sizeof(first);
		read_at(p, first, n, done);
		read_at(p, later, n, at + done);
		if (memcmp(first, later, n))
			return false;
	}
	return true;
}

/*
 * Return the time that the server's date must not exceed, so that what the
 * .part has is a part of the server's file. After a failure this is the date
 * that the server said: see date_part(). It has no fraction of a second, in a
 * file whose other times have one.
 *
 * A retrieval that was killed left the time of its last write. The server's
 * file may have changed before that, so take the time when the .part was begun.
 */
static time_t part_date(const struct part *p)
{
	struct statx st;

	if (statx(p->fd, "", AT_EMPTY_PATH,
		  STATX_MTIME | STATX_CTIME | STATX_BTIME, &st))
		die(EXIT_LOCAL, "%s: %s", p->path, strerror(errno));
	if (!st.stx_mtime.tv_nsec && st.stx_ctime.tv_nsec)
		return st.stx_mtime.tv_sec;
	if (st.stx_mask & STATX_BTIME &&
	    st.stx_btime.tv_sec < st.stx_mtime.tv_sec)
		return st.stx_btime.tv_sec;
	return st.stx_mtime.tv_sec;
}

/*
 * The new file gets the mode of the file that it replaces. If that file belongs
 * to another user, its mode can remove permissions but not add any.
 */
static void find_mode(struct part *p)
{
	struct stat st;
	mode_t mask;

	p->has_mode = !lstat(p->name, &st) && S_ISREG(st.st_mode);
	if (!p->has_mode)
		return;
	p->mode = st.st_mode & 0777;
	if (st.st_uid == geteuid())
		return;
	mask = umask(0);
	umask(mask);
	p->mode &= 0666 & ~mask;
}

/*
 * Open the file that the data is written to. Other users may write to its
 * directory: an existing file must belong to this user, have no other name, and
 * not be in use by another retrieval.
 */
void open_part(struct part *p, const char *name, bool resume)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat st, there;
	bool is_new;

	p->name = name;
	if (snprintf(p->path, sizeof(p->path), "%s.part", name) >=
	    (int)sizeof(p->path))
		die(EXIT_USAGE, "the name of the file is too long");
	find_mode(p);
	for (;; close(p->fd)) {
		p->fd = open(p->path, flags | O_CREAT | O_EXCL,
			     p->has_mode ? 0600 : 0666);
		is_new = p->fd >= 0;
		if (!is_new && errno == EEXIST) {
			p->fd = open(p->path, flags);
			if (p->fd < 0 && errno == ENOENT)
				continue;
		}
		if (p->fd < 0 || fstat(p->fd, &st))
			die(EXIT_LOCAL, "%s: %s", p->path, strerror(errno));
		if (!is_new && (!S_ISREG(st.st_mode) || st.st_nlink > 1 ||
				st.st_uid != geteuid()))
			die(EXIT_LOCAL, "%s is there, and not a file of ours",
			    p->path);
		if (flock(p->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
			die(EXIT_LOCAL, "%s: somebody else retrieves it",
			    p->path);
		/* The previous holder of the lock may have renamed the file */
		if (!lstat(p->path, &there) && there.st_ino == st.st_ino &&
		    there.st_dev == st.st_dev)
			break;
	}
	/*
	 * Until put_in_place(), the owner can read and write the .part. No
	 * other user has more rights than on the file that it replaces.
	 */
	if (p->has_mode)
		fchmod(p->fd, p->mode | 0600);
	if (!resume)
		cut_part(p, 0);
	p->mtime = resume ? part_date(p) : 0;
}

/* The kernel only writes to regular files, not to the standard output */
void open_unnamed(struct part *p)
{
	const char *dir = getenv("TMPDIR");

	if (!dir || !*dir)
		dir = "/tmp";
	p->name = NULL;
	snprintf(p->path, sizeof(p->path), "%s/knetdemo.XXXXXX", dir);
	p->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (p->fd >= 0)
		return;
	/* Not all file systems have O_TMPFILE */
	p->fd = mkostemp(p->path, O_CLOEXEC);
	if (p->fd < 0)
		die(EXIT_LOCAL, "%s: %s", dir, strerror(errno));
	unlink(p->path);
}

/*
 * Give the file the date that the server said. A later --resume compares it
 * with the server's date then, and so does not depend on the local clock.
 */
void date_part(const struct part *p, unsigned long long mtime)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = mtime },
	};

	futimens(p->fd, times);
}

static void copy_to_stdout(const struct part *p)
{
	static char buf[1 << 16];
	ssize_t have, done, n;
	off_t at = 0;

	while ((have = pread(p->fd, buf, sizeof(buf), at)) > 0) {
		for (done = 0; done < have; done += n) {
			n = write(STDOUT_FILENO, buf + done, have - done);
			if (n < 0 && errno == EINTR && !caught)
				n = 0;
			if (n < 0)
				die(errno == EINTR ? EXIT_SIGNAL : EXIT_LOCAL,
				    "the standard output: %s", strerror(errno));
		}
		at += have;
	}
	if (have < 0)
		die(EXIT_LOCAL, "%s: %s", p->path, strerror(errno));
}

/* The file is complete: synchronise and rename it */
void put_in_place(const struct part *p)
{
	char *copy;
	int dir;

	if (!p->name) {
		copy_to_stdout(p);
		return;
	}
	/* EPERM: the file system has no modes */
	if (p->has_mode && fchmod(p->fd, p->mode) && errno != EPERM)
		die(EXIT_LOCAL, "%s: %s", p->path, strerror(errno));
	if (fsync(p->fd))
		die(EXIT_LOCAL, "%s: %s: what is there may be wrong", p->path,
		    strerror(errno));
	if (rename(p->path, p->name))
		die(EXIT_LOCAL, "%s: %s: %s has the whole file", p->name,
		    strerror(errno), p->path);
	copy = copy_of(p->name);
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		/* Some file systems cannot synchronise a directory */
		if (fsync(dir) && errno != EINVAL && errno != EROFS)
			die(EXIT_LOCAL, "%s: %s", copy, strerror(errno));
		close(dir);
	}
	free(copy);
}
