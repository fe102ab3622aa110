// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /proc/sys/net/knetdemo
 *
 * Every file goes through knd_sysctl(): a written value is decoded into a
 * copy and stored, and the role that it belongs to is asked to follow. If the
 * role cannot, the old value is restored and the writer gets the error.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/netdevice.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/time64.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "access.h"
#include "knetdemo.h"
#include "sock.h"
#include "sysctl.h"
#include "tcp_service.h"

/* How long a switch waits that is to start last */
#define KND_DEFER_DELAY	(2 * HZ)

/**
 * struct knd_knob - a file
 * @name: name of the file
 * @offset: offset of the member in &struct knd_config
 * @size: size of that member
 * @role: for a switch or a parameter of a role that has a switch, which one;
 *	KND_ROLE_MAX for other files
 * @is_switch: whether the file is the switch of @role
 * @min: smallest number
 * @max: largest number
 * @parse: decodes text without blanks around it into a copy of the member;
 *	called with &knd_net.lock held, returns 0 or -EINVAL or what else is
 *	wrong with the text
 * @show: prints the member into a buffer of KND_TEXT_LEN bytes
 * @apply: makes the role follow a changed value, called with &knd_net.lock
 *	held; on error the role goes on as before. NULL where the role reads the
 *	member each time that it needs it.
 * @reap: for the switch of a role that can end by itself, or NULL: returns
 *	true once after it has ended, called with &knd_net.lock held
 */
struct knd_knob {
	const char *name;
	size_t offset;
	size_t size;
	enum knd_role role;
	bool is_switch;
	int min;
	int max;
	int (*parse)(struct knd_net *kn, const struct knd_knob *knob,
		     const char *text, void *value);
	void (*show)(const struct knd_knob *knob, const void *value,
		     char *text);
	int (*apply)(struct knd_net *kn);
	bool (*reap)(struct knd_net *kn);
};

/* The whole text is one number: no sign, nothing behind it */
static int knd_number_parse(struct knd_net *kn, const struct knd_knob *knob,
			    const char *text, void *value)
{
	int number;

	if (!isdigit(*text) || kstrtoint(text, 0, &number) ||
	    number < knob->min || number > knob->max)
		return -EINVAL;
	*(int *)value = number;
	return 0;
}

static void knd_number_show(const struct knd_knob *knob, const void *value,
			    char *text)
{
	snprintf(text, KND_TEXT_LEN, "%d", *(const int *)value);
}

/* A service is stored as a number and shown by its name */
static int knd_service_parse(struct knd_net *kn, const struct knd_knob *knob,
			     const char *text, void *value)
{
	int i = knd_service_find(text);

	if (i < 0)
		return i;
	*(int *)value = i;
	return 0;
}

static void knd_service_show(const struct knd_knob *knob, const void *value,
			     char *text)
{
	strscpy(text, knd_services[*(const int *)value]->name, KND_TEXT_LEN);
}

/* Zeros follow the text, so that equal texts are equal members */
static int knd_text_parse(struct knd_net *kn, const struct knd_knob *knob,
			  const char *text, void *value)
{
	if (strlen(text) >= knob->size)
		return -EINVAL;
	strscpy_pad(value, text, knob->size);
	return 0;
}

static void knd_text_show(const struct knd_knob *knob, const void *value,
			  char *text)
{
	strscpy(text, value, KND_TEXT_LEN);
}

static int knd_addr_knob_parse(struct knd_net *kn, const struct knd_knob *knob,
			       const char *text, void *value)
{
	struct sockaddr_storage addr;
	int err;

	err = knd_addr_parse(kn->net, text, 0, &addr);
	return err ?: knd_text_parse(kn, knob, text, value);
}

/* No text at all stands for an address that the stack chooses */
static int knd_addr_or_none_parse(struct knd_net *kn,
				  const struct knd_knob *knob,
				  const char *text, void *value)
{
	return *text ? knd_addr_knob_parse(kn, knob, text, value) :
		       knd_text_parse(kn, knob, text, value);
}

/* The device may be made later: it is looked up where it is used */
static int knd_dev_or_none_parse(struct knd_net *kn,
				 const struct knd_knob *knob,
				 const char *text, void *value)
{
	if (*text && !dev_valid_name(text))
		return -EINVAL;
	return knd_text_parse(kn, knob, text, value);
}

/* A mark has 32 bits, which a number here has not */
static int knd_mark_parse(struct knd_net *kn, const struct knd_knob *knob,
			  const char *text, void *value)
{
	unsigned int mark;

	if (!isdigit(*text) || kstrtouint(text, 0, &mark))
		return -EINVAL;
	*(unsigned int *)value = mark;
	return 0;
}

static void knd_mark_show(const struct knd_knob *knob, const void *value,
			  char *text)
{
	snprintf(text, KND_TEXT_LEN, "%u", *(const unsigned int *)value);
}

#define KND_KNOB(_name, _role, _parse, _show, _apply, ...) {		\
	.name	= #_name,						\
	.offset	= offsetof(struct knd_config, _name),			\
	.size	= sizeof_field(struct knd_config, _name),		\
	.role	= _role,						\
	.parse	= _parse,						\
	.show	= _show,						\
	.apply	= _apply,						\
	__VA_ARGS__							\
}

#define KND_NUMBER(_name, _role, _min, _max, _apply)			\
	KND_KNOB(_name, _role, knd_number_parse, knd_number_show,	\
		 _apply, .min = _min, .max = _max)

#define KND_SWITCH(_name, _role, _apply, _reap)				\
	KND_KNOB(_name, _role, knd_number_parse, knd_number_show,	\
		 _apply, .max = KND_SWITCH_DEFERRED, .is_switch = true,	\
		 .reap = _reap)

#define KND_TEXT(_name, _role, _parse, _apply)				\
	KND_KNOB(_name, _role, _parse, knd_text_show, _apply)

static const struct knd_knob knd_knobs[] = {
	KND_NUMBER(monitor, KND_ROLE_MAX, 0, 1, knd_monitor_apply),
	KND_NUMBER(monitor_log, KND_ROLE_MAX, 0, 1, NULL),
	KND_NUMBER(monitor_ring, KND_ROLE_MAX, 16, 65536, knd_monitor_apply),
	KND_SWITCH(tcp, KND_ROLE_TCP, knd_tcp_apply, NULL),
	KND_TEXT(tcp_addr, KND_ROLE_TCP, knd_addr_knob_parse, knd_tcp_apply),
	KND_NUMBER(tcp_port, KND_ROLE_TCP, 1, 65535, knd_tcp_apply),
	KND_KNOB(tcp_service, KND_ROLE_TCP, knd_service_parse,
		 knd_service_show, knd_tcp_apply),
	KND_NUMBER(tcp_backlog, KND_ROLE_TCP, 1, 65535, knd_tcp_apply),
	KND_NUMBER(tcp_max_conns, KND_ROLE_TCP, 1, 1048576, NULL),
	KND_NUMBER(tcp_max_conns_per_source, KND_ROLE_TCP, 0, 1048576, NULL),
	KND_NUMBER(tcp_log, KND_ROLE_MAX, 0, 1, NULL),
	KND_NUMBER(tcp_idle_ms, KND_ROLE_TCP, 0, INT_MAX, knd_tcp_apply),
	KND_SWITCH(udp, KND_ROLE_UDP, knd_udp_apply, knd_udp_reap),
	KND_TEXT(udp_daddr, KND_ROLE_UDP, knd_addr_knob_parse, knd_udp_apply),
	KND_NUMBER(udp_dport, KND_ROLE_UDP, 1, 65535, knd_udp_apply),
	KND_TEXT(udp_saddr, KND_ROLE_UDP, knd_addr_or_none_parse,
		 knd_udp_apply),
	KND_NUMBER(udp_sport, KND_ROLE_UDP, 0, 65535, knd_udp_apply),
	KND_TEXT(udp_message, KND_ROLE_UDP, knd_text_parse, knd_udp_apply),
	KND_NUMBER(udp_size, KND_ROLE_UDP, 0, 65507, knd_udp_apply),
	KND_NUMBER(udp_count, KND_ROLE_UDP, 0, INT_MAX, knd_udp_apply),
	KND_NUMBER(udp_interval_us, KND_ROLE_UDP, 0, INT_MAX, knd_udp_apply),
	KND_NUMBER(udp_rate_pps, KND_ROLE_UDP, 0, NSEC_PER_SEC, knd_udp_apply),
	KND_NUMBER(udp_linger_ms, KND_ROLE_UDP, 0, 60000, NULL),
	KND_NUMBER(udp_gso, KND_ROLE_UDP, 1, 128, knd_udp_apply),
	KND_NUMBER(udp_stamp, KND_ROLE_UDP, 0, 1, knd_udp_apply),
	KND_TEXT(udp_dev, KND_ROLE_UDP, knd_dev_or_none_parse, knd_udp_apply),
	KND_NUMBER(udp_ttl, KND_ROLE_UDP, 0, 255, knd_udp_apply),
	KND_NUMBER(udp_tos, KND_ROLE_UDP, 0, 255, knd_udp_apply),
	KND_KNOB(udp_mark, KND_ROLE_UDP, knd_mark_parse, knd_mark_show,
		 knd_udp_apply),
	KND_NUMBER(udp_df, KND_ROLE_UDP, 0, KND_UDP_DF_MAX, knd_udp_apply),
	KND_NUMBER(ftp_timeout_ms, KND_ROLE_MAX, 100, 600000, NULL),
};

static const struct knd_config knd_config_defaults = {
	.monitor_log		= 1,
	.monitor_ring		= 256,
	.tcp_addr		= "127.0.0.1",
	.tcp_port		= 60000,
	.tcp_backlog		= 128,
	.tcp_max_conns		= 1024,
	.tcp_log		= 1,
	.tcp_idle_ms		= 60000,
	.udp_daddr		= "127.0.0.1",
	.udp_dport		= 60001,
	.udp_message		= "kernelsocket",
	.udp_count		= 1,
	.udp_interval_us	= 1000000,
	.udp_linger_ms		= 200,
	.udp_gso		= 1,
	.ftp_timeout_ms		= 30000,
};

/* Numbers are read without a lock */
static void knd_knob_store(const struct knd_knob *knob, void *member,
			   const void *value)
{
	if (knob->size == sizeof(int))
		WRITE_ONCE(*(int *)member, *(const int *)value);
	else
		memcpy(member, value, knob->size);
}

/*
 * Switch off the roles that have ended by themselves. Called before a switch
 * is read or a role is asked to follow: the switch would start the role again.
 */
static void knd_sysctl_reap(struct knd_net *kn)
{
	int i;

	lockdep_assert_held(&kn->lock);
	for (i = 0; i < KND_ROLE_MAX; i++) {
		const struct knd_knob *knob = kn->deferred[i].knob;
		int *member = (void *)&kn->cfg + knob->offset;

		if (knob->reap && knob->reap(kn))
			WRITE_ONCE(*member, 0);
	}
}

/* Store a value and make its role follow, or restore the old value */
static int knd_knob_set(struct knd_net *kn, const struct knd_knob *knob,
			const void *value)
{
	void *member = (void *)&kn->cfg + knob->offset;
	char old[KND_TEXT_LEN] __aligned(sizeof(int));
	int err;

	lockdep_assert_held(&kn->lock);
	memcpy(old, member, knob->size);
	if (!memcmp(value, old, knob->size))
		return 0;
	knd_knob_store(knob, member, value);
	err = knob->apply ? knob->apply(kn) : 0;
	if (err)
		knd_knob_store(knob, member, old);
	return err;
}

/* Forget that a role was to start */
static void knd_deferred_cancel(struct knd_deferred *deferred)
{
	if (deferred->cred)
		put_cred(deferred->cred);
	deferred->cred = NULL;
}

static void knd_deferred_work(struct work_struct *work)
{
	struct knd_deferred *deferred =
		container_of(to_delayed_work(work), struct knd_deferred, work);
	const struct knd_knob *knob = deferred->knob;
	struct knd_net *kn = deferred->kn;
	const struct cred *old;
	const int on = 1;
	int err;

	mutex_lock(&kn->lock);
	if (!deferred->cred)
		goto unlock;
	if (time_before(jiffies, deferred->start_at)) {
		schedule_delayed_work(&deferred->work,
				      deferred->start_at - jiffies);
		goto unlock;
	}

	knd_sysctl_reap(kn);
	/* With the rights of the writer: may it bind to a low port? */
	old = override_creds(deferred->cred);
	err = knd_knob_set(kn, knob, &on);
	revert_creds(old);
	knd_deferred_cancel(deferred);
	if (err && knd_may_log(kn))
		pr_warn("%s could not be started: error %d\n", knob->name,
			err);
unlock:
	mutex_unlock(&kn->lock);
}

/*
 * A switch. Files for sysctl are in any order, those made of what sysctl shows
 * have the switch before its parameters. What a switch shows while its role is
 * on is therefore a value that starts the role after the parameters.
 */
static int knd_switch_set(struct knd_net *kn, const struct knd_knob *knob,
			  int value)
{
	struct knd_deferred *deferred = &kn->deferred[knob->role];
	int *member = (void *)&kn->cfg + knob->offset;
	int err;

	if (value == KND_SWITCH_DEFERRED) {
		/* A role that is on follows its parameters already */
		if (READ_ONCE(*member) || deferred->cred)
			return 0;
		deferred->cred = get_current_cred();
		deferred->start_at = jiffies + KND_DEFER_DELAY;
		schedule_delayed_work(&deferred->work, KND_DEFER_DELAY);
		return 0;
	}
	err = knd_knob_set(kn, knob, &value);
	if (!err)
		knd_deferred_cancel(deferred);
	return err;
}

static int knd_sysctl_store(struct knd_net *kn, const struct knd_knob *knob,
			    const char *text)
{
	char value[KND_TEXT_LEN] __aligned(sizeof(int));
	int err;

	err = knob->parse(kn, knob, text, value);
	if (err)
		return err;
	if (knob->is_switch)
		return knd_switch_set(kn, knob, *(int *)value);
	err = knd_knob_set(kn, knob, value);
	if (!err && knob->role != KND_ROLE_MAX)
		kn->deferred[knob->role].start_at = jiffies + KND_DEFER_DELAY;
	return err;
}

static void knd_sysctl_show(struct knd_net *kn, const struct knd_knob *knob,
			    char *text)
{
	const void *value = (void *)&kn->cfg + knob->offset;
	int on;

	if (knob->is_switch) {
		on = READ_ONCE(*(const int *)value) ||
		     kn->deferred[knob->role].cred ? KND_SWITCH_DEFERRED : 0;
		value = &on;
	}
	knob->show(knob, value, text);
}

static bool knd_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Copy what was written to @text, without the blanks around it and the newline
 * that echo and sysctl put behind it. @buffer does not have to end with a NUL.
 */
static int knd_sysctl_trim(const char *buffer, size_t len, char *text)
{
	while (len && knd_is_blank(buffer[len - 1]))
		len--;
	if (len && buffer[len - 1] == '\n')
		len--;
	while (len && knd_is_blank(buffer[len - 1]))
		len--;
	for (; len && knd_is_blank(*buffer); len--)
		buffer++;
	if (len >= KND_TEXT_LEN || memchr(buffer, '\n', len) ||
	    memchr(buffer, '\0', len))
		return -EINVAL;
	memcpy(text, buffer, len);
	text[len] = '\0';
	return 0;
}

/*
 * The only parser of all files: the helpers of sysctl take the first number of
 * "0 junk" and the first line of several.
 */
static int knd_sysctl(const struct ctl_table *table, int write, void *buffer,
		      size_t *lenp, loff_t *ppos)
{
	const struct knd_knob *knob = table->extra1;
	struct knd_net *kn = table->extra2;
	char text[KND_TEXT_LEN];
	struct ctl_table shown = { .data = text, .maxlen = sizeof(text) };
	int err;

	if (!write) {
		mutex_lock(&kn->lock);
		knd_sysctl_reap(kn);
		knd_sysctl_show(kn, knob, text);
		mutex_unlock(&kn->lock);
		return proc_dostring(&shown, write, buffer, lenp, ppos);
	}

	/* The mode of the file lets any process of root's write */
	if (!knd_may_configure(kn, NULL))
		return -EPERM;
	if (!*lenp)
		return 0;
	err = knd_sysctl_trim(buffer, *lenp, text);
	if (err)
		return err;
	if (*ppos) {
		/* A value comes in one write, only its newline may follow */
		if (*text)
			return -EINVAL;
	} else {
		mutex_lock(&kn->lock);
		knd_sysctl_reap(kn);
		err = knd_sysctl_store(kn, knob, text);
		mutex_unlock(&kn->lock);
		if (err)
			return err;
	}
	*ppos += *lenp;
	return 0;
}

/**
 * knd_sysctl_init - set the knobs to their defaults and show them
 * @kn: the component in a namespace that is being set up
 *
 * Where the namespace belongs to a user namespace that is not the initial
 * one, any user could have made it: the knobs can be read there, not written.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int __net_init knd_sysctl_init(struct knd_net *kn)
{
	umode_t mode = knd_may_configure_anyone(kn) ? 0644 : 0444;
	struct ctl_table *table;
	size_t i;

	kn->cfg = knd_config_defaults;
	for (i = 0; i < ARRAY_SIZE(knd_knobs); i++) {
		const struct knd_knob *knob = &knd_knobs[i];

		if (!knob->is_switch)
			continue;
		kn->deferred[knob->role].kn = kn;
		kn->deferred[knob->role].knob = knob;
		INIT_DELAYED_WORK(&kn->deferred[knob->role].work,
				  knd_deferred_work);
	}

	table = kzalloc_objs(*table, ARRAY_SIZE(knd_knobs), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(knd_knobs); i++) {
		table[i].procname = knd_knobs[i].name;
		table[i].data = (void *)&kn->cfg + knd_knobs[i].offset;
		table[i].maxlen = knd_knobs[i].size;
		table[i].mode = mode;
		table[i].proc_handler = knd_sysctl;
		table[i].extra1 = (void *)&knd_knobs[i];
		table[i].extra2 = kn;
	}
	kn->sysctl = register_net_sysctl_sz(kn->net, "net/knetdemo", table,
					    ARRAY_SIZE(knd_knobs));
	if (!kn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

/**
 * knd_sysctl_exit - remove the knobs
 * @kn: the component in a namespace
 *
 * Context: process, &knd_net.lock not held: waits for handlers, which take it.
 */
void __net_exit knd_sysctl_exit(struct knd_net *kn)
{
	const struct ctl_table *table = kn->sysctl->ctl_table_arg;
	int i;

	unregister_net_sysctl_table(kn->sysctl);
	kfree(table);
	for (i = 0; i < KND_ROLE_MAX; i++) {
		cancel_delayed_work_sync(&kn->deferred[i].work);
		knd_deferred_cancel(&kn->deferred[i]);
	}
}
