/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: text that users write
 */

#ifndef _NET_KNETDEMO_TEXT_H
#define _NET_KNETDEMO_TEXT_H

#include <linux/types.h>

int knd_text_value(const char *from, size_t len, char *text, size_t size);
char *knd_text_word(char **text);
int knd_text_number(const char *text, unsigned int base, u32 min, u32 max,
		    u32 *value);

#endif /* _NET_KNETDEMO_TEXT_H */
