// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: text that users write
 *
 * Pure functions, for the values of sysctls and for the lines that "filter" and
 * "tcp" take.
 */

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "text.h"

/* These separate words. Some editors put a CR at the end of each line. */
static const char knd_blanks[] = " \t\r";

static bool knd_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/**
 * knd_text_value - copy the one value that a write contains
 * @from: what was written, which does not have to end with a NUL
 * @len: length of that
 * @text: where the value goes, without the blanks around it and without the
 *	newline that echo and sysctl put at its end
 * @size: size of @text
 *
 * Context: any.
 * Return: 0, or -EINVAL where the value does not fit, or has a NUL or a second
 * line; @text is undefined then.
 */
int knd_text_value(const char *from, size_t len, char *text, size_t size)
{
	while (len && knd_is_blank(from[len - 1]))
		len--;
	if (len && from[len - 1] == '\n')
		len--;
	while (len && knd_is_blank(from[len - 1]))
		len--;
	for (; len && knd_is_blank(*from); len--)
		from++;
	if (len >= size || memchr(from, '\n', len) || memchr(from, '\0', len))
		return -EINVAL;
	memcpy(text, from, len);
	text[len] = '\0';
	return 0;
}

/**
 * knd_text_word - take the next word from a line
 * @text: the rest of the line, moved behind the word; NULL after its last word
 *
 * Context: any.
 * Return: the word, with a NUL at its end, or NULL where there is none.
 */
char *knd_text_word(char **text)
{
	char *word;

	do
		word = strsep(text, knd_blanks);
	while (word && !*word);
	return word;
}

/**
 * knd_text_number - read a number
 * @text: digits and nothing else: no sign, no blank
 * @base: 10, or 0 to take a number that begins with 0x as hexadecimal and one
 *	that begins with 0 as octal
 * @min: smallest number that is valid
 * @max: largest one
 * @value: where the number goes; untouched on error
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int knd_text_number(const char *text, unsigned int base, u32 min, u32 max,
		    u32 *value)
{
	u32 number;

	/* kstrtou32() takes a "+" and a newline */
	if (!isdigit(*text) || strchr(text, '\n') ||
	    kstrtou32(text, base, &number) || number < min || number > max)
		return -EINVAL;
	*value = number;
	return 0;
}
