// SPDX-License-Identifier: GPL-2.0-only
// A file that the kernel opens by its name and writes to
// 6.12: builds
// 7.3: builds

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>

ssize_t save(const char *name, int fd, const void *data, size_t len);
ssize_t save(const char *name, int fd, const void *data, size_t len)
{
	loff_t pos = 0;
	ssize_t n;
#ifdef THEN
	/* In the namespace and with the rights of whoever runs this */
	struct file *file = filp_open(name, O_WRONLY | O_CREAT, 0644);

	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_write(file, data, len, &pos);
	filp_close(file, NULL);
#else
	/* The caller has opened it, with its own rights */
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	n = kernel_write(file, data, len, &pos);
	fput(file);
#endif
	return n;
}
